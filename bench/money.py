"""What invoices cost: one of twenty lines issued, beside its own bare SQL, and a page of it as PDF."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import orjson

from bench.bare import Recorder, send_again, undo
from bench.documents import fill
from bench.measure import NotMeasurable, new_secrets, service_environ
from bench.one_client import HEAD, REQUESTS, WARM_UP, Client, client, shown, timed
from bench.processes import gunicorn
from bench.seed import Seeded, build
from mbs.operations.embedded_postgres import Server

ISSUE, PDF = "I1 issue an invoice of 20 lines", "I2 one page of it as PDF"
TIMES_BARE, PDF_MS = 3.0, 400.0
LINES, INVOICES = 20, 2000
PDFS, PDF_WARM_UP = 50, 10

UNDO = (
    """
    UPDATE documents SET status = 'draft', title = NULL, number = NULL, series = NULL, seq = NULL,
      issue_date = NULL, seller = NULL, buyer = NULL, due_date = NULL, supply_date = NULL,
      version = version - 1 WHERE id = %(id)s
    """,
    """
    UPDATE number_series SET next_value = next_value - 1
    WHERE tenant_id = (SELECT tenant_id FROM documents WHERE id = %(id)s) AND type = 'invoice'
    """,
    "DELETE FROM events WHERE object_id = %(id)s AND type = 'invoice.issued'",
)
"""So that the same draft can be issued again."""


def run(server: Server) -> dict[str, Any]:
    """Measure and return all figures.

    :raises NotMeasurable: if an answer was not the one that is measured.
    """
    seeded = build(server, "mbs_bench_money", tenants=2, customers=500)
    fill(server, seeded, seeded.tenants, invoices=INVOICES)
    tenant_id = seeded.tenants[0]
    environ = service_environ(seeded.service_url(server), new_secrets())
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(gunicorn("wsgi:app", environ, logs / "service.log"))
        asking = client(tenant_id, service, seeded, environ)
        issued = drafts(asking, seeded, tenant_id, REQUESTS + WARM_UP)
        figures = {ISSUE: _issues(server, asking, issued, drafts(asking, seeded, tenant_id), seeded, environ)}
        pages = [("GET", f"/api/invoices/{id_}/pdf", None) for id_ in issued[: PDFS + PDF_WARM_UP]]
        figures[PDF] = timed(server, asking, pages, warm_up=PDF_WARM_UP)
    return figures


def drafts(
    asking: Client, seeded: Seeded, tenant_id: UUID, count: int = REQUESTS + WARM_UP
) -> tuple[str, ...]:
    """Write drafts of twenty lines and return their ids."""
    found = []
    for number in range(count):
        body = {
            "customerId": seeded.customers[tenant_id][number % 500],
            "items": [
                {"description": f"Treatment {line}", "quantity": "1.5", "unitPrice": f"{line * 100}.00"}
                for line in range(1, LINES + 1)
            ],
        }
        status, answer = asking.ask("POST", "/api/invoices", orjson.dumps(body))
        if status != 201:
            raise NotMeasurable(f"POST /api/invoices: {status} {answer[:500]!r}")
        found.append(orjson.loads(answer)["id"])
    return tuple(found)


def _issues(
    server: Server,
    asking: Client,
    drafted: tuple[str, ...],
    others: tuple[str, ...],
    seeded: Seeded,
    environ: Mapping[str, str],
) -> dict[str, Any]:
    figures = timed(server, asking, [("POST", f"/api/invoices/{id_}/issue", b"{}") for id_ in drafted])
    recorder, superuser = Recorder(environ), server.url(seeded.name)
    send, bare = send_again(seeded.service_url(server)), []
    for id_ in others:
        path = f"/api/invoices/{id_}/issue"
        _, messages = recorder.messages(path, token=next(asking.tokens), body=b"{}")
        undo(superuser, UNDO, id_)
        bare.append(send(messages))
    figures["bare_ms"] = median(bare[WARM_UP:])
    figures["messages"] = len(messages)
    figures["ratio"] = figures["p50_ms"] / figures["bare_ms"]
    return figures


def failures(figures: Mapping[str, Any]) -> list[str]:
    """Return the budgets that were exceeded, in words."""
    found = []
    if figures[ISSUE]["ratio"] > TIMES_BARE:
        found.append(
            f"{ISSUE} takes {figures[ISSUE]['ratio']:.2f} times its bare SQL; the budget is {TIMES_BARE}"
        )
    if figures[PDF]["p95_ms"] > PDF_MS:
        found.append(
            f"{PDF}: 95 of 100 take up to {figures[PDF]['p95_ms']:.0f} ms; the budget is {PDF_MS:.0f}"
        )
    return found


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures for a reader."""
    issue = figures[ISSUE]
    bare = (
        f"bare SQL of {issue['messages']} messages p50 {issue['bare_ms']:.1f} ms:"
        f" {issue['ratio']:.2f} times (budget {TIMES_BARE})"
    )
    return "\n".join([HEAD, shown(ISSUE, issue, bare), shown(PDF, figures[PDF], f"budget {PDF_MS:.0f} ms")])
