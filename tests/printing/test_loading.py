"""What draws, and what speaks to Twilio, is slow to load, and large: who does neither must not have it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
import sys, mbs.app, mbs.operations.worker
print(*sorted({'fpdf', 'PIL', 'uharfbuzz', 'twilio.rest', 'aiohttp'} & set(sys.modules)))
"""


class TestTheServiceAndTheWorker:
    def test_begin_without_what_few_need(self) -> None:
        command = [sys.executable, "-c", LOADED]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == []
