"""A PostgreSQL of one's own, to be stopped, crashed and frozen."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from mbs.operations.embedded_postgres import Server, base_directory, ensure
from mbs.operations.postgres_binaries import Account

ACCEPTS_SECONDS = 30.0


class Breakable:
    """A running server and the ways in which it may fail."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._account = Account.unprivileged(server.data_directory)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` cuts the connections, `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def start(self) -> None:
        """Start it at the address where it was, and wait until it accepts connections."""
        settings = " ".join(
            f"-c {name}={value}"
            for name, value in {
                "listen_addresses": "127.0.0.1",
                "unix_socket_directories": "''",
                "port": self.server.port,
                "max_connections": 300,
            }.items()
        )
        self._control("start", "-l", self.server.data_directory / "server.log", "-o", settings)
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + ACCEPTS_SECONDS
        while True:
            try:
                with contextlib.closing(psycopg2.connect(self.server.url("postgres"), connect_timeout=2)):
                    return
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline, "the server does not come back"
                time.sleep(0.02)

    def processes(self) -> list[int]:
        """List the postmaster and everything that it has forked."""
        postmaster = int((self.server.data_directory / "postmaster.pid").read_text().split("\n", 1)[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes where they stand; the kernel goes on to acknowledge what is sent to it."""
        frozen = self.processes()
        send(signal.SIGSTOP, frozen)
        # Children forked while the others were being stopped.
        frozen = self.processes()
        send(signal.SIGSTOP, frozen)
        try:
            yield
        finally:
            send(signal.SIGCONT, frozen)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as superuser, outside any transaction."""
        with contextlib.closing(psycopg2.connect(self.server.url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def _control(self, action: str, *options: str | Path) -> None:
        data = self.server.data_directory
        answer = self._account.run(
            self.server.programs / "pg_ctl", action, "-D", data, "-w", "-t", "60", *options, home=data
        )
        assert answer.returncode == 0, answer.stderr


def send(number: signal.Signals, processes: list[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def own_server(instance: str) -> Breakable:
    """Start the server of that name, which a test run that was killed may have left frozen."""
    for record in base_directory().glob(f"{instance}-*/data/postmaster.pid"):
        postmaster = int(record.read_text().split("\n", 1)[0])
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{postmaster}/cmdline").read_bytes()
            if os.fsencode(record.parent) in command:
                children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
                send(signal.SIGCONT, [postmaster, *map(int, children)])
    return Breakable(ensure(instance))
