"""Every operation's messages to PostgreSQL are counted and written down in docs/round-trips.md."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation.idempotency import EXTENSION
from tests.contract.operations import Operation, operations
from tests.contract.round_trips import Counter, Messages
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create
from tests.factories.requests import acceptable
from tests.sso.conftest import sso_service
from tests.sso.stand_in import StandIn, stand_in

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "round-trips.md"
KEY = {"Idempotency-Key": "k"}

VARIANTS: dict[str, Callable[[Business, str], TestResponse]] = {
    "GET /api/customers, includeTotal": lambda owner, _: owner.get("/api/customers?includeTotal=true"),
    "POST /api/customers, Idempotency-Key": lambda owner, _: owner.post(
        "/api/customers", {"name": "Jane"}, headers={"Idempotency-Key": "new"}
    ),
    "POST /api/customers, replayed": lambda owner, _: owner.post(
        "/api/customers", {"name": "Jane"}, headers=KEY
    ),
    "POST /api/customers, dryRun": lambda owner, _: owner.post(
        "/api/customers?dryRun=true", {"name": "Jane"}
    ),
    "DELETE /api/customers/{customer_id}, purge": lambda owner, id_: owner.delete(
        f"/api/customers/{id_}?purge=true"
    ),
}


COUNTED_APART = {
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/login/second-factor",
    "/api/auth/forgot-password",
    "/api/auth/verify-email/send",
    "/api/auth/change-email",
    "/api/auth/sso/register",
    "/api/auth/sso/join",
    "/api/auth/invites/{token}/accept",
}
"""These have a limit of their own, whose first hit costs a message more."""

READERS_LAST = 20
"""How many operations an owner who only reads stays within the limits for, what is read being made."""

DEMO = "/api/seed/{preset}"
"""Not counted: there is none in production, and each business gets another demo."""


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with stand_in() as provider:
        yield provider


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str], provider: StandIn) -> Iterator[Flask]:
    app = sso_service(environ, provider.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mbs.health.service.CACHE_SECONDS", 0)
        yield app
    app.extensions[EXTENSION].dispose()


def new_owner(app: Flask) -> Business:
    """Return an owner whose connections are open, and whose limits have been hit before."""
    owner = new_business(Caller(app))
    created = owner.post("/api/customers", {"name": "Jane"}, headers=KEY)
    assert created.status_code == 201
    owner.get("/health/db")
    Caller(app, address=owner.address).get("/api/openapi.json")
    return owner


def prepare(owner: Business, operation: Operation, provider: StandIn) -> Callable[[], TestResponse]:
    """Return what sends a request that the operation accepts, and that is not the first of its kind."""
    request = acceptable(owner, operation.method, operation.path, operation.example, provider=provider)
    if operation.path in COUNTED_APART:
        Caller(owner.app, address=owner.address).call(operation.method, request.path, {"nonsense": 1})
    return request.send


def line(name: str, counted: Messages) -> str:
    return f"| `{name}` | {counted.limiter} | {counted.caller} | {counted.own} | {counted.together} |"


@pytest.fixture(scope="module")
def counted(counted_app: Flask, provider: StandIn) -> dict[str, Messages]:
    """What each operation and variant sends."""
    counter, result = Counter(counted_app), {}
    for number, operation in enumerate(operations()):
        if number % READERS_LAST == 0:
            reader = new_owner(counted_app)
        if operation.path == DEMO:
            continue
        # What changes something, as signing out does, gets an owner of its own.
        owner = reader if operation.method == "GET" else new_owner(counted_app)
        result[operation.name] = counter.count(prepare(owner, operation, provider))
    for name, send in VARIANTS.items():
        owner = new_owner(counted_app)
        result[name] = counter.count(partial(send, owner, create(owner, name="Zoe")["id"]))
    return result


class TestRoundTrips:
    def test_are_written_down(self, counted: dict[str, Messages]) -> None:
        """When this fails, judge the new figures, and put them into the document."""
        table = [line(name, messages) for name, messages in counted.items()]
        written = [row for row in DOCUMENT.read_text("utf-8").splitlines() if row.startswith("| `")]

        assert written == table, "\n".join(table)

    def test_are_one_for_whoever_is_refused(self, counted_app: Flask) -> None:
        owner = new_owner(counted_app)
        counter = Counter(counted_app)
        for path, caller in (("/api/nothing", owner), ("/api/customers", Caller(counted_app))):
            caller.get("/api/nothing")
            refused = counter.count(partial(caller.get, path), expect_success=False)
            assert refused.together == 1

    def test_are_few_for_what_a_business_does_all_day(self, counted: dict[str, Messages]) -> None:
        rooms = ("customers", "bookings", "services", "resources", "staff")
        daily = {name: one.together for name, one in counted.items() if any(room in name for room in rooms)}

        assert max(daily.values()) <= 13
        assert daily["POST /api/bookings"] <= 10
        assert max(together for name, together in daily.items() if name.startswith("GET")) <= 5
