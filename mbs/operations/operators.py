"""What a platform operator's commands share: a reason, a confirmation, and entries in businesses' trails.

Nobody can act so over HTTP. Each act is told in the trail of every business it touches, by its operator and
reason, which whoever reads that trail sees.
"""

import argparse
import getpass
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2.errors import UndefinedTable
from uuid_utils.compat import uuid7

from mbs.config import Config
from mbs.events.repository import EventRepository
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Database, Transaction
from mbs.foundation.errors import Busy, Invalid, Unavailable
from mbs.foundation.json_input import UNSTORABLE
from mbs.foundation.scope import Scope
from mbs.operations.embedded_postgres import ensure
from mbs.operations.schema_faults import run_guarded

SHORTEST_REASON, LONGEST_REASON, LONGEST_NAME = 10, 500, 100
MOST_ROWS = 1000


class OperatorFault(Exception):
    """What was asked cannot be done; the message says why. The command ends with 2."""


class NotConfirmed(Exception):
    """The operator thought better of it. The command ends with 1."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts for the platform, and why."""

    name: str
    reason: str

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Operator":
        return cls(arguments.operator, arguments.reason)

    def scope(self) -> Scope:
        """Return the scope of one act; its correlation id joins the entries that tell of it."""
        return Scope(correlation_id=str(uuid7()), actor_type="operator")

    def record(
        self,
        transaction: Transaction,
        type_: str,
        object_id: UUID,
        object_: Mapping[str, Any],
        previous: Mapping[str, Any],
    ) -> None:
        """Write the act into the trail of the business that the transaction has entered."""
        EventRepository(transaction).append(
            type_=type_,
            object_type=type_.partition(".")[0],
            object_id=object_id,
            at=SystemClock().now(),
            data={
                "object": object_,
                "previous": previous,
                "operator": {"name": self.name, "reason": self.reason},
            },
        )


def add_list_arguments(parser: argparse.ArgumentParser, *statuses: str) -> None:
    parser.add_argument("--status", choices=statuses, help="only those in this state")
    parser.add_argument(
        "--search", type=utf8, metavar="TEXT", help="only those with this in a name or address"
    )
    parser.add_argument(
        "--limit", type=_limit, default=100, metavar="N", help=f"the newest N, at most {MOST_ROWS} (100)"
    )
    add_json_argument(parser)


def add_act_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        type=_reason,
        required=True,
        metavar="TEXT",
        help=f"why, in {SHORTEST_REASON} to {LONGEST_REASON} characters; businesses concerned can read it",
    )
    parser.add_argument(
        "--operator", type=_name, default=_login(), metavar="NAME", help="who acts (%(default)s)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
    add_json_argument(parser)


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, text on stderr")


def run_operator_command(name: str, action: Callable[[Database], int], *, as_json: bool) -> int:
    """Run an action with the environment's database; explain what goes wrong, and return the exit code."""
    try:
        return run_guarded(lambda: _with_database(name, action), as_json=as_json)
    except NotConfirmed:
        message, code = "nothing was changed.", 1
    except OperatorFault as fault:
        message, code = str(fault), 2
    except Busy as fault:
        message, code = fault.detail, os.EX_TEMPFAIL
    except Unavailable as fault:
        message, code = fault.detail, os.EX_UNAVAILABLE
    except (Invalid, UndefinedTable):
        # A missing role is an invalid setting to PostgreSQL.
        message, code = "this database is not up to date; run `mbs migrate`", 3
    print(f"mbs {name}: {message}", file=sys.stderr)
    return code


def confirm(question: str, arguments: argparse.Namespace) -> None:
    """Ask whoever sits at the terminal, unless they said `--yes`.

    :raises NotConfirmed: if they do not agree.
    :raises OperatorFault: if nobody sits there.
    """
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise OperatorFault("there is no terminal to ask at; repeat it with --yes")
    print(f"{question} Reason: {arguments.reason}", file=sys.stderr)
    print("Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise NotConfirmed


def utf8(text: str) -> str:
    """Return an argument that the database can be asked for.

    :raises argparse.ArgumentTypeError: if it holds bytes that are not UTF-8, which Python lets through.
    """
    if UNSTORABLE.search(text):
        raise argparse.ArgumentTypeError("must be UTF-8")
    return text


def printable(text: str) -> str:
    """Return a text that people gave us without what a terminal would obey."""
    return "".join(one if unicodedata.category(one)[0] != "C" else "?" for one in text)


def _with_database(name: str, action: Callable[[Database], int]) -> int:
    config = Config.load(os.environ, groups={"database"})
    with ExitStack() as opened:
        url = config.database_url
        if url is None:
            server = ensure("development")
            opened.callback(server.stop)
            url = server.url()
        database = Database(url, pool_size=1, application_name=f"mbs-{name}")
        opened.callback(database.dispose)
        return action(database)


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or printable(reason) != reason:
        raise argparse.ArgumentTypeError(
            f"must have {SHORTEST_REASON} to {LONGEST_REASON} printable characters"
        )
    return reason


def _name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or printable(name) != name:
        raise argparse.ArgumentTypeError(f"must have 1 to {LONGEST_NAME} printable characters")
    return name


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ROWS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_ROWS}")
    return int(text)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        return f"uid {os.getuid()}"
