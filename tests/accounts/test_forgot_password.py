"""Asking for a link: nobody learns from it who has an account, and no mailbox is flooded."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from mbs.foundation import passwords
from tests.accounts.conftest import MailsTo, Sql
from tests.factories.callers import Business, Caller
from tests.factories.mails import token_in

FORGOT = "/api/auth/forgot-password"


def nobody() -> str:
    return f"nobody-{uuid.uuid4().hex[:10]}@example.com"


@contextmanager
def work_of(owner: Business, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Count the statements of the service and its password hashes."""
    work = {"statements": 0, "hashes": 0, "seals": 0}

    def count(*_: Any) -> None:
        work["statements"] += 1

    real_hash, real_verify = passwords.hash_password, passwords.verify

    def hashed(*arguments: Any) -> Any:
        work["hashes"] += 1
        return real_hash(*arguments)

    def verified(*arguments: Any) -> Any:
        work["hashes"] += 1
        return real_verify(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "hash_password", hashed)
        patch.setattr(passwords, "verify", verified)
        event.listen(owner.database.engine, "before_cursor_execute", count)
        try:
            yield work
        finally:
            event.remove(owner.database.engine, "before_cursor_execute", count)


class TestForgotPassword:
    def test_sends_a_link_to_the_address_as_it_was_registered(
        self, business: Callable[..., Business], caller: Caller, mails_to: MailsTo
    ) -> None:
        email = f"Asha.{uuid.uuid4().hex[:8]}@example.com"
        business(email=email)
        # A full-width letter has the same key, and is another mailbox.
        typed = email.upper().replace("ASHA", "\uff21SHA")
        assert caller.post(FORGOT, {"email": typed}).status_code == 202
        (message,) = mails_to(email, "reset_password")
        assert token_in(message)
        assert mails_to(typed) == []

    def test_answers_known_and_unknown_alike_and_does_the_same_work(
        self, owner: Business, sql: Sql, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers, works = [], []
        # The third is disabled.
        disabled = owner.colleague("staff")
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", disabled.user_id)
        for email in (owner.email, nobody(), disabled.email):
            with work_of(owner, monkeypatch) as work:
                before = sql("SELECT count(*) FROM account_mails")[0][0]
                response = Caller(owner.app).post(FORGOT, {"email": email})
                works.append(dict(work) | {"rows": sql("SELECT count(*) FROM account_mails")[0][0] - before})
            changing = {"X-Correlation-Id", "X-RateLimit-Reset"}
            headers = {name: value for name, value in response.headers if name not in changing}
            answers.append((response.status_code, response.get_data(), headers))
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][:2] == (202, b'{"status":"accepted"}')
        assert works[0] == works[1] == works[2]
        assert works[0]["hashes"] == 0
        assert works[0]["rows"] == 1
        assert works[0]["statements"] > 2

    def test_sends_strangers_and_disabled_accounts_nothing(
        self, owner: Business, caller: Caller, sql: Sql, mails_to: MailsTo
    ) -> None:
        stranger, disabled = nobody(), owner.colleague("staff")
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", disabled.user_id)
        for email in (stranger, disabled.email):
            caller.post(FORGOT, {"email": email})
            assert mails_to(email) == []
        tokens = sql("SELECT count(*) FROM one_time_tokens WHERE user_id = %s", disabled.user_id)
        assert tokens == [(0,)]

    def test_never_takes_the_host_from_the_request(
        self, owner: Business, caller: Caller, mails_to: MailsTo
    ) -> None:
        hostile = {"Host": "evil.io", "X-Forwarded-Host": "evil.io", "Forwarded": "host=evil.io"}
        assert caller.post(FORGOT, {"email": owner.email}, headers=hostile).status_code == 202
        (message,) = mails_to(owner.email, "reset_password")
        assert "evil.io" not in message.text
        assert "\nhttps://mbs.test/reset-password#token=" in message.text

    def test_leaves_neither_address_nor_token_in_the_queue(
        self, owner: Business, caller: Caller, sql: Sql, mails_to: MailsTo
    ) -> None:
        caller.post(FORGOT, {"email": owner.email})
        token = token_in(mails_to(owner.email, "reset_password")[0])
        rows = [row for (row,) in sql("SELECT to_jsonb(m) FROM account_mails m")]
        rows += [
            row for (row,) in sql("SELECT to_jsonb(t) FROM one_time_tokens t WHERE purpose <> 'verify_email'")
        ]
        dump = json.dumps(rows)
        assert len(rows) > 1
        assert token not in dump
        assert owner.email not in dump
        assert owner.email.partition("@")[0] not in dump

    def test_spares_a_mailbox_after_three_in_an_hour_and_says_nothing(
        self, owner: Business, mails_to: MailsTo
    ) -> None:
        answers = {Caller(owner.app).post(FORGOT, {"email": owner.email}).status_code for _ in range(6)}
        assert answers == {202}
        assert len(mails_to(owner.email, "reset_password")) == 3

    def test_is_limited_by_address_to_ten_in_an_hour(self, caller: Caller) -> None:
        answers = [caller.post(FORGOT, {"email": nobody()}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [202] * 10 + [429]
        assert answers[-1].headers["RateLimit-Policy"] == '"account_mail";q=10;w=3600'

    @pytest.mark.parametrize(
        "body", [{}, {"email": "x"}, {"email": None}, {"email": "a@example.com", "x": 1}]
    )
    def test_refuses_what_is_no_address(self, caller: Caller, body: dict[str, Any]) -> None:
        assert caller.post(FORGOT, body).status_code == 400
