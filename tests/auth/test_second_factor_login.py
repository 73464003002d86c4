"""Signing in with a second factor: the challenge between the password and the session."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.challenges import LIFETIME_SECONDS, Challenge, ChallengeCodec, mark
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.session_cookies import NAME
from mbs.second_factor.models import STEP_SECONDS, accepted_step
from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.conftest import SECRETS
from tests.factories.browsers import Browser
from tests.factories.callers import PASSWORD, Business, Caller, signed_in
from tests.second_factor.enrolment import Enrolment, answer, enrol, event_types, log_in, problem
from tests.sign_ins.signed_in import again, is_signed_in, join

ANOTHER = "four purple umbrellas"


@pytest.fixture
def enrolled(owner: Business) -> Enrolment:
    return enrol(owner)


def codec(secret: str = SECRETS["SESSION_SECRET"]) -> ChallengeCodec:
    return ChallengeCodec(secret, None)


def hash_of(person: Business, sql: Sql) -> str:
    ((stored,),) = sql("SELECT password_hash FROM users WHERE id = %s", person.user_id)
    return str(stored)


class TestAPassword:
    def test_gives_a_challenge_and_no_session(self, enrolled: Enrolment, sql: Sql) -> None:
        count = "SELECT count(*) FROM login_sessions WHERE user_id = %s"
        before = sql(count, enrolled.person.user_id)
        response = Caller(enrolled.person.app).post(
            "/api/auth/login",
            {"email": enrolled.person.email, "password": PASSWORD, "session": "browser"},
            headers={"Origin": "http://localhost"},
        )
        refused = problem(response, 401)
        assert refused["code"] == "SECOND_FACTOR_REQUIRED"
        assert refused["expiresIn"] == 300
        assert {"accessToken", "refreshToken", "user", "tenant"}.isdisjoint(refused)
        assert "Set-Cookie" not in response.headers
        assert sql(count, enrolled.person.user_id) == before

    def test_that_is_wrong_says_nothing_of_a_second_factor(self, enrolled: Enrolment) -> None:
        body = {"email": enrolled.person.email, "password": "no such password"}
        known = Caller(enrolled.person.app).post("/api/auth/login", body)
        unknown = Caller(enrolled.person.app).post(
            "/api/auth/login", {**body, "email": f"{uuid.uuid4().hex}@example.com"}
        )
        told = [
            {
                key: value
                for key, value in problem(one, 401).items()
                if key not in ("correlationId", "timestamp")
            }
            for one in (known, unknown)
        ]
        assert told[0] == told[1]


class TestACode:
    def test_signs_in(self, enrolled: Enrolment) -> None:
        person = log_in(enrolled, Caller(enrolled.person.app))

        assert is_signed_in(person)
        assert event_types(person)[0] == "session.started"

    def test_may_be_one_step_behind_or_ahead(self, enrolled: Enrolment) -> None:
        at = datetime(2030, 1, 1, 12, 0, 15, tzinfo=UTC)
        totp = pyotp.TOTP(enrolled.secret)

        for offset, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
            code = totp.at(at + offset * timedelta(seconds=STEP_SECONDS))
            accepted = accepted_step(enrolled.secret, code, at=at, last_step=0)
            assert (accepted is not None) == good, offset

    def test_before_the_last_used_one_is_refused(self, enrolled: Enrolment) -> None:
        at = datetime(2030, 1, 1, 12, 0, 15, tzinfo=UTC)
        totp, now = pyotp.TOTP(enrolled.secret), int(at.timestamp()) // STEP_SECONDS

        for offset in (-1, 0):
            code = totp.generate_otp(now + offset)
            assert accepted_step(enrolled.secret, code, at=at, last_step=now) is None
        assert accepted_step(enrolled.secret, totp.generate_otp(now + 1), at=at, last_step=now) == now + 1

    def test_that_is_wrong_is_refused_and_leaves_the_challenge(self, enrolled: Enrolment) -> None:
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)

        for code in (enrolled.wrong_code(), "x", "1" * 40, "２" * 6, "é"):
            refused = answer(caller, challenge, code)
            assert problem(refused, 401)["code"] == "INVALID_CREDENTIALS"
            assert "WWW-Authenticate" in refused.headers
        assert answer(caller, challenge, enrolled.code()).status_code == 200

    def test_works_once(self, enrolled: Enrolment) -> None:
        first, second = Caller(enrolled.person.app), Caller(enrolled.person.app)
        challenges = [enrolled.challenge(first), enrolled.challenge(second)]
        code = enrolled.code()

        assert answer(first, challenges[0], code).status_code == 200
        assert answer(first, challenges[0], code).status_code == 401
        assert answer(second, challenges[1], code).status_code == 401

    def test_works_once_of_many_at_a_time(self, enrolled: Enrolment) -> None:
        app = enrolled.person.app
        challenges = [enrolled.challenge(Caller(app)) for _ in range(4)]
        code = enrolled.code()

        statuses = together(4, lambda number: answer(Caller(app), challenges[number], code).status_code)
        assert sorted(statuses) == [200, 401, 401, 401]

    def test_that_confirmed_the_factor_does_not_sign_in(self, owner: Business) -> None:
        secret = str((owner.post("/api/auth/second-factor").json or {})["secret"])
        code = pyotp.TOTP(secret).now()
        codes = owner.post("/api/auth/second-factor/confirm", {"code": code})
        enrolment = Enrolment(owner, secret, (codes.json or {})["recoveryCodes"])

        caller = Caller(owner.app)
        assert answer(caller, enrolment.challenge(caller), code).status_code == 401

    def test_of_somebody_else_is_refused(
        self, enrolled: Enrolment, business: Callable[..., Business]
    ) -> None:
        other = enrol(business())
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)

        for code in (other.code(), other.recovery_codes[0]):
            assert problem(answer(caller, challenge, code), 401)
        own = answer(caller, other.challenge(caller), other.recovery_codes[0])
        assert own.status_code == 200


class TestARecoveryCode:
    def test_signs_in_once(self, enrolled: Enrolment) -> None:
        caller = Caller(enrolled.person.app)
        challenge, code = enrolled.challenge(caller), enrolled.recovery_codes[4]

        assert [answer(caller, challenge, code).status_code for _ in range(2)] == [200, 401]
        assert answer(caller, challenge, enrolled.recovery_codes[5]).status_code == 200

    def test_works_once_of_many_at_a_time(self, enrolled: Enrolment) -> None:
        app, code = enrolled.person.app, enrolled.recovery_codes[0]
        challenge = enrolled.challenge(Caller(app))

        statuses = together(4, lambda _: answer(Caller(app), challenge, code).status_code)
        assert sorted(statuses) == [200, 401, 401, 401]

    @pytest.mark.parametrize(
        "spell", [str.upper, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")]
    )
    def test_may_be_typed_as_people_type(self, enrolled: Enrolment, spell: Callable[[str], str]) -> None:
        caller = Caller(enrolled.person.app)

        assert (
            answer(caller, enrolled.challenge(caller), spell(enrolled.recovery_codes[0])).status_code == 200
        )


class TestAChallenge:
    def test_is_good_for_five_minutes(self) -> None:
        given = datetime(2030, 1, 1, tzinfo=UTC)
        challenge = Challenge(uuid.uuid4(), None, "password", mark("hash"))
        text = codec().encode(challenge, at=given)

        assert codec().decode(text, at=given + timedelta(seconds=LIFETIME_SECONDS)) == challenge
        assert codec().decode(text, at=given + timedelta(seconds=LIFETIME_SECONDS + 1)) is None

    def test_that_is_over_is_refused(self, enrolled: Enrolment, sql: Sql) -> None:
        person = enrolled.person
        shown = Challenge(person.user_id, person.tenant_id, "password", mark(hash_of(person, sql)))
        ago = datetime.now(UTC) - timedelta(seconds=LIFETIME_SECONDS + 5)

        assert problem(answer(Caller(person.app), codec().encode(shown, at=ago), enrolled.code()), 401)

    def test_that_is_forged_in_any_letter_is_refused(self, enrolled: Enrolment) -> None:
        now = datetime.now(UTC)
        challenge = enrolled.challenge(Caller(enrolled.person.app))
        assert codec().decode(challenge, at=now) is not None

        for place, letter in enumerate(challenge):
            other = "A" if letter != "A" else "B"
            assert codec().decode(challenge[:place] + other + challenge[place + 1 :], at=now) is None, place

    @pytest.mark.parametrize(
        "bend",
        [
            lambda text: text[:-1],
            lambda text: text[: len(text) // 2],
            lambda text: text + "A",
            lambda text: text + "=",
            lambda text: "x",
            lambda text: " " + text,
            lambda text: "é" * 10,
            lambda text: str(uuid.uuid4()),
        ],
    )
    def test_that_is_cut_or_made_up_is_refused(self, enrolled: Enrolment, bend: Callable[[str], str]) -> None:
        caller = Caller(enrolled.person.app)

        refused = answer(caller, bend(enrolled.challenge(caller)), enrolled.code())
        assert problem(refused, 401)["code"] == "INVALID_CREDENTIALS"

    def test_of_another_secret_or_purpose_is_refused(self, enrolled: Enrolment, sql: Sql) -> None:
        person, now = enrolled.person, datetime.now(UTC)
        shown = Challenge(person.user_id, person.tenant_id, "password", mark(hash_of(person, sql)))
        browser = Browser(person.app)
        assert browser.log_in(person.email).status_code == 401

        for text in (
            codec("another secret of another deployment").encode(shown, at=now),
            str(person.token),
            person.refresh_token,
        ):
            assert problem(answer(Caller(person.app), text, enrolled.code()), 401)

    def test_names_only_a_business_of_one_s_own(
        self, enrolled: Enrolment, business: Callable[..., Business], sql: Sql
    ) -> None:
        # Nobody but the service can make one; even so it opens no door that the person has not.
        person, now = enrolled.person, datetime.now(UTC)
        shown = Challenge(person.user_id, business().tenant_id, "password", mark(hash_of(person, sql)))

        refused = answer(Caller(person.app), codec().encode(shown, at=now), enrolled.code())
        assert problem(refused, 400)["code"] == "INVALID_REFERENCE"

    def test_is_no_credential_for_anything_else(self, enrolled: Enrolment) -> None:
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)

        assert Caller(caller.app, token=challenge).get("/api/auth/me").status_code == 401
        browser = Browser(caller.app)
        browser.cookie = challenge
        assert browser.get("/api/auth/me").status_code == 401
        assert caller.post("/api/auth/refresh", {"refreshToken": challenge}).status_code == 401

    def test_is_dead_once_the_password_has_changed(self, enrolled: Enrolment, sql: Sql) -> None:
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)
        sql("UPDATE users SET password_hash = 'another' WHERE id = %s", enrolled.person.user_id)

        assert problem(answer(caller, challenge, enrolled.code()), 401)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE users SET status = 'disabled' WHERE id = %s",
            "UPDATE memberships SET status = 'suspended' WHERE user_id = %s",
            (
                "UPDATE tenants SET status = 'closed' WHERE id IN"
                " (SELECT tenant_id FROM memberships WHERE user_id = %s)"
            ),
        ],
    )
    def test_opens_no_door_that_was_shut_meanwhile(
        self, enrolled: Enrolment, sql: Sql, statement: str
    ) -> None:
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)
        sql(statement, enrolled.person.user_id)

        assert answer(caller, challenge, enrolled.code()).status_code in (401, 403)

    def test_keeps_the_business_that_was_chosen(
        self, enrolled: Enrolment, business: Callable[..., Business]
    ) -> None:
        other = business()
        join(enrolled.person, other, "staff")
        caller = Caller(enrolled.person.app)
        body = {"email": enrolled.person.email, "password": PASSWORD}
        assert caller.post("/api/auth/login", body).status_code == 409

        challenge = enrolled.challenge(caller, tenantId=str(other.tenant_id))
        person = signed_in(caller.app, enrolled.person.email, answer(caller, challenge, enrolled.code()))
        assert person.tenant_id == other.tenant_id


class TestGuessing:
    def test_is_slowed_down_wherever_it_comes_from(self, enrolled: Enrolment) -> None:
        app, wrong = enrolled.person.app, enrolled.wrong_code()
        challenge = enrolled.challenge(Caller(app))

        statuses = [answer(Caller(app), challenge, wrong).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        # A new challenge is no new turn, and the right code comes too late.
        assert answer(Caller(app), enrolled.challenge(Caller(app)), enrolled.code()).status_code == 429

    def test_at_recovery_codes_is_slowed_down_too(self, enrolled: Enrolment) -> None:
        app = enrolled.person.app
        challenge = enrolled.challenge(Caller(app))

        guesses = [f"aaaa-bbbb-cccc-dd{number:02}" for number in range(11)]
        statuses = [answer(Caller(app), challenge, guess).status_code for guess in guesses]
        assert statuses == [401] * 10 + [429]

    def test_with_forged_challenges_is_counted_by_address(self, app: Flask) -> None:
        caller = Caller(app)

        statuses = [answer(caller, "x", "123456").status_code for _ in range(21)]
        assert statuses == [401] * 20 + [429]

    def test_does_not_use_up_the_attempts_at_logging_in(self, enrolled: Enrolment) -> None:
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)
        for _ in range(6):
            answer(caller, challenge, "x")

        assert answer(caller, enrolled.challenge(caller), enrolled.code()).status_code == 200


class TestNoOtherWay:
    def test_in_leads_past_it(self, enrolled: Enrolment, business: Callable[..., Business]) -> None:
        person, caller = enrolled.person, Caller(enrolled.person.app)
        # Registering again, with the same address.
        registered = caller.post(
            "/api/auth/register",
            {
                "email": person.email,
                "password": PASSWORD,
                "firstName": "A",
                "lastName": "B",
                "businessName": "C",
                "businessType": "gym",
                "countryCode": "IN",
            },
        )
        assert registered.status_code == 409
        # Naming a business, a kind of session, or both.
        for details in ({"tenantId": str(person.tenant_id)}, {"session": "token"}):
            body = {"email": person.email, "password": PASSWORD, **details}
            assert caller.post("/api/auth/login", body).status_code == 401

    def test_in_is_needed_for_sessions_that_stood_before(self, owner: Business) -> None:
        # Who was signed in stays so: refreshing and switching are no new sign-in.
        before = again(owner)
        enrol(owner)

        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": before.refresh_token})
        assert refreshed.status_code == 200

    def test_code_alone_is_nothing(self, enrolled: Enrolment) -> None:
        response = Caller(enrolled.person.app).post(
            "/api/auth/login/second-factor", {"code": enrolled.code(), "email": enrolled.person.email}
        )
        assert response.status_code == 400


class TestABrowser:
    def test_gets_its_cookie_with_the_second_step(self, enrolled: Enrolment) -> None:
        browser = Browser(enrolled.person.app)
        challenge = problem(browser.log_in(enrolled.person.email), 401)["challenge"]
        assert browser.cookie is None

        body = {"challenge": challenge, "code": enrolled.code(), "session": "browser"}
        response = browser.post("/api/auth/login/second-factor", body)
        assert response.status_code == 200
        assert {"accessToken", "refreshToken"}.isdisjoint(response.json or {})
        assert is_signed_in(browser)

    def test_of_a_foreign_page_gets_none_and_uses_up_no_code(self, enrolled: Enrolment) -> None:
        browser = Browser(enrolled.person.app, origin="https://evil.example")
        challenge, code = enrolled.challenge(Caller(enrolled.person.app)), enrolled.code()

        body = {"challenge": challenge, "code": code, "session": "browser"}
        refused = browser.post("/api/auth/login/second-factor", body)
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"
        assert NAME not in refused.headers.get("Set-Cookie", "")
        assert answer(Caller(enrolled.person.app), challenge, code).status_code == 200


class TestTheSecretAtRest:
    def test_is_in_no_column_as_it_is(self, enrolled: Enrolment, sql: Sql) -> None:
        rows = sql("SELECT * FROM second_factors WHERE user_id = %s", enrolled.person.user_id)
        rows += sql("SELECT * FROM recovery_codes WHERE user_id = %s", enrolled.person.user_id)
        rows += sql("SELECT data::text FROM events WHERE tenant_id = %s", enrolled.person.tenant_id)
        rows += sql("SELECT sealed FROM account_mails WHERE tenant_id IS NULL")
        dump = str(rows).lower()

        assert len(rows) > 12
        assert enrolled.secret.lower() not in dump
        for code in enrolled.recovery_codes:
            assert code not in dump
            assert code.replace("-", "") not in dump

    def test_is_readable_for_a_secret_that_is_being_retired_and_is_sealed_anew(
        self, enrolled: Enrolment, environ: dict[str, str], sql: Sql
    ) -> None:
        before, after = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        statement = "SELECT sealed FROM second_factors WHERE user_id = %s"
        apps = [
            create_app(Config.load({**environ, **variables}))
            for variables in (
                {"ENCRYPTION_SECRET": before},
                {"ENCRYPTION_SECRET": after, "ENCRYPTION_SECRET_PREVIOUS": before},
                {"ENCRYPTION_SECRET": after},
            )
        ]
        sealed = [sql(statement, enrolled.person.user_id)]
        try:
            # Each step leaves what the next one can open; the first was sealed with the session secret.
            for app in apps:
                person = log_in(enrolled, Caller(app))
                assert is_signed_in(person)
                sealed.append(sql(statement, enrolled.person.user_id))
        finally:
            for app in apps:
                app.extensions[EXTENSION].dispose()
        assert len({str(one) for one in sealed}) == 4

    def test_that_cannot_be_opened_any_more_leaves_the_recovery_codes(
        self, enrolled: Enrolment, sql: Sql, caplog: pytest.LogCaptureFixture
    ) -> None:
        sql("UPDATE second_factors SET sealed = 'lost' WHERE user_id = %s", enrolled.person.user_id)
        caller = Caller(enrolled.person.app)
        challenge = enrolled.challenge(caller)

        assert problem(answer(caller, challenge, enrolled.at_step(0)), 401)
        assert "second factor cannot be opened" in caplog.text
        assert answer(caller, challenge, enrolled.recovery_codes[0]).status_code == 200
