"""The service against the floor, request by request, in turn."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench.documents import fill
from bench.load import Target
from bench.measure import (
    REQUESTS,
    Cost,
    NotMeasurable,
    first_answer,
    measure,
    new_secrets,
    service_environ,
    targets,
    warm_up,
)
from bench.processes import ROOT, Gunicorn, children, cpu_us, gunicorn
from bench.seed import build
from mbs.operations.embedded_postgres import Server

TENANTS, CUSTOMERS, INVOICES = 10, 5000, 1000
BUDGETS = {"R1": 1.5, "R2": 3.0, "R3": 3.5, "R4": 3.5, "R5": 3.0}
GOALS = {"R1": 1.1, "R2": 1.5, "R3": 1.5, "R4": 1.5, "R5": 1.5}
MEMORY_MIB, IMPORT_SECONDS = 150.0, 1.5
TIMED_IMPORT = "import time; began = time.perf_counter(); import wsgi; print(time.perf_counter() - began)"

Costs = dict[str, list[Cost]]
"""By `service` or `floor`, one a round."""


def run(server: Server, *, only: list[str], rounds: int, seconds: int) -> dict[str, Any]:
    """Measure and return all figures.

    :raises NotMeasurable: if an answer was not the one that is measured.
    """
    seeded = build(server, "mbs_bench", tenants=TENANTS, customers=CUSTOMERS)
    fill(server, seeded, seeded.tenants, invoices=INVOICES)
    environ = service_environ(seeded.service_url(server), new_secrets())
    asked = targets(seeded, environ)
    # The floor asks as a superuser: no row-level security stands between it and the rows.
    floor_environ = {**environ, "DATABASE_URL": server.url(seeded.name)}
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        services = {
            "service": stack.enter_context(gunicorn("wsgi:app", environ, logs / "service.log")),
            "floor": stack.enter_context(gunicorn("bench.floor:app", floor_environ, logs / "floor.log")),
        }
        started = sum(cpu_us(worker) for worker in children(services["service"].pid))
        workers = len(children(services["service"].pid))
        requests = {name: _compare(server, services, asked[name], rounds, seconds) for name in only}
        return {
            "requests": {name: _figures(name, costs) for name, costs in requests.items()},
            "memory_mib": max(services["service"].memory_mib()),
            "start_ms_cpu": started / workers / 1000,
            "import_seconds": _import_seconds(environ),
        }


def _compare(
    server: Server, services: Mapping[str, Gunicorn], target: Target, rounds: int, seconds: int
) -> Costs:
    _same_answer(services, target)
    for service in services.values():
        warm_up(server, service, target)
    costs: Costs = {name: [] for name in services}
    for number in range(rounds):
        for name in sorted(services, reverse=number % 2 == 0):
            costs[name].append(measure(server, services[name], target, seconds))
    return costs


def _same_answer(services: Mapping[str, Gunicorn], target: Target) -> None:
    """Make sure that the floor does the work that it is compared with."""
    answers = {name: orjson.loads(first_answer(service, target)) for name, service in services.items()}
    ours, floor = answers["service"], answers["floor"]
    if "data" in ours:
        same = [row["id"] for row in ours["data"]] == [row["id"] for row in floor["data"]]
        same = same and ours["data"][0].keys() == floor["data"][0].keys()
    else:
        same = floor.keys() <= ours.keys()
    if not same:
        raise NotMeasurable(f"{target.method} {target.paths[0]}: service and floor answer different things")


def _figures(name: str, costs: Costs) -> dict[str, Any]:
    ratios = [ours.total / floor.total for ours, floor in zip(costs["service"], costs["floor"], strict=True)]
    figures: dict[str, Any] = {
        "request": REQUESTS[name],
        "ratio": median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "budget": BUDGETS[name],
        "goal": GOALS[name],
    }
    for who, rounds in costs.items():
        figures[who] = {
            "application_us": median(cost.application for cost in rounds),
            "postgres_us": median(cost.postgres for cost in rounds),
            "total_us": median(cost.total for cost in rounds),
            "requests_per_second": median(cost.rate for cost in rounds),
            "p99_ms": median(cost.p99_ms for cost in rounds),
        }
    return figures


def _import_seconds(environ: Mapping[str, str]) -> float:
    answers = [
        subprocess.run(
            [sys.executable, "-c", TIMED_IMPORT],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for _ in range(3)
    ]
    return min(float(answer.splitlines()[-1]) for answer in answers)


def failures(figures: Mapping[str, Any]) -> list[str]:
    """Return the budgets that were exceeded, in words."""
    found = [
        f"{name} costs {one['ratio']:.2f} times the floor; the budget is {one['budget']}"
        for name, one in figures["requests"].items()
        if one["ratio"] > one["budget"]
    ]
    if figures["memory_mib"] > MEMORY_MIB:
        found.append(f"a worker holds {figures['memory_mib']:.0f} MiB; the budget is {MEMORY_MIB:.0f}")
    if figures["import_seconds"] > IMPORT_SECONDS:
        found.append(
            f"import of wsgi takes {figures['import_seconds']:.2f} s; the budget is {IMPORT_SECONDS}"
        )
    return found


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures for a reader."""
    head = "".join(f"{name:>9}" for name in ("total", "app", "postgres")) * 2
    lines = [
        f"{'':34}{'floor':>27}{'service':>27}",
        f"{'CPU us per request':34}{head}{'ratio':>8}{'rounds':>12}{'budget':>8}{'goal':>6}",
    ]
    for name, one in figures["requests"].items():
        floor, ours = one["floor"], one["service"]
        low, high = one["ratios"]
        figures_of_both = "".join(
            f"{who[key]:9.0f}"
            for who in (floor, ours)
            for key in ("total_us", "application_us", "postgres_us")
        )
        lines.append(
            f"{name} {one['request']:31}{figures_of_both}{one['ratio']:8.2f}{f'{low:.2f}-{high:.2f}':>12}"
            f"{one['budget']:8.1f}{one['goal']:6.1f}"
        )
    lines += [
        "",
        f"memory of a worker after load: {figures['memory_mib']:.0f} MiB (budget {MEMORY_MIB:.0f})",
        f"import of wsgi: {figures['import_seconds']:.2f} s (budget {IMPORT_SECONDS})",
        f"start of a worker: {figures['start_ms_cpu']:.0f} ms of CPU",
    ]
    return "\n".join(lines)
