"""The receiver of docs/webhooks.md, run as it is written."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from mbs.webhooks.models.attempts import PAUSES
from mbs.webhooks.models.signing import new_secret, signed_headers
from mbs.webhooks.schemas import ERROR
from tests.factories.servers import free_port

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BODY = b'{"type":"booking.created","objectId":"0198a1b2-c3d4-7000-8000-000000000001"}'


@pytest.fixture(scope="module")
def program() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@contextmanager
def running(program: str, folder: Path, secret: str) -> Iterator[tuple[str, Path]]:
    """Run the receiver; give its address and the file in which it writes."""
    port, written = free_port(), folder / "written.txt"
    source = f"{program}\napp.run(port={port})\n"
    with written.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", source],
            env={**os.environ, "WEBHOOK_SECRET": secret},
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        try:
            url, until = f"http://127.0.0.1:{port}/webhooks", time.monotonic() + 20
            while True:
                try:
                    requests.get(url, timeout=5)
                    break
                except requests.ConnectionError:
                    assert time.monotonic() < until, "the receiver does not start"
                    time.sleep(0.1)
            yield url, written
        finally:
            process.terminate()
            process.wait(10)


class TestTheReceiver:
    def test_is_ten_lines_long(self, program: str) -> None:
        assert len([line for line in program.splitlines() if line]) <= 10

    def test_takes_what_is_signed_once_and_refuses_the_rest(self, program: str, tmp_path: Path) -> None:
        secret, other = new_secret(), new_secret()

        def headers(*secrets: str) -> dict[str, str]:
            return dict(signed_headers(BODY, id_="msg_1", at=datetime.now(UTC), secrets_=secrets))

        with running(program, tmp_path, secret) as (url, written):
            answers = [
                requests.post(url, BODY, headers=sent, timeout=5).status_code
                for sent in (headers(other, secret), headers(secret), headers(other), {})
            ]
            answers.append(requests.post(url, BODY + b" ", headers=headers(secret), timeout=5).status_code)
        assert answers == [204, 204, 403, 403, 403]
        assert written.read_text().count("booking.created 0198a1b2") == 1


class TestTheText:
    def test_names_every_word_that_an_error_can_be(self) -> None:
        words = re.findall(r"`(\w+)`", ERROR["description"])
        assert words == re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)

    def test_says_how_long_the_pauses_are(self) -> None:
        hours = [int(pause.total_seconds() // 3600) for pause in PAUSES[3:]]
        said = re.search(r"after 5 seconds, 5 minutes, 30 minutes, ([\d, ]+) and (\d+) hours", TEXT)
        assert said is not None
        assert [int(one) for one in (*said[1].split(", "), said[2])] == hours
