"""An embedded PostgreSQL, a fresh database for each test, and a folder for its migrations."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server, ensure
from tests.migrations.databases import Folder, new_database


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of the tests; TEST_POSTGRES_BINARIES names the programs of another version."""
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")
    server = ensure("test", binaries=Path(binaries) if binaries else None)
    yield server
    server.stop()


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of an empty database, as superuser."""
    with new_database(server) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "migrations")
