"""`mbs run`: service and worker on a developer's machine, with a database and secrets of their own."""

import argparse
import contextlib
import errno
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from sqlalchemy.engine import make_url

from mbs.config import Config
from mbs.operations.demo import EMAIL, PASSWORD, seed_demo
from mbs.operations.embedded_postgres import base_directory, ensure
from mbs.operations.migrate import migrate
from mbs.operations.migration_connection import Target, find_target
from mbs.operations.schema_faults import run_guarded
from mbs.operations.serve import ROOT, SETTINGS

SECRETS = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")
ANSWER_SECONDS = 60.0
MIGRATE_SECONDS = 60.0
WORKER_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nosec B104 - read, not listened on


Process = subprocess.Popen[bytes]


class RunRefused(Exception):
    """The service is not to be run here as things are; the message says what to change."""


class Interruption:
    """Whether somebody asked to stop; asking again breaks off whatever is being waited for."""

    def __init__(self) -> None:
        self.requested = False

    def note(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "PORT (5000) and HOST (127.0.0.1) say where to listen. With DATABASE_URL that database is used, else "
        "an embedded PostgreSQL. Data and secrets are kept between runs. Ctrl-C stops all that was started."
    )


def run(_arguments: argparse.Namespace) -> int:
    interruption = Interruption()
    previous = {number: signal.signal(number, interruption.note) for number in STOP_SIGNALS}
    try:
        return run_guarded(lambda: _run(interruption), as_json=False)
    except RunRefused as refusal:
        print(f"mbs run: {refusal}", file=sys.stderr)
        return os.EX_CONFIG
    except KeyboardInterrupt:
        return 0
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(interruption: Interruption) -> int:
    refuse_deployed(os.environ)
    environ = development_environment(os.environ)
    config = Config.load(environ)
    refuse_foreign_database(config, os.environ)
    refuse_busy_port(config)
    with contextlib.ExitStack() as started:
        if config.database_url is None:
            print("Starting the database ...", flush=True)
            server = ensure("development")
            started.callback(server.stop)
            environ["DATABASE_URL"] = server.url()
            target, place = Target(server.url(), None), str(server.data_directory)
        else:
            target, place = find_target(environ), make_url(config.database_url).render_as_string()
        if not interruption.requested:
            migrate(target.url, login=target.login, max_wait=MIGRATE_SECONDS, report=print)
            seed_demo(environ["DATABASE_URL"], environment=config.environment)
        if not interruption.requested:
            service = start(environ, "gunicorn", "-c", str(SETTINGS), "wsgi:app")
            started.callback(stop, service, config.graceful_timeout + 5)
            worker = start(environ, "mbs", "worker")
            started.callback(stop, worker, WORKER_SECONDS)
            return attend({"service": service, "worker": worker}, config, interruption, place)
    return 0


def development_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the service's environment variables: the caller's, filled up with what development needs."""
    filled = dict(environ)
    # gunicorn would let this override deploy/gunicorn.conf.py.
    filled.pop("GUNICORN_CMD_ARGS", None)
    if not named_environment(environ):
        filled["APP_ENV"] = "development"
    if not environ.get("HOST"):
        filled["HOST"] = "127.0.0.1"
    for name, value in kept_secrets(base_directory() / "development-secrets.json").items():
        if not environ.get(name) and not environ.get(f"{name}_FILE"):
            filled[name] = value
    return filled


def kept_secrets(path: Path) -> dict[str, str]:
    """Return the signing secrets kept in a file, so that a restart logs nobody out; generate them once."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kept = file.read()
        if not kept:
            kept = json.dumps({name: secrets.token_urlsafe(48) for name in SECRETS})
            file.write(kept)
    return {name: str(value) for name, value in json.loads(kept).items()}


def named_environment(environ: Mapping[str, str]) -> str | None:
    """Return the environment that the caller named, if any."""
    return environ.get("APP_ENV") or environ.get("NODE_ENV")


def refuse_deployed(environ: Mapping[str, str]) -> None:
    """Keep production out: its secrets and database are its own.

    :raises RunRefused: if the environment named is neither development nor test.
    """
    named = named_environment(environ)
    if named not in (None, "development", "test"):
        raise RunRefused(f"this is for development, and the environment is {named}: use `mbs serve`.")


def refuse_foreign_database(config: Config, environ: Mapping[str, str]) -> None:
    """Guard against a DATABASE_URL of production left in the shell: this command migrates and writes a demo.

    :raises RunRefused: if the database is on another machine and nobody said that this is development.
    """
    if config.database_url is None or named_environment(environ):
        return
    host = make_url(config.database_url).host
    if host and host not in ("localhost", "::1") and not host.startswith("127."):
        raise RunRefused(
            f"DATABASE_URL is on another machine ({host}), and this command changes its schema and data: "
            "unset it, or set APP_ENV=development if that is meant."
        )


def refuse_busy_port(config: Config) -> None:
    """Tell early what gunicorn would tell late.

    :raises RunRefused: if nothing can listen on the configured port.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        socket.create_server((config.host, config.port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise RunRefused(
                f"port {config.port} is in use, perhaps by another `make run`: stop that, "
                f"or choose another port, as in PORT={config.port + 1} make run."
            ) from error
        raise RunRefused(f"cannot listen on {config.host}:{config.port}: {error.strerror}.") from error


def start(environ: Mapping[str, str], *module: str) -> Process:
    """Start a module in a process group of its own, for Ctrl-C itself would make it drop what it does."""
    return subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=environ, process_group=0)


def stop(process: Process, seconds: float) -> None:
    """Let running work end, for so many seconds; then, or when asked again, end the group at once."""
    process.terminate()
    try:
        process.wait(seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def attend(started: Mapping[str, Process], config: Config, interruption: Interruption, place: str) -> int:
    """Say where the service is once it answers, then wait for the end of a process or the developer's."""
    deadline = time.monotonic() + ANSWER_SECONDS
    answered = False
    while not interruption.requested:
        for name, process in started.items():
            if process.poll() is not None:
                code = process.returncode
                print(f"mbs run: the {name} ended by itself (exit code {code}).", file=sys.stderr)
                return os.EX_SOFTWARE
        if not answered:
            answered = answers(config)
            if answered:
                print(announcement(config, place), flush=True)
            elif time.monotonic() > deadline:
                print(f"mbs run: no answer from /health in {ANSWER_SECONDS:.0f} seconds.", file=sys.stderr)
                return os.EX_SOFTWARE
        time.sleep(0.1)
    print("Stopping; Ctrl-C again stops at once.", flush=True)
    return 0


def answers(config: Config) -> bool:
    """Tell whether /health gives 200."""
    connection = http.client.HTTPConnection(REACHED_AT.get(config.host, config.host), config.port, timeout=1)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def announcement(config: Config, place: str) -> str:
    """Say where everything is and how to stop it."""
    host = REACHED_AT.get(config.host, config.host)
    base = f"http://{f'[{host}]' if ':' in host else host}:{config.port}"
    lines = [
        ("API", f"{base}/api"),
        *([("API page", f"{base}/docs")] if config.docs_enabled else []),
        ("Demo login", f"{EMAIL} / {PASSWORD}"),
        ("Data", place),
        ("Mails", "shown here, instead of being sent"),
        ("Stop", "Ctrl-C"),
    ]
    return "\n".join(["", "MyBizStream is running.", *(f"  {name:<12}{text}" for name, text in lines), ""])
