"""Demo businesses over HTTP: what they are given, once, and what they look like afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from mbs.events.models import link
from mbs.events.repository import EventRepository
from mbs.seeds.models.businesses import PRESETS
from mbs.seeds.schemas import SeedView
from tests.contract.closed_schemas import differences
from tests.factories.apps import PUBLIC_HOST
from tests.factories.callers import Business, Caller, new_business
from tests.factories.teams import code_of

ENOUGH_SECONDS = 4.5
"""What a request may take, after which it is refused."""


@pytest.fixture(scope="module")
def seeded(app: Flask) -> Callable[[str], tuple[Business, Any]]:
    """Return a function that seeds a business by a preset, once."""
    made: dict[str, tuple[Business, Any]] = {}

    def seed(preset: str) -> tuple[Business, Any]:
        if preset not in made:
            owner = new_business(Caller(app), businessType=preset)
            response = owner.post(f"/api/seed/{preset}")
            assert response.status_code == 201, response.get_data(as_text=True)
            made[preset] = owner, response.json
        return made[preset]

    return seed


def listed(owner: Business, path: str) -> list[dict[str, Any]]:
    """Return all rows of a list."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        mark = "&" if "?" in path else "?"
        page = owner.get(f"{path}{mark}limit=100{cursor and f'&cursor={cursor}'}").json or {}
        rows += page["data"]
        cursor = page["pagination"]["nextCursor"]
    return rows


def bookings(owner: Business) -> list[dict[str, Any]]:
    return listed(owner, "/api/bookings?from=2020-01-01T00:00:00Z&to=2199-01-01T00:00:00Z")


@pytest.mark.parametrize("preset", PRESETS)
class TestAPreset:
    def test_fills_a_business_as_it_says(
        self, seeded: Callable[[str], tuple[Business, Any]], preset: str
    ) -> None:
        owner, told = seeded(preset)

        assert differences(SeedView(), told) == []
        assert told["preset"] == preset
        for name in ("customers", "resources", "services"):
            assert len(listed(owner, f"/api/{name}")) == told[name] > 0
        assert len(bookings(owner)) == told["bookings"] > 10

    def test_has_a_past_and_a_future(
        self, seeded: Callable[[str], tuple[Business, Any]], preset: str
    ) -> None:
        owner, _ = seeded(preset)
        now = owner.get("/api/dashboard/stats").json or {}
        past: Counter[str] = Counter()
        ahead: Counter[str] = Counter()
        for one in bookings(owner):
            (past if one["startAt"] < now["asOf"] else ahead)[one["status"]] += 1

        assert past["completed"] > 2
        assert set(past) <= {"completed", "cancelled", "no_show", "checked_in", "confirmed"}
        assert ahead["confirmed"] > 2
        assert set(ahead) <= {"confirmed", "cancelled"}
        assert now["upcomingBookings"] == ahead["confirmed"]
        assert 0 <= now["cancellationRate"] < 0.8

    def test_tells_the_trail_of_each_booking(
        self, seeded: Callable[[str], tuple[Business, Any]], preset: str
    ) -> None:
        owner, _ = seeded(preset)
        with owner.database.transaction(owner.scope) as transaction:
            events = list(EventRepository(transaction).chain())

        created = {event.object_id for event in events if event.type == "booking.created"}
        ended = Counter(event.type for event in events if event.object_type == "booking")
        statuses = Counter(one["status"] for one in bookings(owner))
        assert {str(id_) for id_ in created} == {one["id"] for one in bookings(owner)}
        for status in ("completed", "cancelled", "no_show"):
            assert ended[f"booking.{status}"] == statuses[status]
        last = ""
        for event in events:
            fields = {
                "actor": event.actor,
                "at": event.at,
                "dataHash": event.data_hash,
                "id": event.id,
                "objectId": event.object_id,
                "objectType": event.object_type,
                "tenantId": owner.tenant_id,
                "type": event.type,
            }
            assert link(prev_hash=last, seq=event.seq, fields=fields) == event.hash
            last = event.hash

    def test_has_invoices_of_which_some_are_paid_and_some_are_late(
        self, seeded: Callable[[str], tuple[Business, Any]], preset: str
    ) -> None:
        owner, told = seeded(preset)
        invoices = listed(owner, "/api/invoices")

        assert 5 < len(invoices) == told["invoices"] <= 8
        states = Counter(one["paymentStatus"] or one["status"] for one in invoices)
        assert min(states[name] for name in ("draft", "unpaid", "partial", "paid")) > 0
        assert any(one["isOverdue"] for one in invoices)
        numbers = sorted(one["number"] for one in invoices if one["number"])
        assert [int(number[-5:]) for number in numbers] == list(range(1, len(invoices)))
        taxes = {one["taxTotal"] for one in invoices}
        assert ("0.00" in taxes) is (preset == "clinic")
        (note,) = listed(owner, "/api/credit-notes")
        assert (note["settlement"], note["invoiceId"] in {one["id"] for one in invoices}) == ("refund", True)

    def test_is_refused_where_something_is_already(
        self, seeded: Callable[[str], tuple[Business, Any]], preset: str
    ) -> None:
        owner, told = seeded(preset)
        for other in PRESETS:
            assert code_of(owner.post(f"/api/seed/{other}")) == (409, "CONFLICT")
        assert len(bookings(owner)) == told["bookings"]


class TestSeeding:
    def test_lets_a_stylist_do_something_else_while_color_works(
        self, seeded: Callable[[str], tuple[Business, Any]]
    ) -> None:
        owner, _ = seeded("salon")
        done = bookings(owner)
        meanwhile = [
            (color, other)
            for color in done
            for other in done
            if color["items"][0]["name"] == "Color"
            and other["id"] != color["id"]
            and other["staffId"] == color["staffId"]
            and color["startAt"] < other["startAt"] < color["endAt"]
        ]
        assert meanwhile != []

    def test_leaves_people_waiting_for_a_full_class(
        self, seeded: Callable[[str], tuple[Business, Any]]
    ) -> None:
        owner, told = seeded("gym")
        full = [one for one in listed(owner, "/api/sessions") if one["remaining"] == 0]
        waiting = [entry for one in full for entry in listed(owner, f"/api/sessions/{one['id']}/waitlist")]
        assert [entry["status"] for entry in waiting] == ["waiting"] * told["waiting"]
        assert told["waiting"] == 2

    def test_fills_the_beds_of_a_dormitory(self, seeded: Callable[[str], tuple[Business, Any]]) -> None:
        owner, _ = seeded("hostel")
        beds = {
            bed["slotNo"]
            for one in bookings(owner)
            for bed in one["resources"]
            if bed["name"] == "Dormitory 101"
        }
        assert {1, 2, 3, 4} <= beds <= {1, 2, 3, 4, 5, 6}

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        started = time.monotonic()
        dry = owner.post("/api/seed/salon?dryRun=true")
        took = time.monotonic() - started
        assert (dry.status_code, dry.headers["Dry-Run"]) == (201, "true")
        assert (listed(owner, "/api/services"), listed(owner, "/api/customers")) == ([], [])
        assert took < ENOUGH_SECONDS

    def test_of_two_at_once_fills_a_business_once(self, owner: Business) -> None:
        callers = [Caller(owner.app, token=owner.token) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda caller: caller.post("/api/seed/hostel"), callers))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert len(listed(owner, "/api/services")) == 2

    def test_knows_five_presets(self, owner: Business) -> None:
        assert code_of(owner.post("/api/seed/bakery")) == (404, "NOT_FOUND")

    def test_is_for_those_who_may_change_settings(self, owner: Business) -> None:
        assert owner.colleague("manager").post("/api/seed/salon").status_code == 403
        assert Caller(owner.app).post("/api/seed/salon").status_code == 401

    def test_prices_in_the_currency_of_the_business_without_a_tax_that_nobody_named(
        self, business: Callable[..., Business]
    ) -> None:
        owner = business(countryCode="JP")
        assert owner.post("/api/seed/consultancy").status_code == 201
        prices = {one["name"]: one["price"] for one in listed(owner, "/api/services")}
        assert prices["Introductory call"] == "3600"
        invoices = listed(owner, "/api/invoices?status=open,paid")
        assert {(one["taxTotal"], one["title"]) for one in invoices} == {("0", "Invoice")}


class TestInProduction:
    def test_has_no_such_address(self, production_app: Flask) -> None:
        assert not [rule for rule in production_app.url_map.iter_rules() if "seed" in rule.rule]
        blocked = Caller(production_app).post("/api/seed/salon", headers={"Host": PUBLIC_HOST})
        assert code_of(blocked) == (403, "PRODUCTION_BLOCKED")
