"""Follow docs/tutorial-bookings.md to the letter, as tests/docs/test_tutorial.py follows the first one."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server
from tests.conftest import SECRETS, login_url
from tests.docs.test_tutorial import ROOT, follow, steps
from tests.factories.servers import serve

PAGE = ROOT / "docs" / "tutorial-bookings.md"


class TestTheTutorialOnBookings:
    @pytest.mark.slow
    def test_prints_what_it_shows(
        self, server: Server, new_database: Callable[[], str], tmp_path: Path
    ) -> None:
        page = steps(PAGE.read_text())
        url = login_url(server, new_database())

        with serve({"APP_ENV": "development", "DATABASE_URL": url, **SECRETS}) as service:
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            environ = {"PORT": str(service.port), "PATH": path, "LC_ALL": "C.UTF-8"}
            outputs = follow(page, environ, tmp_path)

        wrong = [
            f"line {step.line} printed:\n{output}"
            for step, output in zip(page, outputs, strict=True)
            if not step.is_shown_by(output)
        ]
        assert wrong == []
        assert list(tmp_path.iterdir()) == []

    def test_is_found_from_the_pages_that_lead_there(self) -> None:
        for name in ("README.md", "docs/tutorial.md"):
            assert "tutorial-bookings.md" in (ROOT / name).read_text()
