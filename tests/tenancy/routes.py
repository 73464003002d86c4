"""Every route of the service as a request that can be sent: read off the URL map and the API's own document.

A new room is covered on the day it is registered; what these tests do not know of it fails them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg2
from flask import Flask
from psycopg2 import sql
from werkzeug.test import TestResponse

from mbs.app import tenant_tables
from mbs.foundation.db import Base
from mbs.foundation.http import is_health

CHANGING = {"correlationId", "timestamp", "instance"}


@dataclass(frozen=True)
class Route:
    """One method of one URL; `body` is the document's example, `query` the parameters it names."""

    method: str
    rule: str
    permission: str
    arguments: tuple[str, ...]
    query: frozenset[str] = frozenset()
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def template(self) -> str:
        """The path as the document spells it."""
        return re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", self.rule)

    def path(self, **ids: object) -> str:
        return self.template.format_map(ids)


def routes(app: Flask) -> Iterator[Route]:
    """Yield every method of every URL under /api, health and the document itself apart."""
    document = json.loads(app.test_client().get("/api/openapi.json").data)
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/") or is_health(rule.rule) or rule.rule == "/api/openapi.json":
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            route = Route(
                method=method,
                rule=rule.rule,
                permission=vars(app.view_functions[rule.endpoint])["permission"],
                arguments=tuple(sorted(rule.arguments)),
            )
            documented = document["paths"][route.template]
            operation = documented[method.lower()]
            parameters = [*documented.get("parameters", ()), *operation.get("parameters", ())]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield replace(
                route,
                query=frozenset(one["name"] for one in parameters if one.get("in") == "query"),
                body=content.get("example"),
            )


def seen(response: TestResponse) -> tuple[int, Any, list[str]]:
    """Return what an attacker could compare: status, body without what differs every time, header names."""
    body = response.get_json(silent=True)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in CHANGING}
    return response.status_code, body, sorted(name for name, _ in response.headers)


class Inspector:
    """Looks at the stored rows as a superuser, to whom no wall applies."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: sql.Composable | str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def all_ids(self, tenant: UUID) -> list[str]:
        """Return the ids of all rows of a tenant."""
        tables = [name for name in tenant_tables() if "id" in Base.metadata.tables[name].columns]
        return [
            str(id_)
            for table in tables
            for (id_,) in self.ask(
                sql.SQL("SELECT id FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), str(tenant)
            )
        ]

    def counts(self, *tenants: UUID) -> dict[str, list[int]]:
        """Return how many rows each table holds of each of the tenants."""
        result = {}
        for table in tenant_tables():
            query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table))
            result[table] = [self.ask(query, str(tenant))[0][0] for tenant in tenants]
        return result

    def contents(self, tenant: UUID) -> dict[str, str]:
        """Return a digest of all that each table holds of a tenant."""
        result = {}
        for table in (*tenant_tables(), "tenants", "login_sessions"):
            query = sql.SQL(
                "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t WHERE {} = %s"
            ).format(sql.Identifier(table), sql.Identifier("id" if table == "tenants" else "tenant_id"))
            result[table] = self.ask(query, str(tenant))[0][0]
        return result
