"""Signing in: the right password opens, everything else tells a stranger nothing."""

import json
import logging
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import argon2
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation import passwords
from mbs.foundation.db import Transaction
from mbs.foundation.logs import JsonFormatter
from tests.auth.conftest import Sql
from tests.auth.forgery import claims_of
from tests.factories.callers import PASSWORD, Business, Caller

OTHER_BUSINESS = {"businessName": "Asha's Gym", "businessType": "gym", "countryCode": "IN"}
WRONG = "another four red umbrellas"


def log_in(app: Flask, email: str, password: str, **more: Any) -> TestResponse:
    return Caller(app).post("/api/auth/login", {"email": email, "password": password, **more})


def shown(response: TestResponse) -> tuple[Any, ...]:
    """Return all that a caller sees of a response but its instants and its correlation id."""
    body = dict(response.get_json())
    del body["correlationId"], body["timestamp"]
    told_apart = {"X-Correlation-Id", "X-RateLimit-Reset", "RateLimit"}
    headers = {name: "" if name in told_apart else value for name, value in response.headers}
    return response.status_code, json.dumps(body), headers


class CountingHasher:
    """Stands in for the password hasher and counts what it is asked."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self.verified = 0
        self.hashed = 0

    def verify(self, stored: str, password: str) -> bool:
        self.verified += 1
        return self._hasher.verify(stored, password)

    def hash(self, password: str) -> str:
        self.hashed += 1
        return self._hasher.hash(password)

    def check_needs_rehash(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", counting)
    return counting


class TestLogin:
    def test_answers_with_tokens_person_business_and_rights(self, resident: Business) -> None:
        response = log_in(resident.app, resident.email, PASSWORD)

        body = response.get_json()
        assert response.status_code == 200
        assert (body["tokenType"], body["expiresIn"], body["role"]) == ("Bearer", 900, "owner")
        assert body["user"] == {
            "id": str(resident.user_id),
            "email": resident.email,
            "firstName": "Asha",
            "lastName": "Rao",
        }
        assert body["tenant"]["id"] == str(resident.tenant_id)
        assert (body["tenant"]["currency"], body["tenant"]["timezone"]) == ("INR", "Asia/Kolkata")
        assert "customers:read" in body["permissions"]
        claims = claims_of(body["accessToken"])
        assert claims["sub"] == str(resident.user_id)
        assert claims["exp"] - claims["iat"] == 900
        assert response.headers["Cache-Control"] == "private, no-store"

    def test_starts_a_session_of_its_own_each_time(self, resident: Business) -> None:
        tokens = [log_in(resident.app, resident.email, PASSWORD).get_json() for _ in range(2)]
        assert len({claims_of(one["accessToken"])["sid"] for one in tokens}) == 2

    @pytest.mark.parametrize("change", [str.upper, str.title, lambda text: f"  {text} ", "full width"])
    def test_knows_the_person_by_any_spelling_of_the_address(self, resident: Business, change: Any) -> None:
        if change == "full width":
            email = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in resident.email)
            email = email.replace("．", ".")
        else:
            email = change(resident.email)
        assert log_in(resident.app, email, PASSWORD).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"email": "x@example.com"},
            {"email": "x", "password": "p"},
            {"email": "x@example.com", "password": 5},
            {"email": "x@example.com", "password": ""},
            {"email": "x@example.com", "password": "p" * 1025},
            {"email": "x@example.com", "password": ["p"]},
            {"email": "x@example.com", "password": "p", "remember": True},
            {"email": "x@example.com", "password": "p", "tenantId": "mine"},
        ],
    )
    def test_names_faulty_fields_before_any_hash(
        self, caller: Caller, hasher: CountingHasher, body: dict[str, Any]
    ) -> None:
        response = caller.post("/api/auth/login", body)
        assert response.status_code == 400
        assert {one["field"] for one in response.get_json()["errors"]} <= {
            "email", "password", "remember", "tenantId",
        }  # fmt: skip
        assert hasher.verified == 0


class TestStranger:
    """Whoever has no right password cannot tell one account from another, or from none."""

    def test_cannot_tell_a_known_account_from_an_unknown_one(
        self, resident: Business, hasher: CountingHasher
    ) -> None:
        known = log_in(resident.app, resident.email, WRONG)
        assert hasher.verified == 1
        unknown = log_in(resident.app, f"nobody-{uuid.uuid4().hex[:10]}@example.com", WRONG)
        assert (hasher.verified, hasher.hashed) == (2, 0)

        assert shown(known) == shown(unknown)
        assert known.status_code == 401
        assert known.get_json()["code"] == "INVALID_CREDENTIALS"
        assert "WWW-Authenticate" in known.headers

    def test_gives_the_database_as_much_to_do(self, resident: Business, monkeypatch: Any) -> None:
        real = Transaction.execute
        sent: list[int] = []

        def execute(transaction: Transaction, *args: Any) -> Any:
            sent[-1] += 1
            return real(transaction, *args)

        monkeypatch.setattr(Transaction, "execute", execute)
        for email in (resident.email, f"nobody-{uuid.uuid4().hex[:10]}@example.com"):
            sent.append(0)
            assert log_in(resident.app, email, WRONG).status_code == 401
        assert sent[0] == sent[1] > 0

    def test_cannot_tell_a_disabled_account_even_with_its_password(
        self, owner: Business, sql: Sql, hasher: CountingHasher
    ) -> None:
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", owner.user_id)
        hasher.verified = hasher.hashed = 0
        answers = [log_in(owner.app, owner.email, password) for password in (PASSWORD, WRONG)]
        answers.append(log_in(owner.app, f"nobody-{uuid.uuid4().hex}@example.com", WRONG))

        assert shown(answers[0]) == shown(answers[1]) == shown(answers[2])
        assert (hasher.verified, hasher.hashed) == (3, 0)

    def test_learns_of_no_business(self, owner: Business) -> None:
        owner.post("/api/tenants", OTHER_BUSINESS)
        unknown = log_in(owner.app, f"nobody-{uuid.uuid4().hex}@example.com", WRONG)
        for more in ({}, {"tenantId": str(owner.tenant_id)}, {"tenantId": str(uuid.uuid4())}):
            assert shown(log_in(owner.app, owner.email, WRONG, **more)) == shown(unknown)


class TestSeveralBusinesses:
    @pytest.fixture
    def second(self, owner: Business) -> str:
        response = owner.post("/api/tenants", OTHER_BUSINESS)
        assert response.status_code == 201
        id_: str = response.get_json()["id"]
        return id_

    def test_must_be_chosen_from_once_the_password_was_right(self, owner: Business, second: str) -> None:
        response = log_in(owner.app, owner.email, PASSWORD)

        body = response.get_json()
        assert response.status_code == 409
        assert body["code"] == "MULTI_TENANT_SELECT_REQUIRED"
        assert [one["id"] for one in body["tenants"]] == [str(owner.tenant_id), second]
        assert [set(one) for one in body["tenants"]] == [{"id", "name", "slug", "businessType"}] * 2
        assert "accessToken" not in response.get_data(as_text=True)

    def test_open_by_their_id(self, owner: Business, second: str) -> None:
        for id_ in (str(owner.tenant_id), second, second.upper()):
            response = log_in(owner.app, owner.email, PASSWORD, tenantId=id_)
            assert response.status_code == 200
            assert response.get_json()["tenant"]["id"] == id_.lower()

    def test_of_others_look_like_ones_that_never_were(self, owner: Business, resident: Business) -> None:
        foreign = log_in(owner.app, owner.email, PASSWORD, tenantId=str(resident.tenant_id))
        random = log_in(owner.app, owner.email, PASSWORD, tenantId=str(uuid.uuid4()))

        assert shown(foreign) == shown(random)
        assert foreign.status_code == 400
        assert foreign.get_json()["code"] == "INVALID_REFERENCE"
        assert [one["field"] for one in foreign.get_json()["errors"]] == ["tenantId"]

    def test_that_are_suspended_stay_in_the_list_and_closed_ones_do_not(
        self, owner: Business, second: str, sql: Sql
    ) -> None:
        sql("UPDATE tenants SET status = 'suspended' WHERE id = %s", second)
        assert log_in(owner.app, owner.email, PASSWORD).status_code == 409
        sql("UPDATE tenants SET status = 'closed' WHERE id = %s", second)
        response = log_in(owner.app, owner.email, PASSWORD)
        assert (response.status_code, response.get_json()["tenant"]["id"]) == (200, str(owner.tenant_id))

    def test_count_only_where_the_membership_stands(self, owner: Business, sql: Sql) -> None:
        sql("UPDATE memberships SET status = 'suspended' WHERE user_id = %s", owner.user_id)
        response = log_in(owner.app, owner.email, PASSWORD)
        assert (response.status_code, response.get_json()["code"]) == (403, "FORBIDDEN")


class TestPasswordAtLogin:
    def registered(self, business: Callable[..., Business], sql: Sql, stored: str) -> Business:
        owner = business()
        sql("UPDATE users SET password_hash = %s WHERE id = %s", stored, owner.user_id)
        return owner

    def test_is_one_however_its_letters_are_composed(
        self, business: Callable[..., Business], sql: Sql
    ) -> None:
        text = "Crème brûlée à Ålesund"
        composed, taken_apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
        assert composed != taken_apart
        owner = self.registered(business, sql, passwords.hash_password(taken_apart))
        for typed in (composed, taken_apart):
            assert log_in(owner.app, owner.email, typed).status_code == 200
        assert log_in(owner.app, owner.email, text.casefold()).status_code == 401

    def test_counts_to_its_last_character(self, business: Callable[..., Business], sql: Sql) -> None:
        long = "0123456789abcdef" * 8
        owner = self.registered(business, sql, passwords.hash_password(long))
        assert log_in(owner.app, owner.email, long).status_code == 200
        for other in (long[:-1], long[:72], long[:-1] + "g", long + "f", f" {long}", f"{long} "):
            assert log_in(owner.app, owner.email, other).status_code == 401

    def test_gets_todays_parameters_when_it_has_older_ones(
        self, business: Callable[..., Business], sql: Sql
    ) -> None:
        old = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=2).hash(PASSWORD)
        owner = self.registered(business, sql, old)

        def stored() -> str:
            ((text,),) = sql("SELECT password_hash FROM users WHERE id = %s", owner.user_id)
            return str(text)

        log_in(owner.app, owner.email, WRONG)
        assert stored() == old
        assert log_in(owner.app, owner.email, PASSWORD).status_code == 200
        raised = stored()
        assert raised.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert log_in(owner.app, owner.email, PASSWORD).status_code == 200
        assert stored() == raised

    @pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$2b$12$" + "x" * 53, PASSWORD])
    def test_never_fits_a_stored_text_that_is_no_hash(
        self, business: Callable[..., Business], sql: Sql, stored: str
    ) -> None:
        owner = self.registered(business, sql, stored)
        assert log_in(owner.app, owner.email, PASSWORD).status_code == 401


class TestLog:
    def test_holds_no_password_token_or_address(
        self,
        business: Callable[..., Business],
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        owner = business()
        login = log_in(owner.app, owner.email, PASSWORD).get_json()
        log_in(owner.app, owner.email, WRONG)
        Caller(owner.app).post("/api/auth/login", {"email": [owner.email], "password": {"x": PASSWORD}})
        newest = (
            Caller(owner.app).post("/api/auth/refresh", {"refreshToken": login["refreshToken"]}).get_json()
        )
        Caller(owner.app).post("/api/auth/refresh", {"refreshToken": f"{login['refreshToken']}x"})
        Caller(owner.app, token=f"{owner.token}x").get("/api/auth/me")
        Caller(owner.app, token=owner.refresh_token).get("/api/auth/me")
        owner.post("/api/auth/logout")

        formatter = JsonFormatter()
        text = "\n".join(formatter.format(record) for record in caplog.records) + capsys.readouterr().out
        assert text.count('"event":"auth.logged_in"') == 1
        assert text.count('"route":"/api/auth/refresh"') == 2
        secrets = [PASSWORD, WRONG, owner.email, owner.refresh_token, str(owner.token)]
        secrets += [one[name] for one in (login, newest) for name in ("accessToken", "refreshToken")]
        for secret in secrets:
            assert secret not in text
            # A token's end is its signature; its beginning may stand there as an id.
            assert secret[-30:] not in text
