"""What came out of the checks, as text for people and JSON for machines, the caller's secrets taken out."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mbs.operations.smoke_checks.check import GROUPS, Check, Failed, Skipped, described
from mbs.operations.smoke_checks.client import Answer, Client, Settings, Unanswered


@dataclass(frozen=True)
class Outcome:
    """Result of one check; `got` is the reason if it was skipped."""

    check: Check
    status: Literal["passed", "failed", "skipped"]
    milliseconds: float
    answer: Answer | None = None
    expected: str | None = None
    got: str | None = None
    inconclusive: bool = False


def made(check: Check, client: Client) -> Outcome:
    """Make one check. Whatever a broken service answers, the outcome is one of three and the run goes on."""
    start = time.monotonic()

    def spent() -> float:
        return (time.monotonic() - start) * 1000

    try:
        answer = check.run(client)
    except Skipped as no:
        return Outcome(check, "skipped", spent(), got=no.reason, inconclusive=no.inconclusive)
    except Failed as no:
        return Outcome(check, "failed", spent(), no.answer, no.expected, no.got)
    except Unanswered as no:
        return Outcome(check, "failed", spent(), None, "an answer", str(no))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        last = client.answers[-1] if client.answers else None
        got = f"{last and described(last)}; {type(error).__name__}"
        return Outcome(check, "failed", spent(), last, "an answer of the documented shape", got)
    return Outcome(check, "passed", spent(), answer)


class Redactor:
    """Takes the values that came from the environment or a --header out of what is printed."""

    def __init__(self, settings: Settings) -> None:
        named = {
            "SMOKE_TEST_TOKEN": settings.token,
            "SMOKE_TEST_TENANT_ID": settings.tenant_id,
            "SMOKE_TEST_FOREIGN_TENANT_ID": settings.foreign_tenant_id,
            "SMOKE_TEST_FOREIGN_PATH": settings.foreign_path,
            **{f"--header {name}": value for name, value in settings.headers.items()},
        }
        known = [(value, f"<{name}>") for name, value in named.items() if value]
        self._known = sorted(known, key=lambda pair: -len(pair[0]))

    def __call__(self, text: str | None) -> str | None:
        """Return the text with each of the values replaced by its name."""
        for value, name in self._known if text else ():
            text = (text or "").replace(value, name)
        return text


def lines(outcomes: Sequence[Outcome], redact: Redactor, seconds: float, *, quiet: bool) -> Iterable[str]:
    """Yield the text report: a line a check, evidence below the failed ones, the summary last."""
    for outcome in outcomes:
        if quiet and outcome.status != "failed":
            continue
        answer = outcome.answer
        asked = f"{answer.method} {answer.path}  {answer.status}  " if answer else ""
        rest = outcome.got if outcome.status == "skipped" else f"{asked}{outcome.milliseconds:.0f}ms"
        yield f"{outcome.status.upper()[:4]}  {outcome.check.id:<6} {redact(rest)}"
        if outcome.status == "failed":
            yield f"        check        {outcome.check.title} ({GROUPS[outcome.check.group][1]})"
            yield f"        expected     {redact(outcome.expected)}"
            yield f"        got          {redact(outcome.got)}"
            if answer is not None:
                yield f"        correlation  {answer.sent_id}"
    count = Counter(outcome.status for outcome in outcomes)
    reasons = Counter(outcome.got for outcome in outcomes if outcome.status == "skipped")
    why = "; ".join(f"{number} {reason}" for reason, number in reasons.items())
    summary = (
        f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped in {seconds:.1f}s"
    )
    yield summary + (f" (skipped: {why})" if why else "")


def document(
    settings: Settings,
    outcomes: Sequence[Outcome],
    redact: Redactor,
    *,
    release: str,
    started: str,
    seconds: float,
    requests: int,
    error: str | None = None,
) -> dict[str, Any]:
    """Return the JSON report; `error` says why no check was made at all."""
    count = Counter(outcome.status for outcome in outcomes)
    return {
        "url": settings.url,
        "release": release or None,
        "started": started,
        "duration_ms": round(seconds * 1000),
        "requests": requests,
        "error": redact(error),
        "summary": {
            "total": len(outcomes),
            **{status: count[status] for status in ("passed", "failed", "skipped")},
        },
        "checks": [_record(outcome, redact) for outcome in outcomes],
    }


def _record(outcome: Outcome, redact: Redactor) -> dict[str, Any]:
    answer = outcome.answer
    section, runbook = GROUPS[outcome.check.group]
    return {
        "id": outcome.check.id,
        "title": outcome.check.title,
        "section": section,
        "status": outcome.status,
        "duration_ms": round(outcome.milliseconds, 1),
        "http": answer and {"method": answer.method, "path": redact(answer.path), "status": answer.status},
        "expected": redact(outcome.expected),
        "got": redact(outcome.got),
        "correlation_id": answer and redact(answer.sent_id),
        "runbook": runbook,
    }
