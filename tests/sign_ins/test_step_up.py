"""POST /api/auth/step-up: proving again who one is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from mbs.foundation import passwords
from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.factories.browsers import Browser
from tests.factories.callers import PASSWORD, Business, Caller
from tests.second_factor.enrolment import age_proof, answer, enrol, event_types, problem
from tests.sign_ins.signed_in import again, browser_of, current, is_signed_in, sessions

PATH = "/api/auth/step-up"
SENSITIVE = "/api/auth/second-factor"


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The hashes that passwords are held against."""
    asked: list[str | None] = []
    verify = passwords.verify

    def counting(password: str, stored: str | None) -> bool:
        asked.append(stored)
        return verify(password, stored)

    monkeypatch.setattr(passwords, "verify", counting)
    return asked


class TestAPassword:
    def test_opens_what_is_sensitive_for_ten_minutes(
        self, owner: Business, verifications: list[str | None]
    ) -> None:
        age_proof(owner)
        assert problem(owner.post(SENSITIVE), 403)["code"] == "STEP_UP_REQUIRED"

        response = owner.post(PATH, {"password": PASSWORD})
        assert response.status_code == 200
        body = response.json or {}
        assert set(body) == {"authenticatedAt", "validUntil"}
        proved, until = (datetime.fromisoformat(body[name]) for name in ("authenticatedAt", "validUntil"))
        assert until - proved == timedelta(minutes=10)
        assert abs(datetime.now(UTC) - proved) < timedelta(minutes=1)
        assert len(verifications) == 1
        assert owner.post(SENSITIVE).status_code == 201
        assert event_types(owner)[0] == "session.reauthenticated"

    def test_opens_it_in_this_session_only(self, owner: Business) -> None:
        other = again(owner)
        age_proof(owner)

        assert owner.post(PATH, {"password": PASSWORD}).status_code == 200
        assert problem(other.post(SENSITIVE), 403)["code"] == "STEP_UP_REQUIRED"

    def test_that_is_wrong_is_refused(self, owner: Business, verifications: list[str | None]) -> None:
        age_proof(owner)

        refused = owner.post(PATH, {"password": PASSWORD + "!"})
        assert problem(refused, 401)["code"] == "INVALID_CREDENTIALS"
        assert "WWW-Authenticate" in refused.headers
        assert len(verifications) == 1
        assert problem(owner.post(SENSITIVE), 403)["code"] == "STEP_UP_REQUIRED"

    def test_is_not_guessed_at(self, owner: Business, verifications: list[str | None]) -> None:
        statuses = [owner.post(PATH, {"password": "no"}).status_code for _ in range(11)]

        assert statuses == [401] * 10 + [429]
        assert owner.post(PATH, {"password": PASSWORD}).status_code == 429
        assert len(verifications) == 10
        # Whoever has stolen a session cannot keep its person from signing in.
        assert is_signed_in(again(owner))

    def test_is_not_enough_where_there_is_a_second_factor(
        self, owner: Business, verifications: list[str | None]
    ) -> None:
        enrol(owner)
        age_proof(owner)

        refused = problem(owner.post(PATH, {"password": PASSWORD}), 400)
        assert refused["errors"][0]["field"] == "code"
        assert verifications == []
        assert problem(owner.post(f"{SENSITIVE}/recovery-codes"), 403)["code"] == "STEP_UP_REQUIRED"

    def test_of_a_person_who_has_none_is_not_asked_for(self, owner: Business, sql: Sql) -> None:
        sql("UPDATE users SET password_hash = NULL WHERE id = %s", owner.user_id)

        for body in ({"password": PASSWORD}, {"code": "123456"}):
            refused = problem(owner.post(PATH, body), 403)
            assert refused["code"] == "FORBIDDEN"
            assert "sign in again" in refused["detail"]


class TestACode:
    def test_opens_what_is_sensitive(self, owner: Business, verifications: list[str | None]) -> None:
        enrolment = enrol(owner)
        age_proof(owner)

        assert owner.post(PATH, {"code": enrolment.code()}).status_code == 200
        assert owner.post(f"{SENSITIVE}/recovery-codes").status_code == 200
        assert verifications == []

    def test_may_be_a_recovery_code_once(self, owner: Business) -> None:
        enrolment = enrol(owner)
        code = enrolment.recovery_codes[0]

        assert [owner.post(PATH, {"code": code}).status_code for _ in range(2)] == [200, 401]

    def test_that_is_wrong_is_refused(self, owner: Business) -> None:
        enrolment = enrol(owner)
        age_proof(owner)

        refused = owner.post(PATH, {"code": enrolment.wrong_code()})
        assert problem(refused, 401)["code"] == "INVALID_CREDENTIALS"
        assert problem(owner.post(f"{SENSITIVE}/recovery-codes"), 403)["code"] == "STEP_UP_REQUIRED"

    def test_works_once_for_stepping_up_and_signing_in_together(self, owner: Business) -> None:
        enrolment = enrol(owner)
        code = enrolment.code()
        stranger = Caller(owner.app)

        assert owner.post(PATH, {"code": code}).status_code == 200
        assert answer(stranger, enrolment.challenge(stranger), code).status_code == 401

    def test_of_somebody_else_is_refused(self, owner: Business, business: Callable[..., Business]) -> None:
        other = business()
        enrolment = enrol(owner)
        enrol(other)

        assert problem(other.post(PATH, {"code": enrolment.recovery_codes[0]}), 401)

    def test_of_a_person_without_a_second_factor_is_not_taken(self, owner: Business) -> None:
        refused = problem(owner.post(PATH, {"code": "123456"}), 400)
        assert refused["errors"][0]["field"] == "password"

    def test_is_not_guessed_at_by_turns_with_the_login(self, owner: Business) -> None:
        enrolment = enrol(owner)
        challenge, wrong = enrolment.challenge(Caller(owner.app)), enrolment.wrong_code()

        statuses = [owner.post(PATH, {"code": wrong}).status_code for _ in range(5)]
        statuses += [answer(Caller(owner.app), challenge, wrong).status_code for _ in range(5)]
        assert statuses == [401] * 10
        assert owner.post(PATH, {"code": enrolment.code()}).status_code == 429
        assert answer(Caller(owner.app), challenge, enrolment.code()).status_code == 429


class TestTheBody:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"password": PASSWORD, "code": "123456"},
            {"password": None},
            {"password": ""},
            {"code": ""},
            {"password": "x" * 1025},
            {"password": "three\0green"},
            {"code": 123456},
            {"password": PASSWORD, "userId": "x"},
        ],
    )
    def test_holds_one_proof(self, owner: Business, body: dict[str, object]) -> None:
        age_proof(owner)

        assert problem(owner.post(PATH, body), 400)
        assert problem(owner.post(SENSITIVE), 403)["code"] == "STEP_UP_REQUIRED"


class TestABrowser:
    def test_gets_a_new_session_id(self, owner: Business) -> None:
        browser = browser_of(owner)
        former_id, former_cookie, former_token = current(browser), browser.cookie, browser.csrf_token

        response = browser.post(PATH, {"password": PASSWORD})
        assert response.status_code == 200
        assert set(response.json or {}) == {"authenticatedAt", "validUntil", "csrfToken"}
        assert current(browser) != former_id
        assert browser.cookie != former_cookie
        assert browser.csrf_token != former_token
        assert browser.post(SENSITIVE).status_code == 201

        browser.csrf_token = former_token
        assert problem(browser.post(SENSITIVE), 403)["code"] == "CSRF_REFUSED"
        browser.cookie = former_cookie
        assert not is_signed_in(browser)

    def test_keeps_its_cookie_when_it_is_refused(self, owner: Business) -> None:
        browser = browser_of(owner)
        held = browser.cookie

        response = browser.post(PATH, {"password": "no"})
        assert response.status_code == 401
        assert "Set-Cookie" not in response.headers
        assert browser.cookie == held
        assert is_signed_in(browser)

    def test_at_once_by_many_leaves_one_session(self, owner: Business) -> None:
        browser = browser_of(owner)
        held, token = browser.cookie, browser.csrf_token

        def act(_: int) -> int:
            twin = browser_of_cookie(browser.app, held, token)
            return twin.post(PATH, {"password": PASSWORD}).status_code

        assert sorted(together(4, act)) == [200, 401, 401, 401]
        assert len([one for one in owner_sessions(owner) if one == "browser"]) == 1

    def test_does_not_live_longer_for_it(self, owner: Business, sql: Sql) -> None:
        browser = browser_of(owner)
        columns = "SELECT absolute_until, created_at FROM login_sessions WHERE id = %s"
        before = sql(columns, current(browser))

        assert browser.post(PATH, {"password": PASSWORD}).status_code == 200
        assert sql(columns, current(browser)) == before


def browser_of_cookie(app: Flask, cookie: str | None, csrf_token: str | None) -> Browser:
    browser = Browser(app)
    browser.cookie, browser.csrf_token = cookie, csrf_token
    return browser


def owner_sessions(owner: Business) -> list[str]:
    return [str(one["kind"]) for one in sessions(owner)]
