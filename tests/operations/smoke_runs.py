"""Ways to run the smoke tests: in this process, or as the script from elsewhere."""

import argparse
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mbs.operations import smoke

ROOT = Path(__file__).resolve().parents[2]
Captured = pytest.CaptureFixture[str]


def smoked(*options: str) -> int:
    parser = argparse.ArgumentParser()
    smoke.add_arguments(parser)
    return smoke.run(parser.parse_args(options))


def summary(capsys: Captured) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def script(*options: str, environ: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run scripts/smoke.py elsewhere, as from a machine without the project."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/smoke.py"), *options],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PATH": os.environ["PATH"], **(environ or {})},
        check=False,
    )


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
