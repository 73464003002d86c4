"""Whether a read costs more with a hundred times the tenants, a hundred times the rows, or on page 1,000."""

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.load import Target
from bench.measure import (
    PAGE_PATH,
    first_answer,
    measure,
    new_secrets,
    service_environ,
    targets,
    warm_up,
)
from bench.processes import Gunicorn, gunicorn
from bench.seed import Seeded, build, created_at
from mbs.foundation.pages import CursorCodec, Position
from mbs.foundation.scope import TenantId
from mbs.operations.embedded_postgres import Server

LIMIT = 1.1
TENANTS, CUSTOMERS, TIMES = 1, 500, 100
SMALL = "1 tenant of 500 customers"
DEEP_PAGE, PAGE_ROWS = 1000, 50
ORDER = "customers:createdAt:desc"


def run(server: Server, *, rounds: int, seconds: int) -> list[dict[str, Any]]:
    """Measure and return all figures: total CPU-microseconds, and the ratio to the small database.

    :raises NotMeasurable: if an answer was not a success.
    """
    signing = new_secrets()
    small, tenants, rows = (
        build(server, "mbs_bench_small", tenants=TENANTS, customers=CUSTOMERS),
        build(server, "mbs_bench_tenants", tenants=TENANTS * TIMES, customers=CUSTOMERS),
        build(server, "mbs_bench_rows", tenants=TENANTS, customers=CUSTOMERS * TIMES),
    )
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        cases: dict[tuple[str, str], tuple[Gunicorn, Target]] = {}
        for size, seeded in ((SMALL, small), ("100 x the tenants", tenants), ("100 x the rows", rows)):
            environ = service_environ(seeded.service_url(server), signing)
            service = stack.enter_context(gunicorn("wsgi:app", environ, logs / f"{seeded.name}.log"))
            asked = targets(seeded, environ)
            cases |= {(name, size): (service, asked[name]) for name in ("R2", "R3")}
        deep = deep_page(rows, asked["R2"], signing["JWT_ACCESS_SECRET"])
        cases["R2", f"100 x the rows, page {DEEP_PAGE}"] = (service, deep)
        for service, target in cases.values():
            first_answer(service, target)
            warm_up(server, service, target)
        totals: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
        for number in range(rounds):
            for case in sorted(cases, reverse=number % 2 == 0):
                totals[case].append(measure(server, *cases[case], seconds).total)
    return [
        {
            "request": name,
            "size": size,
            "total_us": median(totals[name, size]),
            "ratio": median(
                ours / base for ours, base in zip(totals[name, size], totals[name, SMALL], strict=True)
            ),
        }
        for name, size in cases
    ]


def deep_page(seeded: Seeded, first: Target, secret: str) -> Target:
    """Return the request for page 1,000 of the only tenant's customers, newest first."""
    (tenant_id,) = seeded.tenants
    customers = seeded.customers[tenant_id]
    number = len(customers) - (DEEP_PAGE - 1) * PAGE_ROWS
    position = Position(created_at(number), customers[number])
    cursor = CursorCodec(secret).encode(position, tenant_id=TenantId(tenant_id), order=ORDER)
    return replace(first, paths=[f"{PAGE_PATH}&cursor={cursor}"] * len(first.paths))


def failures(figures: list[dict[str, Any]]) -> list[str]:
    """Return what grew beyond the limit, in words."""
    return [
        f"{one['request']} costs {one['ratio']:.2f} times as much at {one['size']}; the limit is {LIMIT}"
        for one in figures
        if one["ratio"] > LIMIT
    ]


def table(figures: list[dict[str, Any]]) -> str:
    """Return the figures for a reader."""
    lines = [f"{'':40}{'CPU us per request':>20}{'ratio':>8}"]
    lines += [
        f"{one['request']} {one['size']:37}{one['total_us']:20.0f}{one['ratio']:8.2f}" for one in figures
    ]
    return "\n".join(lines)
