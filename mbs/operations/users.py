"""`mbs user`: look people up; disable them, sign them out, or help one who lost password or second factor.

What a person's businesses are told is written before the act itself, so that no act stays untold if the
command breaks off: it can then be given again.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mbs.foundation.db import Database, Role
from mbs.foundation.keys import email_key
from mbs.foundation.limits import NoLimits
from mbs.foundation.scope import Scope, TenantId
from mbs.foundation.sealing import Sealer
from mbs.operations.operators import (
    Operator,
    OperatorFault,
    add_act_arguments,
    add_json_argument,
    add_list_arguments,
    confirm,
    printable,
    run_operator_command,
    utf8,
)
from mbs.operations.shell import load
from mbs.operations.user_acts import ACTS, send_reset
from mbs.parts import Parts
from mbs.sign_ins.repository import SignInRepository

PERSON = """
SELECT id::text, email, first_name || ' ' || last_name, status, email_verified_at, last_login_at, created_at,
       (SELECT count(*) FROM memberships WHERE memberships.user_id = users.id),
       EXISTS (SELECT FROM second_factors factor
               WHERE factor.user_id = users.id AND factor.confirmed_at IS NOT NULL)
FROM users
"""
PERSON_FIELDS = (
    *("id", "email", "name", "status", "emailVerifiedAt", "lastLoginAt", "createdAt", "businesses"),
    "secondFactor",
)
LIST = f"""{PERSON}
WHERE (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(word)s::text IS NULL OR strpos(email_key, lower(%(word)s)) > 0
       OR strpos(lower(first_name || ' ' || last_name), lower(%(word)s)) > 0)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
FIND = f"{PERSON} WHERE email_key = %(key)s"
BUSINESSES = """
SELECT tenants.id::text, slug, name, tenants.status, role, memberships.status
FROM memberships JOIN tenants ON tenants.id = memberships.tenant_id
WHERE user_id = %(person)s ORDER BY memberships.created_at, memberships.id
"""
SHOWN = {
    "id": "id",
    "kind": "kind",
    "tenantId": "tenant_id",
    "address": "address",
    "userAgent": "user_agent",
    "createdAt": "created_at",
    "lastUsedAt": "last_used_at",
}
"""What is shown of a session."""

BUSINESS_FIELDS = ("id", "slug", "name", "status", "role", "membership")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="list the people, the newest first")
    add_list_arguments(listed, "active", "disabled")
    for name, text in (
        ("show", "show a person and their businesses"),
        ("sessions", "list where a person is signed in"),
    ):
        shown = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        shown.add_argument("email", type=utf8, metavar="EMAIL")
        add_json_argument(shown)
    for name, act in ACTS.items():
        done = actions.add_parser(name, help=act.help, description=act.help.capitalize() + ".")
        done.add_argument("email", type=utf8, metavar="EMAIL")
        add_act_arguments(done)


def run(arguments: argparse.Namespace) -> int:
    action = {"list": list_people, "show": show, "sessions": sessions}.get(arguments.action, do)
    return run_operator_command("user", lambda database: action(database, arguments), as_json=arguments.json)


def list_people(database: Database, arguments: argparse.Namespace) -> int:
    """Print people, one a line."""
    parameters = {"status": arguments.status, "word": arguments.search, "limit": arguments.limit + 1}
    found = database.statement(Role.IDENTITY, LIST, parameters, scope=Scope())
    people = [dict(zip(PERSON_FIELDS, row, strict=True)) for row in found[: arguments.limit]]
    more = len(found) > arguments.limit
    if arguments.json:
        _print_json({"people": people, "more": more})
    else:
        for one in people:
            print(f"{one['id']}  {one['status']:<8}  {one['businesses']:>3}  {_called(one)}")
    print(f"{len(people)} people{', and there are more' if more else ''}", file=sys.stderr)
    return 0


def show(database: Database, arguments: argparse.Namespace) -> int:
    """Print a person and the businesses they belong to.

    :raises OperatorFault: if there is no such person.
    """
    person = find(database, arguments.email)
    businesses = businesses_of(database, person)
    if arguments.json:
        _print_json({**person, "businesses": businesses})
        return 0
    print(f"{_called(person)}  {person['id']}  {person['status']}")
    print(f"second factor: {'yes' if person['secondFactor'] else 'no'}")
    for title, name in (("joined", "createdAt"), ("confirmed", "emailVerifiedAt"), ("seen", "lastLoginAt")):
        print(f"{title}: {_when(person[name])}")
    for one in businesses:
        print(f"{one['slug']} ({one['status']}): {one['role']}, {one['membership']}")
    return 0


def sessions(database: Database, arguments: argparse.Namespace) -> int:
    """Print where a person is signed in, the session used last first.

    :raises OperatorFault: if there is no such person.
    """
    person = find(database, arguments.email)
    with database.transaction(Scope(), Role.IDENTITY) as transaction:
        rows = SignInRepository(transaction).own(UUID(person["id"]))
    if arguments.json:
        _print_json({"sessions": [{key: getattr(row, name) for key, name in SHOWN.items()} for row in rows]})
        return 0
    for row in rows:
        device = printable(row.user_agent or "unknown device")
        print(
            f"{_when(row.last_used_at)}  {row.address or 'unknown'}  {printable(row.tenant_name)}  {device}"
        )
    print(f"{len(rows)} sessions", file=sys.stderr)
    return 0


def do(database: Database, arguments: argparse.Namespace) -> int:
    """Act on a person, and tell the trails of all their businesses.

    :raises OperatorFault: if there is no such person.
    """
    act, person = ACTS[arguments.action], find(database, arguments.email)
    if any(person[name] != value for name, value in act.needs.items()):
        print(f"nothing to do: {printable(person['email'])} is {_state(person)}", file=sys.stderr)
        if arguments.json:
            _print_json({"id": person["id"], "action": arguments.action, "changed": False})
        return 0
    businesses = businesses_of(database, person)
    concerned = ", ".join(one["slug"] for one in businesses) or "no business"
    confirm(f"{arguments.action} {_called(person)}, who belongs to {concerned}?", arguments)
    # Whoever seals what the worker is to open needs the service's secrets; the other acts seal nothing.
    sealer = service_sealer(database) if act.change is send_reset else Sealer(["seals nothing"])
    operator, id_ = Operator.of(arguments), UUID(person["id"])
    told = {"id": person["id"], **act.becomes}
    previous = {name: person[name] for name in act.becomes}
    scope = operator.scope()
    for one in businesses[1:]:
        with database.transaction(replace(scope, tenant_id=TenantId(UUID(one["id"])))) as transaction:
            operator.record(transaction, act.type, id_, told, previous)
    with database.transaction(scope, Role.IDENTITY) as transaction:
        act.change(transaction, id_, sealer)
        for one in businesses[:1]:
            transaction.enter_tenant(TenantId(UUID(one["id"])))
            operator.record(transaction, act.type, id_, told, previous)
    if arguments.json:
        _print_json({"id": person["id"], "action": arguments.action, "changed": True})
    output = sys.stderr if arguments.json else sys.stdout
    print(f"{arguments.action} done: {printable(person['email'])}; told in {concerned}", file=output)
    return 0


def service_sealer(database: Database) -> Sealer:
    """Return what the service seals with.

    :raises ConfigError: if the configuration has a fault.
    """
    with ExitStack() as opened:
        config = load(os.environ, opened)
    return Parts.of(config, database=database, throttle=NoLimits()).sealer


def find(database: Database, email: str) -> dict[str, Any]:
    """Return a person by their e-mail address.

    :raises OperatorFault: if there is none.
    """
    found = database.statement(Role.IDENTITY, FIND, {"key": email_key(email)}, scope=Scope())
    if not found:
        raise OperatorFault(f"there is nobody with the address {printable(email)}")
    return dict(zip(PERSON_FIELDS, found[0], strict=True))


def businesses_of(database: Database, person: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the businesses a person belongs to, closed ones too."""
    rows = database.statement(Role.IDENTITY, BUSINESSES, {"person": person["id"]}, scope=Scope())
    return [dict(zip(BUSINESS_FIELDS, row, strict=True)) for row in rows]


def _called(person: Mapping[str, Any]) -> str:
    return f"{printable(person['email'])} ({printable(person['name'])})"


def _state(person: Mapping[str, Any]) -> str:
    return f"{person['status']}, {'with' if person['secondFactor'] else 'without'} a second factor"


def _when(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else "never"


def _print_json(document: Mapping[str, Any]) -> None:
    print(orjson.dumps(document, option=orjson.OPT_UTC_Z).decode())
