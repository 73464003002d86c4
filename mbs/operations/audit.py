"""`mbs audit`: recompute the hash chains of the audit trail, in the database or in an export of it.

The trail proves itself against everybody who can write its rows but not all of them; against whoever
can, keep an export or a head's hash elsewhere (docs/audit-trail.md).
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from psycopg2.errors import UndefinedTable

from mbs.config import Config
from mbs.events.models import data_hash, link
from mbs.events.repository import EventHeadRepository, EventRepository
from mbs.events.schemas import present_event
from mbs.foundation.db import Database, Role
from mbs.foundation.errors import Invalid, NotFound, Unavailable
from mbs.foundation.scope import Scope, TenantId
from mbs.operations.embedded_postgres import ensure
from mbs.operations.schema_faults import run_guarded

TENANTS = "SELECT id::text FROM tenants ORDER BY id"
STATEMENT_MS = 30_000
LINKED_FIELDS = ("actor", "dataHash", "id", "objectId", "objectType", "tenantId", "type")
EVENT_FIELDS = {*LINKED_FIELDS, "createdAt", "data", "hash", "prevHash", "seq"}


class ExportFault(Exception):
    """The file is not an export of the trail; the message says where."""


@dataclass(slots=True)
class Trail:
    """One tenant's chain as far as it was followed; `broken` names the first event that does not fit."""

    tenant_id: str
    seq: int = 0
    hash: str = ""
    erased: int = 0
    broken: str | None = None

    def follow(self, event: Mapping[str, Any]) -> None:
        """Follow the chain by one event, which has the form of `GET /api/events`."""
        if self.broken is not None:
            return
        fault = self._fault(event)
        if fault is not None:
            self.broken = f"event {self.seq + 1}: {fault}"
            return
        self.seq, self.hash = event["seq"], event["hash"]
        self.erased += event["data"] is None

    def end(self, *, seq: int, hash_: str) -> None:
        """Hold the last link against the head that the database keeps."""
        if self.broken is None and self.seq < seq:
            self.broken = f"event {self.seq + 1}: missing, and all behind it; the head is at {seq}"
        elif self.broken is None and (self.seq, self.hash) != (seq, hash_):
            self.broken = f"event {self.seq}: is not the one that the head names"

    def _fault(self, event: Mapping[str, Any]) -> str | None:
        if event["seq"] != self.seq + 1:
            return f"missing; {event['seq']} follows {self.seq}"
        if event["prevHash"] != self.hash:
            return "does not follow the event before it"
        if event["data"] is not None and data_hash(event["data"]) != event["dataHash"]:
            return "its data was changed"
        fields = {"at": event["createdAt"], **{name: event[name] for name in LINKED_FIELDS}}
        if link(prev_hash=self.hash, seq=event["seq"], fields=fields) != event["hash"]:
            return "a field was changed"
        return None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify", help="recompute every link; exit code 1 names the first that breaks"
    )
    source = verify.add_mutually_exclusive_group()
    source.add_argument("--tenant", type=UUID, metavar="ID", help="one tenant's trail; otherwise all")
    source.add_argument("--file", type=Path, metavar="EXPORT", help="verify an export; asks no database")
    verify.add_argument("--json", action="store_true", help="one JSON object on stdout, text on stderr")
    export = actions.add_parser("export", help="write one tenant's trail to stdout, one event a line")
    export.add_argument("--tenant", type=UUID, metavar="ID", required=True)


def run(arguments: argparse.Namespace) -> int:
    as_json = getattr(arguments, "json", False)
    try:
        return run_guarded(lambda: _run(arguments), as_json=as_json)
    except Unavailable as fault:
        print(f"mbs audit: {fault.detail}", file=sys.stderr)
        return os.EX_UNAVAILABLE
    except (Invalid, UndefinedTable):
        # A missing role is an invalid setting to PostgreSQL.
        print(
            "mbs audit: this database has no trail; bring it up to date with `mbs migrate`", file=sys.stderr
        )
        return 3
    except ExportFault as fault:
        print(f"mbs audit: {fault}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    if arguments.action == "verify" and arguments.file is not None:
        return _report(verify_export(arguments.file), as_json=arguments.json)
    config = Config.load(os.environ, groups={"database"})
    with ExitStack() as opened:
        url = config.database_url
        if url is None:
            server = ensure("development")
            opened.callback(server.stop)
            url = server.url()
        reader = opened.enter_context(closing(Reader(url)))
        tenants = reader.tenants()
        if arguments.tenant is not None and arguments.tenant not in tenants:
            print(f"mbs audit: there is no tenant {arguments.tenant}", file=sys.stderr)
            return 2
        if arguments.action == "export":
            for event in reader.events(arguments.tenant):
                sys.stdout.buffer.write(orjson.dumps(event, option=orjson.OPT_UTC_Z) + b"\n")
            return 0
        chosen = tenants if arguments.tenant is None else [arguments.tenant]
        return _report([reader.verify(tenant) for tenant in chosen], as_json=arguments.json)


class Reader:
    """Reads trails as the service does: each under the tenant role, behind both walls."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, pool_size=1, statement_ms=STATEMENT_MS, application_name="mbs-audit")

    def close(self) -> None:
        self._database.dispose()

    def tenants(self) -> list[UUID]:
        """Return the ids of all tenants, in their order.

        :raises Unavailable: if the database cannot be reached.
        """
        rows = self._database.statement(Role.IDENTITY, TENANTS, {}, scope=Scope())
        return [UUID(id_) for (id_,) in rows]

    def events(self, tenant_id: UUID) -> Iterator[dict[str, Any]]:
        """Yield a tenant's events in order, in the form of `GET /api/events`."""
        with self._database.transaction(Scope(tenant_id=TenantId(tenant_id))) as transaction:
            for row in EventRepository(transaction).chain():
                yield present_event(row, tenant_id)

    def verify(self, tenant_id: UUID) -> Trail:
        """Follow a tenant's chain from its first event to the head."""
        trail = Trail(str(tenant_id))
        with self._database.transaction(Scope(tenant_id=TenantId(tenant_id))) as transaction:
            # The head before the events: what is appended meanwhile lies behind it.
            try:
                head = EventHeadRepository(transaction).read()
            except NotFound:
                trail.broken = "its head, which is missing"
                return trail
            for row in EventRepository(transaction).chain():
                if row.seq > head.seq:
                    break
                trail.follow(present_event(row, tenant_id))
        trail.end(seq=head.seq, hash_=head.hash)
        return trail


def verify_export(path: Path) -> list[Trail]:
    """Follow the chains in a file of events, one JSON object a line, in the form of `GET /api/events`.

    :raises ExportFault: if the file cannot be read, or a line is not an event.
    """
    trails: dict[str, Trail] = {}
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                event = _parse(line, f"{path}, line {number}")
                trail = trails.setdefault(event["tenantId"], Trail(event["tenantId"]))
                trail.follow(event)
    except OSError as error:
        raise ExportFault(f"{path}: {error.strerror}") from error
    if not trails:
        raise ExportFault(f"{path} holds no event")
    return list(trails.values())


def _parse(line: bytes, place: str) -> dict[str, Any]:
    try:
        event = orjson.loads(line)
        event["createdAt"] = datetime.fromisoformat(event["createdAt"])
        missing = EVENT_FIELDS - event.keys()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExportFault(f"{place} is not an event as GET /api/events gives it") from error
    if missing:
        raise ExportFault(f"{place} lacks {', '.join(sorted(missing))}")
    return dict(event)


def _report(trails: list[Trail], *, as_json: bool) -> int:
    output = sys.stderr if as_json else sys.stdout
    for trail in trails:
        verdict = f"BROKEN at {trail.broken}" if trail.broken else f"whole, head {trail.hash or 'none yet'}"
        erased = f" ({trail.erased} with erased data)" if trail.erased else ""
        print(f"{trail.tenant_id}: {trail.seq} events{erased}, {verdict}", file=output)
    valid = all(trail.broken is None for trail in trails)
    print(f"{len(trails)} trails, {sum(t.broken is not None for t in trails)} broken", file=output)
    if as_json:
        print(json.dumps({"valid": valid, "trails": [asdict(trail) for trail in trails]}))
    return 0 if valid else 1
