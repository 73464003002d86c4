"""Follow docs/tutorial-money.md to the letter, as tests/docs/test_tutorial.py follows the first one."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from mbs.operations.embedded_postgres import Server
from tests.conftest import SECRETS, login_url
from tests.docs.test_tutorial import ROOT, follow, steps
from tests.factories.servers import serve

PAGE = ROOT / "docs" / "tutorial-money.md"


class TestTheTutorialOnMoney:
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
        assert [one.name for one in tmp_path.iterdir()] == ["invoice.pdf"]
        printed = pypdfium2.PdfDocument(tmp_path / "invoice.pdf")[0].get_textpage().get_text_range()
        assert [text for text in ("MUM/2526/00001", "999.00", "951.42", "23.79") if text not in printed] == []

    def test_is_found_from_the_pages_that_lead_there(self) -> None:
        for name in ("README.md", "docs/tutorial.md"):
            assert "tutorial-money.md" in (ROOT / name).read_text()
