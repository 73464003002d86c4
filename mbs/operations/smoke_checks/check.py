"""What a smoke check is, how it says no, and the demands that several of them share."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mbs.operations.smoke_checks.client import Answer, Client

# The part of the id before the number: the group's name, and where the runbook demands it.
GROUPS = {
    "S-T": ("transport", "runbook §2"),
    "S-H": ("health", "runbook §5"),
    "S-A": ("authentication", "runbook §6.2"),
    "S-I": ("isolation", "runbook §6.3"),
    "S-B": ("blocked paths", "runbook §6.4, §11"),
    "S-R": ("rate limits", "runbook §6.5, §11"),
    "S-S": ("security", "runbook §11"),
    "S-C": ("correlation", "runbook §8"),
    "S-M": ("rooms", "runbook §6.2"),
    "S-D": ("degraded mode", "runbook §10"),
}
PROBLEM_MEMBERS = ("type", "title", "status", "detail", "instance", "code", "correlationId", "timestamp")
CLOCK_SLACK_SECONDS = 2  # limits are kept by the clock of their store, and announced by that of the service
LEAK = re.compile(
    r"traceback|psycopg|sqlalchemy|postgres(ql)?(\+\w+)?://|password authentication|password\\?\"?\s*[:=]"
    r"|\bsslmode\b|File \\?\"|\b\d{1,3}(\.\d{1,3}){3}\b",
    re.IGNORECASE,
)


class Failed(Exception):
    """The service answered wrongly; `expected` and `got` are shown, so neither may quote a body."""

    def __init__(self, expected: str, got: str, answer: Answer | None = None) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got
        self.answer = answer


class Skipped(Exception):
    """The check could not be made; `inconclusive` if the run may then not count as passed."""

    def __init__(self, reason: str, *, inconclusive: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.inconclusive = inconclusive


@dataclass(frozen=True)
class Check:
    """One check: `run` returns the answer that shows it, and raises Failed, Skipped or Unanswered."""

    id: str
    title: str
    run: Callable[[Client], Answer | None]
    authenticated: bool = False

    @property
    def group(self) -> str:
        return self.id.rstrip("0123456789")


def described(answer: Answer) -> str:
    """Status, problem code and kind of an answer, never its body: that may hold a customer's data."""
    code = answer.object.get("code")
    kind = answer.headers.get("Content-Type", "no content type").split(";")[0]
    return f"{answer.method} {answer.path}: {answer.status} {code if isinstance(code, str) else ''} ({kind})"


def demand(condition: object, expected: str, answer: Answer, got: str | None = None) -> None:
    """Fail with `expected` unless the condition holds.

    :raises Failed: if it does not.
    """
    if not condition:
        raise Failed(expected, f"{described(answer)}{f'; {got}' if got else ''}", answer)


def demand_problem(answer: Answer, status: int, *codes: str) -> Answer:
    """Demand a complete RFC 9457 problem (api.md, section 1) with the status and one of the codes.

    :raises Failed: if the answer is anything else, or its body tells of the inside of the service.
    """
    wanted = f"{status} {' or '.join(codes)}"
    demand(answer.status == status, wanted, answer)
    kind = answer.headers.get("Content-Type", "").split(";")[0]
    demand(
        kind == "application/problem+json" and answer.object, f"{wanted} as application/problem+json", answer
    )
    missing = [member for member in PROBLEM_MEMBERS if not answer.object.get(member)]
    demand(
        not missing, f"{wanted} with {', '.join(PROBLEM_MEMBERS)}", answer, f"without {', '.join(missing)}"
    )
    demand(answer.object["code"] in codes, wanted, answer)
    demand(answer.object["status"] == status, f"the member status to be {status} too", answer)
    same_id = answer.object["correlationId"] == answer.correlation_id
    demand(same_id, "correlationId to be the X-Correlation-Id of the answer", answer)
    leak = LEAK.search(answer.text)
    demand(leak is None, "a body that tells nothing of the inside", answer, f"it holds {leak and leak[0]!r}")
    if status == 401:
        challenge = answer.headers.get("WWW-Authenticate", "")
        demand(challenge.lower().startswith("bearer"), f"{wanted} with WWW-Authenticate: Bearer", answer)
    return answer


def demand_limited(answer: Answer, window: int) -> int:
    """Demand a complete 429 of a limit of `window` seconds, and return how many of them to wait.

    :raises Failed: if it is anything else or does not say how long to wait.
    """
    demand_problem(answer, 429, "RATE_LIMITED")
    wait = answer.headers.get("Retry-After", "")
    usable = wait.isdigit() and 0 < int(wait) <= window + CLOCK_SLACK_SECONDS
    demand(usable, f"429 with Retry-After up to {window}", answer, f"Retry-After {wait!r}")
    return int(wait)
