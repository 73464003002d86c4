"""Opening an account: one address, one account, however it is spelled; and a business of one's own."""

import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation.keys import email_key
from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.factories.callers import PASSWORD, Business, Caller

DETAILS = {
    "password": PASSWORD,
    "firstName": "Asha",
    "lastName": "Rao",
    "businessName": "Asha's Salon",
    "businessType": "salon",
    "countryCode": "IN",
}


def new_email(domain: str = "example.com") -> str:
    return f"new-{uuid.uuid4().hex[:10]}@{domain}"


def register(app: Flask, email: Any, **details: Any) -> TestResponse:
    return Caller(app).post("/api/auth/register", {"email": email, **DETAILS, **details})


def faulty_fields(response: TestResponse) -> set[str]:
    assert response.status_code == 400, response.get_data(as_text=True)
    return {one["field"] for one in response.get_json()["errors"]}


class TestRegister:
    def test_signs_the_person_in_to_a_business_they_own(self, app: Flask, sql: Sql) -> None:
        email = new_email()
        response = register(app, email, countryCode="DE", businessName="Käthes Café")

        body = response.get_json()
        assert response.status_code == 201
        assert (body["user"]["email"], body["role"]) == (email, "owner")
        tenant = body["tenant"]
        assert (tenant["country"], tenant["currency"], tenant["timezone"]) == ("DE", "EUR", "Europe/Berlin")
        assert tenant["slug"].startswith("kathes-cafe-")
        caller = Caller(app, token=body["accessToken"])
        assert caller.get("/api/customers").get_json()["data"] == []
        ((stored,),) = sql("SELECT password_hash FROM users WHERE id = %s", body["user"]["id"])
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        rows = sql("SELECT name, is_default, timezone FROM locations WHERE tenant_id = %s", tenant["id"])
        assert rows == [("Käthes Café", True, "Europe/Berlin")]
        rows = sql("SELECT seq, type, actor ->> 'id' FROM events WHERE tenant_id = %s", tenant["id"])
        assert rows == [(1, "tenant.created", body["user"]["id"])]

    def test_takes_the_time_zone_that_is_named(self, app: Flask) -> None:
        body = register(app, new_email(), countryCode="US", timezone="America/Denver").get_json()
        assert (body["tenant"]["timezone"], body["tenant"]["currency"]) == ("America/Denver", "USD")

    def test_names_every_faulty_field_in_one_answer(self, caller: Caller) -> None:
        response = caller.post(
            "/api/auth/register",
            {
                "email": "asha",
                "password": 5,
                "firstName": " ",
                "lastName": "x" * 81,
                "businessType": "circus",
                "countryCode": "in",
                "timezone": "Mars/Olympus",
                "role": "owner",
                "tenantId": str(uuid.uuid4()),
            },
        )
        assert faulty_fields(response) == {
            "email", "password", "firstName", "lastName", "businessName", "businessType", "countryCode",
            "timezone", "role", "tenantId",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "password",
        ["x" * 11, "short words", "w q7" * 33, "w q7" * 256, "w q7" * 256 + "x", "password1234",
         "123456789012", "asha's salon", "Asha's Salon 1", "owner-of-it", "", None],
    )  # fmt: skip
    def test_refuses_a_weak_password_by_name(self, app: Flask, sql: Sql, password: Any) -> None:
        email = new_email()
        response = register(app, email, password=password)
        assert faulty_fields(response) == {"password"}
        assert not password or password not in response.get_data(as_text=True)
        assert sql("SELECT id FROM users WHERE email = %s", email) == []

    def test_refuses_a_password_made_of_the_address(self, app: Flask) -> None:
        email = new_email()
        assert faulty_fields(register(app, email, password=email.partition("@")[0])) == {"password"}
        assert faulty_fields(register(app, email, password=f"{email.partition('@')[0]}!1")) == {"password"}

    @pytest.mark.parametrize("length", [12, 128])
    def test_takes_the_shortest_and_the_longest_password(self, app: Flask, length: int) -> None:
        email, password = new_email(), ("wq7 ümlaut-" * 12)[:length]
        assert register(app, email, password=password).status_code == 201
        login = {"email": email, "password": password}
        assert Caller(app).post("/api/auth/login", login).status_code == 200


class TestEmailIdentity:
    SPELLINGS = (
        ("k.rao-{n}@münchen.example", "K.RAO-{n}@MÜNCHEN.example"),
        ("k.rao-{n}@münchen.example", "k.rao-{n}@xn--mnchen-3ya.example"),
        ("k.rao-{n}@example.com", " k.rao-{n}@EXAMPLE.com "),
        ("k.rao-{n}@example.com", "ｋ.rao-{n}@example.com"),
        ("k.rao-{n}@example.com", "\N{KELVIN SIGN}.rao-{n}@example.com"),
        ("k.rao-{n}@example.com", "k.rao-{n}@ｅxample.com"),
        ("josé-{n}@example.com", "jose\N{COMBINING ACUTE ACCENT}-{n}@example.com"),
        ("straße-{n}@example.com", "STRASSE-{n}@example.com"),
    )

    @pytest.mark.parametrize(("first", "second"), SPELLINGS)
    def test_is_one_for_all_spellings(self, first: str, second: str) -> None:
        assert email_key(first) == email_key(second)
        assert email_key(email_key(first)) == email_key(first)

    def test_differs_for_different_addresses(self) -> None:
        addresses = (
            "a@b.example",
            "a.@b.example",
            "a@c.example",
            "á@b.example",
            "a+x@b.example",
            "а@b.example",
        )
        assert len({email_key(one) for one in addresses}) == len(addresses)

    def test_already_taken_is_a_conflict_in_any_spelling(self, app: Flask, sql: Sql) -> None:
        number = uuid.uuid4().hex[:8]
        first, second = (text.format(n=number) for text in self.SPELLINGS[0])
        assert register(app, first).status_code == 201

        for email in (first, second):
            response = register(app, email, businessName="Another", password="seven other words")
            assert response.status_code == 409
            assert response.get_json()["code"] == "EMAIL_ALREADY_EXISTS"
            assert first not in response.get_data(as_text=True)
        ((count,),) = sql("SELECT count(*) FROM users WHERE email_key LIKE %s", f"%{number}%")
        assert count == 1
        assert Caller(app).post("/api/auth/login", {"email": second, "password": PASSWORD}).status_code == 200

    def test_of_two_at_once_is_given_to_one(self, app: Flask, sql: Sql) -> None:
        email = new_email()
        ((before,),) = sql("SELECT count(*) FROM tenants")
        answers = together(2, lambda _: register(app, email))

        assert sorted(answer.status_code for answer in answers) == [201, 409]
        (loser,) = [answer for answer in answers if answer.status_code == 409]
        assert loser.get_json()["code"] == "EMAIL_ALREADY_EXISTS"
        ((after,),) = sql("SELECT count(*) FROM tenants")
        assert after == before + 1

    @pytest.mark.parametrize(
        "email",
        ["", "x", "@example.com", "x@", "x@@example.com", "x y@example.com", "x\u200b@example.com",
         "x@exa\u202emple.com", "x@localhost", "x@127.0.0.1", "x" * 250 + "@example.com", 5, None,
         ["x@y.example"], "x@example.com\nbcc:y@example.com", "<x@example.com>", "x@example..com",
         '"x y"@example.com'],
    )  # fmt: skip
    def test_takes_only_what_mail_can_reach(self, app: Flask, email: Any) -> None:
        assert faulty_fields(register(app, email)) == {"email"}


class TestDisclosure:
    def test_of_a_taken_address_costs_a_place_in_the_limit(self, resident: Business) -> None:
        caller = Caller(resident.app)
        statuses = [
            caller.post("/api/auth/register", {"email": resident.email, **DETAILS}).status_code
            for _ in range(11)
        ]
        assert statuses == [409] * 10 + [429]
