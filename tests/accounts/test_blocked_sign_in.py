"""Whoever is guessed at hears of it, once a day, and nobody else can tell by it who has an account."""

import uuid
from typing import Any

import pytest
from sqlalchemy import event

from mbs.foundation import passwords
from tests.accounts.conftest import MailsTo, Sql
from tests.factories.callers import Business, Caller

TEMPLATE = "sign_in_blocked"
ADMITTED = 10

LATER = """
UPDATE login_attempts SET hits = ARRAY(SELECT hit - %s::interval FROM unnest(hits) AS hit),
    expires_at = expires_at - %s::interval
"""
"""As if so much time had passed."""


def guess(owner: Business, email: str, times: int = ADMITTED + 1) -> list[int]:
    body = {"email": email, "password": "wrong guess number one"}
    return [Caller(owner.app).post("/api/auth/login", body).status_code for _ in range(times)]


def nobody() -> str:
    return f"nobody-{uuid.uuid4().hex[:10]}@example.com"


class TestBlockedSignIn:
    def test_is_told_to_whose_account_it_is(self, owner: Business, mails_to: MailsTo) -> None:
        assert guess(owner, owner.email, ADMITTED) == [401] * ADMITTED
        assert mails_to(owner.email, TEMPLATE) == []
        assert guess(owner, owner.email, 1) == [429]
        (message,) = mails_to(owner.email, TEMPLATE)
        assert "\nhttps://mbs.test/forgot-password\n" in message.text

    def test_is_told_once_in_24_hours(self, owner: Business, mails_to: MailsTo, sql: Sql) -> None:
        guess(owner, owner.email, ADMITTED + 3)
        sql(LATER, "23 hours", "23 hours")
        assert guess(owner, owner.email)[-1] == 429
        assert len(mails_to(owner.email, TEMPLATE)) == 1
        sql(LATER, "2 hours", "2 hours")
        assert guess(owner, owner.email)[-1] == 429
        assert len(mails_to(owner.email, TEMPLATE)) == 2

    def test_costs_the_same_whether_there_is_an_account_or_not(
        self, owner: Business, sql: Sql, mails_to: MailsTo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disabled = owner.colleague("staff")
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", disabled.user_id)
        hashes: list[str] = []
        verify = passwords.verify

        def verified(*said: Any) -> Any:
            hashes.append("one")
            return verify(*said)

        monkeypatch.setattr(passwords, "verify", verified)
        answers, works = [], []
        for email in (owner.email, nobody(), disabled.email):
            guess(owner, email, ADMITTED)
            # The warning, and then one that is not warned of again.
            for _ in range(2):
                statements: list[Any] = []
                hashes.clear()
                rows = sql("SELECT count(*) FROM account_mails")[0][0]
                listener = (owner.database.engine, "before_cursor_execute")

                def count(*said: Any, statements: list[Any] = statements) -> None:
                    statements.append(said[2])

                event.listen(*listener, count)
                try:
                    body = {"email": email, "password": "wrong guess number one"}
                    response = Caller(owner.app).post("/api/auth/login", body)
                finally:
                    event.remove(*listener, count)
                added = sql("SELECT count(*) FROM account_mails")[0][0] - rows
                works.append((len(statements), len(hashes), added))
                named = {name for name, _ in response.headers}
                answers.append((response.status_code, response.get_json()["code"], named))
        assert works[0] == works[2] == works[4], "known, unknown, disabled: the first refusal"
        assert works[1] == works[3] == works[5], "and those after it"
        assert (works[0][1:], works[1][1:]) == ((0, 1), (0, 0))
        assert all(answer == answers[0] for answer in answers)
        assert mails_to(disabled.email, TEMPLATE) == []
