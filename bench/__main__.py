"""Measure CPU per request: the production service against the floor, in turn, on a durable PostgreSQL."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from types import ModuleType
from typing import Any

import psycopg2

from bench import bookings, compare, frozen, growth, load, messages, money
from bench.measure import REQUESTS, THREADS, WORKERS, NotMeasurable
from mbs.operations.embedded_postgres import Server, ensure

PARTS: Mapping[str, ModuleType] = {"calendar": bookings, "money": money, "messages": messages}
"""What is measured apart, and by default too."""


def main() -> int:
    arguments = parse_arguments()
    alone = next((name for name in PARTS if getattr(arguments, name)), None)
    server = ensure("bench", fsync=True)
    try:
        say(conditions(server, rounds=arguments.rounds, seconds=arguments.seconds))
        figures: Any
        if arguments.frozen:
            figures = frozen.run(server, seconds=arguments.frozen)
            shown, failures = frozen.table(figures), frozen.failures(figures)
        elif arguments.growth:
            figures = growth.run(server, rounds=arguments.rounds, seconds=arguments.seconds)
            shown, failures = growth.table(figures), growth.failures(figures)
        elif alone is not None:
            figures = PARTS[alone].run(server)
            shown, failures = PARTS[alone].table(figures), PARTS[alone].failures(figures)
        else:
            figures = compare.run(
                server, only=arguments.only, rounds=arguments.rounds, seconds=arguments.seconds
            )
            shown, failures = compare.table(figures), compare.failures(figures)
            if arguments.only == list(REQUESTS) and not arguments.quick:
                for name, part in PARTS.items():
                    say(shown)
                    figures[name] = part.run(server)
                    shown = part.table(figures[name])
                    failures += part.failures(figures[name])
    except NotMeasurable as error:
        say(f"The run says nothing: {error}")
        return 1
    finally:
        server.stop()
    say(shown)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    for failure in failures:
        say(f"FAILED: {failure}")
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure CPU per request of the service in production mode, and its ratio to a bare WSGI"
        " handler (bench/floor.py). Exit 1: an answer was not a success, or a budget is exceeded.",
        epilog="Requests: " + "; ".join(f"{name} {request}" for name, request in REQUESTS.items()),
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds, service and floor in turn (default 5)")
    parser.add_argument("--seconds", type=int, default=8, help="seconds of each measurement (default 8)")
    parser.add_argument(
        "--only", choices=REQUESTS, nargs="+", default=list(REQUESTS), help="requests to measure"
    )
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 seconds: does it run at all?")
    parser.add_argument(
        "--growth",
        action="store_true",
        help="measure instead whether reads cost more with more tenants or rows",
    )
    parser.add_argument("--calendar", action="store_true", help="measure the calendar alone")
    parser.add_argument("--money", action="store_true", help="measure invoices alone")
    parser.add_argument("--messages", action="store_true", help="measure messages alone")
    parser.add_argument(
        "--frozen",
        type=int,
        metavar="SECONDS",
        help="see instead what callers notice while the provider of e-mail is frozen so long",
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON on standard output")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 2, 2
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("--rounds and --seconds must be at least 1")
    return arguments


def conditions(server: Server, *, rounds: int, seconds: int) -> str:
    """Return what the figures depend on, in one line."""
    with closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        row = cursor.fetchone()
        assert row is not None
    version, fsync = row
    return (
        f"PostgreSQL {version}, fsync={fsync}; Python {sys.version.split()[0]}; {os.cpu_count()} cores;"
        f" {WORKERS} workers of {THREADS} slots; load by {load.name()} over {load.CONNECTIONS} connections;"
        f" {rounds} rounds of {seconds} s\n"
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
