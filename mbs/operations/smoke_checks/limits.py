"""S-R: the rate limits that the answers announce, and on request the login limit itself (runbook §11)."""

import re

from mbs.operations.smoke_checks import routes
from mbs.operations.smoke_checks.check import (
    CLOCK_SLACK_SECONDS,
    Check,
    Failed,
    Skipped,
    demand,
    demand_limited,
    demand_problem,
)
from mbs.operations.smoke_checks.client import Answer, Client

LOGINS, LOGIN_SECONDS = 5, 900
CALLS, CALL_SECONDS = 100, 60


def login_announces_its_limit(client: Client) -> Answer:
    answer = client.login()
    announces(answer, LOGINS, LOGIN_SECONDS)
    return answer


def api_announces_its_limit(client: Client) -> Answer:
    try:
        path = (client.settings.token and routes.lists(client)) or routes.protected(client)
    except Failed:
        raise Skipped("no protected route is known (see S-A1)") from None
    answer = client.first(path[0], authenticated=client.settings.token is not None)
    announces(answer, CALLS, CALL_SECONDS)
    return answer


def announces(answer: Answer, quota: int, window: int) -> int:
    """Demand the headers of a limit of `quota` requests in `window` seconds, and return how many remain.

    :raises Failed: if they are missing or say something else.
    """
    expected = f"RateLimit-Policy with q={quota};w={window}"
    policies = _items(answer.headers.get("RateLimit-Policy", ""))
    names = [
        name for name, values in policies.items() if (values.get("q"), values.get("w")) == (quota, window)
    ]
    demand(names, expected, answer, f"RateLimit-Policy {answer.headers.get('RateLimit-Policy')!r}")
    said = _items(answer.headers.get("RateLimit", "")).get(names[0], {})
    remaining, seconds = said.get("r", -1), said.get("t", -1)
    right = 0 <= remaining < quota and 0 <= seconds <= window + CLOCK_SLACK_SECONDS
    demand(right, f"RateLimit with r below {quota}", answer, f"RateLimit {answer.headers.get('RateLimit')!r}")
    familiar = {
        name: answer.headers.get(f"X-RateLimit-{name}", "") for name in ("Limit", "Remaining", "Reset")
    }
    numbers = all(value.isdigit() for value in familiar.values())
    right = numbers and int(familiar["Limit"]) == quota and int(familiar["Remaining"]) == remaining
    demand(right, "X-RateLimit-Limit, -Remaining and -Reset that agree with it", answer, f"{familiar}")
    return remaining


def login_limit_holds(client: Client) -> Answer:
    if not client.settings.exhaust_rate_limit:
        raise Skipped("no --exhaust-rate-limit")
    answer = client.login()
    remaining = announces(answer, LOGINS, LOGIN_SECONDS)
    if answer.status != 429:
        for _ in range(remaining):
            demand_problem(client.login(again=True), 401, "INVALID_CREDENTIALS")
        answer = client.login(again=True)
    demand_limited(answer, LOGIN_SECONDS)
    return answer


def _items(header: str) -> dict[str, dict[str, int]]:
    """Items of a structured list such as `"login";q=5;w=900`, by name, with their whole numbers."""
    found = {}
    for name, parameters in re.findall(r'"([^"]*)"((?:\s*;\s*[a-z]+=[^;,]+)*)', header):
        found[name] = {key: int(value) for key, value in re.findall(r"([a-z]+)=(\d+)", parameters)}
    return found


CHECKS = (
    Check("S-R1", "login announces 5 in 15 minutes", login_announces_its_limit),
    Check("S-R2", "the API announces 100 a minute", api_announces_its_limit),
    Check("S-R3", "the login after the fifth is refused", login_limit_holds),
)
