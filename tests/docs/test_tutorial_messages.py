"""Follow docs/tutorial-messages.md to the letter, as tests/docs/test_tutorial.py follows the first one."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server
from tests.conftest import SECRETS, login_url
from tests.docs.test_tutorial import ROOT, follow, steps
from tests.factories.servers import free_port, serve

PAGE = ROOT / "docs" / "tutorial-messages.md"


@contextmanager
def worker(environ: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a worker, as `make run` does beside the service."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "mbs", "worker"]
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], **environ},
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


class TestTheTutorialOnMessages:
    @pytest.mark.slow
    def test_prints_what_it_shows(
        self, server: Server, new_database: Callable[[], str], tmp_path: Path
    ) -> None:
        page = steps(PAGE.read_text())
        url = login_url(server, new_database())
        started = {"APP_ENV": "development", "DATABASE_URL": url, "WEBHOOKS_ALLOW_PRIVATE": "true", **SECRETS}
        folder, log = tmp_path / "folder", tmp_path / "worker.log"
        folder.mkdir()

        with serve(started) as service, worker(started, log):
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            environ = {"PORT": str(service.port), "RECEIVER_PORT": str(free_port())}
            outputs = follow(page, {**environ, "PATH": path, "LC_ALL": "C.UTF-8"}, folder)

        wrong = [
            f"line {step.line} printed:\n{output}"
            for step, output in zip(page, outputs, strict=True)
            if not step.is_shown_by(output)
        ]
        assert wrong == [], "\n".join([*wrong, log.read_text()[-2000:]])
        assert "See you soon, Meera Nair" in log.read_text()

    def test_is_found_from_the_pages_that_lead_there(self) -> None:
        for name in ("README.md", "docs/tutorial.md", "docs/tutorial-bookings.md", "docs/tutorial-money.md"):
            assert "tutorial-messages.md" in (ROOT / name).read_text()
