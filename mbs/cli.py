"""The `mbs` command: one sub-command per module of `mbs/operations`.

Exit codes, the same for every command: 0 ok, 1 a check failed, 2 usage, 3 pending, 69 something needed
is unreachable, 70 internal error, 75 try later, 78 configuration fault.
"""

import argparse
import importlib
import sys
from collections.abc import Collection, Sequence

from mbs import __version__

COMMANDS = {
    "run": ("development", "run the service on this machine, database and demo data included"),
    "serve": ("serve", "serve with gunicorn, as in production"),
    "worker": ("worker", "send what waits, follow events, print long documents, until it is told to stop"),
    "outbox": ("outbox", "show the events that could not be handled, or let them be tried again"),
    "migrate": ("migrate", "bring the database to this release's schema"),
    "db-check": ("db_check", "hold the database's catalogue against the isolation rules"),
    "smoke": ("smoke", "check a running service from outside"),
    "prepublish": ("prepublish", "run every gate of a release"),
    "config": ("configuration", "check the environment variables, or write their documents"),
    "secrets": ("secrets", "generate the secrets of a deployment"),
    "audit": ("audit", "verify the hash chain of the audit trail"),
    "doctor": ("doctor", "work out anew what is stored of money, and name what differs"),
    "tenant": ("tenants", "list the businesses; suspend, resume or close one"),
    "user": ("users", "look people up; disable them, sign them out, or reset a lost second factor"),
    "openapi": ("openapi", "write the API's document"),
    "permissions": ("permissions_document", "write the table of who may call what"),
    "shell": ("shell", "open a Python prompt with the application loaded"),
}


def parser(names: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser of the named commands; each module is loaded only when its command is wanted."""
    top = argparse.ArgumentParser(prog="mbs", description="MyBizStream: serve it, migrate it, check it.")
    top.add_argument("--version", action="version", version=f"mbs {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        if name in names:
            implementation = importlib.import_module(f"mbs.operations.{module}")
            implementation.add_arguments(command)
            command.set_defaults(run=implementation.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wanted = [word for word in words[:1] if word in COMMANDS]
    arguments = parser(wanted).parse_args(words)
    code: int = arguments.run(arguments)
    return code
