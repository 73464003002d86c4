"""The libraries that draw are slow to load, and large: a process that prints nothing must not have them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
import sys, mbs.app, mbs.operations.worker
print(*sorted({'fpdf', 'PIL', 'uharfbuzz'} & set(sys.modules)))
"""


class TestTheServiceAndTheWorker:
    def test_begin_without_what_draws(self) -> None:
        command = [sys.executable, "-c", LOADED]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == []
