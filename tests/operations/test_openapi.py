"""`mbs openapi`: the document without a service."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from mbs.operations import openapi
from tests.operations.commands import run


class TestOpenapi:
    def test_writes_what_the_service_serves(self, app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(openapi) == 0
        assert json.loads(capsys.readouterr().out) == app.test_client().get("/api/openapi.json").json

    def test_needs_neither_a_database_nor_variables(self, tmp_path: Path) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "mbs", "openapi"],
            env={},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        document = json.loads(result.stdout)
        assert "/api/customers" in document["paths"]

    def test_is_the_same_every_time(self) -> None:
        assert openapi.document() == openapi.document()

    def test_tells_when_a_file_is_stale(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "openapi.json"
        words = ("--output", str(path))
        assert run(openapi, *words, "--check") == 1
        assert run(openapi, *words) == 0
        assert run(openapi, *words, "--check") == 0
        path.write_text(path.read_text().replace("customers", "clients", 1))
        assert run(openapi, *words, "--check") == 1
        assert "out of date" in capsys.readouterr().err

    def test_needs_a_file_to_check(self) -> None:
        assert run(openapi, "--check") == 2
