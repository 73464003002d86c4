"""The service as it runs in production: gunicorn with the project's settings, on a free loopback port."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py")
START_SECONDS = 30.0
STOP_SECONDS = 40.0


@dataclass
class RunningService:
    """`pid` is gunicorn's master. What it has written stays readable after its end."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    _written: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self) -> list[int]:
        """List the process ids of the workers that are not dead."""
        found = []
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # A dead one that the master has not yet noticed has no command.
                if Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
        return found

    def get(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, timeout: float = 10
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request on its own connection; return status, headers by lower-case name, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()

    def written(self) -> str:
        """Return standard output and error so far."""
        return self.log.read_text() if self._written is None else self._written

    def lines(self) -> list[dict[str, Any]]:
        """Return the log, which must be one JSON object a line."""
        return [json.loads(line) for line in self.written().splitlines()]

    def stop(self) -> int:
        """End the service by SIGTERM, as a platform does, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def forget_log(self) -> None:
        self._written = self.log.read_text()
        self.log.unlink()


@contextlib.contextmanager
def serve(
    environ: Mapping[str, str], *, workers: int = 2, port: int | None = None, application: str = "wsgi:app"
) -> Iterator[RunningService]:
    """Run the service with these variables and no others, from its first answer on /health to its end.

    A test may stop it itself; it must end with exit code 0 either way. `application` is another module's,
    where a test needs the service with something added.
    """
    number = port or free_port()
    with tempfile.NamedTemporaryFile(prefix="mbs-service-", suffix=".log", delete=False) as output:
        process = subprocess.Popen(
            [sys.executable, *COMMAND, application],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOST": "127.0.0.1",
                "PORT": str(number),
                "WEB_CONCURRENCY": str(workers),
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = RunningService(process, number, Path(output.name))
    try:
        wait_until_it_answers(service)
        yield service
        assert service.stop() == 0, service.written()[-4000:]
    finally:
        # Whatever a failed test left: the master leads a process group of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        service.forget_log()


def wait_until_it_answers(service: RunningService) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert service.process.poll() is None, service.written()[-4000:]
        with contextlib.suppress(OSError, http.client.HTTPException):
            service.get("/health", timeout=2)
            return
        assert time.monotonic() < deadline, service.written()[-4000:]
        time.sleep(0.05)


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
