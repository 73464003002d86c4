"""gunicorn: started by its own settings, its CPU read from /proc, ended by its process id."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mbs.operations.postgres_binaries import free_port

ROOT = Path(__file__).resolve().parents[1]
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
START_SECONDS, STOP_SECONDS = 30.0, 30.0


@dataclass(frozen=True)
class Gunicorn:
    """`pid` is the master's."""

    pid: int
    port: int
    log: Path

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()

    def complaints(self) -> str:
        """Return the last lines of the log that are no plain access lines."""
        lines = [
            line for line in self.log.read_text().splitlines() if '"event":"request.finished"' not in line
        ]
        return "\n".join(lines[-5:])

    def memory_mib(self) -> list[float]:
        """Return the resident memory of each worker."""
        return [_resident_kib(pid) / 1024 for pid in children(self.pid)]


@contextmanager
def gunicorn(application: str, environ: Mapping[str, str], log: Path) -> Iterator[Gunicorn]:
    """Run an application under deploy/gunicorn.conf.py on a free loopback port until the block ends."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", application],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    served = Gunicorn(process.pid, port, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(served):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{application} does not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        # The master leads a process group of its own: a worker that hangs goes with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_us(pid: int) -> int:
    """Return the CPU-microseconds that a process, its children and those it has waited for have used."""
    return _ticks(pid) * TICK_US + sum(cpu_us(child) for child in children(pid))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ticks(pid: int) -> int:
    try:
        # The command's name may hold spaces; after its parenthesis come the fields from the third on.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(field) for field in fields[11:15])


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def _answers(served: Gunicorn) -> bool:
    try:
        return served.request("GET", "/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False
