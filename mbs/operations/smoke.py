"""`mbs smoke URL`: asks a running service whether it does what the runbook promises (runbook §6).

Safe on production: GET and OPTIONS, one login of a reserved identity, and POSTs below the blocked paths that
no handler can match. One at a time, never longer than the budget, and at most 110: 60 for a service of 8
rooms and 6 lists, and one more for each further room (up to 40) and list (up to 24). Fewer than 50 of them
count against the 100 a minute of the caller's address; those for health and the blocked paths do not.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from mbs.operations.smoke_checks import access, exposure, health, limits, transport
from mbs.operations.smoke_checks.check import GROUPS, Check
from mbs.operations.smoke_checks.client import Client, Settings, Unanswered
from mbs.operations.smoke_checks.report import Outcome, Redactor, document, lines, made

DEFAULT_URL = "http://localhost:5000"
PASSED, FAILED, USAGE, INCONCLUSIVE, UNREACHABLE, NOT_READY = 0, 1, 2, 4, 69, 75
CHECKS: tuple[Check, ...] = (
    *transport.CHECKS,
    *health.CHECKS,
    *access.CHECKS,
    *exposure.CHECKS,
    *limits.CHECKS,
    *exposure.CLOSING_CHECKS,
)
DEGRADED_CHECKS: tuple[Check, ...] = (*transport.CHECKS, *health.DEGRADED_CHECKS)
EPILOG = """\
environment: SMOKE_TEST_URL, SMOKE_TEST_TOKEN (an access token), SMOKE_TEST_TENANT_ID,
  SMOKE_TEST_FOREIGN_TENANT_ID, SMOKE_TEST_FOREIGN_PATH (the path of another tenant's object)
exit codes: 0 passed, 1 a check failed, 2 usage, 4 inconclusive (required checks were skipped),
  69 unreachable, 75 not ready within --wait
"""


class UsageFault(Exception):
    """The command was called wrongly; the text says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of operations.md 6.1."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("url", nargs="?", help=f"the service; else SMOKE_TEST_URL, else {DEFAULT_URL}")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json is --json -")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON; - is standard output")
    parser.add_argument("--quiet", action="store_true", help="show failures and the summary only")
    parser.add_argument(
        "--only", metavar="ID,...", default="", help="these checks or groups only (S-H1, S-B)"
    )
    parser.add_argument("--skip", metavar="ID,...", default="", help="not these checks or groups")
    parser.add_argument("--list", action="store_true", help="list the checks and stop")
    parser.add_argument("--wait", metavar="SECONDS", type=float, help="first wait for /health/ready")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=5.0, help="for one answer (default 5)"
    )
    parser.add_argument(
        "--budget", metavar="SECONDS", type=float, default=60.0, help="for the run (default 60)"
    )
    parser.add_argument("--expect-release", metavar="SHA", help="the commit that must be running")
    parser.add_argument("--expect-env", choices=("production", "development"), default="production")
    parser.add_argument("--expect-degraded", action="store_true", help="demand the degraded mode instead")
    parser.add_argument("--require-auth", action="store_true", help="exit 4 if a check lacked a token")
    parser.add_argument(
        "--exhaust-rate-limit", action="store_true", help="use up the logins of this address; loopback only"
    )
    parser.add_argument(
        "--header", metavar="NAME=VALUE", action="append", default=[], help="send a header with every request"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the smoke tests and return the exit code of operations.md 6.1."""
    try:
        settings = settings_of(arguments, os.environ)
        checks = _selected(arguments)
    except UsageFault as fault:
        print(f"mbs smoke: {fault}", file=sys.stderr)
        return USAGE
    if arguments.list:
        for check in checks:
            print(f"{check.id:<6} {GROUPS[check.group][0]:<16} {check.title}")
        return PASSED
    started, start = datetime.now(UTC), time.monotonic()
    client = Client(settings)
    outcomes: list[Outcome] = []
    error = None
    if arguments.wait is not None and not _ready(settings, arguments.wait, arguments.expect_degraded):
        code, error = NOT_READY, f"{settings.url} was not ready within {arguments.wait:g} s"
    else:
        client.allow(settings.budget)
        try:
            client.first("/health")
        except Unanswered as no:
            code, error = UNREACHABLE, f"{settings.url} cannot be reached: {no}"
        else:
            outcomes = [_made(check, client) for check in checks]
            code = _exit_code(outcomes, require_auth=arguments.require_auth)
    seconds = time.monotonic() - start
    redact = Redactor(settings)
    target = arguments.json or ("-" if arguments.format == "json" else None)
    text = sys.stderr if target == "-" else sys.stdout
    if error is not None:
        print(f"mbs smoke: {redact(error)}", file=sys.stderr)
    else:
        for line in lines(outcomes, redact, seconds, quiet=arguments.quiet):
            print(line, file=text)
    if target is not None:
        ready = next((answer for answer in client.answers if answer.path == "/health/ready"), None)
        report = document(
            settings,
            outcomes,
            redact,
            release=health.released(ready) if ready else "",
            started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=seconds,
            requests=client.sent,
            error=error,
        )
        _write(json.dumps(report, indent=2), target)
    return code


def settings_of(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Return what the run expects, from the command line and the runbook's SMOKE_TEST_ variables.

    :raises UsageFault: if the address, a header, a number or the foreign path cannot be used.
    """
    url = (arguments.url or environ.get("SMOKE_TEST_URL") or DEFAULT_URL).rstrip("/")
    _demand_url(url)
    headers = dict(pair.partition("=")[::2] for pair in arguments.header)
    if not all(name and value for name, value in headers.items()):
        raise UsageFault("--header takes NAME=VALUE")
    for name in ("timeout", "budget", "wait"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < 86_400:
            raise UsageFault(f"--{name} takes a number of seconds above 0")
    foreign_path = environ.get("SMOKE_TEST_FOREIGN_PATH") or None
    if foreign_path and (not foreign_path.startswith("/") or foreign_path.startswith("//")):
        raise UsageFault("SMOKE_TEST_FOREIGN_PATH takes a path of this service, such as /api/customers/<id>")
    settings = Settings(
        url=url,
        production=arguments.expect_env == "production",
        timeout=arguments.timeout,
        budget=arguments.budget,
        release=arguments.expect_release,
        exhaust_rate_limit=arguments.exhaust_rate_limit,
        token=environ.get("SMOKE_TEST_TOKEN") or None,
        tenant_id=environ.get("SMOKE_TEST_TENANT_ID") or None,
        foreign_tenant_id=environ.get("SMOKE_TEST_FOREIGN_TENANT_ID") or None,
        foreign_path=foreign_path,
        headers=headers,
    )
    if settings.exhaust_rate_limit and not settings.loopback:
        raise UsageFault(
            "--exhaust-rate-limit locks this address out for 15 minutes: only for a local service"
        )
    return settings


def _demand_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageFault(f"not an address: {url}; give one such as https://mybizstream.example.com")
    if "@" in parts.netloc:
        raise UsageFault("the address holds a password; use --header Authorization=... instead")
    if parts.query or parts.fragment:
        raise UsageFault("the address must have no query and no fragment")


def _selected(arguments: argparse.Namespace) -> list[Check]:
    """The checks of this run, by --only and --skip, which take ids and groups."""
    checks = DEGRADED_CHECKS if arguments.expect_degraded else CHECKS
    known = {name for check in checks for name in (check.id, check.group)}
    only, skip = (
        {name.strip().upper() for name in text.split(",") if name.strip()}
        for text in (arguments.only, arguments.skip)
    )
    unknown = sorted((only | skip) - known)
    if unknown:
        raise UsageFault(f"no such check: {', '.join(unknown)}; see --list")
    chosen = [check for check in checks if not only or only & {check.id, check.group}]
    return [check for check in chosen if not skip & {check.id, check.group}]


def _ready(settings: Settings, seconds: float, degraded: bool) -> bool:
    """Whether the service became ready (with `degraded`: answered at all) in time."""
    # A client of its own: what a service or its proxy answers while it starts is not judged.
    client = Client(replace(settings, budget=seconds, run_id=f"{settings.run_id}-wait"))
    end, pause = time.monotonic() + seconds, 0.2
    while time.monotonic() < end:
        try:
            answer = client.send("GET", "/health" if degraded else "/health/ready")
            if answer.status == 200 and (degraded or answer.object.get("ready") is True):
                return True
        except Unanswered:
            pass  # not yet
        time.sleep(max(0.0, min(pause, end - time.monotonic())))
        pause = min(pause * 1.5, 2.0)
    return False


def _made(check: Check, client: Client) -> Outcome:
    if check.group == "S-T" and client.settings.loopback:
        return Outcome(check, "skipped", 0.0, got="loopback")
    return made(check, client)


def _exit_code(outcomes: list[Outcome], *, require_auth: bool) -> int:
    if any(outcome.status == "failed" for outcome in outcomes):
        return FAILED
    skipped = [outcome for outcome in outcomes if outcome.status == "skipped"]
    if any(outcome.inconclusive or (require_auth and outcome.check.authenticated) for outcome in skipped):
        return INCONCLUSIVE
    return PASSED


def _write(text: str, target: str) -> None:
    if target == "-":
        print(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")
