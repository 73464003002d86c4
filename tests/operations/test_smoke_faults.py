"""Every way a service can be broken must turn exactly the right smoke check red."""

import time

import pytest

from mbs.operations import smoke
from tests.operations.smoke_faults import (
    absent,
    accepts,
    any_key,
    at,
    checks,
    cut,
    echoing,
    foreign_row,
    headers,
    ignoring,
    leaking,
    page,
    pause,
    reflecting,
    refused,
    says,
    silent,
    trusting,
    unlimited,
    when_open,
)
from tests.operations.smoke_runs import Captured, smoked, summary
from tests.operations.smoke_stand_in import FOREIGN_CUSTOMER, Fault, StandIn, serving

FAULTS: dict[str, tuple[Fault, str]] = {
    "health is 503": (at("/health", says(503)), "S-H1"),
    "health says up": (at("/health", says(status="up")), "S-H1"),
    "health is a page": (at("/health", page(200, "<h1>ok</h1>")), "S-H1"),
    "health is slow": (at("/health", pause(0.6)), "S-H1"),
    "database is down": (at("/health/db", says(503, status="unhealthy", database="disconnected")), "S-H2"),
    "database is down and 200": (at("/health/db", says(database="disconnected")), "S-H2"),
    "not ready": (at("/health/ready", says(503, ready=False, status="unhealthy")), "S-H3"),
    "not ready and 200": (at("/health/ready", says(ready=False)), "S-H3"),
    "ready lies": (at("/health/ready", checks(lambda all_: all_[2].update(status="unhealthy"))), "S-H3"),
    "ready checks nothing": (at("/health/ready", checks(lambda all_: all_.clear())), "S-H3"),
    "ready overlooks isolation": (at("/health/ready", checks(lambda all_: all_.pop(2))), "S-H3"),
    "ready has half a check": (at("/health/ready", checks(lambda all_: all_[0].pop("critical"))), "S-H3"),
    "health is cached": (at("/health/ready", headers(Cache_Control="max-age=60")), "S-H4"),
    "health sets a cookie": (
        at("/health", headers(Set_Cookie="__Host-mbs_session=x; Secure; HttpOnly; SameSite=Lax; Path=/")),
        "S-H4",
    ),
    "health tells the host": (at("/health/db", says(server="10.0.0.5")), "S-H4"),
    "health tells the driver": (at("/health/ready", says(note="psycopg2.OperationalError")), "S-H4"),
    "me is open": (at("/api/context", says(200)), "S-A2"),
    "customers are open": (at("/api/customers", says(200)), "S-A3"),
    "401 is 403": (at("/api/events", refused(403, "FORBIDDEN")), "S-A4"),
    "401 is a page": (at("/api/locations", page(401, "<h1>Unauthorized</h1>")), "S-A5"),
    "401 without a challenge": (at("/api/tenant", headers(WWW_Authenticate=None)), "S-A6"),
    "401 is a redirect": (at("/api/auth/sessions", says(302)), "S-A7"),
    "401 with another correlation id": (at("/api/customers/*", says(correlationId="another-one")), "S-A8"),
    "401 of another kind": (at("/api/tenant", headers(Content_Type="application/json")), "S-A6"),
    "401 without a time": (at("/api/tenant", says(timestamp=None)), "S-A6"),
    "401 that says 403": (at("/api/tenant", says(status=403)), "S-A6"),
    "401 with a trace": (at("/api/tenant", says(detail="Traceback (most recent call last)")), "S-A6"),
    "401 of another code": (at("/api/tenant", says(code="NOPE")), "S-A6"),
    "no OpenAPI document": (
        at("/api/openapi.json", absent),
        "S-A1",
    ),
    "OpenAPI says all is public": (at("/api/openapi.json", says(security=[])), "S-A1"),
    "OpenAPI is of another shape": (at("/api/openapi.json", says(paths={"/api/x": {"get": 1}})), "S-A1"),
    "algorithm none is accepted": (accepts(lambda header, _: header["alg"] == "none"), "S-A9"),
    "a token is accepted from any key": (any_key, "S-A10"),
    "an expired token is a 422": (accepts(lambda _, claims: claims["exp"] < time.time(), 422), "S-A11"),
    "a truncated token is a 500": (cut, "S-A12"),
    "a refresh token opens the API": (accepts(lambda _, claims: claims["type"] == "refresh"), "S-A13"),
    "login tells who exists": (at("/api/auth/login", says(404, code="USER_NOT_FOUND")), "S-A14"),
    "login lets anybody in": (at("/api/auth/login", says(200, accessToken="x")), "S-A14"),
    "login fails": (at("/api/auth/login", says(500, code="INTERNAL_ERROR")), "S-A14"),
    "X-Tenant-ID is a credential": (trusting, "S-I1"),
    "seed is open": (at("/api/seed", says(200)), "S-B1"),
    "demo is unknown": (at("/api/demo", refused(404, "NOT_FOUND")), "S-B2"),
    "test-data is blocked for GET only": (at("/api/test-data/*", says(201), method="POST"), "S-B3"),
    "mock is authenticated instead": (at("/api/mock/*", says(401, code="UNAUTHENTICATED")), "S-B4"),
    "reset-demo is blocked by another code": (at("/api/reset-demo", says(code="FORBIDDEN")), "S-B5"),
    "clear-data is a page": (at("/api/clear-data", page(403, "<h1>Forbidden</h1>")), "S-B6"),
    "seed is open percent-encoded": (at("/api/%73eed", says(200)), "S-B7"),
    "seed is open in upper case": (at("/API/SEED", says(401)), "S-B7"),
    "seed is open after two slashes": (at("//api/seed", says(200)), "S-B7"),
    "seedling is blocked too": (
        at("/api/seedling", refused(403, "PRODUCTION_BLOCKED")),
        "S-B7",
    ),
    "CORS reflects the origin": (reflecting(lambda origin: origin), "S-S2"),
    "CORS allows all": (reflecting(lambda _: "*"), "S-S2"),
    "CORS allows null": (reflecting(lambda origin: "null" if origin == "null" else None), "S-S2"),
    "a preflight is a 500": (at("/api/customers", says(500), method="OPTIONS"), "S-S2"),
    "metrics are open": (at("/metrics", page(200, "requests_total 1")), "S-S4"),
    ".env is served": (at("/.env", page(200, "SESSION_SECRET=x")), "S-S4"),
    "debug is closed with a trace": (at("/debug", page(404, "Traceback (most recent call last)")), "S-S4"),
    "the console is there": (at("/console", page(500, "debugger")), "S-S4"),
    "an unknown route is a page": (at("/api/mbs-smoke-*", page(404, "<h1>Not Found</h1>")), "S-S5"),
    "an unknown route is a 500": (at("/api/mbs-smoke-*", says(500)), "S-S5"),
    "an unknown route tells the stack": (at("/api/mbs-smoke-*", says(detail='File "app.py"')), "S-S5"),
    "404 may be sniffed": (at("/api/mbs-smoke-*", headers(X_Content_Type_Options=None)), "S-S1"),
    "HSTS is short": (at("/health", headers(Strict_Transport_Security="max-age=300")), "S-S1"),
    "403 without HSTS": (at("/api/demo", headers(Strict_Transport_Security=None)), "S-S1"),
    "frames are allowed": (at("/api/events", headers(Content_Security_Policy="default-src 'none'")), "S-S1"),
    "the referrer is sent": (at("/api/auth/login", headers(Referrer_Policy=None)), "S-S1"),
    "401 may be cached": (at("/api/context", headers(Cache_Control=None)), "S-S1"),
    "other origins may embed": (at("/api/context", headers(Cross_Origin_Resource_Policy=None)), "S-S1"),
    "X-Powered-By": (at("/metrics", headers(X_Powered_By="Flask")), "S-S1"),
    "the server tells its version": (at("/api/openapi.json", headers(Server="gunicorn/27.0.1")), "S-S1"),
    "a script reads the cookie": (
        at("/api/auth/login", headers(Set_Cookie="a=b; Secure; SameSite=Lax")),
        "S-S3",
    ),
    "a cookie over http": (at("/api/context", headers(Set_Cookie="a=b; HttpOnly; SameSite=Lax")), "S-S3"),
    "a cookie of SameSite=None": (
        at("/debug", headers(Set_Cookie="a=b; Secure; HttpOnly")),
        "S-S3",
    ),
    "correlation ids are replaced": (at("/health", headers(X_Correlation_Id="my-own-one")), "S-C1"),
    "hostile correlation ids are echoed": (echoing, "S-C1"),
    "no correlation id is made": (silent, "S-C1"),
    "login announces no limit": (at("/api/auth/login", headers(RateLimit_Policy=None)), "S-R1"),
    "login allows twenty": (at("/api/auth/login", headers(RateLimit_Policy='"login";q=20;w=900')), "S-R1"),
    "login does not count": (at("/api/auth/login", headers(RateLimit='"login";r=5;t=900')), "S-R1"),
    "login locks out for a day": (at("/api/auth/login", headers(RateLimit='"login";r=4;t=86400')), "S-R1"),
    "login lacks the familiar headers": (at("/api/auth/login", headers(X_RateLimit_Limit=None)), "S-R1"),
    "the API announces no limit": (at("/api/auth/me", headers(RateLimit=None)), "S-R2"),
    "the API counts in two ways": (at("/api/auth/me", headers(X_RateLimit_Remaining="12")), "S-R2"),
}
EXHAUSTED: dict[str, tuple[Fault, str]] = {
    "login is not limited": (unlimited, "S-R3"),
    "429 does not say when": (at("/api/auth/login", headers(Retry_After=None)), "S-R3"),
    "429 of another code": (
        at("/api/auth/login", lambda reply: says(code="SLOW_DOWN")(reply) if reply.status == 429 else reply),
        "S-R3",
    ),
}
AUTHENTICATED: dict[str, tuple[Fault, str]] = {
    "a foreign tenant is ignored": (ignoring, "S-I2"),
    "a foreign tenant is refused with its data": (leaking, "S-I2"),
    "a foreign object is served": (at(f"/api/customers/{FOREIGN_CUSTOMER}", says(200)), "S-I3"),
    "a foreign object is forbidden": (
        at(f"/api/customers/{FOREIGN_CUSTOMER}", refused(403, "FORBIDDEN")),
        "S-I3",
    ),
    "a list holds a foreign row": (at("/api/customers", foreign_row), "S-I4"),
    "a list fails": (at("/api/events", when_open(says(500))), "S-M1"),
    "a list has no data": (at("/api/locations", when_open(says(data=None))), "S-M1"),
    "a list has no pages": (at("/api/customers", when_open(says(pagination={"limit": 1}))), "S-M1"),
}
DEGRADED: dict[str, tuple[Fault, str]] = {
    "liveness fails": (at("/health", says(503)), "S-D1"),
    "liveness hides it": (at("/health", says(status="ok")), "S-D1"),
    "the database is not spoken of": (at("/health/db", says(404)), "S-D1"),
    "ready nevertheless": (at("/health/ready", says(200, ready=True)), "S-D1"),
    "the fault is not named": (at("/health/ready", checks(lambda all_: all_.pop(3))), "S-D1"),
    "a route is served": (at("/api/customers", says(200)), "S-D1"),
    "an unknown path is a 404": (
        at("/api/no-such-path", refused(404, "NOT_FOUND")),
        "S-D1",
    ),
    "health with two slashes is served": (at("//health", says(200)), "S-D1"),
    "no Retry-After": (at("/metrics", headers(Retry_After=None)), "S-D1"),
}


def failed(capsys: Captured, stand_in: StandIn, *options: str) -> tuple[int, set[str]]:
    """Run the smoke tests against a stand-in: exit code, and the ids that failed."""
    with serving(stand_in) as url:
        code = smoked(url, "--json", "-", *options)
    return code, {check["id"] for check in summary(capsys)["checks"] if check["status"] == "failed"}


class TestAFault:
    @pytest.mark.parametrize("name", FAULTS)
    def test_turns_its_check_red_without_a_token(self, name: str, capsys: Captured) -> None:
        fault, check = FAULTS[name]
        assert failed(capsys, StandIn(fault)) == (1, {check})

    @pytest.mark.parametrize("name", EXHAUSTED)
    def test_of_the_login_limit_is_found_on_request(self, name: str, capsys: Captured) -> None:
        fault, check = EXHAUSTED[name]
        assert failed(capsys, StandIn(fault), "--exhaust-rate-limit") == (1, {check})

    @pytest.mark.parametrize("name", AUTHENTICATED)
    @pytest.mark.usefixtures("smoke_caller")
    def test_turns_its_check_red_with_a_token(self, name: str, capsys: Captured) -> None:
        fault, check = AUTHENTICATED[name]
        assert failed(capsys, StandIn(fault)) == (1, {check})

    @pytest.mark.parametrize("name", DEGRADED)
    def test_of_the_degraded_mode_is_found(self, name: str, capsys: Captured) -> None:
        fault, check = DEGRADED[name]
        assert failed(capsys, StandIn(fault, degraded=True), "--expect-degraded") == (1, {check})

    @pytest.mark.parametrize(("target", "check"), [("/api/mock", "S-B4"), ("/api/seed;x", "S-B7")])
    def test_is_found_in_development_too(self, target: str, check: str, capsys: Captured) -> None:
        stand_in = StandIn(at(target, says(500)))
        assert failed(capsys, stand_in, "--expect-env", "development") == (1, {check})

    def test_in_the_release_is_found(self, capsys: Captured) -> None:
        assert failed(capsys, StandIn(), "--expect-release", "abcdef0123") == (1, {"S-H5"})

    @pytest.mark.usefixtures("smoke_caller")
    @pytest.mark.parametrize("forgery", ["S-A9", "S-A10", "S-A13"])
    def test_that_accepts_forged_claims_is_found_with_the_real_ones(
        self, forgery: str, capsys: Captured
    ) -> None:
        fault = {check: fault for fault, check in FAULTS.values()}[forgery]
        assert failed(capsys, StandIn(fault)) == (1, {forgery})


class TestEveryCheck:
    def test_has_a_fault_that_only_it_finds(self) -> None:
        found = {
            check for table in (FAULTS, EXHAUSTED, AUTHENTICATED, DEGRADED) for _, check in table.values()
        }
        known = {check.id for check in (*smoke.CHECKS, *smoke.DEGRADED_CHECKS) if check.group != "S-T"}
        assert known - found == {"S-H5"}  # whose fault is the release that was asked for, above
