"""A token that was good a moment ago: what happened since is known at its next use."""

import threading
import time
import uuid
from contextlib import closing

import psycopg2
import pytest

from mbs.operations.embedded_postgres import Server
from tests.auth.conftest import Sql
from tests.factories.callers import Business, Caller

ENDINGS = {
    "disabled person": "UPDATE users SET status = 'disabled' WHERE id = %s",
    "suspended membership": "UPDATE memberships SET status = 'suspended' WHERE user_id = %s",
    "removed membership": "DELETE FROM memberships WHERE user_id = %s",
    "revoked session": "UPDATE login_sessions SET revoked_at = now() WHERE user_id = %s",
    "idle session": "UPDATE login_sessions SET idle_until = now() WHERE user_id = %s",
    "aged session": "UPDATE login_sessions SET absolute_until = now() WHERE user_id = %s",
    "removed session": "DELETE FROM login_sessions WHERE user_id = %s",
    "closed business": (
        "UPDATE tenants SET status = 'closed' FROM memberships"
        " WHERE memberships.tenant_id = tenants.id AND memberships.user_id = %s"
    ),
}

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'
AND query LIKE '%%UPDATE login_sessions%%'
"""
STANDING = "SELECT count(*) FROM login_sessions WHERE user_id = %s AND revoked_at IS NULL"


class TestTokenInFlight:
    def test_is_dead_after_logout(self, owner: Business) -> None:
        assert owner.post("/api/auth/logout").status_code == 204
        assert owner.get("/api/auth/me").status_code == 401

    @pytest.mark.parametrize("ending", list(ENDINGS))
    def test_ends_with_a(self, owner: Business, sql: Sql, ending: str) -> None:
        member = owner.colleague("manager")
        for path in ("/api/auth/me", "/api/customers", "/api/context"):
            assert member.get(path).status_code == 200

        sql(ENDINGS[ending], member.user_id)

        for path in ("/api/auth/me", "/api/customers", "/api/context"):
            response = member.get(path)
            assert response.status_code == 401
            assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": member.refresh_token})
        assert refreshed.status_code == 401

    def test_reads_but_changes_nothing_in_a_suspended_business(self, owner: Business, sql: Sql) -> None:
        sql("UPDATE tenants SET status = 'suspended' WHERE id = %s", owner.tenant_id)

        assert owner.get("/api/customers").status_code == 200
        for method, path in (
            ("POST", "/api/customers"),
            ("PATCH", "/api/tenant"),
            ("DELETE", f"/api/customers/{uuid.uuid4()}"),
        ):
            response = owner.call(method, path, {})
            assert response.status_code == 403
            assert response.get_json()["code"] == "TENANT_SUSPENDED"

    def test_has_the_role_of_this_moment(self, owner: Business, sql: Sql) -> None:
        member = owner.colleague("admin")
        assert member.get("/api/tenant").status_code == 200
        sql("UPDATE memberships SET role = 'staff' WHERE user_id = %s", member.user_id)
        assert member.get("/api/tenant").status_code == 403
        assert member.get("/api/context").get_json()["role"]["key"] == "staff"

    def test_starts_no_other_session_once_its_own_is_ended(
        self, owner: Business, server: Server, database_name: str, sql: Sql
    ) -> None:
        answers: list[int] = []

        def switch() -> None:
            body = {"tenantId": str(owner.tenant_id)}
            answers.append(owner.patch("/api/auth/tenants/switch", body).status_code)

        with closing(psycopg2.connect(server.url(database_name))) as connection:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE login_sessions SET revoked_at = now() WHERE user_id = %s", [str(owner.user_id)]
                )
            request = threading.Thread(target=switch)
            request.start()
            # The session still stood when the request was let in; it now waits for whoever ends it.
            for _ in range(200):
                if sql(WAITING, database_name) != [(0,)]:
                    break
                time.sleep(0.002)
            connection.commit()
            request.join()

        assert answers == [401]
        assert sql(STANDING, owner.user_id) == [(0,)]
