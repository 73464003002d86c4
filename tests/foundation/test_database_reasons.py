"""Why a database cannot be used, in one word that an operator can act on and that names nobody."""

import json
import socket

import pytest

from mbs.foundation.db import Database, Role
from mbs.foundation.errors import Unavailable
from mbs.foundation.scope import Scope
from mbs.operations.embedded_postgres import Server
from tests.conftest import PLAIN_LOGIN, login_url, run_as_superuser


def reason_of(url: str, caplog: pytest.LogCaptureFixture) -> str:
    database = Database(url, pool_size=1)
    try:
        with pytest.raises(Unavailable):
            database.statement(Role.IDENTITY, "SELECT 1", {}, scope=Scope())
    finally:
        database.dispose()
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "database.unavailable"]
    assert "127.0.0.1" not in json.dumps(record.__dict__, default=str)
    return str(record.__dict__["reason"])


class TestTheLog:
    def test_names_a_wrong_password(
        self, server: Server, database_name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert reason_of(login_url(server, database_name, password="wrong"), caplog) == "password_refused"

    def test_names_a_database_that_is_not_there(
        self, server: Server, template: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert reason_of(login_url(server, "nowhere"), caplog) == "no_such_database"

    def test_names_a_closed_port(self, caplog: pytest.LogCaptureFixture) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        assert reason_of(f"postgresql://someone:x@127.0.0.1:{port}/mbs", caplog) == "refused"

    def test_names_a_login_without_a_free_connection(
        self, server: Server, database_name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        run_as_superuser(server, "CREATE ROLE mbs_crowded LOGIN PASSWORD 'x' CONNECTION LIMIT 0")
        try:
            assert (
                reason_of(login_url(server, database_name, "mbs_crowded", "x"), caplog)
                == "too_many_connections"
            )
        finally:
            run_as_superuser(server, "DROP ROLE mbs_crowded")

    def test_does_not_take_the_plain_login_for_a_fault(self, database_url: str) -> None:
        database = Database(database_url, pool_size=1)
        assert database.statement(Role.IDENTITY, "SELECT 1", {}, scope=Scope()) == [(1,)]
        assert PLAIN_LOGIN in database_url
        database.dispose()
