"""`mbs outbox`: show the events that could not be handled, and let the worker try them again."""

import argparse
import sys

import orjson

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope
from mbs.operations.operators import MOST_ROWS, add_json_argument, printable, run_operator_command

LIST = """
SELECT failure.id::text, failure.tenant_id::text, slug, follower, event_id::text, failure.status, attempts,
       due_at, last_error, failure.created_at
FROM event_failures AS failure JOIN tenants ON tenants.id = failure.tenant_id
WHERE %(all)s OR failure.status = 'dead'
ORDER BY failure.created_at DESC, failure.id DESC LIMIT %(limit)s
"""
FIELDS = (
    *("id", "tenantId", "slug", "follower", "eventId", "status", "attempts"),
    *("dueAt", "lastError", "createdAt"),
)

RETRY = """
WITH retried AS (
    UPDATE event_failures SET status = 'retrying', attempts = 0, due_at = now(), updated_at = now()
    WHERE %(all)s OR status = 'dead'
    RETURNING tenant_id)
SELECT count(*), count(DISTINCT tenant_id) FROM retried
"""

ACTIONS = {
    "list": "show which events could not be handled, by whom, and why; the newest first",
    "retry": "let the worker try them again at once, and as often as at first",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "An event that cannot be handled stops none behind it. The worker tries it eight times in 13 "
        "hours; then it is dead, until `mbs outbox retry`. The log says why (job.follower_failed)."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        action.add_argument("--dead", action="store_true", help="only those that are not tried any more")
        add_json_argument(action)


def run(arguments: argparse.Namespace) -> int:
    action = list_failures if arguments.action == "list" else retry_failures
    return run_operator_command(
        "outbox", lambda database: action(database, arguments), as_json=arguments.json
    )


def list_failures(database: Database, arguments: argparse.Namespace) -> int:
    """Print the failures, one a line."""
    parameters = {"all": not arguments.dead, "limit": MOST_ROWS + 1}
    found = database.statement(Role.IDENTITY, LIST, parameters, scope=Scope())
    rows = [dict(zip(FIELDS, row, strict=True)) for row in found[:MOST_ROWS]]
    more = len(found) > MOST_ROWS
    if arguments.json:
        document = {"failures": rows, "more": more}
        print(orjson.dumps(document, option=orjson.OPT_UTC_Z).decode())
    else:
        for row in rows:
            print(
                f"{row['createdAt']:%Y-%m-%dT%H:%MZ}  {row['status']:<8}  {row['attempts']:>2}"
                f"  {row['follower']:<14}  {row['eventId']}  {row['slug']}  {printable(row['lastError'])}"
            )
    print(f"{len(rows)} failed events{', and there are more' if more else ''}", file=sys.stderr)
    return 0


def retry_failures(database: Database, arguments: argparse.Namespace) -> int:
    """Make failures due, with as many attempts before them as a new one has."""
    parameters = {"all": not arguments.dead}
    ((events, businesses),) = database.statement(Role.IDENTITY, RETRY, parameters, scope=Scope())
    if arguments.json:
        print(orjson.dumps({"retried": events, "businesses": businesses}).decode())
    print(
        f"{events} failed events of {businesses} businesses are tried again",
        file=sys.stderr if arguments.json else sys.stdout,
    )
    return 0
