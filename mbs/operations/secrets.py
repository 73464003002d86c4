"""`mbs secrets`: make the random values that production demands."""

import argparse
import json
import secrets

from mbs.config import VARIABLES
from mbs.configuration.strength import refuse_weak_secret
from mbs.configuration.values import Unacceptable

RANDOM_BYTES = 48
GENERATED = tuple(one.name for one in VARIABLES if one.required and "secrets" in one.groups)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    generate = actions.add_parser(
        "generate",
        help="print new signing secrets",
        description=f"Print new values of {', '.join(GENERATED)} on stdout. Keep the output where only the "
        "service can read it.",
    )
    generate.add_argument(
        "--format", choices=("env", "json"), default="env", help="lines of NAME=value, or one object"
    )


def run(arguments: argparse.Namespace) -> int:
    generated = {name: generate_secret() for name in GENERATED}
    if arguments.format == "json":
        print(json.dumps(generated, indent=2))
    else:
        for name, value in generated.items():
            print(f"{name}={value}")
    return 0


def generate_secret() -> str:
    """Return 64 random characters that need no quotes in a shell, and that the configuration accepts."""
    while True:
        value = secrets.token_urlsafe(RANDOM_BYTES)
        try:
            refuse_weak_secret(value)
        except Unacceptable:  # about one in a million holds a placeholder's word by chance
            continue
        return value
