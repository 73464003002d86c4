"""Start, find and stop the embedded PostgreSQL of development, tests and benchmarks; never of production.

Several servers ("instances") live side by side, each with its data kept between runs. As root the data lies
under /var/lib/mbs-development and belongs to an unprivileged account, since PostgreSQL refuses to run as root
and the clone may lie where no other account can read; otherwise it lies in `.data/` of the clone.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from mbs.operations import postgres_binaries
from mbs.operations.postgres_binaries import Account, EmbeddedPostgresUnavailable

logger = logging.getLogger("mbs.database")

CLONE = Path(__file__).resolve().parents[2]
ROOT_DIRECTORY = Path("/var/lib/mbs-development")
START_SECONDS = 60  # one start, crash recovery included
RETRY_SECONDS = 20.0  # after this a server that was killed must have let go of its memory
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Server:
    """A running embedded PostgreSQL, in use by this process until `stop()` or the process's end."""

    def __init__(self, folder: Path, programs: Path, *, started_here: bool) -> None:
        self.data_directory = folder / "data"
        self.started_here = started_here
        self.port = _recorded_port(self.data_directory)
        self.programs = programs
        # A shared lock that lives as long as this descriptor: the kernel drops it even after kill -9.
        self._lease: int | None = os.open(folder / "lease", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lease, fcntl.LOCK_SH)

    def url(self, database: str = "mbs") -> str:
        """Return a superuser's connection URL."""
        password = (self.data_directory.parent / "password").read_text()
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> bool:
        """Give the server up and stop it unless someone else still uses it; return whether it was stopped."""
        lease, self._lease = self._lease, None
        if lease is None:
            return False
        with _locked(self.data_directory.parents[1]):
            try:
                fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(lease)
            answer = Account.unprivileged(self.data_directory).run(
                *(self.programs / "pg_ctl", "stop", "-D", self.data_directory, "-m", "fast", "-w"),
                home=self.data_directory,
            )
            if answer.returncode != 0 and _is_running(self.data_directory):
                raise EmbeddedPostgresUnavailable(f"The embedded PostgreSQL does not stop: {answer.stderr}")
        return True


def ensure(instance: str = "development", *, fsync: bool = False, binaries: Path | None = None) -> Server:
    """Start the embedded PostgreSQL of that name, or find it running, and return it with a database `mbs`.

    Any number of processes may call this at once: they share one server, and none can stop it under another.
    fsync is off unless asked for (a crash of the machine may cost the data); a running one is switched too.
    `binaries` forces the programs of one installation, such as /usr/lib/postgresql/15/bin. Each major version
    keeps data of its own.

    :raises EmbeddedPostgresUnavailable: if no PostgreSQL can be started here; the message says what to do.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", instance):
        raise ValueError(f"an instance's name consists of a-z, 0-9, _ and -, not {instance!r}")
    base = base_directory()
    with _locked(base):
        programs = binaries or postgres_binaries.find(base)
        folder = base / f"{instance}-{postgres_binaries.major(programs, Account.unprivileged())}"
        if not (folder / "data").exists():
            _create_cluster(folder, programs)
        started = _start(folder, programs)
        server = Server(folder, programs, started_here=started)
        _prepare(server, fsync=fsync)
    return server


def base_directory() -> Path:
    """Return the folder for this clone's servers, making it if need be."""
    name = f"{CLONE.name}-{hashlib.sha256(str(CLONE).encode()).hexdigest()[:10]}"
    if os.geteuid() == 0:
        base = ROOT_DIRECTORY / re.sub(r"[^\w.-]", "_", name)
    else:
        base = CLONE / ".data"
        # pg_ctl hands the path to a shell inside double quotes.
        if re.search(r'["$`\\]', str(base)) or not os.access(base if base.exists() else CLONE, os.W_OK):
            base = Path.home() / ".local" / "share" / "mbs-development" / re.sub(r"[^\w.-]", "_", name)
    try:
        _make_directory(base)
    except OSError as error:
        raise EmbeddedPostgresUnavailable(
            f"The embedded PostgreSQL has no place for its data ({error}): set DATABASE_URL instead."
        ) from error
    return base


def _make_directory(path: Path) -> None:
    """Make a folder and its missing parents passable, whatever the umask; what exists is left as it is."""
    for missing in [folder for folder in (*reversed(path.parents), path) if not folder.exists()]:
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)


@contextlib.contextmanager
def _locked(base: Path) -> Iterator[None]:
    descriptor = os.open(base / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create_cluster(folder: Path, programs: Path) -> None:
    """Run initdb; what it makes becomes `data` only when it is complete."""
    _make_directory(folder)
    account = Account.unprivileged(folder / "data")
    # initdb's account may not create files in the folder, so it gets one of its own.
    making = folder / "making"
    if making.exists():
        shutil.rmtree(making)
    making.mkdir(mode=0o700)
    password = folder / "password"
    password.unlink(missing_ok=True)
    with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    account.own(password)
    account.own(making)
    answer = account.run(
        *(programs / "initdb", "-D", making / "data", "-U", "postgres", f"--pwfile={password}"),
        *("--auth-host=scram-sha-256", "--auth-local=reject"),
        *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        home=making,
    )
    if answer.returncode != 0:
        raise EmbeddedPostgresUnavailable(f"initdb failed: {(answer.stderr or answer.stdout).strip()}")
    (making / "data").rename(folder / "data")
    making.rmdir()


def _start(folder: Path, programs: Path) -> bool:
    """Start the server unless it runs, anew while a killed one is dying; tell whether it was started."""
    data, remembered = folder / "data", folder / "port"
    account = Account.unprivileged(data)
    deadline = time.monotonic() + RETRY_SECONDS
    reason = ""
    while time.monotonic() < deadline:
        if _is_running(data):
            try:
                _connect(folder).close()
            except psycopg2.OperationalError as error:
                reason = str(error)
            else:
                return False
        else:
            port = _usable_port(remembered)
            settings = " ".join(
                f"-c {name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()
            )
            answer = account.run(
                *(programs / "pg_ctl", "start", "-D", data, "-l", data / "server.log"),
                *("-w", "-t", str(START_SECONDS), "-o", settings),
                home=data,
            )
            if answer.returncode == 0:
                remembered.write_text(str(port))
                logger.info("embedded postgres started", extra={"directory": str(data), "port": port})
                return True
            reason = answer.stderr + _log_tail(data)
        time.sleep(0.3)
    raise EmbeddedPostgresUnavailable(
        f"The embedded PostgreSQL does not start; delete {folder} to begin with empty data. It said: {reason}"
    )


def _is_running(data: Path) -> bool:
    """Tell whether the recorded process is this server; remove a record whose number went to another.

    PostgreSQL itself would refuse to start as long as any process of the account has that number, as happens
    after a reboot or, in a container without an init process, with the zombie of a killed server.
    """
    record = data / "postmaster.pid"
    try:
        pid = int(record.read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")  # nothing, if it is a zombie
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    with contextlib.suppress(OSError):
        if command[1:2] == [b"-D"] and data.samefile(os.fsdecode(command[2])):
            return True
    record.unlink(missing_ok=True)
    return False


def _log_tail(data: Path) -> str:
    log = data / "server.log"
    return log.read_text(errors="replace")[-1000:] if log.exists() else ""


def _recorded_port(data: Path) -> int:
    """Return the port a running server wrote into its lock file (fourth line)."""
    return int((data / "postmaster.pid").read_text().split("\n")[3])


def _usable_port(remembered: Path) -> int:
    """Return last time's port if it is still free, else a free one."""
    with contextlib.suppress(OSError, ValueError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = int(remembered.read_text())
        probe.bind(("127.0.0.1", port))
        return port
    return postgres_binaries.free_port()


def _connect(folder: Path) -> "psycopg2.extensions.connection":
    try:
        port = _recorded_port(folder / "data")
    except (OSError, ValueError, IndexError) as error:
        raise psycopg2.OperationalError("the server has not told its port yet") from error
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=(folder / "password").read_text(),
        dbname="postgres",
        connect_timeout=5,
    )
    connection.autocommit = True
    return connection


def _prepare(server: Server, *, fsync: bool) -> None:
    """Create the database `mbs` and set fsync, which is never switched off on a server that runs already."""
    with (
        contextlib.closing(_connect(server.data_directory.parent)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select 1 from pg_database where datname = 'mbs'")
        if cursor.fetchone() is None:
            cursor.execute("create database mbs")
        wanted = "on" if fsync else "off"
        if fsync or server.started_here:
            cursor.execute(f"alter system set fsync = {wanted}")
            cursor.execute("select pg_reload_conf()")
            while _shown(cursor, "fsync") != wanted:
                time.sleep(0.02)  # the reload is a signal; it reaches this session a moment later


def _shown(cursor: "psycopg2.extensions.cursor", setting: str) -> str:
    cursor.execute(f"show {setting}")
    row = cursor.fetchone()
    assert row is not None
    return str(row[0])
