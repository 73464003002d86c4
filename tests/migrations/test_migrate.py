"""The migration harness on a real PostgreSQL: once, in order, undisturbed and without disturbing."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from mbs.operations.migrate import check, head, migrate
from mbs.operations.schema_faults import LockLost, LockNotObtained, MigrationFailed, MigrationRefused
from tests.migrations.databases import Folder, ask, connected

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('mbs migrate', 0))"
ADVISORY_LOCKS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def start(url: str, versions: Path) -> "subprocess.Popen[str]":
    script = (
        "import sys; from pathlib import Path; from mbs.operations.migrate import migrate;"
        "print(len(migrate(sys.argv[1], versions=Path(sys.argv[2])).applied))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, url, str(versions)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class TestMigrate:
    def test_brings_an_empty_database_to_head_and_then_does_nothing(self, database: str) -> None:
        first = migrate(database)
        assert (first.before, first.after) == (None, head())
        assert ask(database, "SELECT revision FROM migration_log ORDER BY 1") == [
            (revision,) for revision in first.applied
        ]
        second = migrate(database)
        assert second.as_json() == {"from": head(), "to": head(), "applied": 0}
        assert check(database).state == "current"

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
    def test_accepts_every_form_of_the_url(self, database: str, folder: Folder, scheme: str) -> None:
        url = database.replace("postgresql", scheme, 1)
        assert migrate(url, versions=folder.versions).after == "0001"

    def test_applies_each_revision_once_when_four_start_together(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE big AS SELECT n FROM generate_series(1, 300000) n')")
        folder.add("create_index_concurrently('ix__big__n', 'big', '(n)')")
        racers = [start(database, folder.versions) for _ in range(4)]
        try:
            answers = [racer.communicate(timeout=60) for racer in racers]
        finally:
            for racer in racers:
                racer.kill()
        assert [racer.returncode for racer in racers] == [0, 0, 0, 0], answers
        assert sorted(answer[0].strip() for answer in answers) == ["0", "0", "0", "3"]
        assert ask(database, "SELECT revision FROM migration_log ORDER BY 1") == [
            ("0001",),
            ("0002",),
            ("0003",),
        ]
        assert ask(database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]

    def test_waits_no_longer_than_told_for_another_run(self, database: str, folder: Folder) -> None:
        with connected(database) as cursor:
            cursor.execute("BEGIN")
            cursor.execute(LOCK)
            with pytest.raises(LockNotObtained):
                migrate(database, versions=folder.versions, max_wait=1)
        assert check(database, versions=folder.versions).state == "uninitialised"

    def test_never_stalls_readers_while_a_table_is_in_use(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE busy (id bigint)')")
        migrate(database, versions=folder.versions)
        folder.add("op.execute('ALTER TABLE busy ADD COLUMN note text')")
        longest, done = [0.0], threading.Event()

        def read_all_the_time() -> None:
            with connected(database) as cursor:
                while not done.is_set():
                    began = time.monotonic()
                    cursor.execute("SELECT count(*) FROM busy")
                    longest[0] = max(longest[0], time.monotonic() - began)
                    time.sleep(0.01)

        with contextlib.closing(psycopg2.connect(database)) as idle:
            idle.cursor().execute("SELECT * FROM busy")
            reader = threading.Thread(target=read_all_the_time)
            letting_go = threading.Timer(3, idle.rollback)
            reader.start()
            letting_go.start()
            try:
                result = migrate(database, versions=folder.versions)
            finally:
                done.set()
                reader.join()
                letting_go.join()
        assert result.applied == ("0003",)
        assert longest[0] < 1
        assert ask(database, "SELECT retries > 0 FROM migration_log WHERE revision = '0003'") == [(True,)]

    def test_gives_up_on_a_table_in_use_and_changes_nothing(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE busy (id bigint)')")
        migrate(database, versions=folder.versions)
        folder.add("op.execute('ALTER TABLE busy ADD COLUMN note text')")
        with contextlib.closing(psycopg2.connect(database)) as idle:
            idle.cursor().execute("SELECT * FROM busy")
            with pytest.raises(LockNotObtained, match=r"0003_made_to_order\.py"):
                migrate(database, versions=folder.versions, max_wait=1)
        assert check(database, versions=folder.versions).schema.pending == ("0003",)
        assert migrate(database, versions=folder.versions).applied == ("0003",)

    def test_recovers_from_a_kill_within_an_index_build(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE busy AS SELECT n FROM generate_series(1, 1000) n')")
        migrate(database, versions=folder.versions)
        folder.add("create_index_concurrently('ix__busy__n', 'busy', '(n)')")
        invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        with contextlib.closing(psycopg2.connect(database)) as writer:
            writer.cursor().execute("UPDATE busy SET n = n WHERE n = 1")
            process = start(database, folder.versions)
            # The build waits for the writer's transaction, its index already in the catalogue.
            wait_until(lambda: ask(database, invalid))
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            ask(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'mbs-migrate' AND datname = current_database()",
            )
        wait_until(lambda: ask(database, ADVISORY_LOCKS) == [(0,)])
        assert ask(database, invalid) == [("ix__busy__n",)]
        assert migrate(database, versions=folder.versions).applied == ("0003",)
        assert ask(database, invalid) == []
        assert ask(database, "SELECT to_regclass('ix__busy__n')::text") == [("ix__busy__n",)]
        assert ask(database, ADVISORY_LOCKS) == [(0,)]

    def test_keeps_the_lock_through_a_long_migration(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('SELECT pg_sleep(1.2)')")
        name = database.rpartition("/")[2]
        with connected(database) as cursor:
            cursor.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = 500")
        assert migrate(database, versions=folder.versions).applied == ("0001", "0002")

    @pytest.mark.parametrize("follower", ["", "op.execute('CREATE TABLE never (id bigint)')"])
    def test_stops_once_the_lock_is_lost(self, database: str, folder: Folder, follower: str) -> None:
        folder.add(
            'op.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity'
            " WHERE application_name = 'mbs-migrate' AND datname = current_database()"
            ' AND pid <> pg_backend_pid()")'
        )
        if follower:
            folder.add(follower)
        with pytest.raises(LockLost):
            migrate(database, versions=folder.versions)
        assert check(database, versions=folder.versions).schema.applied == "0002"
        assert ask(database, "SELECT to_regclass('never')") == [(None,)]

    def test_stops_at_a_failing_migration_and_keeps_those_before(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE kept (id bigint)')")
        folder.add("op.execute('CREATE TABLE lost (id bigint)'); op.execute('SELECT 1 / 0')")
        folder.add("op.execute('CREATE TABLE never (id bigint)')")
        with pytest.raises(MigrationFailed, match=r"0003_made_to_order\.py: division by zero"):
            migrate(database, versions=folder.versions)
        assert check(database, versions=folder.versions).schema.applied == "0002"
        names = "SELECT to_regclass('kept')::text, to_regclass('lost'), to_regclass('never')"
        assert ask(database, names) == [("kept", None, None)]

    def test_refuses_a_file_edited_after_it_was_applied(self, database: str, folder: Folder) -> None:
        path = folder.add("op.execute('CREATE TABLE one (id bigint)')")
        migrate(database, versions=folder.versions)
        path.write_text(path.read_text().replace("bigint", "integer"))
        assert check(database, versions=folder.versions).edited == (path.name,)
        with pytest.raises(MigrationRefused, match=f"MS090 edited after release: {path.name}"):
            migrate(database, versions=folder.versions)

    def test_ends_with_a_failure_while_an_index_is_invalid(self, database: str, folder: Folder) -> None:
        folder.add("op.execute('CREATE TABLE doubles AS SELECT 1 AS n FROM generate_series(1, 2)')")
        migrate(database, versions=folder.versions)
        with connected(database) as cursor, contextlib.suppress(psycopg2.errors.UniqueViolation):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY uq__doubles__n ON doubles (n)")
        with pytest.raises(MigrationRefused, match="invalid index: uq__doubles__n"):
            migrate(database, versions=folder.versions)

    def test_limits_every_transaction_of_a_migration(self, database: str, folder: Folder) -> None:
        note = (
            'op.execute("INSERT INTO notes SELECT name, setting FROM pg_settings WHERE name IN'
            " ('TimeZone', 'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout',"
            " 'application_name', 'row_security')\")"
        )
        folder.add(
            f"op.execute('CREATE TABLE notes (name text, setting text)')\n{note}\n"
            f"with op.get_context().autocommit_block():\n    op.execute('VACUUM notes')\n{note}",
            head="statement_timeout_s = 90",
        )
        migrate(database, versions=folder.versions)
        assert sorted(ask(database, "SELECT name, setting, count(*) FROM notes GROUP BY 1, 2")) == [
            ("TimeZone", "UTC", 2),
            ("application_name", "mbs-migrate", 2),
            ("idle_in_transaction_session_timeout", "60000", 2),
            ("lock_timeout", "100", 2),
            ("row_security", "off", 2),
            ("statement_timeout", "90000", 2),
        ]


class TestDataMigration:
    def test_fails_loudly_where_row_security_would_hide_the_rows(self, database: str, folder: Folder) -> None:
        owner = f"owner_{database[-12:]}"
        with connected(database) as cursor:
            cursor.execute(
                f"CREATE ROLE {owner} LOGIN PASSWORD 'x'; GRANT CREATE ON SCHEMA public TO {owner}"
            )
            try:
                url = f"postgresql://{owner}:x@{database.partition('@')[2]}"
                folder.add(
                    "op.execute('CREATE TABLE hidden AS SELECT 1 AS n')\n"
                    "op.execute('ALTER TABLE hidden ENABLE ROW LEVEL SECURITY')\n"
                    "op.execute('ALTER TABLE hidden FORCE ROW LEVEL SECURITY')"
                )
                folder.add("op.execute('UPDATE hidden SET n = 2')", phase="data")
                with pytest.raises(MigrationFailed, match="row-level security"):
                    migrate(url, versions=folder.versions)
            finally:
                cursor.execute(f"DROP OWNED BY {owner}; DROP ROLE {owner}")


class TestCheck:
    def test_tells_pending_and_ahead_and_foreign_databases_apart(
        self, database: str, folder: Folder, tmp_path: Path
    ) -> None:
        older, newer = folder, Folder(tmp_path / "newer")
        assert check(database, versions=older.versions).state == "uninitialised"
        migrate(database, versions=older.versions)
        newer.add("pass")
        newer.add("pass", phase="data")
        assert check(database, versions=newer.versions).schema.summary == "pending:2"

        migrate(database, versions=newer.versions)
        status = check(database, versions=older.versions)
        assert (status.state, status.schema.summary) == ("ahead", "ahead (compatible)")
        assert migrate(database, versions=older.versions).applied == ()

        newer.add("pass", phase="contract")
        migrate(database, versions=newer.versions)
        assert check(database, versions=older.versions).schema.summary == "ahead (incompatible)"
        with pytest.raises(MigrationRefused, match="incompatible"):
            migrate(database, versions=older.versions)

        with connected(database) as cursor:
            cursor.execute("UPDATE alembic_version SET version_num = 'beef'")
        assert check(database, versions=older.versions).state == "unknown"
        with pytest.raises(MigrationRefused, match="unknown revision"):
            migrate(database, versions=older.versions)
