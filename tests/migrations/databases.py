"""Statements on a test's database, and folders of migrations made to order."""

import contextlib
import shutil
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from mbs.operations.embedded_postgres import Server
from mbs.operations.migration_files import VERSIONS


@contextlib.contextmanager
def new_database(server: Server) -> Iterator[str]:
    """The URL of an empty database, as superuser; it is dropped at the end."""
    name = f"migrations_{uuid.uuid4().hex[:12]}"
    with connected(server.url()) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    with connected(server.url()) as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def connected(url: str) -> Iterator["psycopg2.extensions.cursor"]:
    """A cursor whose statements commit by themselves."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with connected(url) as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


class Folder:
    """A folder of migrations that continues the project's first one."""

    def __init__(self, path: Path) -> None:
        self.versions = path / "versions"
        self.versions.mkdir(parents=True)
        (first,) = VERSIONS.glob("0001_*.py")
        shutil.copy(first, self.versions)

    def add(self, upgrade: str, *, downgrade: str = "pass", phase: str = "expand", head: str = "") -> Path:
        """Write the next migration; the bodies are Python statements, `head` more of the module's lines."""
        number = len(list(self.versions.glob("*.py"))) + 1
        path = self.versions / f"{number:04d}_made_to_order.py"
        path.write_text(
            f'"""Made to order."""\n\n'
            f"from alembic import op\n"
            f"from mbs.operations.migration_operations import create_index_concurrently\n\n"
            f'revision, down_revision = "{number:04d}", "{number - 1:04d}"\n'
            f'phase, release = "{phase}", "9.9.9"\n{head}\n\n'
            f"def upgrade() -> None:\n{textwrap.indent(textwrap.dedent(upgrade), '    ')}\n\n"
            f"def downgrade() -> None:\n{textwrap.indent(textwrap.dedent(downgrade), '    ')}\n"
        )
        return path
