"""`mbs serve`: become the gunicorn server that deploy/gunicorn.conf.py describes.

The process is replaced, not wrapped: the platform's SIGTERM reaches gunicorn itself.
"""

import argparse
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from gunicorn.config import Config as GunicornConfig  # type: ignore[import-untyped]

import mbs
from mbs.config import Config, ConfigError

ROOT = Path(mbs.__file__).resolve().parents[1]
SETTINGS = ROOT / "deploy" / "gunicorn.conf.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print gunicorn's settings, one `name = value` a line, and do not start",
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.print_config:
        print(resolve())
        return 0
    if lacks_database(os.environ):
        print(
            "mbs serve: DATABASE_URL is not set, or refused (mbs config check). "
            "For a database of its own, start the service with `make run`.",
            file=sys.stderr,
        )
        return os.EX_CONFIG
    return become_gunicorn()


def lacks_database(environ: Mapping[str, str]) -> bool:
    """Tell whether development or test is without a database; production would start in degraded mode."""
    try:
        config = Config.load(environ, groups={"server"})
    except ConfigError:
        return False
    return not config.is_deployed and config.database_url is None


def become_gunicorn() -> NoReturn:
    environment = dict(os.environ)
    # gunicorn would let this override deploy/gunicorn.conf.py, unseen by `mbs config check`.
    environment.pop("GUNICORN_CMD_ARGS", None)
    command = [sys.executable, "-m", "gunicorn", "--chdir", str(ROOT), "-c", str(SETTINGS), "wsgi:app"]
    os.execve(sys.executable, command, environment)  # noqa: S606


def resolve() -> GunicornConfig:
    """Give gunicorn's settings as `mbs serve` would start with them."""
    resolved = GunicornConfig()
    for name, value in runpy.run_path(str(SETTINGS)).items():
        if name in resolved.settings:
            resolved.set(name, value)
    return resolved
