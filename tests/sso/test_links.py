"""Identities of an account: linked by whoever is signed in to it, listed, unlinked; with a second factor."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from flask import Flask

from mbs.operations.embedded_postgres import Server
from tests.accounts.conftest import MailsTo, mails_to, sql
from tests.conftest import run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.sso.browsers import OWN_PAGE, SSO_COOKIE, Browser, carried, new_subject

__all__ = ["mails_to", "sql"]


@pytest.fixture
def owner(sso_app: Flask) -> Business:
    return new_business(Caller(sso_app))


def link(person: Business, browser: Browser, ticket: str) -> Any:
    """Link a ticket that this person's own browser holds."""
    person._client.set_cookie(SSO_COOKIE, browser.cookie(SSO_COOKIE) or "", secure=True)
    return person.post("/api/auth/sso/link", {"ticket": ticket})


def linked(person: Business, browser: Browser, subject: str) -> str:
    """Link a subject to an account; return the identity's id."""
    ticket = carried(browser.sign_in(subject, query={"intent": "link"}))["ticket"]
    response = link(person, browser, ticket)
    assert response.status_code == 201, response.get_data(as_text=True)
    return str((response.json or {})["id"])


Change = Callable[[str, Business], None]


@pytest.fixture
def change(server: Server, database_name: str) -> Change:
    """Return a function that changes rows of a person behind the service's back."""
    return lambda sql, person: run_as_superuser(server, f"{sql} = '{person.user_id}'", database_name)


STALE = "UPDATE login_sessions SET authenticated_at = now() - interval '1 hour' WHERE user_id"


class TestLink:
    def test_lets_its_owner_sign_in(self, owner: Business, browser: Browser) -> None:
        subject = new_subject()
        linked(owner, browser, subject)
        assert browser.person() is None
        assert browser.sign_in(subject).status_code == 303
        person = browser.person()
        assert person is not None
        assert person["id"] == str(owner.user_id)

    def test_stands_in_the_list_without_its_subject(self, owner: Business, browser: Browser) -> None:
        subject = new_subject()
        id_ = linked(owner, browser, subject)
        listed = owner.get("/api/auth/sso/identities")
        (identity,) = (listed.json or {})["data"]
        assert (identity["id"], identity["issuer"]) == (id_, browser.provider.url)
        assert subject not in listed.get_data(as_text=True)

    def test_stands_in_the_trail(self, owner: Business, browser: Browser) -> None:
        id_ = linked(owner, browser, new_subject())
        owner.delete(f"/api/auth/sso/identities/{id_}")
        events = (owner.get("/api/events").json or {})["data"]
        types = [event["type"] for event in events]
        assert {"user.identity_linked", "user.identity_unlinked"} <= set(types)

    def test_is_told_by_mail_each_time(self, owner: Business, browser: Browser, mails_to: MailsTo) -> None:
        id_ = linked(owner, browser, new_subject())
        assert len(mails_to(owner.email, "identity_changed")) == 1
        assert owner.delete(f"/api/auth/sso/identities/{id_}").status_code == 204
        assert len(mails_to(owner.email, "identity_changed")) == 2

    def test_needs_a_signed_in_person(self, browser: Browser) -> None:
        body = {"ticket": browser.ticket(new_subject())}
        assert browser.post("/api/auth/sso/link", body).status_code == 401

    def test_needs_a_fresh_proof(self, owner: Business, browser: Browser, change: Change) -> None:
        ticket = browser.ticket(new_subject())
        change(STALE, owner)
        response = link(owner, browser, ticket)
        assert (response.status_code, (response.json or {})["code"]) == (403, "STEP_UP_REQUIRED")

    def test_needs_the_browser_that_was_at_the_provider(
        self, owner: Business, browser: Browser, other_browser: Browser
    ) -> None:
        """An attacker's ticket, brought to its victim, is no way into the victim's account."""
        ticket = browser.ticket(new_subject())
        other_browser.start()
        response = link(owner, other_browser, ticket)
        assert (response.status_code, (response.json or {})["code"]) == (401, "SSO_TICKET_INVALID")
        owner._client.delete_cookie(SSO_COOKIE)
        assert owner.post("/api/auth/sso/link", {"ticket": ticket}).status_code == 401

    def test_of_a_browser_s_session_needs_its_page(self, browser: Browser) -> None:
        said = browser.register(new_subject())
        body = {"ticket": "made up"}
        for headers in ({}, OWN_PAGE, {"X-CSRF-Token": said["csrfToken"], "Origin": "https://evil.example"}):
            response = browser.post("/api/auth/sso/link", body, headers=headers)
            assert (response.status_code, (response.json or {})["code"]) == (403, "CSRF_REFUSED")

    def test_is_no_key_s_to_make(self, owner: Business) -> None:
        made = owner.post("/api/api-keys", {"name": "program", "scopes": ["customers:read"]})
        program = Caller(owner.app, token=(made.json or {})["key"])
        assert program.post("/api/auth/sso/link", {"ticket": "x"}).status_code == 403
        assert program.get("/api/auth/sso/identities").status_code == 403

    def test_takes_nobody_s_identity_away(
        self, owner: Business, browser: Browser, other_browser: Browser
    ) -> None:
        subject = new_subject()
        ticket = browser.ticket(subject)
        other = new_business(Caller(browser.app))
        linked(other, other_browser, subject)
        response = link(owner, browser, ticket)
        assert (response.status_code, (response.json or {})["code"]) == (409, "SSO_IDENTITY_TAKEN")

    def test_of_a_known_identity_signs_nobody_in(
        self, owner: Business, browser: Browser, other_browser: Browser
    ) -> None:
        subject = new_subject()
        linked(owner, browser, subject)
        response = other_browser.sign_in(subject, query={"intent": "link"})
        assert (response.status_code, (response.json or {})["code"]) == (409, "SSO_IDENTITY_TAKEN")
        assert other_browser.person() is None

    def test_is_made_once_by_racers(self, owner: Business, browser: Browser) -> None:
        ticket = browser.ticket(new_subject())
        start, statuses = threading.Barrier(4), list[int]()

        def race() -> None:
            person = Business(
                owner.app, owner.email, owner.user_id, owner.tenant_id, owner.token, owner.refresh_token
            )
            start.wait()
            statuses.append(link(person, browser, ticket).status_code)

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [201, 409, 409, 409]


class TestUnlink:
    def test_ends_signing_in_with_it(self, owner: Business, browser: Browser) -> None:
        subject = new_subject()
        id_ = linked(owner, browser, subject)
        assert owner.delete(f"/api/auth/sso/identities/{id_}").status_code == 204
        assert "ticket" in carried(browser.sign_in(subject))
        assert browser.person() is None

    def test_needs_a_fresh_proof(self, owner: Business, browser: Browser, change: Change) -> None:
        id_ = linked(owner, browser, new_subject())
        change(STALE, owner)
        assert owner.delete(f"/api/auth/sso/identities/{id_}").status_code == 403

    def test_finds_one_s_own_alone(self, owner: Business, browser: Browser) -> None:
        id_ = linked(owner, browser, new_subject())
        other = new_business(Caller(browser.app))
        for missing in (id_, str(uuid.uuid4())):
            assert other.delete(f"/api/auth/sso/identities/{missing}").status_code == 404
        assert (other.get("/api/auth/sso/identities").json or {})["data"] == []
        assert len((owner.get("/api/auth/sso/identities").json or {})["data"]) == 1

    def test_leaves_the_only_way_in(self, browser: Browser) -> None:
        said = browser.register(new_subject())
        headers = {**OWN_PAGE, "X-CSRF-Token": said["csrfToken"]}
        (identity,) = (browser.get("/api/auth/sso/identities").json or {})["data"]
        response = browser.delete(f"/api/auth/sso/identities/{identity['id']}", headers=headers)
        assert (response.status_code, (response.json or {})["code"]) == (409, "ONLY_SIGN_IN_METHOD")

    def test_leaves_one_of_two_that_are_unlinked_at_once(
        self, browser: Browser, other_browser: Browser, sso_app: Flask
    ) -> None:
        said = browser.register(new_subject())
        headers = {**OWN_PAGE, "X-CSRF-Token": said["csrfToken"]}
        ticket = carried(browser.sign_in(new_subject(), query={"intent": "link"}))["ticket"]
        assert browser.post("/api/auth/sso/link", {"ticket": ticket}, headers=headers).status_code == 201
        ids = [one["id"] for one in (browser.get("/api/auth/sso/identities").json or {})["data"]]
        assert len(ids) == 2
        start, statuses = threading.Barrier(2), list[int]()

        def race(id_: str) -> None:
            racer = Browser(sso_app, browser.provider)
            racer.plant("__Host-mbs_session", browser.cookie("__Host-mbs_session") or "")
            start.wait()
            statuses.append(racer.delete(f"/api/auth/sso/identities/{id_}", headers=headers).status_code)

        threads = [threading.Thread(target=race, args=(id_,)) for id_ in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [204, 409]


class TestASecondFactor:
    def test_is_asked_for_after_the_provider(self, owner: Business, browser: Browser) -> None:
        subject = new_subject()
        linked(owner, browser, subject)
        secret = (owner.post("/api/auth/second-factor").json or {})["secret"]
        totp = pyotp.TOTP(secret)
        confirmed = owner.post("/api/auth/second-factor/confirm", {"code": totp.at(time.time() - 30)})
        assert confirmed.status_code == 200, confirmed.get_data(as_text=True)

        response = browser.sign_in(subject, query={"returnTo": "/today"})
        location = urlsplit(response.headers["Location"])
        assert location.path == "/today"
        assert parse_qs(location.fragment)["expiresIn"] == ["300"]
        assert browser.person() is None
        body = {"challenge": carried(response)["challenge"], "code": totp.now(), "session": "browser"}
        wrong = {**body, "code": "000000"}
        assert browser.post("/api/auth/login/second-factor", wrong, headers=OWN_PAGE).status_code == 401
        right = browser.post("/api/auth/login/second-factor", body, headers=OWN_PAGE)
        assert right.status_code == 200, right.get_data(as_text=True)
        person = browser.person()
        assert person is not None
        assert person["id"] == str(owner.user_id)


class TestSomebodyWhoMayNotComeIn:
    def test_is_refused_when_their_account_is_disabled(
        self, owner: Business, browser: Browser, change: Change
    ) -> None:
        subject = new_subject()
        linked(owner, browser, subject)
        change("UPDATE users SET status = 'disabled' WHERE id", owner)
        response = browser.sign_in(subject)
        assert (response.status_code, (response.json or {})["code"]) == (401, "SSO_REFUSED")

    def test_is_refused_when_they_belong_to_no_business(
        self, owner: Business, browser: Browser, change: Change
    ) -> None:
        subject, colleague = new_subject(), owner.colleague("staff")
        linked(colleague, browser, subject)
        change("DELETE FROM memberships WHERE user_id", colleague)
        response = browser.sign_in(subject)
        assert (response.status_code, (response.json or {})["code"]) == (403, "FORBIDDEN")
        assert browser.person() is None
