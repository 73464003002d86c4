"""The demo business: in development, and nowhere that real people sign in."""

from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.demo import EMAIL, PASSWORD, seed_demo
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url
from tests.factories.callers import Caller


def count(server: Server, database: str, table: str) -> int:
    with closing(psycopg2.connect(server.url(database))) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        (found,) = cursor.fetchone() or (-1,)
        return int(found)


class TestANewDatabase:
    @pytest.mark.parametrize("table", ["users", "tenants", "memberships", "api_keys", "login_sessions"])
    def test_holds_no_account_nor_anything_that_opens_one(
        self, server: Server, template: str, table: str
    ) -> None:
        assert count(server, template, table) == 0


class TestTheDemo:
    @pytest.mark.parametrize("environment", ["production", "staging", "", "Development"])
    def test_is_refused_elsewhere(
        self, server: Server, new_database: Callable[[], str], environment: str
    ) -> None:
        name = new_database()
        with pytest.raises(RuntimeError, match="for development and test"):
            seed_demo(login_url(server, name), environment=environment)
        assert count(server, name, "users") == 0

    def test_can_be_signed_in_to_has_a_calendar_and_is_made_once(
        self, server: Server, new_database: Callable[[], str], environ: dict[str, str]
    ) -> None:
        url = login_url(server, new_database())
        assert [seed_demo(url, environment="test") for _ in range(2)] == [True, False]
        app: Flask = create_app(Config.load({**environ, "DATABASE_URL": url}))
        answer = Caller(app).post("/api/auth/login", {"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200
        owner = Caller(app, token=(answer.json or {})["accessToken"])
        stats = owner.get("/api/dashboard/stats").json or {}
        assert (stats["totalCustomers"], stats["upcomingBookings"] > 2) == (150, True)
        assert (owner.get("/api/usage").json or {})["plan"] == "pro"
        app.extensions[EXTENSION].dispose()
