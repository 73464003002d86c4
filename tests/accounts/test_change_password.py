"""Changing one's password: by the present one, and with everybody else signed out."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from mbs.foundation import passwords
from tests.accounts.conftest import MailsTo, Sql
from tests.auth.racing import together
from tests.factories.callers import PASSWORD, Business, Caller

NEW = "four yellow bicycles"
PATH, LOGIN = "/api/auth/change-password", "/api/auth/login"


def change(caller: Caller, current: str = PASSWORD, new: str = NEW) -> Any:
    return caller.post(PATH, {"currentPassword": current, "newPassword": new})


def log_in(owner: Business, password: str) -> int:
    return Caller(owner.app).post(LOGIN, {"email": owner.email, "password": password}).status_code


class TestChangePassword:
    def test_keeps_this_session_and_ends_the_others(self, owner: Business, mails_to: MailsTo) -> None:
        login = {"email": owner.email, "password": PASSWORD}
        other = Caller(owner.app).post(LOGIN, login).get_json()

        response = change(owner)

        assert (response.status_code, response.get_data()) == (204, b"")
        assert owner.get("/api/auth/me").status_code == 200
        assert Caller(owner.app, token=other["accessToken"]).get("/api/auth/me").status_code == 401
        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": other["refreshToken"]})
        assert refreshed.status_code == 401
        own = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert own.status_code == 200
        assert (log_in(owner, NEW), log_in(owner, PASSWORD)) == (200, 401)
        assert len(mails_to(owner.email, "password_changed")) == 1

    def test_stands_in_the_trail_without_a_word_of_either(self, owner: Business, sql: Sql) -> None:
        change(owner)
        rows = sql(
            "SELECT to_jsonb(e) FROM events e WHERE tenant_id = %s AND type = 'user.password_changed'",
            owner.tenant_id,
        )
        ((event,),) = rows
        assert event["object_id"] == str(owner.user_id)
        assert event["data"] == {"object": {}, "previous": {}}

    def test_needs_the_present_password(self, owner: Business, mails_to: MailsTo) -> None:
        response = change(owner, "five purple elephants")
        assert (response.status_code, response.get_json()["code"]) == (401, "INVALID_CREDENTIALS")
        assert owner.get("/api/auth/me").status_code == 200
        assert log_in(owner, PASSWORD) == 200
        assert mails_to(owner.email, "password_changed") == []

    def test_is_refused_to_who_has_none(self, owner: Business, sql: Sql) -> None:
        sql("UPDATE users SET password_hash = NULL WHERE id = %s", owner.user_id)
        assert change(owner).get_json()["code"] == "INVALID_CREDENTIALS"

    def test_is_slowed_down_for_one_account(self, owner: Business, sql: Sql) -> None:
        answers = [change(owner, f"guess number {number}").status_code for number in range(11)]
        assert answers == [401] * 10 + [429]
        assert change(owner).status_code == 429, "the right one is not told from the wrong ones any more"
        assert log_in(owner, PASSWORD) == 200, "nobody can lock another out of signing in by it"

    @pytest.mark.parametrize(
        ("new", "status"),
        [("short", 400), ("x" * 129, 400), ("password1234", 400), ("p\x00ssword phrase", 400), (NEW, 204)],
    )
    def test_takes_no_weak_one(self, owner: Business, new: str, status: int) -> None:
        response = change(owner, new=new)
        assert response.status_code == status
        if status == 400 and "\x00" not in new:
            assert response.get_json()["errors"][0]["field"] == "newPassword"
            assert response.get_json()["errors"][0]["code"] == "weak_password"

    def test_needs_a_person_who_is_signed_in(self, caller: Caller) -> None:
        assert change(caller).status_code == 401

    def test_of_two_at_once_succeeds_for_one(self, owner: Business) -> None:
        answers = together(2, lambda number: change(owner, new=f"{NEW} {number}").status_code)
        assert sorted(answers) in ([204, 401], [204, 409]), answers
        assert log_in(owner, f"{NEW} {answers.index(204)}") == 200

    def test_comes_before_a_login_in_flight(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        # Somebody who verified the old password has it still in flight when it changes.
        real = passwords.verify
        calls: list[str] = []

        def verify_then_change(password: str, stored: str | None) -> bool:
            right = real(password, stored)
            if not calls:
                calls.append(password)
                assert change(owner).status_code == 204
            return right

        monkeypatch.setattr(passwords, "verify", verify_then_change)
        assert log_in(owner, PASSWORD) == 401

    def test_leaves_other_people_alone(self, owner: Business, business: Callable[..., Business]) -> None:
        others = [owner.colleague("admin"), business(email=f"x{uuid.uuid4().hex[:8]}@example.com")]
        change(owner)
        assert [other.get("/api/auth/me").status_code for other in others] == [200, 200]
