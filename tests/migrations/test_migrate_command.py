"""`mbs migrate`: its output and its exit codes."""

import argparse
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mbs.operations import migrate, migration_connection
from mbs.operations.embedded_postgres import Server
from mbs.operations.migration_connection import Target, find_target
from mbs.operations.migration_files import VERSIONS, chain, head_file
from tests.migrations.databases import Folder, ask, connected

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, database: str) -> pytest.MonkeyPatch:
    monkeypatch.setenv("APP_ENV", "test")
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)
    monkeypatch.delenv("DIRECT_URL", raising=False)
    return monkeypatch


def run(*words: str, versions: Path = VERSIONS) -> int:
    parser = argparse.ArgumentParser()
    migrate.add_arguments(parser)
    arguments = parser.parse_args(words)
    arguments.versions = versions
    return migrate.run(arguments)


class TestFindTarget:
    def test_takes_the_owner_for_the_work_and_the_service_for_the_login(self) -> None:
        service, owner = "postgresql://service:x@127.0.0.1/mbs", "postgres://owner:y@127.0.0.1/mbs"
        target = find_target({"APP_ENV": "test", "DATABASE_URL": service, "MIGRATION_DATABASE_URL": owner})
        assert target.url.startswith("postgresql+psycopg2://owner:y@")
        assert target.login == "service"

    def test_finds_the_embedded_server_where_no_database_is_named(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def ensure(instance: str) -> Server:
            asked.append(instance)
            return server

        monkeypatch.setattr(migration_connection, "ensure", ensure)
        assert find_target({"APP_ENV": "development"}) == Target(server.url(), None)
        assert asked == ["development"]


class TestMigrateCommand:
    def test_prints_one_json_line_and_nothing_to_do_the_second_time(
        self, environment: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        total, head = len(chain()), chain()[-1].revision
        assert run("--json") == 0
        assert json.loads(capsys.readouterr().out) == {"from": None, "to": head, "applied": total}
        assert run("--json") == 0
        assert json.loads(capsys.readouterr().out) == {"from": head, "to": head, "applied": 0}

    def test_exits_75_while_another_migration_holds_the_lock(
        self, environment: object, database: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with connected(database) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('mbs migrate', 0))")
            assert run("--max-wait", "0.6") == 75
        assert "another migration is running" in capsys.readouterr().err

    def test_exits_69_without_a_server(
        self, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            environment.setenv("DATABASE_URL", f"postgresql://me:canary@127.0.0.1:{free.getsockname()[1]}/x")
            assert (run(), run("--check"), run("--dry-run")) == (69, 69, 69)
        output = capsys.readouterr()
        assert "cannot be used" in output.err
        assert "canary" not in output.err + output.out

    def test_exits_78_without_a_database_in_production_and_minds_no_other_group(
        self, environment: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment.setenv("APP_ENV", "production")
        environment.setenv("PORT", "none")
        assert run("--check") == 3
        environment.delenv("DATABASE_URL")
        assert run("--json") == 78
        output = capsys.readouterr()
        assert "DATABASE_URL missing" in output.err
        assert json.loads(output.out.splitlines()[-1])["exitCode"] == 78

    def test_exits_78_with_the_statement_for_an_administrator(
        self,
        environment: pytest.MonkeyPatch,
        database: str,
        folder: Folder,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        name = f"plain_{database[-12:]}"
        with connected(database) as cursor:
            cursor.execute(
                f"CREATE ROLE {name}_o LOGIN PASSWORD 'x'; CREATE ROLE {name}_l LOGIN PASSWORD 'x'"
            )
            cursor.execute(f"GRANT CREATE ON SCHEMA public TO {name}_o")
            make_service_roles(database)
            try:
                place = database.partition("@")[2]
                environment.setenv("DATABASE_URL", f"postgresql://{name}_l:x@{place}")
                environment.setenv("MIGRATION_DATABASE_URL", f"postgresql://{name}_o:x@{place}")
                assert run(versions=folder.versions) == 78
                error = capsys.readouterr().err
                assert f'GRANT mbs_tenant TO "{name}_l"' in error
                # What it prints is what helps: an administrator runs it, and the next run is content.
                cursor.execute("".join(line for line in error.splitlines() if line.startswith("GRANT")))
                assert run(versions=folder.versions) == 0
            finally:
                cursor.execute(f"DROP OWNED BY {name}_o, {name}_l; DROP ROLE {name}_o, {name}_l")


def make_service_roles(url: str) -> None:
    for role in ("mbs_tenant", "mbs_identity"):
        ask(
            url,
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; SELECT 1",
        )


class TestMigrateCheckCommand:
    def test_exits_3_while_pending_and_0_at_head(
        self, environment: object, database: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("--check", "--json") == 3
        assert json.loads(capsys.readouterr().out)["state"] == "uninitialised"
        assert ask(database, "SELECT to_regclass('alembic_version')") == [(None,)]
        assert run() == 0
        assert run("--check") == 0
        assert capsys.readouterr().out.endswith("current\n")

    def test_exits_1_on_an_unknown_revision_and_on_an_edited_file(
        self, environment: object, database: str, folder: Folder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = folder.add("pass")
        assert run(versions=folder.versions) == 0
        path.write_text(path.read_text() + "\n")
        assert run("--check", versions=folder.versions) == 1
        assert path.name in capsys.readouterr().out
        assert run(versions=folder.versions) == 1
        assert "MS090" in capsys.readouterr().err
        path.unlink()
        with connected(database) as cursor:
            cursor.execute("UPDATE alembic_version SET version_num = 'beef'")
        assert run("--check", versions=folder.versions) == 1
        assert run(versions=folder.versions) == 1


class TestMigrateDeployScript:
    def test_is_the_same_command_from_anywhere(self, environment: object, tmp_path: Path) -> None:
        script = [PROJECT / "scripts" / "migrate-deploy"]
        assert subprocess.run([*script, "--check"], cwd=tmp_path).returncode == 3
        answer = subprocess.run([*script, "--json"], cwd=tmp_path, capture_output=True, check=True)
        assert json.loads(answer.stdout)["to"] == chain()[-1].revision


class TestMigrateDryRunCommand:
    def test_prints_sql_that_leads_to_the_same_schema_and_changes_nothing(
        self, environment: object, database: str, folder: Folder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder.add("op.execute('CREATE TABLE shown (id bigint)')")
        folder.add("create_index_concurrently('ix__shown__id', 'shown', '(id)')")
        assert run("--dry-run", versions=folder.versions) == 0
        printed = capsys.readouterr().out
        assert ask(database, "SELECT to_regclass('alembic_version')") == [(None,)]
        with connected(database) as cursor:
            # One at a time: an index cannot be built concurrently within a string of statements.
            for statement in printed.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
        assert run("--check", versions=folder.versions) == 0
        assert ask(database, "SELECT count(*) FROM migration_log") == [(3,)]
        assert run("--dry-run", versions=folder.versions) == 0
        assert "CREATE" not in capsys.readouterr().out


class TestMigrateNewCommand:
    def test_writes_the_next_file_and_moves_the_head(
        self, folder: Folder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("new", "Add booking status!", versions=folder.versions) == 0
        path = Path(capsys.readouterr().out.strip())
        assert path == folder.versions / "0002_add_booking_status.py"
        assert head_file(folder.versions).read_text() == "0002\n"
        assert [one.revision for one in chain(folder.versions)] == ["0001", "0002"]
        ruff = Path(sys.executable).parent / "ruff"
        for action in (("check",), ("format", "--check")):
            assert (
                subprocess.run([ruff, *action, "--config", PROJECT / "pyproject.toml", path]).returncode == 0
            )

    def test_starts_an_empty_folder_at_one(self, tmp_path: Path) -> None:
        versions = tmp_path / "versions"
        versions.mkdir()
        assert run("new", "create it", versions=versions) == 0
        assert [path.name for path in versions.glob("*.py")] == ["0001_create_it.py"]

    def test_refuses_a_message_without_a_word(self, folder: Folder) -> None:
        assert run("new", "?!", versions=folder.versions) == 1


class TestALoginThatOwnsNothing:
    def test_is_told_to_name_the_owner(
        self, environment: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run() == 0
        with connected(database) as cursor:
            cursor.execute("DROP ROLE IF EXISTS mbs_owns_nothing")
            cursor.execute("CREATE ROLE mbs_owns_nothing LOGIN NOINHERIT PASSWORD 'x'")
        authority = database.partition("@")[2]
        environment.setenv("DATABASE_URL", f"postgresql://mbs_owns_nothing:x@{authority}")
        try:
            assert run("--check") == 78
        finally:
            with connected(database) as cursor:
                cursor.execute("DROP ROLE mbs_owns_nothing")

        assert "MIGRATION_DATABASE_URL" in capsys.readouterr().err
