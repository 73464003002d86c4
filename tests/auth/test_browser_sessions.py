"""A browser's session: the cookie that carries it, how long it lives, and what ends it."""

import struct
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.auth.models import ABSOLUTE, IDLE
from mbs.config import Config
from mbs.foundation.caller import Identity
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.foundation.scope import TenantId
from mbs.foundation.session_cookies import NAME, SessionCookies
from mbs.foundation.signing import Signer
from tests.auth.conftest import Sql
from tests.auth.forgery import forged
from tests.conftest import SECRETS
from tests.factories.browsers import Browser
from tests.factories.callers import PASSWORD, Business, Caller
from tests.second_factor.enrolment import enrol, problem
from tests.sign_ins.signed_in import browser_of, current, is_signed_in, join

TOKENS = {"accessToken", "refreshToken", "expiresIn", "tokenType"}


@pytest.fixture
def browser(owner: Business) -> Browser:
    """A browser in which the owner is signed in."""
    return browser_of(owner)


def cookie_of(response: TestResponse) -> SimpleCookie:
    """Return the one cookie that a response sets."""
    assert response.status_code < 300, response.get_data(as_text=True)
    (header,) = response.headers.getlist("Set-Cookie")
    parsed = SimpleCookie(header)
    assert list(parsed) == [NAME]
    return parsed


def stored(sql: Sql, session_id: str) -> dict[str, object]:
    names = ("revoked_reason", "idle_until", "absolute_until", "last_used_at", "address")
    ((*values,),) = sql(f"SELECT {', '.join(names)} FROM login_sessions WHERE id = %s", session_id)
    return dict(zip(names, values, strict=True))


def register(browser: Browser) -> TestResponse:
    return browser.post(
        "/api/auth/register",
        {
            "email": f"{uuid.uuid4().hex}@example.com",
            "password": PASSWORD,
            "firstName": "Asha",
            "lastName": "Rao",
            "businessName": "Asha's Salon",
            "businessType": "salon",
            "countryCode": "IN",
            "session": "browser",
        },
    )


def log_in(browser: Browser, owner: Business) -> TestResponse:
    return browser.log_in(owner.email)


def show_second_factor(browser: Browser, owner: Business) -> TestResponse:
    enrolment = enrol(owner)
    challenge = problem(browser.log_in(owner.email), 401)["challenge"]
    body = {"challenge": challenge, "code": enrolment.code(), "session": "browser"}
    return browser.post("/api/auth/login/second-factor", body)


def step_up(browser: Browser, owner: Business) -> TestResponse:
    browser.log_in(owner.email)
    return browser.post("/api/auth/step-up", {"password": PASSWORD})


def switch(browser: Browser, owner: Business) -> TestResponse:
    browser.log_in(owner.email)
    return browser.call("PATCH", "/api/auth/tenants/switch", {"tenantId": str(owner.tenant_id)})


GIVING: dict[str, Callable[[Browser, Business], TestResponse]] = {
    "register": lambda browser, _: register(browser),
    "login": log_in,
    "second factor": show_second_factor,
    "step-up": step_up,
    "switch": switch,
}


class TestTheCookie:
    @pytest.mark.parametrize("way", GIVING)
    def test_is_bound_to_the_host_and_hidden_from_scripts(self, owner: Business, way: str) -> None:
        response = GIVING[way](Browser(owner.app), owner)

        cookie = cookie_of(response)[NAME]
        assert NAME.startswith("__Host-")
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        assert int(cookie["max-age"]) == ABSOLUTE.total_seconds()
        assert response.headers["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize("way", GIVING)
    def test_comes_instead_of_tokens(self, owner: Business, way: str) -> None:
        browser = Browser(owner.app)
        response = GIVING[way](browser, owner)

        assert TOKENS.isdisjoint(response.json or {})
        assert (response.json or {})["csrfToken"]
        assert is_signed_in(browser)
        # Its value says nothing in plain text.
        assert str(owner.user_id) not in str(browser.cookie)

    def test_is_not_given_to_whoever_wants_tokens(self, owner: Business) -> None:
        response = Browser(owner.app).post(
            "/api/auth/login", {"email": owner.email, "password": PASSWORD}, headers={"Origin": None}
        )

        assert set(response.json or {}) > TOKENS
        assert "csrfToken" not in (response.json or {})
        assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize("path", ["logout", "logout-all", "sessions"])
    def test_is_taken_away_and_worth_nothing_at_logout(self, browser: Browser, path: str) -> None:
        held, method, tail = browser.cookie, "POST", path
        if path == "sessions":
            method, tail = "DELETE", f"sessions/{current(browser)}"
        response = browser.call(method, f"/api/auth/{tail}")

        cookie = cookie_of(response)[NAME]
        assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        browser.cookie = held
        refused = browser.get("/api/auth/me")
        assert problem(refused, 401)
        assert "WWW-Authenticate" in refused.headers

    def test_is_no_other_answer_s(self, browser: Browser) -> None:
        for path in ("/api/auth/me", "/api/customers", "/api/context", "/api/auth/sessions"):
            response = browser.get(path)
            assert response.status_code == 200
            assert "Set-Cookie" not in response.headers
            assert response.headers["Cache-Control"] == "private, no-store"


class TestAnotherLogin:
    def test_gives_another_session_and_ends_the_former(
        self, browser: Browser, owner: Business, sql: Sql
    ) -> None:
        former_cookie, former_id = browser.cookie, current(browser)

        assert browser.log_in(owner.email).status_code == 200
        assert browser.cookie != former_cookie
        assert current(browser) != former_id
        assert stored(sql, former_id)["revoked_reason"] == "replaced"
        browser.cookie = former_cookie
        assert not is_signed_in(browser)

    def test_as_somebody_else_leaves_nothing_of_a_planted_session(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        attacker = business()
        planted = browser_of(attacker)
        victim = Browser(owner.app)
        victim.cookie = planted.cookie

        assert victim.log_in(owner.email).status_code == 200
        assert (victim.get("/api/auth/me").json or {})["email"] == owner.email
        assert victim.cookie != planted.cookie
        assert not is_signed_in(planted)

    def test_that_fails_ends_nothing(self, browser: Browser, owner: Business) -> None:
        refused = browser.log_in(owner.email, password="no such password")

        assert problem(refused, 401)
        assert "Set-Cookie" not in refused.headers
        assert is_signed_in(browser)

    def test_with_a_forged_cookie_ends_nobody_s(self, browser: Browser, owner: Business, sql: Sql) -> None:
        victim = current(browser)
        other = Browser(owner.app)
        other.cookie = SessionCookies("another secret of another deployment", None).encode(
            Identity(owner.user_id, TenantId(owner.tenant_id), uuid.UUID(victim), "browser")
        )

        assert other.log_in(owner.email).status_code == 200
        assert is_signed_in(browser)

    def test_in_another_browser_leaves_this_one(self, browser: Browser, owner: Business) -> None:
        assert is_signed_in(browser_of(owner))
        assert is_signed_in(browser)

    def test_switching_businesses_is_one(self, owner: Business, business: Callable[..., Business]) -> None:
        other = business()
        join(owner, other, "staff")
        browser = browser_of(owner)
        former = browser.cookie

        response = browser.call("PATCH", "/api/auth/tenants/switch", {"tenantId": str(other.tenant_id)})
        assert response.status_code == 200
        assert (browser.get("/api/context").json or {})["tenant"]["id"] == str(other.tenant_id)
        browser.cookie = former
        assert not is_signed_in(browser)


class TestAForgery:
    def test_of_any_letter_is_refused(self, browser: Browser) -> None:
        codec, cookie = SessionCookies(SECRETS["SESSION_SECRET"], None), str(browser.cookie)
        assert codec.decode(cookie) is not None

        for place, letter in enumerate(cookie):
            for other in ("A" if letter != "A" else "B", "=", " ", "é"):
                assert codec.decode(cookie[:place] + other + cookie[place + 1 :]) is None, place
            assert codec.decode(cookie[:place]) is None

    @pytest.mark.parametrize("version", [0, 2, 255])
    def test_of_another_version_is_refused(self, browser: Browser, owner: Business, version: int) -> None:
        ids = (uuid.UUID(current(browser)), owner.user_id, owner.tenant_id)
        signer = Signer(SECRETS["SESSION_SECRET"], None, "mbs.cookie.v1")
        browser.cookie = signer.sign(struct.pack(">B16s16s16s", version, *(one.bytes for one in ids)))

        assert problem(browser.get("/api/auth/me"), 401)

    @pytest.mark.parametrize("value", ["", "x", "A" * 5000, '"', "a=b", "%00"])
    def test_of_whatever_text_is_refused(self, app: Flask, value: str) -> None:
        browser = Browser(app)
        browser.cookie = value

        assert problem(browser.get("/api/auth/me"), 401)

    def test_lets_its_browser_sign_in_all_the_same(self, owner: Business) -> None:
        browser = Browser(owner.app)
        browser.cookie = "x"

        assert browser.log_in(owner.email).status_code == 200
        assert is_signed_in(browser)

    def test_of_another_kind_of_credential_opens_nothing(self, browser: Browser, owner: Business) -> None:
        session_id = current(browser)

        bearer = forged(owner, sid=session_id)
        assert problem(Caller(owner.app, token=bearer).get("/api/auth/me"), 401)
        for text in (
            str(browser.cookie),
            str(browser.csrf_token),
            RefreshTokenCodec(SECRETS["JWT_REFRESH_SECRET"], None).encode(
                RefreshToken(uuid.UUID(session_id), 0)
            ),
        ):
            refused = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": text})
            assert problem(refused, 401)
        assert is_signed_in(browser)

    def test_under_another_name_is_no_credential(self, browser: Browser) -> None:
        held, browser.cookie = browser.cookie, None

        for name in ("mbs_session", "__host-mbs_session", "__Secure-mbs_session", "session"):
            assert problem(browser.get("/api/auth/me", headers={"Cookie": f"{name}={held}"}), 401)


class TestTwoCredentials:
    @pytest.mark.parametrize("header", ["Bearer x", "Basic eDp5", "", "Bearer mbs_live_x"])
    def test_are_refused_whatever_they_are(self, browser: Browser, header: str) -> None:
        refused = browser.get("/api/auth/me", headers={"Authorization": header})
        assert problem(refused, 400)["code"] == "AMBIGUOUS_CREDENTIALS"

    def test_are_refused_also_when_both_are_good(self, browser: Browser, owner: Business) -> None:
        headers = {"Authorization": f"Bearer {owner.token}"}
        for method, path in (("GET", "/api/auth/me"), ("POST", "/api/auth/logout")):
            refused = browser.call(method, path, headers=headers)
            assert problem(refused, 400)["code"] == "AMBIGUOUS_CREDENTIALS"
        assert is_signed_in(browser)
        assert is_signed_in(owner)


class TestItsLife:
    def test_slides_with_its_use_but_never_past_its_end(self, browser: Browser, sql: Sql) -> None:
        session_id = current(browser)
        sql(
            "UPDATE login_sessions SET last_used_at = now() - interval '6 min', address = NULL,"
            " idle_until = now() + interval '1 min' WHERE id = %s",
            session_id,
        )
        before = stored(sql, session_id)
        assert is_signed_in(browser)
        after = stored(sql, session_id)

        assert after["absolute_until"] == before["absolute_until"]
        (left,) = sql("SELECT idle_until - now() FROM login_sessions WHERE id = %s", session_id)[0]
        assert abs((left - IDLE).total_seconds()) < 60
        assert after["address"] == browser.address
        sql(
            "UPDATE login_sessions SET last_used_at = now() - interval '6 min',"
            " absolute_until = now() + interval '1 h' WHERE id = %s",
            session_id,
        )
        assert is_signed_in(browser)
        near = stored(sql, session_id)
        assert near["idle_until"] == near["absolute_until"]

    def test_is_noted_every_five_minutes_at_most(self, browser: Browser, sql: Sql) -> None:
        session_id = current(browser)
        sql("UPDATE login_sessions SET last_used_at = now() - interval '4 min' WHERE id = %s", session_id)
        before = stored(sql, session_id)

        assert is_signed_in(browser)
        assert stored(sql, session_id) == before

    def test_slides_for_browsers_only(self, owner: Business, sql: Sql) -> None:
        session_id = current(owner)
        sql("UPDATE login_sessions SET last_used_at = now() - interval '6 min' WHERE id = %s", session_id)
        before = stored(sql, session_id)
        assert is_signed_in(owner)
        after = stored(sql, session_id)

        assert after["last_used_at"] != before["last_used_at"]
        assert after["idle_until"] == before["idle_until"]

    def test_is_not_prolonged_by_what_is_refused(self, browser: Browser, sql: Sql) -> None:
        session_id = current(browser)
        sql("UPDATE login_sessions SET last_used_at = now() - interval '6 min' WHERE id = %s", session_id)
        before = stored(sql, session_id)

        assert browser.post("/api/auth/logout", headers={"Origin": "https://evil.example"}).status_code == 403
        assert stored(sql, session_id) == before

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE login_sessions SET idle_until = now() - interval '1 s' WHERE user_id = %s",
            "UPDATE login_sessions SET absolute_until = now() - interval '1 s' WHERE user_id = %s",
            "DELETE FROM login_sessions WHERE user_id = %s",
            "UPDATE users SET status = 'disabled' WHERE id = %s",
            "UPDATE memberships SET status = 'suspended' WHERE user_id = %s",
            "DELETE FROM memberships WHERE user_id = %s",
        ],
    )
    def test_ends_with_what_it_stands_on(
        self, browser: Browser, owner: Business, sql: Sql, statement: str
    ) -> None:
        assert is_signed_in(browser)
        sql(statement, owner.user_id)

        assert problem(browser.get("/api/auth/me"), 401)

    def test_ends_with_the_business_and_reads_on_while_it_is_suspended(
        self, browser: Browser, owner: Business, sql: Sql
    ) -> None:
        status = "UPDATE tenants SET status = '{}' WHERE id = %s"
        sql(status.format("suspended"), owner.tenant_id)
        assert browser.get("/api/customers").status_code == 200
        refused = browser.post("/api/customers", {"name": "Jane"})
        assert problem(refused, 403)["code"] == "TENANT_SUSPENDED"

        sql(status.format("closed"), owner.tenant_id)
        assert problem(browser.get("/api/auth/me"), 401)


@contextmanager
def served_with(environ: dict[str, str], **variables: str) -> Iterator[Flask]:
    app = create_app(Config.load({**environ, **variables}))
    try:
        yield app
    finally:
        app.extensions[EXTENSION].dispose()


class TestAnotherSessionSecret:
    def test_logs_nobody_out_while_the_former_is_known(
        self, browser: Browser, environ: dict[str, str]
    ) -> None:
        former, new = environ["SESSION_SECRET"], "".join(reversed(environ["SESSION_SECRET"]))
        with served_with(environ, SESSION_SECRET=new, SESSION_SECRET_PREVIOUS=former) as app:
            later = Browser(app)
            later.cookie, later.csrf_token = browser.cookie, browser.csrf_token

            assert is_signed_in(later)
            assert later.post("/api/customers", {"name": "Jane"}).status_code == 201
            told = (later.get("/api/context").json or {})["csrfToken"]
            assert told != later.csrf_token
            later.csrf_token = told
            assert later.post("/api/customers", {"name": "Jim"}).status_code == 201
        with served_with(environ, SESSION_SECRET=new) as app:
            later = Browser(app)
            later.cookie = browser.cookie

            assert problem(later.get("/api/auth/me"), 401)


class TestTheContext:
    def test_gives_the_csrf_token_to_a_browser_alone(self, browser: Browser, owner: Business) -> None:
        assert (browser.get("/api/context").json or {})["csrfToken"] == browser.csrf_token
        assert "csrfToken" not in (owner.get("/api/context").json or {})
