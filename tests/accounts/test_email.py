"""Showing that a mailbox is one's own, and moving to another."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.accounts.conftest import MailsTo, Sql
from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.mails import token_in

VERIFY, SEND = "/api/auth/verify-email", "/api/auth/verify-email/send"
CHANGE, CONFIRM = "/api/auth/change-email", "/api/auth/change-email/confirm"


def new_email() -> str:
    return f"moved-{uuid.uuid4().hex[:10]}@example.com"


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


REFUSED = (400, "ONE_TIME_TOKEN_REFUSED")


class TestVerification:
    def test_begins_with_the_registration(self, owner: Business, caller: Caller, mails_to: MailsTo) -> None:
        assert owner.get("/api/auth/me").get_json()["emailVerified"] is False
        (message,) = mails_to(owner.email)
        assert "https://mbs.test/verify-email#token=" in message.text
        assert "Asha" not in message.subject + message.text, "whoever registers chooses the name"

        assert caller.post(VERIFY, {"token": token_in(message)}).status_code == 204

        me = owner.get("/api/auth/me")
        assert (me.get_json()["emailVerified"], me.headers["ETag"]) == (True, '"2"')

    def test_works_once_and_for_nothing_else(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        token = token_in(mails_to(owner.email)[0])
        assert code_of(caller.post(CONFIRM, {"token": token})) == REFUSED
        body = {"token": token, "password": "four yellow bicycles"}
        assert code_of(caller.post("/api/auth/reset-password", body)) == REFUSED
        assert Caller(owner.app, token=token).get("/api/auth/me").status_code == 401
        assert caller.post(VERIFY, {"token": token}).status_code == 204
        assert code_of(caller.post(VERIFY, {"token": token})) == REFUSED

    def test_is_sent_again_in_place_of_the_first(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        assert owner.post(SEND).status_code == 202
        first, second = map(token_in, mails_to(owner.email))
        assert code_of(caller.post(VERIFY, {"token": first})) == REFUSED
        assert caller.post(VERIFY, {"token": second}).status_code == 204
        assert owner.post(SEND).status_code == 202
        assert len(mails_to(owner.email)) == 2, "it is known by now"

    def test_expires_after_a_day(self, owner: Business, caller: Caller, mails_to: MailsTo, sql: Sql) -> None:
        ((hours,),) = sql(
            "SELECT extract(epoch FROM expires_at - now()) / 3600 FROM one_time_tokens WHERE user_id = %s",
            owner.user_id,
        )
        assert 23.9 < hours <= 24
        sql("UPDATE one_time_tokens SET expires_at = now() WHERE user_id = %s", owner.user_id)
        assert code_of(caller.post(VERIFY, {"token": token_in(mails_to(owner.email)[0])})) == REFUSED

    def test_spares_the_mailbox(self, owner: Business, mails_to: MailsTo) -> None:
        assert {owner.post(SEND).status_code for _ in range(5)} == {202}
        assert len(mails_to(owner.email)) == 4, "that of the registration, and three"

    def test_needs_a_person_who_is_signed_in(self, caller: Caller) -> None:
        assert caller.post(SEND).status_code == 401

    def test_tells_of_no_account_that_a_refused_registration_names(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        register = {
            "email": owner.email, "password": PASSWORD, "firstName": "A", "lastName": "B",
            "businessName": "C", "businessType": "spa", "countryCode": "IN",
        }  # fmt: skip
        assert code_of(caller.post("/api/auth/register", register)) == (409, "EMAIL_ALREADY_EXISTS")
        assert len(mails_to(owner.email)) == 1


class TestChange:
    def test_moves_the_account_when_the_new_mailbox_answers(
        self, owner: Business, caller: Caller, mails_to: MailsTo, sql: Sql
    ) -> None:
        new, old = new_email(), owner.email
        response = owner.post(CHANGE, {"email": new})
        assert (response.status_code, response.get_data()) == (202, b'{"status":"accepted"}')
        assert owner.get("/api/auth/me").get_json()["email"] == old
        (notice,) = mails_to(old, "change_email_notice")
        assert new not in notice.text

        assert caller.post(CONFIRM, {"token": token_in(mails_to(new)[0])}).status_code == 204

        me = owner.get("/api/auth/me").get_json()
        assert (me["email"], me["emailVerified"], me["version"]) == (new, True, 2)
        assert len(mails_to(old, "email_changed")) == 1
        for email, status in ((new, 200), (old, 401)):
            login = Caller(owner.app).post("/api/auth/login", {"email": email, "password": PASSWORD})
            assert login.status_code == status
        rows = sql(
            "SELECT type, object_id::text FROM events WHERE tenant_id = %s AND object_type = 'user'",
            owner.tenant_id,
        )
        assert rows == [("user.email_change_requested", str(owner.user_id))]

    def test_needs_a_fresh_proof(self, owner: Business, sql: Sql, mails_to: MailsTo) -> None:
        sql(
            "UPDATE login_sessions SET authenticated_at = now() - interval '11 minutes' WHERE user_id = %s",
            owner.user_id,
        )
        new = new_email()
        assert code_of(owner.post(CHANGE, {"email": new})) == (403, "STEP_UP_REQUIRED")
        assert mails_to(new) == []

    def test_says_of_an_address_that_is_taken_only_what_its_owner_may_know(
        self, owner: Business, business: Callable[..., Business], caller: Caller, mails_to: MailsTo
    ) -> None:
        other = business()
        taken, free = owner.post(CHANGE, {"email": other.email}), owner.post(CHANGE, {"email": new_email()})
        assert (
            (taken.status_code, taken.get_data())
            == (free.status_code, free.get_data())
            == (202, b'{"status":"accepted"}')
        )
        # The free one came later, so its link alone is good.
        token = token_in(mails_to(other.email, "change_email_confirm")[0])
        assert code_of(caller.post(CONFIRM, {"token": token})) == REFUSED

        assert owner.post(CHANGE, {"email": other.email}).status_code == 202
        token = token_in(mails_to(other.email, "change_email_confirm")[1])
        assert code_of(caller.post(CONFIRM, {"token": token})) == (409, "EMAIL_ALREADY_EXISTS")
        assert owner.get("/api/auth/me").get_json()["email"] == owner.email
        assert other.get("/api/auth/me").get_json()["email"] == other.email

    def test_of_two_to_one_address_succeeds_for_the_first(
        self, owner: Business, business: Callable[..., Business], caller: Caller, mails_to: MailsTo
    ) -> None:
        other, new = business(), new_email()
        for one in (owner, other):
            assert one.post(CHANGE, {"email": new}).status_code == 202
        first, second = map(token_in, mails_to(new, "change_email_confirm"))
        assert caller.post(CONFIRM, {"token": second}).status_code == 204
        assert code_of(caller.post(CONFIRM, {"token": first})) == (409, "EMAIL_ALREADY_EXISTS")
        assert other.get("/api/auth/me").get_json()["email"] == new

    def test_makes_links_to_the_old_mailbox_worthless(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        caller.post("/api/auth/forgot-password", {"email": owner.email})
        reset = token_in(mails_to(owner.email, "reset_password")[0])
        verify = token_in(mails_to(owner.email, "verify_email")[0])
        new = new_email()
        owner.post(CHANGE, {"email": new})
        assert caller.post(CONFIRM, {"token": token_in(mails_to(new)[0])}).status_code == 204
        body = {"token": reset, "password": "four yellow bicycles"}
        assert code_of(caller.post("/api/auth/reset-password", body)) == REFUSED
        assert code_of(caller.post(VERIFY, {"token": verify})) == REFUSED

    def test_to_another_spelling_of_the_same_address_is_a_change(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        spelled = owner.email.replace("owner", "Owner")
        owner.post(CHANGE, {"email": spelled})
        assert caller.post(CONFIRM, {"token": token_in(mails_to(spelled)[0])}).status_code == 204
        assert owner.get("/api/auth/me").get_json()["email"] == spelled

    def test_spares_the_mailbox_of_a_stranger(
        self, business: Callable[..., Business], mails_to: MailsTo
    ) -> None:
        stranger = new_email()
        for _ in range(5):
            assert business().post(CHANGE, {"email": stranger}).status_code == 202
        assert len(mails_to(stranger)) == 3

    @pytest.mark.parametrize("email", ["x", "a@example.com\r\nBcc: b@example.com", "a b@example.com", None])
    def test_refuses_what_is_no_address(self, owner: Business, email: Any) -> None:
        assert owner.post(CHANGE, {"email": email}).status_code == 400


class TestTokens:
    def test_that_expired_long_ago_are_removed(
        self, owner: Business, business: Callable[..., Business], sql: Sql
    ) -> None:
        sql(
            "UPDATE one_time_tokens SET expires_at = now() - interval '2 days' WHERE user_id = %s",
            owner.user_id,
        )
        for _ in range(3):
            business()
        left = sql("SELECT count(*) FROM one_time_tokens WHERE user_id = %s", owner.user_id)
        assert left == [(0,)]
