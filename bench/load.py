"""Load over eight kept-open connections: by `wrk`, or by threads of Python where it is missing."""

import http.client
import itertools
import json
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 8
"""Two workers of four slots. More would wait at the bulkhead, which is not what is measured."""

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Target:
    """`paths[i]` is asked for with `tokens[i]`, in turn."""

    method: str
    paths: list[str]
    tokens: list[str]

    def headers(self, index: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[index]}", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Outcome:
    """`refused` counts answers of 400 and above, `broken` connections that failed."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float


def name() -> str:
    """Name the program that makes the load."""
    return "wrk" if shutil.which("wrk") else "Python threads (wrk is not installed)"


def run(port: int, target: Target, seconds: float) -> Outcome:
    """Ask as fast as the answers come, for that long."""
    return _by_wrk(port, target, seconds) if shutil.which("wrk") else _by_threads(port, target, seconds)


def body(word: str, number: int) -> bytes:
    """Return a new customer's JSON; the number makes name, address and phone its own."""
    return (
        f'{{"name":"New {word} {number}","email":"new.{word}.{number}@example.com",'
        f'"phone":"+9197{number:08d}"}}'
    ).encode()


def _by_wrk(port: int, target: Target, seconds: float) -> Outcome:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requests:
        requests.writelines(
            f"{path}\t{token}\n" for path, token in zip(target.paths, target.tokens, strict=True)
        )
        requests.flush()
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "--timeout", "10s", "-s", str(SCRIPT)]
        arguments = [
            f"http://127.0.0.1:{port}",
            "--",
            requests.name,
            target.method,
            _word(),
            str(_start(target)),
        ]
        answer = subprocess.run(
            ["wrk", *options, *arguments], capture_output=True, text=True, timeout=seconds + 30
        )
    found = answer.stdout.rpartition("RESULT ")[2]
    if answer.returncode != 0 or not found:
        raise RuntimeError(f"wrk failed: {answer.stdout}{answer.stderr}")
    return Outcome(**json.loads(found))


def _by_threads(port: int, target: Target, seconds: float) -> Outcome:
    numbers, word, started = itertools.count(_start(target)), _word(), time.monotonic()
    latencies: list[float] = []
    failures: list[str] = []

    def ask() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            while time.monotonic() - started < seconds:
                number = next(numbers)
                index = number % len(target.paths)
                headers = target.headers(index)
                sent = body(word, number) if target.method == "POST" else None
                began = time.perf_counter()
                try:
                    connection.request(target.method, target.paths[index], body=sent, headers=headers)
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException):
                    failures.append("broken")
                    connection.close()
                    continue
                latencies.append((time.perf_counter() - began) * 1000)
                if response.status >= 300:
                    failures.append("refused")

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return Outcome(
        requests=len(latencies),
        seconds=time.monotonic() - started,
        refused=failures.count("refused"),
        broken=failures.count("broken"),
        p50_ms=steps[49],
        p99_ms=steps[98],
    )


def _word() -> str:
    return f"{random.getrandbits(32):08x}"


def _start(target: Target) -> int:
    # Short runs that all began at the first line would ask the same few people again and again.
    return random.randrange(len(target.paths))
