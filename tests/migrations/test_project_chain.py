"""The project's own migrations: one chain, up and down alike, lint-clean, equal to the models."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import mbs
from mbs.foundation.db import Base
from mbs.foundation.schema_version import known_revisions
from mbs.operations.embedded_postgres import Server
from mbs.operations.migrate import head, migrate, offline_sql
from mbs.operations.migration_connection import migration_engine
from mbs.operations.migration_files import VERSIONS, Migration, alembic_config, chain, head_file
from tests.migrations.databases import ask

# Rules of squawk that do not fit, and why. One migration's own exceptions stand in its `waivers`.
EXCLUDED = {
    "require-lock-timeout": "the harness sets it for every transaction, and retries",
    "require-statement-timeout": "the harness sets it for every transaction",
}
EXCLUDED_IN_THE_FIRST = {
    "prefer-robust-stmts": "Alembic creates its own table, in the transaction of the first migration",
    "prefer-text-field": "Alembic's own version_num is varchar(32)",
}


class TestChain:
    def test_has_one_head_which_the_head_file_names(self) -> None:
        assert head_file().read_text() == f"{head()}\n"

    def test_is_what_readiness_reads_off_the_file_names(self) -> None:
        assert known_revisions(VERSIONS) == tuple(migration.revision for migration in chain())

    def test_leads_down_and_up_to_the_same_schema(self, database: str, server: Server) -> None:
        revisions = ["base", *(migration.revision for migration in chain())]
        migrate(database)
        schema = {revisions[-1]: dump(server, database)}
        for below in reversed(revisions[1:-1]):
            downgrade(database, below)
            schema[below] = dump(server, database)
        downgrade(database, "base")
        left = (
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        assert ask(database, left) == [("alembic_version",)]
        assert ask(database, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == [
            (0,)
        ]
        for revision in revisions[1:]:
            upgrade(database, revision)
            assert dump(server, database) == schema[revision], f"down and up again changed {revision}"

    @pytest.mark.parametrize("migration", chain(), ids=lambda migration: migration.path.stem)
    def test_passes_the_linter(self, migration: Migration, tmp_path: Path) -> None:
        position = chain().index(migration)
        before = chain()[position - 1].revision if position else None
        sql = tmp_path / f"{migration.path.stem}.sql"
        sql.write_text(offline_sql(before, to=migration.revision))
        excluded = {**EXCLUDED, **migration.waivers, **({} if before else EXCLUDED_IN_THE_FIRST)}
        answer = subprocess.run(
            [
                *(Path(sys.executable).parent / "squawk", "--pg-version=15.0", "--reporter=gcc"),
                *(f"--exclude={','.join(excluded)}", sql),
            ],
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr

    def test_equals_the_models(self, database: str) -> None:
        for module in pkgutil.walk_packages(mbs.__path__, "mbs."):
            if module.name.rpartition(".")[2] in {"models", "tables"}:
                importlib.import_module(module.name)
        migrate(database)
        with migration_engine(database).connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, parents: (kind, name) != ("table", "migration_log"),
                },
            )
            differences = compare_metadata(context, Base.metadata)
        assert differences == []


def downgrade(url: str, revision: str) -> None:
    with migration_engine(url).connect() as connection:
        command.downgrade(alembic_config(connection=connection), revision)


def upgrade(url: str, revision: str) -> None:
    with migration_engine(url).connect() as connection:
        command.upgrade(alembic_config(connection=connection), revision)


def dump(server: Server, url: str) -> str:
    answer = subprocess.run(
        [server.programs / "pg_dump", "--schema-only", url],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    # The key of \restrict is drawn anew for each dump.
    return "\n".join(line for line in answer.stdout.splitlines() if "restrict" not in line)
