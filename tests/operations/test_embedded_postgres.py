"""The embedded PostgreSQL: one server for any number of callers, its data kept, nothing left running."""

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from mbs.operations import embedded_postgres, postgres_binaries
from mbs.operations.embedded_postgres import Server, ensure
from mbs.operations.postgres_binaries import Account, EmbeddedPostgresUnavailable


@contextlib.contextmanager
def trial_instance() -> Iterator[str]:
    """A name of one's own; its servers are stopped and their data removed afterwards."""
    name = f"trial-{uuid.uuid4().hex[:8]}"
    yield name
    for folder in embedded_postgres.base_directory().glob(f"{name}-*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(postmaster(folder / "data"), signal.SIGQUIT)
            wait_until_gone(folder / "data" / "postmaster.pid")
        shutil.rmtree(folder)


def wait_until_gone(path: Path) -> None:
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n", 1)[0])


def ask(server: Server, statement: str) -> str:
    with contextlib.closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        connection.commit()
        assert row is not None
        return str(row[0])


@pytest.fixture(scope="module")
def instance() -> Iterator[str]:
    with trial_instance() as name:
        yield name


@pytest.fixture
def server(instance: str) -> Iterator[Server]:
    server = ensure(instance)
    yield server
    server.stop()


class TestEnsure:
    def test_gives_a_database_that_answers_with_the_settings_of_development(self, server: Server) -> None:
        assert ask(server, "select current_database()") == "mbs"
        assert ask(server, "show max_connections") == "300"
        assert ask(server, "show fsync") == "off"
        assert ask(server, "show server_encoding") == "UTF8"

    def test_listens_on_the_loopback_address_only(self, server: Server) -> None:
        assert ask(server, "show listen_addresses") == "127.0.0.1"
        assert ask(server, "show unix_socket_directories") == ""

    def test_lets_nobody_in_without_the_password(self, server: Server) -> None:
        password = server.data_directory.parent / "password"
        assert password.stat().st_mode & 0o777 == 0o600
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(server.url().replace(password.read_text(), "postgres"))

    def test_keeps_data_port_and_password_over_a_restart(self, instance: str, server: Server) -> None:
        ask(server, "create table if not exists kept (n int); insert into kept values (7) returning n")
        url = server.url()
        assert server.stop()
        again = ensure(instance)
        assert again.started_here
        assert again.url() == url
        assert ask(again, "select max(n) from kept") == "7"
        again.stop()

    def test_finds_a_running_server(self, instance: str, server: Server) -> None:
        second = ensure(instance)
        assert not second.started_here
        assert second.url() == server.url()
        second.stop()

    def test_is_not_led_astray_by_the_variables_of_another_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"PGDATA": "/nonexistent", "PGPORT": "1", "PGHOST": "192.0.2.1"}.items():
            monkeypatch.setenv(name, value)
        with trial_instance() as name:
            assert ask(ensure(name), "select 1") == "1"

    def test_takes_another_port_when_the_remembered_one_is_in_use(
        self, instance: str, server: Server
    ) -> None:
        port = server.port
        server.stop()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
            moved = ensure(instance)
            assert moved.port != port
            assert ask(moved, "select 1") == "1"
            moved.stop()

    def test_runs_the_server_in_a_session_of_its_own(self, server: Server) -> None:
        assert os.getsid(postmaster(server.data_directory)) != os.getsid(0)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to give the server to")
    def test_runs_the_server_under_an_unprivileged_account(self, server: Server) -> None:
        assert server.data_directory.stat().st_uid != 0
        assert Path(f"/proc/{postmaster(server.data_directory)}").stat().st_uid != 0

    def test_refuses_a_name_that_is_no_folder_name(self) -> None:
        with pytest.raises(ValueError, match="name consists of"):
            ensure("../elsewhere")


class TestFsync:
    def test_is_switched_on_for_a_running_server_and_not_off_under_it(self, instance: str) -> None:
        first = ensure(instance)
        durable = ensure(instance, fsync=True)
        assert ask(durable, "show fsync") == "on"
        third = ensure(instance)
        assert ask(third, "show fsync") == "on"
        for server in (first, durable, third):
            server.stop()
        fresh = ensure(instance)
        assert ask(fresh, "show fsync") == "off"
        fresh.stop()


RACER = textwrap.dedent(
    """
    import sys, psycopg2
    from mbs.operations.embedded_postgres import ensure
    server = ensure(sys.argv[1])
    psycopg2.connect(server.url()).close()
    print(server.started_here, server.url(), flush=True)
    sys.stdin.read()
    print(server.stop())
    """
)


def racer(name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RACER, name],
        cwd=embedded_postgres.CLONE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestSharing:
    def test_starts_once_under_three_racers_and_stops_with_the_last(self) -> None:
        with trial_instance() as name:
            racers = [racer(name) for _ in range(3)]
            answers = []
            for process in racers:
                assert process.stdout is not None
                answers.append(process.stdout.readline().split())
            assert sorted(started for started, _ in answers) == ["False", "False", "True"]
            assert len({url for _, url in answers}) == 1
            stopped = []
            for process in racers:
                psycopg2.connect(answers[0][1]).close()
                stopped.append(process.communicate("")[0].strip())
            assert stopped == ["False", "False", "True"]
            with pytest.raises(psycopg2.OperationalError):
                psycopg2.connect(answers[0][1])

    def test_forgets_a_user_that_was_killed(self, instance: str, server: Server) -> None:
        other = racer(instance)
        assert other.stdout is not None
        assert other.stdout.readline().startswith("False")
        other.kill()
        other.communicate()
        assert server.stop()


class TestRecovery:
    def test_starts_again_at_once_after_the_server_was_killed(self, instance: str, server: Server) -> None:
        pid = postmaster(server.data_directory)
        os.kill(pid, signal.SIGKILL)
        recovered = ensure(instance)
        assert postmaster(recovered.data_directory) != pid
        assert ask(recovered, "select 1") == "1"
        recovered.stop()

    def test_is_not_held_up_by_another_process_that_got_the_servers_number(
        self, instance: str, server: Server
    ) -> None:
        os.kill(postmaster(server.data_directory), signal.SIGKILL)
        record = server.data_directory / "postmaster.pid"
        account = Account.unprivileged(server.data_directory)
        with subprocess.Popen(["sleep", "60"], user=account.uid, group=account.gid) as other:
            lines = record.read_text().split("\n")
            record.write_text("\n".join([str(other.pid), *lines[1:]]))
            recovered = ensure(instance)
            other.terminate()
        assert ask(recovered, "select 1") == "1"
        recovered.stop()

    def test_is_not_held_up_by_another_server_that_got_the_servers_number(
        self, instance: str, server: Server
    ) -> None:
        os.kill(postmaster(server.data_directory), signal.SIGKILL)
        record = server.data_directory / "postmaster.pid"
        with trial_instance() as name:
            other = ensure(name)
            lines = record.read_text().split("\n")
            record.write_text("\n".join([str(postmaster(other.data_directory)), *lines[1:]]))
            recovered = ensure(instance)
            assert ask(recovered, "select 1") == "1"
            assert ask(other, "select 1") == "1"
            recovered.stop()

    def test_says_why_a_server_cannot_start_and_what_to_delete(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded_postgres, "RETRY_SECONDS", 1.0)
        with trial_instance() as name:
            server = ensure(name)
            server.stop()
            (server.data_directory / "PG_VERSION").write_text("9.6\n")
            with pytest.raises(EmbeddedPostgresUnavailable, match=r"(?s)delete .* initialized by") as told:
                ensure(name)
            assert str(server.data_directory.parent) in str(told.value)


class TestBinaries:
    @pytest.mark.skipif(postgres_binaries.installed() is None, reason="no PostgreSQL is installed")
    def test_can_be_those_of_an_installed_server(self) -> None:
        programs = postgres_binaries.installed()
        assert programs is not None
        major = postgres_binaries.major(programs, Account.unprivileged())
        with trial_instance() as name:
            server = ensure(name, binaries=programs)
            assert ask(server, "show server_version_num").startswith(str(major))
            assert server.data_directory.parent.name == f"{name}-{major}"
            server.stop()

    @pytest.mark.skipif(postgres_binaries.installed() is None, reason="no PostgreSQL is installed")
    def test_fall_back_to_the_installed_server_without_pg0(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(postgres_binaries, "_pg0_executable", lambda: None)
        assert postgres_binaries.find(tmp_path) == postgres_binaries.installed()

    @pytest.mark.skipif(postgres_binaries.installed() is None, reason="no PostgreSQL is installed")
    def test_fall_back_to_the_installed_server_when_pg0_does_not_run_here(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        base = embedded_postgres.base_directory() / f"trial-{uuid.uuid4().hex[:8]}"
        base.mkdir()
        broken = base / "broken"
        broken.write_text("#!/bin/sh\necho 'version GLIBC_2.99 not found' >&2; exit 1\n")
        monkeypatch.setattr(postgres_binaries, "_pg0_executable", lambda: broken)
        try:
            with caplog.at_level(logging.WARNING, "mbs.database"):
                assert postgres_binaries.find(base) == postgres_binaries.installed()
        finally:
            shutil.rmtree(base)
        assert [getattr(record, "reason", "") for record in caplog.records] == [
            "version GLIBC_2.99 not found"
        ]

    def test_missing_altogether_are_told_in_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(postgres_binaries, "_pg0_executable", lambda: None)
        monkeypatch.setattr(postgres_binaries, "SYSTEM_DIRECTORY", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(EmbeddedPostgresUnavailable, match=r"^No PostgreSQL .*apt-get install postgresql"):
            ensure("trial-none")
