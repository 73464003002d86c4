"""`mbs openapi`: write the API's document, for client generators and reviews; needs no database."""

import argparse
import json
import secrets
import sys
from pathlib import Path

from mbs.app import create_app
from mbs.config import Config

ENVIRON = {
    "APP_ENV": "development",
    # Never connected to: the document is made of routes and schemas, and the limiter would count.
    "DATABASE_URL": "postgresql://nobody:none@127.0.0.1/none",
    "SKIP_RATE_LIMIT": "true",
    # Log lines would end up in the document.
    "LOG_LEVEL": "ERROR",
}
SECRETS = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to stdout")
    parser.add_argument("--check", action="store_true", help="with --output: exit code 1 if FILE is stale")


def run(arguments: argparse.Namespace) -> int:
    if arguments.check and arguments.output is None:
        print("mbs openapi: --check needs --output FILE", file=sys.stderr)
        return 2
    text = document()
    if arguments.output is None:
        sys.stdout.write(text)
    elif not arguments.check:
        arguments.output.write_text(text, encoding="utf-8")
    elif not arguments.output.exists() or arguments.output.read_text(encoding="utf-8") != text:
        print(
            f"{arguments.output} is out of date: run `mbs openapi --output {arguments.output}`",
            file=sys.stderr,
        )
        return 1
    return 0


def document() -> str:
    """Return the document as it is served at /api/openapi.json, indented for people and diffs."""
    app = create_app(Config.load({**ENVIRON, **{name: secrets.token_urlsafe(48) for name in SECRETS}}))
    served = app.test_client().get("/api/openapi.json")
    return json.dumps(served.json, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
