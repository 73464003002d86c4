"""Signing in at a provider, as somebody who is known here and as somebody who is not."""

import base64
import hashlib
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from tests.factories.callers import PASSWORD, Caller, new_business
from tests.factories.mails import delivered
from tests.sso.browsers import (
    BUSINESS,
    OWN_PAGE,
    SESSION_COOKIE,
    SSO_COOKIE,
    Browser,
    carried,
    new_subject,
)
from tests.sso.conftest import NewApp
from tests.sso.stand_in import StandIn, signed, sound_claims, stand_in


class TestStart:
    def test_sends_the_browser_to_the_provider_with_all_that_binds_the_answer(self, browser: Browser) -> None:
        asked = browser.start(returnTo="/today?new=1")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == "mbs"
        assert asked["redirect_uri"] == "http://localhost/api/auth/sso/callback"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert "openid" in asked["scope"].split()
        assert len(asked["state"]) == len(asked["nonce"]) == 43
        assert asked["max_age"] == str(30 * 24 * 3600)

    def test_never_repeats_itself(self, browser: Browser) -> None:
        first, second = browser.start(), browser.start()
        for name in ("state", "nonce", "code_challenge"):
            assert first[name] != second[name]

    def test_binds_it_to_the_browser(self, browser: Browser) -> None:
        response = browser.get("/api/auth/sso/start")
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith(f"{SSO_COOKIE}=")
        for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1200"):
            assert attribute in cookie.split("; ")
        assert "Domain" not in cookie

    def test_lets_two_tabs_sign_in(self, browser: Browser) -> None:
        first, _ = browser.start(), browser.start()
        browser.provider.claims = sound_claims(browser.provider, first["nonce"], sub=new_subject())
        assert "ticket" in carried(browser.come_back(first["state"]))

    def test_replaces_a_cookie_that_is_not_ours(self, browser: Browser) -> None:
        browser.plant(SSO_COOKIE, "short")
        browser.start()
        assert len(browser.cookie(SSO_COOKIE) or "") == 43

    def test_names_an_own_origin_whatever_host_is_asked_for(self, new_app: NewApp, provider: StandIn) -> None:
        app = new_app(
            provider.url,
            BASE_URL="https://main.test",
            REPLIT_DOMAINS="one.replit.app,two.replit.app",
            ALLOWED_HOSTS="main.test,one.replit.app,two.replit.app,evil.test",
        )
        browser = Browser(app, provider)
        chosen = {}
        for host in ("main.test", "two.replit.app", "evil.test", "two.replit.app:8080"):
            response = browser.get("/api/auth/sso/start", headers={"Host": host})
            query = parse_qs(urlsplit(response.headers["Location"]).query)
            chosen[host] = query["redirect_uri"][0].removesuffix("/api/auth/sso/callback")
        assert chosen == {
            "main.test": "https://main.test",
            "two.replit.app": "https://two.replit.app",
            "evil.test": "https://main.test",
            "two.replit.app:8080": "https://main.test",
        }


class TestTheExchange:
    def test_proves_that_it_is_the_one_that_began(self, browser: Browser) -> None:
        asked = browser.start()
        browser.provider.claims = sound_claims(browser.provider, asked["nonce"], sub=new_subject())
        browser.come_back(asked["state"], code="from the provider")
        _, sent, _ = next(one for one in browser.provider.asked if one[0] == "/token")
        digest = hashlib.sha256(sent["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        assert sent["code"] == ["from the provider"]
        assert sent["redirect_uri"] == [asked["redirect_uri"]]
        assert sent["grant_type"] == ["authorization_code"]

    def test_names_the_client_alone_where_it_has_no_secret(self, browser: Browser) -> None:
        browser.ticket(new_subject())
        _, sent, headers = next(one for one in browser.provider.asked if one[0] == "/token")
        assert sent["client_id"] == ["mbs"]
        assert "Authorization" not in headers

    def test_shows_the_client_s_secret_in_its_form_encoding(self, new_app: NewApp, provider: StandIn) -> None:
        app = new_app(provider.url, OIDC_CLIENT_SECRET="p+ss: wörd%")
        Browser(app, provider).ticket(new_subject())
        _, sent, headers = next(one for one in provider.asked if one[0] == "/token")
        assert "client_secret" not in sent
        scheme, _, value = headers["Authorization"].partition(" ")
        assert (scheme, base64.b64decode(value)) == ("Basic", b"mbs:p%2Bss%3A+w%C3%B6rd%25")


class TestSomebodyWhoIsNotKnown:
    def test_gets_a_ticket_and_no_session(self, browser: Browser) -> None:
        response = browser.sign_in(new_subject(), query={"returnTo": "/welcome"})
        assert response.headers["Location"].startswith("/welcome#ticket=")
        assert SESSION_COOKIE not in response.headers.get("Set-Cookie", "")
        assert browser.person() is None

    def test_registers_a_business_with_it(self, browser: Browser) -> None:
        subject = new_subject()
        said = browser.register(subject, email_verified=True)
        assert (said["user"]["email"], said["role"]) == (f"{subject}@example.com", "owner")
        person = browser.person()
        assert person is not None
        assert person["emailVerified"] is True

    @pytest.mark.parametrize(("vouched", "mails"), [(True, 0), (False, 1), ("true", 1)])
    def test_is_asked_by_mail_whether_an_address_is_theirs_that_nobody_vouches_for(
        self, browser: Browser, environ: dict[str, str], vouched: Any, mails: int
    ) -> None:
        said = browser.register(new_subject(), email_verified=vouched)
        person = browser.person()
        assert person is not None
        assert person["emailVerified"] is (mails == 0)
        assert len(delivered(browser.app, environ).to(said["user"]["email"])) == mails

    def test_may_say_what_the_provider_does_not(self, browser: Browser) -> None:
        subject = new_subject()
        body = {**BUSINESS, "ticket": browser.ticket(subject)}
        refused = browser.post("/api/auth/sso/register", body)
        assert refused.status_code == 400
        assert {fault["field"] for fault in (refused.json or {})["errors"]} == {
            "email",
            "firstName",
            "lastName",
        }
        names = {"email": f"{subject}@example.com", "firstName": "Asha", "lastName": "Rao"}
        accepted = browser.post("/api/auth/sso/register", {**body, **names})
        assert accepted.status_code == 201
        assert (accepted.json or {})["accessToken"]

    def test_is_not_believed_about_an_address_that_they_name_themselves(self, browser: Browser) -> None:
        subject = new_subject()
        ticket = browser.ticket(subject, email=f"{subject}@example.com", email_verified=True)
        names = {"email": f"other-{subject}@example.com", "firstName": "Asha", "lastName": "Rao"}
        body = {**BUSINESS, "ticket": ticket, "session": "browser", **names}
        assert browser.post("/api/auth/sso/register", body, headers=OWN_PAGE).status_code == 201
        person = browser.person()
        assert person is not None
        assert person["emailVerified"] is False

    @pytest.mark.parametrize("hearsay", [["a"], "", "x" * 300, "a\x00b", 7, None, {}])
    def test_is_not_harmed_by_what_the_provider_says_of_them(self, browser: Browser, hearsay: Any) -> None:
        subject = new_subject()
        ticket = browser.ticket(subject, email=hearsay, given_name=hearsay, family_name=hearsay)
        response = browser.post("/api/auth/sso/register", {**BUSINESS, "ticket": ticket})
        assert response.status_code == 400

    def test_does_not_take_an_account_over_by_its_address(self, browser: Browser) -> None:
        owner = new_business(Caller(browser.app))
        ticket = browser.ticket(
            new_subject(), email=owner.email.upper(), email_verified=True, given_name="A", family_name="R"
        )
        response = browser.post("/api/auth/sso/register", {**BUSINESS, "ticket": ticket})
        assert (response.status_code, (response.json or {})["code"]) == (409, "EMAIL_ALREADY_EXISTS")
        assert browser.person() is None

    def test_registers_once(self, browser: Browser) -> None:
        subject = new_subject()
        ticket = browser.ticket(subject)
        names = {"firstName": "Asha", "lastName": "Rao", **BUSINESS, "ticket": ticket}
        first = browser.post("/api/auth/sso/register", {**names, "email": f"1{subject}@example.com"})
        second = browser.post("/api/auth/sso/register", {**names, "email": f"2{subject}@example.com"})
        assert (first.status_code, second.status_code) == (201, 409)
        assert (second.json or {})["code"] == "SSO_IDENTITY_TAKEN"


class TestSomebodyWhoIsKnown:
    def test_is_signed_in_where_they_wanted_to_go(self, browser: Browser, other_browser: Browser) -> None:
        subject = new_subject()
        said = browser.register(subject)
        response = other_browser.sign_in(subject, query={"returnTo": "/today?new=1"})
        assert (response.status_code, response.headers["Location"]) == (303, "/today?new=1")
        person = other_browser.person()
        assert person is not None
        assert person["id"] == said["user"]["id"]

    def test_is_known_by_issuer_and_subject_whatever_their_address(
        self, browser: Browser, other_browser: Browser
    ) -> None:
        subject = new_subject()
        said = browser.register(subject)
        assert other_browser.sign_in(subject, email="another@example.com").status_code == 303
        person = other_browser.person()
        assert person is not None
        assert person["email"] == said["user"]["email"]

    def test_of_another_provider_is_somebody_else(
        self, browser: Browser, new_app: NewApp, provider: StandIn
    ) -> None:
        """The same subject and the same address, said by another issuer, open nothing."""
        subject = new_subject()
        browser.register(subject)
        with stand_in() as second:
            stranger = Browser(new_app(second.url), second)
            response = stranger.sign_in(subject, email=f"{subject}@example.com", email_verified=True)
            assert "ticket" in carried(response)
            assert stranger.person() is None

    def test_gets_a_new_session_in_place_of_the_one_they_had(self, browser: Browser) -> None:
        subject = new_subject()
        browser.register(subject)
        before = browser.cookie(SESSION_COOKIE)
        assert browser.sign_in(subject).status_code == 303
        assert browser.cookie(SESSION_COOKIE) not in (None, before)
        browser.plant(SESSION_COOKIE, before or "")
        assert browser.person() is None

    def test_enters_the_business_they_name_else_the_one_they_were_in_last(self, browser: Browser) -> None:
        subject = new_subject()
        first = browser.register(subject)
        opened = browser.post("/api/tenants", BUSINESS, headers=headers_of(first))
        assert opened.status_code == 201
        second_id = (opened.json or {})["id"]
        entered = []
        for query in ({}, {"tenantId": second_id}, {}, {"tenantId": first["tenant"]["id"]}, {}):
            assert browser.sign_in(subject, query=query).status_code == 303
            entered.append((browser.get("/api/context").json or {})["tenant"]["id"])
        assert entered == [
            first["tenant"]["id"],
            second_id,
            second_id,
            first["tenant"]["id"],
            first["tenant"]["id"],
        ]

    def test_does_not_enter_a_business_that_is_not_theirs(self, browser: Browser) -> None:
        subject = new_subject()
        browser.register(subject)
        foreign = new_business(Caller(browser.app))
        response = browser.sign_in(subject, query={"tenantId": str(foreign.tenant_id)})
        assert (response.status_code, (response.json or {})["code"]) == (400, "INVALID_REFERENCE")

    def test_has_no_password_to_guess(self, browser: Browser) -> None:
        said = browser.register(new_subject())
        for password in (PASSWORD, "None", "null", ""):
            login = {"email": said["user"]["email"], "password": password}
            assert Caller(browser.app).post("/api/auth/login", login).status_code in (400, 401)


class TestProof:
    """How fresh a session is, is what the provider says of it."""

    def test_of_today_admits_to_what_is_sensitive(self, browser: Browser) -> None:
        said = browser.register(new_subject())
        assert self.sensitive(browser, said) == 401  # the ticket's own refusal: the proof was fresh

    @pytest.mark.parametrize("claims", [{"auth_time": int(time.time()) - 3600}, {"auth_time": None}])
    def test_of_yesterday_does_not(self, browser: Browser, claims: dict[str, Any]) -> None:
        if claims["auth_time"] is None:
            browser.provider.id_token = lambda said: signed(
                {name: value for name, value in said.items() if name != "auth_time"}
            )
            claims = {}
        said = browser.register(new_subject(), **claims)
        assert self.sensitive(browser, said) == 403

    def test_is_renewed_at_the_provider(self, browser: Browser) -> None:
        subject, long_ago = new_subject(), int(time.time()) - 3600
        browser.register(subject, auth_time=long_ago)
        asked = browser.start(reauthenticate="true")
        assert (asked["max_age"], asked["prompt"]) == ("0", "login")
        browser.provider.claims = sound_claims(
            browser.provider, asked["nonce"], sub=subject, auth_time=long_ago
        )
        assert browser.come_back(asked["state"]).status_code == 401
        assert browser.sign_in(subject, query={"reauthenticate": "true"}).status_code == 303
        said = browser.get("/api/context").json or {}
        assert self.sensitive(browser, said) == 401

    def sensitive(self, browser: Browser, said: dict[str, Any]) -> int:
        body = {"ticket": "made up"}
        return browser.post("/api/auth/sso/link", body, headers=headers_of(said)).status_code


class TestWhereItIsNotSetUp:
    def test_says_so(self, caller: Caller) -> None:
        assert caller.get("/api/auth/sso").json == {"enabled": False}
        for path in ("/api/auth/sso/start", "/api/auth/sso/callback?state=a&code=b"):
            response = caller.get(path)
            assert (response.status_code, (response.json or {})["code"]) == (404, "SSO_NOT_CONFIGURED")

    def test_is_told_from_where_it_is(self, sso_app: Flask, provider: StandIn) -> None:
        said = Caller(sso_app).get("/api/auth/sso").json
        assert said == {"enabled": True, "issuer": provider.url}
        assert provider.asked == []


def headers_of(said: dict[str, Any]) -> dict[str, str]:
    """Return what a page of the service sends along when it changes something."""
    return {**OWN_PAGE, "X-CSRF-Token": said["csrfToken"]}
