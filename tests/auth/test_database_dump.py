"""Whoever holds a copy of the database holds no credential."""

import base64
import json
import uuid
from typing import Any

from tests.auth.conftest import Sql
from tests.auth.forgery import claims_of
from tests.auth.test_refresh import refresh, successor
from tests.factories.callers import PASSWORD, Business, Caller


class TestDatabaseDump:
    def dump(self, sql: Sql) -> dict[str, list[dict[str, Any]]]:
        tables = sql(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name: [row for (row,) in sql(f"SELECT to_jsonb(t) FROM {name} t")] for (name,) in tables}

    def test_holds_neither_tokens_nor_passwords(self, owner: Business, sql: Sql) -> None:
        token = successor(owner.app, owner.refresh_token)
        text = json.dumps(self.dump(sql), ensure_ascii=False)

        assert owner.email in text
        # The first third of a refresh token spells its session's id, which is no secret.
        for secret in (PASSWORD, token, token[36:], owner.refresh_token[36:], str(owner.token)):
            assert secret not in text
        for part in str(owner.token).split("."):
            assert part not in text

    def test_opens_nothing(self, owner: Business, sql: Sql) -> None:
        successor(owner.app, owner.refresh_token)
        session = claims_of(owner.token)["sid"]
        rows = sql("SELECT to_jsonb(s) FROM login_sessions s WHERE id = %s", session)
        rows += sql("SELECT to_jsonb(u) FROM users u WHERE id = %s", owner.user_id)
        values = {str(value) for (row,) in rows for value in row.values() if value is not None}
        values |= {base64.urlsafe_b64encode(value.encode()).decode() for value in values}
        values |= {base64.urlsafe_b64encode(uuid.UUID(session).bytes).decode().rstrip("=")}
        assert len(values) > 30

        for value in values:
            assert refresh(owner.app, value[:200]).status_code == 401
            assert Caller(owner.app, token=value).get("/api/auth/me").status_code == 401
        for (row,) in rows[1:]:
            for value in row.values():
                login = {"email": owner.email, "password": str(value)}
                assert Caller(owner.app).post("/api/auth/login", login).status_code in (401, 429)
