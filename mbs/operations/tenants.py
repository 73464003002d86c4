"""`mbs tenant`: list the businesses; suspend, resume or close one, or give it another plan, from now on."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope, TenantId
from mbs.operations.operators import (
    Operator,
    OperatorFault,
    add_act_arguments,
    add_list_arguments,
    confirm,
    printable,
    run_operator_command,
    utf8,
)
from mbs.tenants.models import plans
from mbs.tenants.repository import TenantRepository

ACTS = {
    "suspend": (
        "suspended",
        "tenant.suspended",
        "let it be read and not changed; people can still sign in",
    ),
    "resume": ("active", "tenant.resumed", "let a suspended or closed business work again"),
    "close": (
        "closed",
        "tenant.closed",
        "refuse every token, key and sign-in of it; its data stays, and `resume` opens it again",
    ),
}
"""For each act the state it leads to, the event that tells of it, and what it does."""

LIST = """
SELECT id::text, slug, name, status, plan, country, created_at,
       (SELECT count(*) FROM memberships WHERE memberships.tenant_id = tenants.id)
FROM tenants
WHERE (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(word)s::text IS NULL
       OR strpos(lower(name), lower(%(word)s)) > 0 OR strpos(slug, lower(%(word)s)) > 0)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
FIND = """
SELECT id::text, slug, name, status, plan FROM tenants WHERE id::text = lower(%(named)s) OR slug = %(named)s
"""

Write = Callable[[TenantRepository, UUID, str], tuple[str, Row[Any]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="list the businesses, the newest first")
    add_list_arguments(listed, "active", "suspended", "closed")
    for name, (_, _, text) in ACTS.items():
        act = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        act.add_argument("tenant", type=utf8, metavar="ID_OR_SLUG")
        add_act_arguments(act)
    plan = actions.add_parser(
        "plan",
        help="give a business another plan",
        description="Give a business another plan. What it has used this month stays counted.",
    )
    plan.add_argument("tenant", type=utf8, metavar="ID_OR_SLUG")
    plan.add_argument("plan", choices=tuple(plans()))
    add_act_arguments(plan)


def run(arguments: argparse.Namespace) -> int:
    action = list_tenants if arguments.action == "list" else change
    return run_operator_command(
        "tenant", lambda database: action(database, arguments), as_json=arguments.json
    )


def list_tenants(database: Database, arguments: argparse.Namespace) -> int:
    """Print the businesses, one a line."""
    parameters = {"status": arguments.status, "word": arguments.search, "limit": arguments.limit + 1}
    found = database.statement(Role.IDENTITY, LIST, parameters, scope=Scope())
    names = ("id", "slug", "name", "status", "plan", "country", "createdAt", "members")
    rows = [dict(zip(names, row, strict=True)) for row in found[: arguments.limit]]
    more = len(found) > arguments.limit
    if arguments.json:
        document = {"tenants": rows, "more": more}
        print(orjson.dumps(document, option=orjson.OPT_UTC_Z).decode())
    else:
        for row in rows:
            print(
                f"{row['id']}  {row['status']:<9}  {row['plan']:<10}  {row['createdAt']:%Y-%m-%d}"
                f"  {row['country']}  {row['members']:>4}  {row['slug']}  {printable(row['name'])}"
            )
    print(f"{len(rows)} businesses{', and there are more' if more else ''}", file=sys.stderr)
    return 0


def change(database: Database, arguments: argparse.Namespace) -> int:
    """Lead a business into another state, or give it another plan, and tell its trail.

    :raises OperatorFault: if there is no such business.
    """
    write: Write
    if arguments.action == "plan":
        what, wanted, type_, write = "plan", arguments.plan, "tenant.plan_changed", TenantRepository.set_plan
        question = f"Give the plan {wanted} to"
    else:
        wanted, type_, _ = ACTS[arguments.action]
        what, write, question = "status", TenantRepository.set_status, arguments.action.capitalize()
    found = database.statement(Role.IDENTITY, FIND, {"named": arguments.tenant}, scope=Scope())
    if not found:
        raise OperatorFault(f"there is no tenant {printable(arguments.tenant)}")
    ((id_, slug, name, status, plan),) = found
    before = plan if what == "plan" else status
    if before == wanted:
        return _report(arguments, id_, slug, before, {what: wanted})
    confirm(f"{question} {slug} ({printable(name)}), which is {before}?", arguments)
    operator = Operator.of(arguments)
    with database.transaction(operator.scope(), Role.IDENTITY) as transaction:
        before, tenant = write(TenantRepository(transaction), UUID(id_), wanted)
        if before != wanted:
            transaction.enter_tenant(TenantId(tenant.id))
            operator.record(transaction, type_, tenant.id, dict(tenant._mapping), {what: before})
    return _report(arguments, id_, slug, before, {what: wanted})


def _report(arguments: argparse.Namespace, id_: str, slug: str, before: str, after: Mapping[str, str]) -> int:
    report: dict[str, Any] = {"id": id_, "slug": slug, **after, "previous": before}
    if arguments.json:
        print(orjson.dumps(report).decode())
    (now,) = after.values()
    said = f"is {now} already" if before == now else f"was {before} and is {now} now"
    print(f"{slug} {said}", file=sys.stderr if arguments.json else sys.stdout)
    return 0
