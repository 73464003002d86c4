"""S-H and S-D: what the health endpoints say, and what the degraded mode answers (runbook §5, §10)."""

import statistics
from typing import Any

from mbs.operations.smoke_checks.check import LEAK, Check, Failed, Skipped, demand, demand_problem, described
from mbs.operations.smoke_checks.client import Answer, Client

SLOW_MILLISECONDS = 500  # runbook §8: the P1 alert on GET /health
READINESS = (
    "database",
    "migrations",
    "tenant_isolation",
    "configuration",
    "auth",
    "rate_limit_store",
    "notifications",
)
READINESS_MEMBERS = ("name", "status", "critical", "latencyMs", "observedAt")
HEALTH_PATHS = ("/health", "/health/db", "/health/ready")
DEGRADED_PATHS = (
    *(
        "/",
        "/api",
        "/api/auth/me",
        "/api/auth/sessions",
        "/api/context",
        "/api/tenant",
        "/api/tenant/settings",
    ),
    *(
        "/api/locations",
        "/api/customers",
        "/api/customers/00000000-0000-7000-8000-000000000000",
        "/api/events",
    ),
    *(
        "/api/audit-logs",
        "/api/openapi.json",
        "/api/seed",
        "/api/no-such-path",
        "/docs",
        "/metrics",
        "/HEALTH",
    ),
    *("/health/nothing", "//health", "/health/../api/context"),
)


def liveness(client: Client) -> Answer:
    samples = [client.first("/health"), client.send("GET", "/health"), client.send("GET", "/health")]
    for answer in samples:
        said = answer.object.get("status")
        demand(answer.status == 200 and said == "ok", '200 {"status": "ok"}', answer, f"status {said!r}")
    median = statistics.median(answer.milliseconds for answer in samples)
    demand(
        median <= SLOW_MILLISECONDS, f"a median of 3 up to {SLOW_MILLISECONDS} ms", answer, f"{median:.0f} ms"
    )
    return answer


def database(client: Client) -> Answer:
    answer = client.first("/health/db")
    said = answer.object
    right = answer.status == 200 and said.get("status") == "ok" and said.get("database") == "connected"
    demand(
        right, '200 {"status": "ok", "database": "connected"}', answer, f"database {said.get('database')!r}"
    )
    return answer


def readiness(client: Client) -> Answer:
    answer = client.first("/health/ready")
    said = answer.object
    checks = _checks(answer)
    if answer.status != 200 and checks:
        raise Failed('200 {"ready": true}', f"{described(answer)}; {_ill(checks)}", answer)
    right = answer.status == 200 and said.get("ready") is True and said.get("status") == "ok"
    demand(right, '200 {"ready": true, "status": "ok"}', answer)
    demand(checks, f"a list `checks` whose members have {', '.join(READINESS_MEMBERS)}", answer)
    missing = sorted(set(READINESS) - {check["name"] for check in checks})
    demand(not missing, f"the checks {', '.join(READINESS)}", answer, f"without {', '.join(missing)}")
    # A summary of its own making could say ready while a part of it says otherwise.
    ill = _ill([check for check in checks if check["critical"]])
    demand(not ill, "every critical check ok", answer, ill)
    return answer


def nothing_leaks(client: Client) -> Answer:
    for path in HEALTH_PATHS:
        answer = client.first(path)
        kept = answer.headers.get("Cache-Control", "")
        demand("no-store" in kept, "Cache-Control: no-store on health", answer, f"Cache-Control {kept!r}")
        demand(not answer.cookies, "no cookie on health", answer)
        leak = LEAK.search(answer.text)
        demand(
            leak is None, "a body that tells nothing of the inside", answer, f"it holds {leak and leak[0]!r}"
        )
    return answer


def release(client: Client) -> Answer:
    wanted = client.settings.release
    if wanted is None:
        raise Skipped("no --expect-release")
    answer = client.first("/health/ready")
    running = released(answer)
    # One of the two may be the short form of the other.
    same = min(len(running), len(wanted)) >= 7 and (running.startswith(wanted) or wanted.startswith(running))
    demand(same or running == wanted, f"release {wanted}", answer, f"release {running or 'unknown'}")
    return answer


def degraded(client: Client) -> Answer:
    alive = client.first("/health")
    demand(
        alive.status == 200 and alive.object.get("status") == "degraded", '200 {"status": "degraded"}', alive
    )
    stored = client.first("/health/db")
    demand(
        stored.status in (200, 503) and stored.object.get("database"), "200 or 503 with `database`", stored
    )
    ready = client.first("/health/ready")
    demand(ready.status == 503 and ready.object.get("ready") is False, '503 {"ready": false}', ready)
    states = {check["name"]: check["status"] for check in _checks(ready)}
    demand(states.get("configuration") == "unhealthy", "the check `configuration` unhealthy", ready)
    for path in DEGRADED_PATHS:
        answer = demand_problem(client.send("GET", path), 503, "DEGRADED_MODE")
        demand(answer.headers.get("Retry-After", "").isdigit(), "503 with Retry-After", answer)
    return answer


def released(answer: Answer) -> str:
    """The commit (or, failing that, the version) that /health/ready names; empty if it names none."""
    value = answer.object.get("release")
    if isinstance(value, dict):
        value = value.get("commit") or value.get("version")
    return value if isinstance(value, str) else ""


def _checks(answer: Answer) -> list[dict[str, Any]]:
    """The checks of /health/ready; none of them if one is incomplete."""
    checks = answer.object.get("checks")
    if not isinstance(checks, list):
        return []
    complete = [isinstance(check, dict) and set(READINESS_MEMBERS) <= set(check) for check in checks]
    return checks if all(complete) else []


def _ill(checks: list[dict[str, Any]]) -> str:
    return ", ".join(f"{check['name']} {check['status']}" for check in checks if check["status"] != "ok")


CHECKS = (
    Check("S-H1", "/health is ok and quick", liveness),
    Check("S-H2", "/health/db is connected", database),
    Check("S-H3", "/health/ready is ready, and so is every critical check in it", readiness),
    Check("S-H4", "health is not cached, sets no cookie and tells nothing of the inside", nothing_leaks),
    Check("S-H5", "the expected release is running", release),
)
DEGRADED_CHECKS = (Check("S-D1", "health answers, everything else says DEGRADED_MODE", degraded),)
