"""Refresh tokens: each turns a session once, a lost answer may be asked for again, a stolen one ends it."""

import base64
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.operations.embedded_postgres import Server
from tests.auth.conftest import Sql
from tests.auth.forgery import claims_of
from tests.auth.racing import together
from tests.factories.callers import PASSWORD, Business, Caller

NEW_SECRET = "r3fr-Xk2mVq9sLw7bTz4yPc1nHd8jGf5aEuRoBxNiKtQvMy"


def refresh(app: Flask, token: Any, path: str = "/api/auth/refresh") -> TestResponse:
    return Caller(app).post(path, {"refreshToken": token})


def successor(app: Flask, token: str) -> str:
    response = refresh(app, token)
    assert response.status_code == 200, response.get_data(as_text=True)
    text: str = response.get_json()["refreshToken"]
    return text


def code_of(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def session_of(business: Business, sql: Sql) -> dict[str, Any]:
    names = ("id", "seq", "rotated_at", "revoked_at", "revoked_reason", "idle_until", "absolute_until")
    id_ = claims_of(business.token)["sid"]
    ((row),) = sql(f"SELECT {', '.join(names)} FROM login_sessions WHERE id = %s", id_)
    return dict(zip(names, row, strict=True))


def shift(business: Business, sql: Sql, **columns: str) -> None:
    changes = ", ".join(f"{name} = {value}" for name, value in columns.items())
    sql(f"UPDATE login_sessions SET {changes} WHERE id = %s", claims_of(business.token)["sid"])


def wait_for_a_lock(sql: Sql, *, server_process: int) -> None:
    """Return once some transaction waits for the one of this server process."""
    deadline = time.monotonic() + 10
    blocked = f"SELECT pid FROM pg_stat_activity WHERE {server_process} = ANY(pg_blocking_pids(pid))"
    while not sql(blocked):
        assert time.monotonic() < deadline, "nothing waits"
        time.sleep(0.01)


class TestRefresh:
    @pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/token/refresh"])
    def test_gives_a_new_pair_for_the_same_session(self, owner: Business, path: str) -> None:
        body = refresh(owner.app, owner.refresh_token, path).get_json()

        assert body["refreshToken"] != owner.refresh_token
        assert body["accessToken"] != owner.token
        assert claims_of(body["accessToken"])["sid"] == claims_of(owner.token)["sid"]
        assert (body["expiresIn"], body["tokenType"], body["role"]) == (900, "Bearer", "owner")
        assert Caller(owner.app, token=body["accessToken"]).get("/api/auth/me").status_code == 200

    def test_asks_no_access_token(self, owner: Business) -> None:
        caller = Caller(owner.app, token="x")
        response = caller.post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert response.status_code == 200

    @pytest.mark.parametrize("body", [{}, {"refreshToken": None}, {"refreshToken": 5}, {"refreshToken": ""}])
    def test_names_the_field_that_is_faulty(self, caller: Caller, body: Any) -> None:
        response = caller.post("/api/auth/refresh", body)
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == ["refreshToken"]

    def test_of_one_token_ten_times_at_once_rotates_once(self, owner: Business, sql: Sql) -> None:
        answers = together(10, lambda _: refresh(owner.app, owner.refresh_token))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.get_json()["refreshToken"] for answer in answers}) == 1
        assert session_of(owner, sql)["seq"] == 1

    def test_knows_what_another_one_did_while_it_waited(
        self, owner: Business, sql: Sql, server: Server, database_name: str
    ) -> None:
        id_ = claims_of(owner.token)["sid"]
        with closing(psycopg2.connect(server.url(database_name))) as other, ThreadPoolExecutor(1) as pool:
            with other.cursor() as cursor:
                cursor.execute("UPDATE login_sessions SET seq = 2, rotated_at = now() WHERE id = %s", [id_])
                waiting = pool.submit(refresh, owner.app, owner.refresh_token)
                wait_for_a_lock(sql, server_process=other.info.backend_pid)
                other.commit()
            assert code_of(waiting.result()) == (401, "TOKEN_REUSED")


class TestGrace:
    def test_gives_the_same_successor_again(self, owner: Business, sql: Sql) -> None:
        first = successor(owner.app, owner.refresh_token)

        assert [successor(owner.app, owner.refresh_token) for _ in range(3)] == [first] * 3
        assert session_of(owner, sql)["seq"] == 1
        assert successor(owner.app, first) not in (first, owner.refresh_token)

    def test_lasts_ten_seconds(self, owner: Business, sql: Sql) -> None:
        first = successor(owner.app, owner.refresh_token)
        shift(owner, sql, rotated_at="rotated_at - interval '8 seconds'")
        assert successor(owner.app, owner.refresh_token) == first

        shift(owner, sql, rotated_at="rotated_at - interval '3 seconds'")
        assert code_of(refresh(owner.app, owner.refresh_token)) == (401, "TOKEN_REUSED")

    def test_does_not_move_its_own_end(self, owner: Business, sql: Sql) -> None:
        successor(owner.app, owner.refresh_token)
        before = session_of(owner, sql)
        successor(owner.app, owner.refresh_token)
        assert session_of(owner, sql) == before


class TestReuse:
    """Whoever presents a token that has been used up ends the session, for thief and owner alike."""

    def too_late(self, owner: Business, sql: Sql) -> tuple[str, str]:
        newest = successor(owner.app, owner.refresh_token)
        shift(owner, sql, rotated_at="rotated_at - interval '11 seconds'")
        return owner.refresh_token, newest

    def grandparent(self, owner: Business, sql: Sql) -> tuple[str, str]:
        newest = successor(owner.app, successor(owner.app, owner.refresh_token))
        return owner.refresh_token, newest

    def parent_of_a_used_child(self, owner: Business, sql: Sql) -> tuple[str, str]:
        child = successor(owner.app, owner.refresh_token)
        successor(owner.app, owner.refresh_token)
        newest = successor(owner.app, child)
        return owner.refresh_token, newest

    @pytest.mark.parametrize("case", ["too_late", "grandparent", "parent_of_a_used_child"])
    def test_ends_the_session_at_once_and_for_good(self, owner: Business, sql: Sql, case: str) -> None:
        used, newest = getattr(self, case)(owner, sql)
        assert owner.get("/api/auth/me").status_code == 200

        response = refresh(owner.app, used)

        assert code_of(response) == (401, "TOKEN_REUSED")
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        row = session_of(owner, sql)
        assert row["revoked_at"] is not None
        assert row["revoked_reason"] == "reused"
        for _ in range(2):
            assert owner.get("/api/auth/me").status_code == 401
            for token in (newest, used):
                assert code_of(refresh(owner.app, token)) == (401, "UNAUTHENTICATED")
        assert session_of(owner, sql) == row

    def test_leaves_the_persons_other_sessions_alone(self, owner: Business, sql: Sql) -> None:
        login = {"email": owner.email, "password": PASSWORD}
        other = Caller(owner.app).post("/api/auth/login", login).get_json()
        used, _ = self.grandparent(owner, sql)
        refresh(owner.app, used)

        assert Caller(owner.app, token=other["accessToken"]).get("/api/auth/me").status_code == 200
        successor(owner.app, other["refreshToken"])

    def test_stands_in_the_trail_and_in_the_log(
        self, owner: Business, sql: Sql, caplog: pytest.LogCaptureFixture
    ) -> None:
        used, _ = self.grandparent(owner, sql)
        refresh(owner.app, used)

        events = sql(
            "SELECT type, object_id, data FROM events WHERE tenant_id = %s ORDER BY seq", owner.tenant_id
        )
        type_, object_id, data = events[-1]
        assert (type_, str(object_id)) == ("session.revoked", claims_of(owner.token)["sid"])
        assert data["object"] == {"reason": "reused"}
        assert [one for one in caplog.records if getattr(one, "event", "") == "security.refresh_reused"]


class TestForgery:
    def codec(self, environ: dict[str, str], name: str = "JWT_REFRESH_SECRET") -> RefreshTokenCodec:
        return RefreshTokenCodec(environ[name], None)

    @pytest.fixture
    def tokens(self, owner: Business, environ: dict[str, str]) -> Callable[..., str]:
        session = uuid.UUID(claims_of(owner.token)["sid"])

        def make(seq: int, *, name: str = "JWT_REFRESH_SECRET", of: uuid.UUID = session) -> str:
            return self.codec(environ, name).encode(RefreshToken(of, seq))

        return make

    @pytest.fixture(autouse=True)
    def _the_session_stands_at_the_end(self, owner: Business, sql: Sql) -> Any:
        yield
        assert session_of(owner, sql)["revoked_at"] is None
        assert owner.get("/api/auth/me").status_code == 200

    def test_of_a_turn_that_was_never_given_out_is_refused(
        self, owner: Business, tokens: Callable[..., str]
    ) -> None:
        assert tokens(0) == owner.refresh_token
        for seq in (1, 2, 10, 2**63, 2**64 - 1):
            assert code_of(refresh(owner.app, tokens(seq))) == (401, "UNAUTHENTICATED")

    def test_of_a_session_that_never_was_is_refused(
        self, owner: Business, tokens: Callable[..., str]
    ) -> None:
        for session in (uuid.uuid4(), uuid.UUID(int=0), owner.user_id, owner.tenant_id):
            assert code_of(refresh(owner.app, tokens(0, of=session))) == (401, "UNAUTHENTICATED")

    @pytest.mark.parametrize("name", ["JWT_ACCESS_SECRET", "SESSION_SECRET"])
    def test_with_another_secret_is_refused(
        self, owner: Business, tokens: Callable[..., str], name: str
    ) -> None:
        assert code_of(refresh(owner.app, tokens(0, name=name))) == (401, "UNAUTHENTICATED")

    def test_of_any_byte_is_refused(self, owner: Business) -> None:
        data = base64.urlsafe_b64decode(owner.refresh_token)
        for place in range(len(data)):
            flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            token = base64.urlsafe_b64encode(flipped).decode()
            assert code_of(refresh(owner.app, token)) == (401, "UNAUTHENTICATED"), place

    def test_by_another_spelling_is_refused(self, owner: Business) -> None:
        token = owner.refresh_token
        spellings = {
            f"{token}=", f"{token}====", f" {token}", f"{token}\n", f"{token} ", f"{token}.", f"{token}A",
            token[:-1], token[1:], token[:40] + "\n" + token[40:], token.upper(), token.swapcase(), "A" * 76,
            base64.b16encode(base64.urlsafe_b64decode(token)).decode(), "é" * 40, "=", "-",
        }  # fmt: skip
        other_alphabet = token.replace("-", "+").replace("_", "/")
        if other_alphabet != token:
            spellings.add(other_alphabet)
        for spelling in spellings:
            assert code_of(refresh(owner.app, spelling)) == (401, "UNAUTHENTICATED"), spelling


class TestSecretRotation:
    def test_verifies_the_previous_secret_and_signs_with_the_new_one(
        self, owner: Business, environ: dict[str, str]
    ) -> None:
        old = environ["JWT_REFRESH_SECRET"]
        changed = {**environ, "JWT_REFRESH_SECRET": NEW_SECRET}
        rotating = create_app(Config.load({**changed, "JWT_REFRESH_SECRET_PREVIOUS": old}))
        retired = create_app(Config.load(changed))

        assert code_of(refresh(retired, owner.refresh_token)) == (401, "UNAUTHENTICATED")
        token = successor(rotating, owner.refresh_token)
        assert RefreshTokenCodec(NEW_SECRET, None).decode(token) is not None
        assert code_of(refresh(owner.app, token)) == (401, "UNAUTHENTICATED")
        assert successor(retired, token)


class TestLifetime:
    def test_is_seven_idle_days_within_thirty(self, owner: Business, sql: Sql) -> None:
        row, now = session_of(owner, sql), datetime.now(UTC)
        assert abs(row["idle_until"] - now - timedelta(days=7)) < timedelta(minutes=1)
        assert abs(row["absolute_until"] - now - timedelta(days=30)) < timedelta(minutes=1)

    def test_is_renewed_by_a_refresh_but_not_beyond_the_absolute_end(self, owner: Business, sql: Sql) -> None:
        shift(owner, sql, idle_until="now() + interval '1 minute'")
        end = session_of(owner, sql)["absolute_until"]
        token = successor(owner.app, owner.refresh_token)
        row = session_of(owner, sql)
        assert abs(row["idle_until"] - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)
        assert row["absolute_until"] == end

        shift(owner, sql, absolute_until="now() + interval '2 days'")
        end = session_of(owner, sql)["absolute_until"]
        token = successor(owner.app, token)
        row = session_of(owner, sql)
        assert row["idle_until"] == row["absolute_until"] == end

    @pytest.mark.parametrize("end", ["idle_until", "absolute_until"])
    def test_ends(self, owner: Business, sql: Sql, end: str) -> None:
        shift(owner, sql, **{end: "now() - interval '1 second'"})
        assert code_of(refresh(owner.app, owner.refresh_token)) == (401, "UNAUTHENTICATED")
        assert owner.get("/api/auth/me").status_code == 401

    def test_over_removes_the_row_when_another_session_starts(self, owner: Business, sql: Sql) -> None:
        # Older than any other row of this database, so it is among the ten that the sweep takes.
        shift(owner, sql, absolute_until="now() - interval '9 years'")
        Caller(owner.app).post("/api/auth/login", {"email": owner.email, "password": PASSWORD})
        id_ = claims_of(owner.token)["sid"]
        assert sql("SELECT id FROM login_sessions WHERE id = %s", id_) == []
