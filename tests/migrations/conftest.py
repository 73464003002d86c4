"""An embedded PostgreSQL, a fresh database for each test, and a folder for its migrations."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server, ensure
from tests.migrations.databases import Folder, connected


@pytest.fixture(scope="session")
def server() -> Server:
    """The server of the tests; TEST_POSTGRES_BINARIES names the programs of another version."""
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")
    return ensure("test", binaries=Path(binaries) if binaries else None)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of an empty database, as superuser."""
    name = f"migrations_{uuid.uuid4().hex[:12]}"
    with connected(server.url()) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    with connected(server.url()) as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "migrations")
