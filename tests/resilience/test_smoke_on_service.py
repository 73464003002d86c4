"""`mbs smoke` on the real service, whole and broken in the ways it is there to notice (operations 6.4).

tests/operations breaks a stand-in. Here nothing is imitated: a hook of the service itself is removed, a rule
of it loosened, a header of it lost on the way out.
"""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from flask import Flask
from limits import RateLimitItemPerMinute

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import access_tokens, http, limits, security
from mbs.foundation.caller import Identity
from mbs.foundation.scope import TenantId
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url
from tests.factories.callers import Caller, new_address, new_business
from tests.factories.servers import serve
from tests.operations.smoke_runs import script, smoked
from tests.resilience.broken_service import Environ, Fault, Reply, becomes, headed, listening, says

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FOREIGN_TOKEN = "TEST_FOREIGN_TOKEN"
PROTECTED = {f"S-A{number}" for number in range(1, 9)}
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERY_BLOCK = {f"S-B{number}" for number in range(1, 7)}

Patch = pytest.MonkeyPatch
Spoil = Callable[[Flask, Patch], object]


@pytest.fixture(scope="module")
def production(environ: dict[str, str]) -> Flask:
    return create_app(Config.load({**environ, "APP_ENV": "production", "GIT_SHA": COMMIT}))


@pytest.fixture
def run(production: Flask, monkeypatch: Patch, tmp_path: Path) -> Callable[..., tuple[int, set[str]]]:
    """Return a function that runs the smoke tests on an application; it gives exit code and failed checks.

    Of a protected route that is open it gives the path too: which of S-A1 to S-A8 asks there depends on how
    many rooms there are.
    """
    ours, theirs = (new_business(Caller(production)) for _ in range(2))
    ours.post("/api/customers", {"name": "Ours"})
    monkeypatch.setenv("SMOKE_TEST_TOKEN", str(ours.token))
    monkeypatch.setenv("SMOKE_TEST_TENANT_ID", str(ours.tenant_id))
    monkeypatch.setenv("SMOKE_TEST_FOREIGN_TENANT_ID", str(theirs.tenant_id))
    foreign = theirs.post("/api/customers", {"name": "Theirs"}).headers["Location"]
    monkeypatch.setenv("SMOKE_TEST_FOREIGN_PATH", foreign)
    monkeypatch.setenv(FOREIGN_TOKEN, str(theirs.token))
    report = tmp_path / "report.json"

    def on(application: Any, *options: str) -> tuple[int, set[str]]:
        with listening(application, new_address()) as url:
            code = smoked(url, "--quiet", "--json", str(report), *options)
        checks = json.loads(report.read_text())["checks"]
        failed = [check for check in checks if check["status"] == "failed"]
        doors = {check["http"]["path"] for check in failed if check["id"] in PROTECTED}
        return code, {check["id"] for check in failed} | doors

    return on


def lies(reply: Reply, _: Environ) -> None:
    document = reply.document
    document["checks"][1]["status"] = "unhealthy"
    reply.put(document)


def adds_a_foreign_row(reply: Reply, _: Environ) -> None:
    if reply.status == 200 and reply.body:
        document = reply.document
        document["data"].append({"tenantId": "01a202e8-0000-7000-8000-000000000000"})
        reply.put(document)


def fails_inside(reply: Reply, environ: Environ) -> None:
    if reply.status == 200 and environ["REQUEST_METHOD"] == "GET":
        reply.status = 500


def echoes_the_origin(reply: Reply, environ: Environ) -> None:
    reply.headers["Access-Control-Allow-Origin"] = environ.get("HTTP_ORIGIN", "*")


def believes_the_tenant_header(environ: Environ) -> None:
    if "HTTP_X_TENANT_ID" in environ and "HTTP_AUTHORIZATION" not in environ:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {os.environ['SMOKE_TEST_TOKEN']}"


def believes_in_the_owner(environ: Environ) -> None:
    environ["HTTP_AUTHORIZATION"] = f"Bearer {os.environ[FOREIGN_TOKEN]}"


def dawdles(_: Environ) -> None:
    time.sleep(0.6)


def comes_from_elsewhere(environ: Environ) -> None:
    environ["REMOTE_ADDR"] = new_address()


def rooms(app: Flask) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the paths that a GET needs a token for, by room, {} for each id: all of them, and the lists."""
    every: dict[str, set[str]] = {}
    lists: dict[str, set[str]] = {}
    for path, item in app.test_client().get("/api/openapi.json").get_json()["paths"].items():
        operation = item.get("get", {})
        if not operation or operation.get("security") == []:
            continue
        [room] = operation["tags"]
        every.setdefault(room, set()).add(re.sub(r"\{[^}]+\}", "{}", path))
        if "{" not in path and any(
            parameter.get("name") == "limit" for parameter in operation.get("parameters", ())
        ):
            lists.setdefault(room, set()).add(path)
    return every, lists


LIMIT_HEADERS = {"RateLimit_Policy": None, "RateLimit": None, "X_RateLimit_Limit": None}
COOKIE = headed(Set_Cookie="mbs_session=1; Path=/")

ON_THE_WIRE: dict[str, tuple[Fault, set[str]]] = {
    "health says another word": (Fault("/health", says(status="fine")), {"S-H1"}),
    "health is slow": (Fault("/health", twist=dawdles), {"S-H1"}),
    "health/db lost its database": (Fault("/health/db", says(database="disconnected")), {"S-H2"}),
    "ready is 503": (Fault("/health/ready", becomes(503)), {"S-H3"}),
    "ready lies": (Fault("/health/ready", lies), {"S-H3"}),
    "ready has no checks": (Fault("/health/ready", says(checks=[])), {"S-H3"}),
    "health may be kept": (Fault("/health", headed(Cache_Control="max-age=60")), {"S-H4"}),
    "health tells its database": (Fault("/health/db", says(url="postgresql://mbs:x@db/mbs")), {"S-H4"}),
    "health sets a cookie": (Fault("/health", COOKIE), {"S-H4", "S-S3"}),
    "another commit runs": (Fault("/health/ready", says(release={"commit": "f" * 40})), {"S-H5"}),
    "401 without a challenge": (
        Fault("/api/(customers|locations)", headed(WWW_Authenticate=None)),
        {"/api/customers", "/api/locations"},
    ),
    "login says who exists": (Fault("/api/auth/login", becomes(404)), {"S-A14"}),
    "login falls over": (Fault("/api/auth/login", becomes(500, "<h1>Oops</h1>")), {"S-A14"}),
    "X-Tenant-ID is a credential": (Fault(twist=believes_the_tenant_header), {"S-I1"}),
    "X-Tenant-ID is not compared": (
        Fault(twist=lambda environ: environ.pop("HTTP_X_TENANT_ID", None)),
        {"S-I2"},
    ),
    "another tenant's customer opens": (
        Fault("/api/customers/(?!0000).*", twist=believes_in_the_owner),
        {"S-I3"},
    ),
    "a list holds another tenant's row": (Fault("/api/customers", adds_a_foreign_row), {"S-I4"}),
    "a list falls over": (Fault("/api/customers", fails_inside), {"S-M1"}),
    "the last list falls over": (Fault("/api/staff", fails_inside), {"S-M1"}),
    "a seed path answers": (Fault("/api/seed", becomes(200, "{}")), {"S-B1", "S-B7"}),
    "a disguised seed path answers": (Fault("/api/%73eed", becomes(200)), {"S-B7"}),
    "login announces no limit": (Fault("/api/auth/login", headed(**LIMIT_HEADERS)), {"S-R1"}),
    "the API announces no limit": (Fault("/api/(?!auth).*", headed(**LIMIT_HEADERS)), {"S-R2"}),
    "no nosniff": (Fault(change=headed(X_Content_Type_Options=None)), {"S-S1"}),
    "no HSTS": (Fault("/api/.*", headed(Strict_Transport_Security=None)), {"S-S1"}),
    "a version told": (Fault(change=headed(X_Powered_By="Flask")), {"S-S1"}),
    "any origin allowed": (Fault(change=echoes_the_origin), {"S-S2"}),
    "a cookie for scripts": (Fault("/api/auth/login", COOKIE), {"S-S3"}),
    "metrics for everybody": (Fault("/metrics", becomes(200, "requests_total 1")), {"S-S4"}),
    "errors in HTML": (Fault("/api/mbs-smoke-.*", becomes(404, "<h1>Not Found</h1>")), {"S-S5"}),
    "no correlation id": (
        Fault("/api/auth/sessions", headed(X_Correlation_Id=None)),
        {"/api/auth/sessions", "S-C1"},
    ),
}


def loses(hook: str) -> Spoil:
    """Return the fault of a service without one of its hooks before requests."""

    def spoil(app: Flask, patch: Patch) -> None:
        hooks = app.before_request_funcs[None]
        kept = [one for one in hooks if one.__name__ != hook]
        assert len(kept) == len(hooks) - 1
        patch.setitem(app.before_request_funcs, None, kept)

    return spoil


def believes_any_signature(_: Flask, patch: Patch) -> None:
    def lax(token: str) -> Any:
        claims = jwt.decode(token, options={"verify_signature": False})
        return Identity(UUID(claims["sub"]), TenantId(UUID(claims["tenant"])), UUID(claims["sid"]))

    patch.setattr(access_tokens, "verify", lax)


def blocks(pattern: str) -> Spoil:
    return lambda app, patch: patch.setattr(security, "BLOCKED", re.compile(pattern))


def opens(path: str) -> Spoil:
    """Return the fault of a service that asks nobody's permission for reading a path."""

    def spoil(app: Flask, patch: Patch) -> None:
        [rule] = (
            one for one in app.url_map.iter_rules() if one.rule == path and "GET" in (one.methods or ())
        )
        patch.setattr(app.view_functions[rule.endpoint], "permission", security.PUBLIC)

    return spoil


ALL_SIX = "seed|demo|test-data|mock|reset-demo|clear-data"
IN_THE_PROGRAM: dict[str, tuple[Spoil, set[str]]] = {
    "nobody is asked who they are": (loses("authorize"), PROTECTED),
    "nothing is counted": (loses("count"), {"S-R1", "S-R2"}),
    "nothing is blocked": (loses("block"), EVERY_BLOCK),
    "any signature will do": (believes_any_signature, {"S-A9", "S-A10"}),
    "one path is not blocked": (blocks(f"^/+api/+({ALL_SIX.replace('mock|', '')})(?=/|$)"), {"S-B4"}),
    "suffixes are not blocked": (blocks(f"^/+api/+({ALL_SIX})$"), EVERY_BLOCK),
    "the block swallows real routes": (blocks(f"^/+api/+({ALL_SIX})"), {"S-B7"}),
    "login allows fifty": (
        lambda app, patch: patch.setitem(limits.NAMED, "login", RateLimitItemPerMinute(50, 15)),
        {"S-R1"},
    ),
    "the API allows a thousand": (
        lambda app, patch: patch.setattr(limits, "API", RateLimitItemPerMinute(1000)),
        {"S-R2"},
    ),
    "hostile correlation ids are kept": (
        lambda app, patch: patch.setattr(http, "CORRELATION_ID", re.compile(".*")),
        {"S-C1"},
    ),
    "a list forgot its permission": (opens("/api/customers"), {"/api/customers"}),
    "the last list forgot its permission": (opens("/api/staff"), {"/api/staff"}),
}


class TestSmoke:
    @pytest.mark.parametrize("workers", [2, 4])
    def test_passes_the_service_as_production_runs_it(
        self, environ: dict[str, str], server: Server, new_database: Callable[[], str], workers: int
    ) -> None:
        database = login_url(server, new_database())
        deployed = {**environ, "APP_ENV": "production", "DATABASE_URL": database, "GIT_SHA": COMMIT}
        with serve(deployed, workers=workers) as service:
            done = script(service.url, "--expect-release", COMMIT)
            assert (done.returncode, " 0 failed" in done.stdout) == (0, True), done.stdout
            exhausted = script(service.url, "--exhaust-rate-limit", "--quiet")
            assert exhausted.returncode == 0, exhausted.stdout

    def test_knows_the_degraded_service(self, environ: dict[str, str]) -> None:
        with serve({**environ, "APP_ENV": "production", "SESSION_SECRET": ""}, workers=1) as service:
            assert script(service.url).returncode == 1
            done = script(service.url, "--expect-degraded")
            assert done.returncode == 0, done.stdout

    def test_passes_the_service_unbroken(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]]
    ) -> None:
        assert run(Fault().on(production), "--expect-release", COMMIT, "--require-auth") == (0, set())

    def test_asks_at_every_room_and_stays_well_below_the_limit(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]]
    ) -> None:
        asked: dict[bool, list[str]] = {True: [], False: []}

        def note(environ: Environ) -> None:
            asked["HTTP_AUTHORIZATION" in environ].append(ID.sub("{}", environ["PATH_INFO"]))

        assert run(Fault(twist=note).on(production)) == (0, set())
        every, listing = rooms(production)
        assert [room for room, paths in every.items() if not paths & set(asked[False])] == []
        assert [room for room, paths in listing.items() if not paths & set(asked[True])] == []
        assert sum(map(len, asked.values())) <= 110

    def test_leaves_two_runs_a_minute_to_one_address(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]]
    ) -> None:
        left: list[int] = []

        def note(reply: Reply, _: Environ) -> None:
            if '"anonymous"' in reply.headers.get("RateLimit", ""):
                left.append(int(reply.headers["X-RateLimit-Remaining"]))

        assert run(Fault(change=note).on(production)) == (0, set())
        assert min(left) > 50

    @pytest.mark.parametrize("name", ON_THE_WIRE)
    def test_notices_on_the_wire_that(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]], name: str
    ) -> None:
        fault, expected = ON_THE_WIRE[name]
        code, failed = run(fault.on(production), "--expect-release", COMMIT)
        paths = {name for name in expected if name.startswith("/")}
        assert (code, failed - PROTECTED) == (1, expected)
        assert len(failed & PROTECTED) == len(paths)

    @pytest.mark.parametrize("name", IN_THE_PROGRAM)
    def test_notices_in_the_program_that(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]], monkeypatch: Patch, name: str
    ) -> None:
        spoil, expected = IN_THE_PROGRAM[name]
        spoil(production, monkeypatch)
        code, failed = run(production)
        assert code == 1
        assert expected <= failed

    def test_notices_that_the_login_limit_can_be_dodged(
        self, production: Flask, run: Callable[..., tuple[int, set[str]]]
    ) -> None:
        fault = Fault("/api/auth/login", twist=comes_from_elsewhere)
        assert run(fault.on(production), "--exhaust-rate-limit") == (1, {"S-R3"})
