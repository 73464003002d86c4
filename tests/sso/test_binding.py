"""What an attacker may hold of somebody's sign-in: its state, code or ticket, or a copy of the database."""

import base64
import json
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
import time_machine

from mbs.foundation.sealing import digest
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.sso.browsers import BUSINESS, SSO_COOKIE, Browser, new_subject
from tests.sso.stand_in import sound_claims

NAMES = {"firstName": "Asha", "lastName": "Rao"}


def said_by(browser: Browser, asked: dict[str, str]) -> None:
    browser.provider.claims = sound_claims(browser.provider, asked["nonce"], sub=new_subject())


def refused(response: Any, status: int, code: str) -> bool:
    return (response.status_code, (response.json or {}).get("code")) == (status, code)


class TestState:
    def test_works_once(self, browser: Browser) -> None:
        asked = browser.start()
        said_by(browser, asked)
        assert browser.come_back(asked["state"]).status_code == 303
        assert refused(browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")
        assert browser.provider.hits("/token") == 1

    def test_works_once_under_racers(self, browser: Browser) -> None:
        asked = browser.start()
        said_by(browser, asked)
        cookie, racers = browser.cookie(SSO_COOKIE) or "", []
        for _ in range(4):
            racer = Browser(browser.app, browser.provider)
            racer.plant(SSO_COOKIE, cookie)
            racers.append(racer)
        statuses: list[int] = []
        start = threading.Barrier(len(racers))

        def race(racer: Browser) -> None:
            start.wait()
            statuses.append(racer.come_back(asked["state"]).status_code)

        threads = [threading.Thread(target=race, args=(racer,)) for racer in racers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [303, 400, 400, 400]

    def test_is_used_up_by_an_error_of_the_provider(self, browser: Browser) -> None:
        asked = browser.start()
        response = browser.come_back(asked["state"], code=None, error="access_denied", error_description="x")
        assert refused(response, 401, "SSO_REFUSED")
        said_by(browser, asked)
        assert refused(browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")

    def test_of_another_browser_is_refused_and_used_up(
        self, browser: Browser, other_browser: Browser
    ) -> None:
        """Login CSRF: the attacker's own state and code, sent to somebody else's browser."""
        asked = browser.start()
        said_by(browser, asked)
        other_browser.start()
        assert refused(other_browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")
        assert refused(browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")
        assert browser.provider.hits("/token") == 0

    def test_needs_the_browser_s_cookie(self, browser: Browser) -> None:
        asked = browser.start()
        said_by(browser, asked)
        browser.forget(SSO_COOKIE)
        assert refused(browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")

    @pytest.mark.parametrize("state", ["made-up", "%", "a" * 43, "é", "' OR 1=1 --"])
    def test_that_was_not_given_out_is_refused(self, browser: Browser, state: str) -> None:
        browser.start()
        assert refused(browser.come_back(state), 400, "SSO_FLOW_INVALID")

    def test_is_good_for_ten_minutes(self, browser: Browser) -> None:
        now = datetime.now(UTC).timestamp()
        for seconds, status in ((540, 303), (660, 400)):
            asked = browser.start()
            with time_machine.travel(now + seconds):
                said_by(browser, asked)
                assert browser.come_back(asked["state"]).status_code == status

    def test_stands_once(self, browser: Browser) -> None:
        asked = browser.start()
        path = f"/api/auth/sso/callback?code=a&state={asked['state']}&state={asked['state']}"
        assert browser.get(path).status_code == 400

    def test_may_come_with_parameters_of_the_provider_s_own(self, browser: Browser) -> None:
        asked = browser.start()
        said_by(browser, asked)
        response = browser.come_back(asked["state"], session_state="a.b", scope="openid", authuser="0")
        assert response.status_code == 303

    def test_of_a_sign_in_that_fails_in_a_browser_leads_back_to_the_page(self, browser: Browser) -> None:
        asked = browser.start(returnTo="/login")
        page = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        response = browser.come_back(asked["state"], code=None, error="access_denied", headers=page)
        assert response.headers["Location"] == "/login#error=SSO_REFUSED"


class TestACode:
    def test_of_somebody_else_is_not_good_for_my_sign_in(
        self, browser: Browser, other_browser: Browser
    ) -> None:
        """Code injection: the provider's answer to one sign-in, brought back with the state of another."""
        theirs, mine = other_browser.start(), browser.start()
        browser.provider.claims = sound_claims(browser.provider, theirs["nonce"], sub=new_subject())
        assert refused(browser.come_back(mine["state"], code="theirs"), 401, "SSO_REFUSED")
        _, sent, _ = next(one for one in browser.provider.asked if one[0] == "/token")
        assert sent["code"] == ["theirs"]

    @pytest.mark.parametrize("error", ["invalid_grant", "invalid_request", ["odd"], 7])
    def test_that_the_provider_refuses_is_refused(self, browser: Browser, error: Any) -> None:
        browser.provider.token_answer = (400, {"error": error, "error_description": "who are you"})
        response = browser.sign_in(new_subject())
        assert refused(response, 401, "SSO_REFUSED")
        assert "who are you" not in response.get_data(as_text=True)

    @pytest.mark.parametrize("code", ["é", "a b&c=d", "%00", "\U0001f511" * 100])
    def test_reaches_the_provider_as_it_is(self, browser: Browser, code: str) -> None:
        asked = browser.start()
        said_by(browser, asked)
        browser.come_back(asked["state"], code=code)
        _, sent, _ = next(one for one in browser.provider.asked if one[0] == "/token")
        assert sent["code"] == [code]


class TestATicket:
    def register(self, browser: Browser, ticket: str) -> Any:
        body = {**BUSINESS, **NAMES, "ticket": ticket, "email": f"{new_subject()}@example.com"}
        return browser.post("/api/auth/sso/register", body)

    def test_is_good_in_its_own_browser_alone(self, browser: Browser, other_browser: Browser) -> None:
        """Whoever is sent an attacker's ticket must not link the attacker's identity to their own account."""
        ticket = browser.ticket(new_subject())
        other_browser.start()
        assert refused(self.register(other_browser, ticket), 401, "SSO_TICKET_INVALID")
        other_browser.forget(SSO_COOKIE)
        assert refused(self.register(other_browser, ticket), 401, "SSO_TICKET_INVALID")
        assert self.register(browser, ticket).status_code == 201

    def test_is_good_for_ten_minutes(self, browser: Browser) -> None:
        ticket = browser.ticket(new_subject())
        with time_machine.travel(datetime.now(UTC).timestamp() + 601):
            assert refused(self.register(browser, ticket), 401, "SSO_TICKET_INVALID")

    def test_that_was_tampered_with_is_refused(self, browser: Browser) -> None:
        ticket = browser.ticket("the-subject")
        data = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        forged = base64.urlsafe_b64encode(data.replace(b"the-subject", b"mr--subject")).decode().rstrip("=")
        assert forged != ticket
        for text in (forged, ticket[:-1], ticket + "A", ticket + "=", "made up", "A" * 200):
            assert refused(self.register(browser, text), 401, "SSO_TICKET_INVALID")

    def test_of_another_purpose_is_refused(self, browser: Browser) -> None:
        said = browser.register(new_subject())
        others = [
            said["csrfToken"],
            browser.cookie("__Host-mbs_session"),
            browser.cookie(SSO_COOKIE),
        ]
        stranger = Browser(browser.app, browser.provider)
        stranger.plant(SSO_COOKIE, browser.cookie(SSO_COOKIE) or "")
        for text in others:
            assert text is not None
            assert refused(self.register(stranger, text), 401, "SSO_TICKET_INVALID")

    def test_opens_nothing_else(self, browser: Browser) -> None:
        ticket = browser.ticket(new_subject())
        bearer = {"Authorization": f"Bearer {ticket}"}
        assert browser.get("/api/auth/me", headers=bearer).status_code == 401
        body = {"challenge": ticket[:300], "code": "123456"}
        assert browser.post("/api/auth/login/second-factor", body).status_code == 401
        browser.plant("__Host-mbs_session", ticket)
        assert browser.get("/api/auth/me").status_code == 401


class TestACopyOfTheDatabase:
    def test_holds_nothing_with_which_a_sign_in_goes_on(
        self, browser: Browser, server: Server, database_name: str
    ) -> None:
        asked = browser.start(returnTo="/secret-page")
        cookie = browser.cookie(SSO_COOKIE) or ""
        with (
            closing(psycopg2.connect(server.url(database_name))) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT to_jsonb(f) FROM sso_flows f")
            rows = [row for (row,) in cursor.fetchall()]
        dump = json.dumps(rows)
        for secret in (asked["state"], asked["nonce"], asked["code_challenge"], cookie, "/secret-page"):
            assert secret not in dump

        # What stands there, as state and as cookie, opens nothing.
        thief = Browser(browser.app, browser.provider)
        for row in rows[-5:]:
            for value in row.values():
                thief.plant(SSO_COOKIE, row["browser"])
                assert thief.come_back(str(value)[:100]).status_code == 400
                thief.plant(SSO_COOKIE, cookie)
                assert thief.come_back(str(value)[:100]).status_code == 400

    def test_in_which_rows_were_swapped_opens_nothing(
        self, browser: Browser, other_browser: Browser, server: Server, database_name: str
    ) -> None:
        """Another's sealed part under my state: its nonce is not the one that the provider signs for me."""
        theirs, mine = digest(other_browser.start()["state"]), browser.start()
        swap = f"UPDATE sso_flows SET sealed = (SELECT sealed FROM sso_flows WHERE digest = '{theirs}')"
        run_as_superuser(server, f"{swap} WHERE digest = '{digest(mine['state'])}'", database_name)
        said_by(browser, mine)
        assert refused(browser.come_back(mine["state"]), 401, "SSO_REFUSED")

    def test_whose_secrets_were_lost_opens_nothing(
        self, browser: Browser, server: Server, database_name: str
    ) -> None:
        asked = browser.start()
        spoil = f"UPDATE sso_flows SET sealed = 'x' WHERE digest = '{digest(asked['state'])}'"
        run_as_superuser(server, spoil, database_name)
        assert refused(browser.come_back(asked["state"]), 400, "SSO_FLOW_INVALID")

    def test_forgets_what_nobody_finished(self, browser: Browser, server: Server, database_name: str) -> None:
        left = digest(browser.start()["state"])
        expire = f"UPDATE sso_flows SET expires_at = '2000-01-01' WHERE digest = '{left}'"
        run_as_superuser(server, expire, database_name)
        assert left in digests(server, database_name)
        browser.start()
        assert left not in digests(server, database_name)


def digests(server: Server, database_name: str) -> set[str]:
    with closing(psycopg2.connect(server.url(database_name))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM sso_flows")
        return {digest for (digest,) in cursor.fetchall()}
