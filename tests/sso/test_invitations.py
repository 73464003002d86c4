"""Joining a business by its invitation, as somebody who signs in at a provider and had no account."""

import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import PASSWORD, Business, Caller, new_business
from tests.factories.mails import delivered
from tests.factories.teams import Deliver, Invited, code_of, invite, new_email, newcomer
from tests.sso.browsers import OWN_PAGE, Browser, new_subject


@pytest.fixture
def owner(sso_app: Flask) -> Business:
    return new_business(Caller(sso_app))


@pytest.fixture
def deliver(sso_app: Flask, environ: dict[str, str]) -> Deliver:
    return lambda: delivered(sso_app, environ)


@pytest.fixture
def invited(owner: Business, deliver: Deliver) -> Invited:
    return invite(owner, deliver)


def join(browser: Browser, invitation: str, ticket: str | None = None, **body: Any) -> TestResponse:
    ticket = ticket or browser.ticket(new_subject(), given_name="Ravi", family_name="Iyer")
    sent = {"ticket": ticket, "invitation": invitation, "session": "browser", **body}
    return browser.post("/api/auth/sso/join", sent, headers=OWN_PAGE)


class TestJoin:
    def test_makes_a_member_who_signs_in_at_the_provider(
        self, owner: Business, invited: Invited, browser: Browser, other_browser: Browser
    ) -> None:
        subject = new_subject()
        ticket = browser.ticket(subject, email="private@example.org", email_verified=True)
        response = join(browser, invited.token, ticket, firstName="Ravi", lastName="Iyer")
        assert response.status_code == 200, response.get_data(as_text=True)
        said = response.json or {}
        assert (said["tenant"]["id"], said["role"]) == (str(owner.tenant_id), "staff")
        # The address is the one that the invitation went to.
        assert said["user"]["email"] == invited.email
        assert other_browser.sign_in(subject).status_code == 303
        person = other_browser.person()
        assert person is not None
        assert (person["id"], person["emailVerified"]) == (said["user"]["id"], True)

    def test_stands_in_the_trail(self, owner: Business, invited: Invited, browser: Browser) -> None:
        said = join(browser, invited.token).json or {}
        events = {event["type"]: event for event in (owner.get("/api/events").json or {})["data"]}
        assert {"invitation.accepted", "member.joined", "session.started"} <= set(events)
        assert events["member.joined"]["actor"]["id"] == said["user"]["id"]

    def test_needs_an_invitation_whatever_the_address(self, owner: Business, browser: Browser) -> None:
        """An address that is invited opens nothing: its mail does."""
        ticket = browser.ticket(
            new_subject(), email=owner.email, email_verified=True, given_name="A", family_name="B"
        )
        for token in ("made-up", "A" * 43, str(uuid.uuid4())):
            assert code_of(join(browser, token, ticket)) == (404, "NOT_FOUND")

    def test_uses_the_invitation_up(self, invited: Invited, browser: Browser, other_browser: Browser) -> None:
        assert join(browser, invited.token).status_code == 200
        assert code_of(join(other_browser, invited.token)) == (410, "INVITATION_SPENT")

    def test_uses_it_up_once_under_racers(self, owner: Business, invited: Invited, browser: Browser) -> None:
        racers = []
        for _ in range(4):
            racer = Browser(browser.app, browser.provider)
            racers.append((racer, racer.ticket(new_subject(), given_name="R", family_name="I")))
        start, statuses = threading.Barrier(len(racers)), list[int]()

        def race(racer: Browser, ticket: str) -> None:
            start.wait()
            statuses.append(join(racer, invited.token, ticket).status_code)

        threads = [threading.Thread(target=race, args=pair) for pair in racers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses)[0] == 200
        assert set(sorted(statuses)[1:]) <= {409, 410}
        members = (owner.get("/api/members").json or {})["data"]
        assert len(members) == 2

    def test_takes_no_account_over(self, owner: Business, deliver: Deliver, browser: Browser) -> None:
        """An invitation to somebody who has an account is theirs to accept, signed in to it."""
        other = new_business(Caller(browser.app))
        invited = invite(owner, deliver, other.email)
        assert code_of(join(browser, invited.token)) == (409, "EMAIL_ALREADY_EXISTS")
        assert browser.person() is None
        login = {"email": other.email, "password": PASSWORD}
        assert Caller(browser.app).post("/api/auth/login", login).status_code == 200

    def test_links_no_identity_twice(
        self, owner: Business, deliver: Deliver, invited: Invited, browser: Browser
    ) -> None:
        ticket = browser.ticket(new_subject(), given_name="Ravi", family_name="Iyer")
        assert join(browser, invited.token, ticket).status_code == 200
        second = invite(owner, deliver, new_email())
        assert code_of(join(browser, second.token, ticket)) == (409, "SSO_IDENTITY_TAKEN")
        # The invitation is as it was.
        accepted = Caller(browser.app).post(f"{second.path}/accept", newcomer())
        assert accepted.status_code == 200

    def test_needs_the_browser_that_was_at_the_provider(
        self, invited: Invited, browser: Browser, other_browser: Browser
    ) -> None:
        ticket = browser.ticket(new_subject(), given_name="Ravi", family_name="Iyer")
        other_browser.start()
        assert code_of(join(other_browser, invited.token, ticket)) == (401, "SSO_TICKET_INVALID")
        assert join(browser, invited.token, ticket).status_code == 200

    def test_needs_a_name(self, invited: Invited, browser: Browser) -> None:
        response = join(browser, invited.token, browser.ticket(new_subject()))
        assert response.status_code == 400
        assert {fault["field"] for fault in (response.json or {})["errors"]} == {"firstName", "lastName"}

    def test_says_nothing_of_a_revoked_invitation(
        self, owner: Business, invited: Invited, browser: Browser
    ) -> None:
        assert owner.delete(f"/api/invites/{invited.id}").status_code == 204
        response = join(browser, invited.token)
        assert code_of(response) == (410, "INVITATION_SPENT")
        assert invited.email not in response.get_data(as_text=True)
