"""What /health/ready says of a database whose schema is not this release's (runbook section 4)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from mbs.foundation.schema_version import known_revisions
from mbs.operations.embedded_postgres import Server
from tests.conftest import MIGRATIONS, login_url, run_as_superuser
from tests.factories.callers import Caller

KNOWN = known_revisions(MIGRATIONS / "versions")
HEAD, BEFORE, FIRST = KNOWN[-1], KNOWN[-2], KNOWN[0]

Report = Callable[[], tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def scratch(new_database: Callable[[], str]) -> str:
    """The name of a migrated database that these tests may spoil."""
    return new_database()


@pytest.fixture
def alter(server: Server, scratch: str) -> Callable[[str], None]:
    """Return a function that changes the scratch database, which before each test is as migrated."""
    restore = f"UPDATE alembic_version SET version_num = '{HEAD}'"
    run_as_superuser(server, f"{restore}; DELETE FROM migration_log WHERE revision > '{HEAD}'", scratch)
    return lambda sql: run_as_superuser(server, sql, scratch)


@pytest.fixture
def report(probe: Callable[..., Caller], server: Server, scratch: str) -> Report:
    """Return a function that asks a new application, and gives status and the checks by name."""

    def ask() -> tuple[int, dict[str, Any]]:
        response = probe(DATABASE_URL=login_url(server, scratch)).get("/health/ready")
        body = response.json
        assert body is not None
        assert body["ready"] is (response.status_code == 200)
        return response.status_code, {check["name"]: check for check in body["checks"]}

    return ask


def later_release(*phases: str) -> str:
    """Return SQL that leaves what migrations of a later release, in these phases, would leave."""
    revisions = {f"{int(HEAD) + number:04}": phase for number, phase in enumerate(phases, start=1)}
    rows = ", ".join(
        f"('{revision}', '{phase}', '{'0' * 64}', '99', now(), 1, 0, 'test')"
        for revision, phase in revisions.items()
    )
    return (
        f"INSERT INTO migration_log VALUES {rows};UPDATE alembic_version SET version_num = '{max(revisions)}'"
    )


Alter = Callable[[str], None]


class TestSchema:
    def test_of_this_release_is_ready(self, alter: Alter, report: Report) -> None:
        status, checks = report()
        assert status == 200
        assert checks["migrations"] | {"message": "current"} == checks["migrations"]

    @pytest.mark.parametrize(("applied", "pending"), [(BEFORE, 1), (FIRST, len(KNOWN) - 1)])
    def test_of_an_earlier_release_is_pending(
        self, alter: Alter, report: Report, applied: str, pending: int
    ) -> None:
        alter(f"UPDATE alembic_version SET version_num = '{applied}'")
        status, checks = report()
        assert status == 503
        assert (checks["migrations"]["status"], checks["migrations"]["message"]) == (
            "unhealthy",
            f"pending:{pending}",
        )
        assert checks["database"]["status"] == "ok"

    @pytest.mark.parametrize("phases", [("expand",), ("expand", "data")])
    def test_of_a_later_release_that_only_added_is_ready(
        self, alter: Alter, report: Report, phases: tuple[str, ...]
    ) -> None:
        alter(later_release(*phases))
        status, checks = report()
        assert (status, checks["migrations"]["message"]) == (200, "ahead (compatible)")

    def test_of_a_later_release_that_took_something_away_is_not(self, alter: Alter, report: Report) -> None:
        alter(later_release("expand", "contract"))
        status, checks = report()
        assert (status, checks["migrations"]["message"]) == (503, "ahead (incompatible)")

    def test_of_another_product_is_not(self, alter: Alter, report: Report) -> None:
        alter("UPDATE alembic_version SET version_num = 'deadbeef'")
        status, checks = report()
        assert (status, checks["migrations"]["message"]) == (503, "unknown revision")

    def test_without_a_version_is_not(self, alter: Alter, report: Report) -> None:
        alter("DELETE FROM alembic_version")
        status, checks = report()
        alter(f"INSERT INTO alembic_version VALUES ('{HEAD}')")
        assert (status, checks["migrations"]["message"]) == (503, "uninitialised")


class TestEmptyDatabase:
    """A database that `mbs migrate` has not seen."""

    @pytest.fixture
    def empty(self, server: Server, new_database: Callable[[], str]) -> str:
        name = new_database()
        run_as_superuser(
            server,
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
            name,
        )
        return login_url(server, name)

    def test_is_connected_and_not_ready(self, probe: Callable[..., Caller], empty: str) -> None:
        service = probe(DATABASE_URL=empty)
        response = service.get("/health/db")
        assert (response.status_code, response.json) == (200, {"status": "ok", "database": "connected"})
        response = service.get("/health/ready")
        assert response.status_code == 503
        assert response.json is not None
        checks = {check["name"]: check for check in response.json["checks"]}
        assert (checks["database"]["status"], checks["migrations"]["status"]) == ("ok", "unhealthy")
        assert checks["migrations"]["message"] == "uninitialised"


class TestReadOnlyDatabase:
    """A standby, or a primary that was demoted."""

    def test_is_connected_and_not_ready(
        self, probe: Callable[..., Caller], server: Server, new_database: Callable[[], str]
    ) -> None:
        name = new_database()
        run_as_superuser(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        service = probe(DATABASE_URL=login_url(server, name))
        assert service.get("/health/db").status_code == 200
        response = service.get("/health/ready")
        assert response.status_code == 503
        assert response.json is not None
        assert response.json["checks"][0]["message"] == "read-only"

    def test_is_ready_again_as_soon_as_it_takes_changes(
        self, probe: Callable[..., Caller], server: Server, new_database: Callable[[], str]
    ) -> None:
        name = new_database()
        run_as_superuser(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        service = probe(DATABASE_URL=login_url(server, name))
        assert service.get("/health/ready").status_code == 503

        run_as_superuser(server, f"ALTER DATABASE {name} RESET default_transaction_read_only")

        deadline = time.monotonic() + 10
        while service.get("/health/ready").status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert service.get("/health/ready").status_code == 200


class TestForeignLogin:
    def test_without_the_roles_is_not_ready(
        self, probe: Callable[..., Caller], server: Server, scratch: str
    ) -> None:
        role = f"stranger_{scratch}"
        run_as_superuser(server, f"CREATE ROLE {role} LOGIN PASSWORD 'stranger'")
        try:
            service = probe(DATABASE_URL=login_url(server, scratch, role, "stranger"))
            assert service.get("/health/db").json == {"status": "ok", "database": "connected"}
            response = service.get("/health/ready")
            text = response.get_data(as_text=True)
        finally:
            run_as_superuser(server, f"DROP ROLE {role}")
        assert response.status_code == 503
        assert role not in text
        assert "permission denied" not in text
