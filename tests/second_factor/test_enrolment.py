"""/api/auth/second-factor: setting one up, its recovery codes, and doing without it again."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from mbs.foundation.db import Role
from mbs.foundation.sealing import Sealer
from mbs.mail.models import AccountMail, compose
from tests.auth.racing import together
from tests.conftest import SECRETS
from tests.factories.callers import Business, Caller
from tests.second_factor.enrolment import (
    PATH,
    Enrolment,
    age_proof,
    answer,
    enrol,
    event_types,
    log_in,
    problem,
    propose,
)


class TestProposing:
    def test_gives_a_secret_that_does_not_count_yet(self, owner: Business) -> None:
        response = owner.post(PATH)

        assert response.status_code == 201
        assert response.headers["Cache-Control"] == "private, no-store"
        body = response.json or {}
        assert re.fullmatch("[A-Z2-7]{32}", body["secret"])
        assert owner.get(PATH).json == {
            "enabled": False,
            "since": None,
            "recoveryCodesLeft": 0,
            "demanded": False,
        }
        login = Caller(owner.app).post(
            "/api/auth/login", {"email": owner.email, "password": "three green umbrellas"}
        )
        assert login.status_code == 200

    def test_says_all_that_an_app_needs(self, owner: Business) -> None:
        body = owner.post(PATH).json or {}

        uri = urlsplit(body["uri"])
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert unquote(uri.path) == f"/MyBizStream:{owner.email}"
        assert parse_qs(uri.query) == {"secret": [body["secret"]], "issuer": ["MyBizStream"]}
        parsed = pyotp.parse_uri(body["uri"])
        assert isinstance(parsed, pyotp.TOTP)
        assert parsed.secret == body["secret"]

    def test_draws_a_picture_that_needs_nothing_from_elsewhere(self, owner: Business) -> None:
        picture = (owner.post(PATH).json or {})["qr"]

        drawing = ET.fromstring(picture)
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        assert {one.tag.partition("}")[2] for one in drawing.iter()} == {"svg", "g", "path"}
        assert "href" not in picture
        assert "url(" not in picture
        assert picture.count("http") == 1

    def test_again_replaces_the_former(self, owner: Business) -> None:
        former, latter = propose(owner), propose(owner)

        assert former != latter
        refused = owner.post(f"{PATH}/confirm", {"code": pyotp.TOTP(former).now()})
        assert problem(refused, 400)["errors"][0]["field"] == "code"
        assert owner.post(f"{PATH}/confirm", {"code": pyotp.TOTP(latter).now()}).status_code == 200

    def test_is_refused_once_one_is_confirmed(self, owner: Business) -> None:
        enrol(owner)

        assert problem(owner.post(PATH), 409)["code"] == "SECOND_FACTOR_ENABLED"

    @pytest.mark.parametrize("path", ["", "/confirm", "/recovery-codes"])
    def test_and_all_that_follows_needs_a_fresh_proof(self, owner: Business, path: str) -> None:
        age_proof(owner)

        refused = owner.post(f"{PATH}{path}", {"code": "123456"} if path == "/confirm" else None)
        assert problem(refused, 403)["code"] == "STEP_UP_REQUIRED"
        assert (owner.get(PATH).json or {})["enabled"] is False


class TestConfirming:
    def test_gives_ten_recovery_codes_and_ends_nothing(self, owner: Business) -> None:
        elsewhere = Caller(owner.app).post(
            "/api/auth/login", {"email": owner.email, "password": "three green umbrellas"}
        )
        enrolment = enrol(owner)

        assert len(set(enrolment.recovery_codes)) == 10
        assert all(re.fullmatch("([2-9a-z]{4}-){3}[2-9a-z]{4}", one) for one in enrolment.recovery_codes)
        state = owner.get(PATH).json or {}
        assert (state["enabled"], state["recoveryCodesLeft"]) == (True, 10)
        assert state["since"].endswith("Z")
        other = Caller(owner.app, token=(elsewhere.json or {})["accessToken"])
        assert other.get("/api/auth/me").status_code == 200
        assert event_types(owner)[0] == "user.second_factor_enabled"

    @pytest.mark.parametrize("code", ["000000", "x", "12345", "１２３４５６", "1" * 40, "é" * 6])
    def test_refuses_what_is_no_code_of_it(self, owner: Business, code: str) -> None:
        secret = propose(owner)

        if pyotp.TOTP(secret).verify(code, valid_window=2):
            pytest.skip("the one chance in a million")
        refused = owner.post(f"{PATH}/confirm", {"code": code})
        assert problem(refused, 400)["errors"][0]["field"] == "code"
        assert (owner.get(PATH).json or {})["enabled"] is False

    def test_takes_the_code_as_apps_show_it(self, owner: Business) -> None:
        code = pyotp.TOTP(propose(owner)).now()

        assert owner.post(f"{PATH}/confirm", {"code": f"{code[:3]} {code[3:]}"}).status_code == 200

    def test_without_a_proposal_is_refused(self, owner: Business) -> None:
        assert problem(owner.post(f"{PATH}/confirm", {"code": "123456"}), 400)

    def test_twice_is_refused_and_changes_no_recovery_code(self, owner: Business) -> None:
        enrolment = enrol(owner)

        again = owner.post(f"{PATH}/confirm", {"code": enrolment.code()})
        assert problem(again, 409)["code"] == "SECOND_FACTOR_ENABLED"
        challenge = enrolment.challenge(Caller(owner.app))
        assert answer(Caller(owner.app), challenge, enrolment.recovery_codes[0]).status_code == 200

    def test_at_once_by_many_gives_recovery_codes_to_one(self, owner: Business, app: Flask) -> None:
        code = pyotp.TOTP(propose(owner)).now()

        answers = together(
            4, lambda _: Caller(app, token=owner.token).post(f"{PATH}/confirm", {"code": code}).status_code
        )
        assert sorted(answers) == [200, 409, 409, 409]

    def test_a_secret_of_somebody_else_is_refused(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        stranger = business()
        secret = propose(owner)
        propose(stranger)

        assert problem(stranger.post(f"{PATH}/confirm", {"code": pyotp.TOTP(secret).now()}), 400)

    def test_is_slowed_down(self, owner: Business) -> None:
        propose(owner)

        statuses = [owner.post(f"{PATH}/confirm", {"code": "x"}).status_code for _ in range(11)]
        assert statuses == [400] * 10 + [429]


class TestRenewingRecoveryCodes:
    def test_makes_the_former_worthless(self, owner: Business) -> None:
        enrolment = enrol(owner)

        response = owner.post(f"{PATH}/recovery-codes")
        assert response.status_code == 200
        fresh = (response.json or {})["recoveryCodes"]
        assert len(set(fresh) | set(enrolment.recovery_codes)) == 20
        challenge = enrolment.challenge(Caller(owner.app))
        assert answer(Caller(owner.app), challenge, enrolment.recovery_codes[0]).status_code == 401
        assert answer(Caller(owner.app), challenge, fresh[0]).status_code == 200
        assert (owner.get(PATH).json or {})["recoveryCodesLeft"] == 9
        assert "user.recovery_codes_renewed" in event_types(owner)

    def test_without_a_second_factor_is_refused(self, owner: Business) -> None:
        propose(owner)

        refused = problem(owner.post(f"{PATH}/recovery-codes"), 409)
        assert refused["code"] == "SECOND_FACTOR_NOT_ENABLED"


class TestTurningItOff:
    @pytest.mark.parametrize("kind", ["code", "recovery code"])
    def test_takes_everything_away(self, owner: Business, kind: str) -> None:
        enrolment = enrol(owner)
        code = enrolment.code() if kind == "code" else enrolment.recovery_codes[3]

        assert owner.post(f"{PATH}/disable", {"code": code}).status_code == 204
        assert owner.get(PATH).json == {
            "enabled": False,
            "since": None,
            "recoveryCodesLeft": 0,
            "demanded": False,
        }
        login = Caller(owner.app).post(
            "/api/auth/login", {"email": owner.email, "password": "three green umbrellas"}
        )
        assert login.status_code == 200
        assert "user.second_factor_disabled" in event_types(owner)

    def test_needs_a_code(self, owner: Business) -> None:
        enrolment = enrol(owner)

        refused = owner.post(f"{PATH}/disable", {"code": enrolment.wrong_code()})
        assert problem(refused, 401)["code"] == "INVALID_CREDENTIALS"
        assert owner.post(f"{PATH}/disable", {}).status_code == 400
        assert (owner.get(PATH).json or {})["enabled"] is True

    def test_needs_a_code_that_was_not_used(self, owner: Business) -> None:
        enrolment = enrol(owner)
        code = enrolment.code()
        challenge = enrolment.challenge(Caller(owner.app))
        assert answer(Caller(owner.app), challenge, code).status_code == 200

        assert problem(owner.post(f"{PATH}/disable", {"code": code}), 401)

    def test_needs_a_fresh_proof(self, owner: Business) -> None:
        enrolment = enrol(owner)
        age_proof(owner)

        refused = owner.post(f"{PATH}/disable", {"code": enrolment.code()})
        assert problem(refused, 403)["code"] == "STEP_UP_REQUIRED"

    def test_where_there_is_none_is_refused(self, owner: Business) -> None:
        refused = owner.post(f"{PATH}/disable", {"code": "123456"})
        assert problem(refused, 409)["code"] == "SECOND_FACTOR_NOT_ENABLED"

    def test_makes_an_open_challenge_worthless(self, owner: Business) -> None:
        enrolment = enrol(owner)
        challenge = enrolment.challenge(Caller(owner.app))
        assert owner.post(f"{PATH}/disable", {"code": enrolment.code()}).status_code == 204

        assert problem(answer(Caller(owner.app), challenge, enrolment.recovery_codes[0]), 401)
        assert problem(answer(Caller(owner.app), challenge, enrolment.at_step(0)), 401)

    def test_and_on_again_gives_another_secret(self, owner: Business) -> None:
        former = enrol(owner)
        assert owner.post(f"{PATH}/disable", {"code": former.code()}).status_code == 204
        latter = enrol(owner)

        assert latter.secret != former.secret
        assert isinstance(log_in(latter, Caller(owner.app)), Business)
        challenge = latter.challenge(Caller(owner.app))
        for code in (former.at_step(0), former.recovery_codes[5]):
            if code != latter.at_step(0):
                assert answer(Caller(owner.app), challenge, code).status_code == 401

    def test_while_recovery_codes_are_renewed_leaves_none_behind(self, owner: Business, app: Flask) -> None:
        enrolment = enrol(owner)

        def act(number: int) -> int:
            caller = Caller(app, token=owner.token)
            if number == 0:
                return caller.post(f"{PATH}/disable", {"code": enrolment.recovery_codes[0]}).status_code
            return caller.post(f"{PATH}/recovery-codes").status_code

        # Either the codes went first, and the old one opens nothing, or the factor went first.
        outcome = together(4, act)
        state = owner.get(PATH).json or {}
        assert (state["enabled"], state["recoveryCodesLeft"]) in ((True, 10), (False, 0)), outcome


class TestAPersonWithoutOne:
    def test_is_not_told_of_another_s(self, owner: Business, business: Callable[..., Business]) -> None:
        enrolment: Enrolment = enrol(owner)
        stranger = business()

        assert (stranger.get(PATH).json or {})["enabled"] is False
        refused = stranger.post(f"{PATH}/disable", {"code": enrolment.code()})
        assert problem(refused, 409)["code"] == "SECOND_FACTOR_NOT_ENABLED"


class TestItsPerson:
    def test_is_told_by_mail_of_each_change(self, owner: Business) -> None:
        enrolment = enrol(owner)
        assert owner.post(f"{PATH}/recovery-codes").status_code == 200
        assert owner.post(f"{PATH}/disable", {"code": enrolment.code()}).status_code == 204

        mails = mails_to(owner)
        assert mails == [{"to": owner.email}] * 3
        assert compose("second_factor_changed", mails[0], base_url="https://mbs.test").to == owner.email

    def test_is_told_nothing_of_what_was_refused(self, owner: Business) -> None:
        propose(owner)
        assert owner.post(f"{PATH}/confirm", {"code": "x"}).status_code == 400

        assert mails_to(owner) == []


def mails_to(person: Business) -> list[dict[str, str]]:
    """Return what waits to be sent to a person about their second factor, oldest first."""
    sealer = Sealer([SECRETS["SESSION_SECRET"]])
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        statement = select(AccountMail.sealed).where(
            # A mail that was sent, by whichever test emptied the queue, keeps nothing to open.
            AccountMail.template == "second_factor_changed",
            AccountMail.sealed.is_not(None),
        )
        rows = transaction.execute(statement.order_by(AccountMail.id)).scalars()
        opened = [sealer.open(str(sealed)) for sealed in rows]
    return [mail for mail in opened if mail["to"] == person.email]
