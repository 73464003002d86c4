"""Smoke-test a running service: `python scripts/smoke.py URL` (the same as `mbs smoke URL`).

Runs without the project installed. It needs Python 3.11, the package `requests`, and of this repository only
scripts/smoke.py, mbs/__init__.py, mbs/operations/__init__.py, mbs/operations/smoke.py and
mbs/operations/smoke_checks/.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    from mbs.operations import smoke
except ModuleNotFoundError as missing:
    if missing.name != "requests":
        raise
    print("The smoke tests need the package requests: python3 -m pip install requests", file=sys.stderr)
    sys.exit(70)


def main() -> int:
    """Parse the command line and run the smoke tests."""
    parser = argparse.ArgumentParser(prog="smoke.py", description="Smoke-test a running service.")
    smoke.add_arguments(parser)
    return smoke.run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
