"""Bookings as lists show them, and what can be asked of a list."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.factories.api_keys import program
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.calendars import new_resource
from tests.factories.callers import Business, Caller
from tests.factories.salons import problem, wire

NOON = datetime(2031, 3, 4, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Salon(NamedTuple):
    owner: Business
    customer: UUID
    service: UUID
    stylist: UUID

    def book(self, start: datetime = NOON, **values: Any) -> str:
        return str(book(self.owner, self.customer, [self.service], start, **values))

    def ids(self, query: str = "", path: str = "/api/bookings") -> list[str]:
        response = self.owner.get(f"{path}?{query}")
        assert response.status_code == 200, response.get_data(as_text=True)
        return [one["id"] for one in response.get_json()["data"]]


@pytest.fixture
def salon(owner: Business) -> Salon:
    return Salon(owner, new_customer(owner), new_service(owner), new_resource(owner))


class TestAPeriod:
    def test_has_what_touches_it_and_not_what_only_meets_it(self, salon: Salon) -> None:
        before, into, within, out_of, behind = (
            salon.book(NOON + hours * HOUR, minutes=120) for hours in (-2, -1, 1, 3, 4)
        )
        query = f"from={wire(NOON)}&to={wire(NOON + 4 * HOUR)}"
        assert salon.ids(query) == [into, within, out_of]
        assert salon.ids(f"from={wire(NOON)}") == [into, within, out_of, behind]
        assert salon.ids(f"to={wire(NOON)}") == [before, into]

    @pytest.mark.parametrize("days", [0.5, 1, 1.5, 30, 400])
    def test_has_what_began_long_before(self, salon: Salon, days: float) -> None:
        minutes = int(days * 1440) + 60
        long = salon.book(NOON - timedelta(days=days), minutes=minutes)
        salon.book(NOON - timedelta(days=days), minutes=minutes - 60)
        also = salon.book(NOON - HOUR, minutes=90)
        assert salon.ids(f"from={wire(NOON)}&to={wire(NOON + DAY)}") == [long, also]

    def test_is_paged_to_its_end_in_one_order(self, salon: Salon) -> None:
        made = [salon.book(NOON + HOUR * (number // 2)) for number in range(7)]
        found: list[str] = []
        query = f"from={wire(NOON)}&limit=3&includeTotal=true"
        cursor = ""
        while True:
            page = salon.owner.get(f"/api/bookings?{query}{cursor}").get_json()
            found += [one["id"] for one in page["data"]]
            assert page["pagination"]["total"] == 7
            if not page["pagination"]["hasMore"]:
                break
            cursor = f"&cursor={page['pagination']['nextCursor']}"
        assert found == made


class TestFilters:
    def test_narrow(self, salon: Salon) -> None:
        other = Salon(salon.owner, new_customer(salon.owner), new_service(salon.owner), salon.stylist)
        room = new_resource(salon.owner, "room")
        first = salon.book(takes={salon.stylist: 1, room: 1}, reference="7F3K9QXA")
        second = other.book(NOON + HOUR, source="api", status="completed")
        for query, ids in (
            ("", [first, second]),
            (f"customerId={salon.customer}", [first]),
            (f"serviceId={other.service}", [second]),
            (f"staffId={salon.stylist}", [first]),
            (f"resourceId={room}", [first]),
            (f"staffId={room}", []),
            (
                f"locationId={salon.owner.get(f'/api/bookings/{first}').get_json()['locationId']}",
                [first, second],
            ),
            (f"locationId={room}", []),
            (f"sessionId={room}", []),
            ("status=completed,cancelled", [second]),
            ("source=api", [second]),
            ("source=api,staff&status=confirmed", [first]),
            ("reference=7F3K9QXA", [first]),
            # As people read it out.
            ("reference=7f3k-9qxa", [first]),
            (f"updatedSince={wire(datetime.now(UTC) - HOUR)}", [first, second]),
            (f"updatedSince={wire(datetime.now(UTC) + HOUR)}", []),
            ("sortBy=createdAt", [second, first]),
            ("sortBy=startAt&sortOrder=desc", [second, first]),
        ):
            assert salon.ids(query) == ids, query

    def test_know_that_nobody_waits_any_more(self, salon: Salon) -> None:
        past, future = datetime.now(UTC) - HOUR, datetime.now(UTC) + HOUR
        over = salon.book(status="held", expires_at=past)
        written = salon.book(status="expired")
        held = salon.book(status="held", expires_at=future)
        pending = salon.book(status="pending", expires_at=future)
        assert salon.ids("status=expired") == [over, written]
        assert salon.ids("status=held") == [held]
        assert salon.ids("status=held,pending") == [held, pending]
        assert salon.ids("status=pending,expired") == [over, written, pending]

    def test_see_nothing_of_another_business(self, salon: Salon, business: Any) -> None:
        salon.book()
        assert business().get(f"/api/bookings?customerId={salon.customer}").get_json()["data"] == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=2031-02-31T00:00:00Z", "from"),
            ("from=2031-03-04", "from"),
            ("to=0000-01-01T00:00:00Z", "to"),
            ("from=2031-03-04T00:00:00Z&to=2031-03-04T00:00:00Z", "to"),
            ("status=busy", "status"),
            ("customerId=1", "customerId"),
            ("sortBy=amount", "sortBy"),
            ("expand=invoice", "expand"),
            ("serviceID=x", "serviceID"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, resident: Business, query: str, field: str) -> None:
        problem(resident.get(f"/api/bookings?{query}"), 400, "VALIDATION_ERROR", field)


class TestUpcoming:
    def test_has_what_goes_on_and_what_comes(self, salon: Salon) -> None:
        now = datetime.now(UTC)
        going_on = salon.book(now - HOUR, minutes=120)
        salon.book(now - HOUR, minutes=30)
        salon.book(now + HOUR, status="cancelled", cancelled_at=now)
        salon.book(now + HOUR, status="held", expires_at=now - HOUR)
        later = [salon.book(now + number * HOUR) for number in range(2, 13)]
        assert salon.ids(path="/api/bookings/upcoming") == [going_on, *later[:9]]
        assert salon.ids("limit=2", "/api/bookings/upcoming") == [going_on, later[0]]
        assert salon.ids("limit=5000", "/api/bookings/upcoming") == [going_on, *later]


class TestExpansion:
    def test_shows_the_customer(self, salon: Salon) -> None:
        salon.book()
        for path in ("/api/bookings", "/api/bookings/upcoming", f"/api/customers/{salon.customer}/bookings"):
            (shown,) = salon.owner.get(f"{path}?expand=customer").get_json()["data"]
            assert (shown["customer"]["id"], shown["customer"]["name"]) == (str(salon.customer), "Jane Smith")
            (bare,) = salon.owner.get(path).get_json()["data"]
            assert "customer" not in bare

    def test_is_for_those_who_may_read_customers(self, salon: Salon) -> None:
        salon.book()
        blind = program(salon.owner, "bookings:read")
        assert blind.get("/api/bookings").status_code == 200
        problem(blind.get("/api/bookings?expand=customer"), 403, "FORBIDDEN")
        problem(blind.get("/api/bookings/upcoming?expand=customer"), 403, "FORBIDDEN")


class TestACustomer:
    def test_has_their_bookings(self, salon: Salon) -> None:
        other = new_customer(salon.owner)
        mine = salon.book()
        path = f"/api/customers/{salon.customer}/bookings"
        assert salon.ids(path=path) == [mine]
        assert salon.ids("status=cancelled", path) == []
        assert salon.ids(path=f"/api/customers/{other}/bookings") == []

    def test_must_be_there(self, salon: Salon, business: Any) -> None:
        problem(salon.owner.get(f"/api/customers/{salon.service}/bookings"), 404, "NOT_FOUND")
        problem(business().get(f"/api/customers/{salon.customer}/bookings"), 404, "NOT_FOUND")

    def test_gives_no_cursor_to_another_s_list(self, salon: Salon) -> None:
        for _ in range(2):
            salon.book()
        path = f"/api/customers/{salon.customer}/bookings?limit=1"
        cursor = salon.owner.get(path).get_json()["pagination"]["nextCursor"]
        assert salon.owner.get(f"{path}&cursor={cursor}").status_code == 200
        problem(salon.owner.get(f"/api/bookings?cursor={cursor}"), 400, "INVALID_CURSOR")


class TestNotes:
    def test_are_changed_and_cleared(self, salon: Salon) -> None:
        id_ = salon.book(notes="Tea")
        path = f"/api/bookings/{id_}"
        changed = salon.owner.patch(
            path, {"notes": None, "internalNotes": "Late"}, headers={"If-Match": '"1"'}
        )
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        view = changed.get_json()
        assert (view["notes"], view["internalNotes"], view["version"]) == (None, "Late", 2)
        assert salon.owner.get(path).get_json() == view
        assert salon.owner.get(path, headers={"If-None-Match": '"2"'}).status_code == 304
        problem(
            salon.owner.patch(path, {"notes": "x"}, headers={"If-Match": '"1"'}), 412, "PRECONDITION_FAILED"
        )
        (event,) = salon.owner.get(f"/api/events?objectId={id_}").get_json()["data"]
        assert event["type"] == "booking.updated"
        assert event["data"]["previous"] == {"notes": "Tea", "internal_notes": None}

    def test_are_all_that_is_changed_here(self, salon: Salon) -> None:
        path = f"/api/bookings/{salon.book()}"
        for body, field in (
            ({"status": "completed"}, "status"),
            ({"startAt": wire(NOON)}, "startAt"),
            ({"amount": "1.00"}, "amount"),
            ({"tenantId": str(salon.service)}, "tenantId"),
            ({"notes": ""}, "notes"),
            ({}, None),
        ):
            problem(salon.owner.patch(path, body), 400, "VALIDATION_ERROR", field)

    def test_of_nothing_are_not_found(self, salon: Salon) -> None:
        problem(salon.owner.patch(f"/api/bookings/{salon.service}", {"notes": "x"}), 404, "NOT_FOUND")

    def test_need_the_permission(self, salon: Salon) -> None:
        path = f"/api/bookings/{salon.book()}"
        reader: Caller = program(salon.owner, "bookings:read")
        assert reader.get(path).status_code == 200
        problem(reader.patch(path, {"notes": "x"}), 403, "FORBIDDEN")
        problem(reader.post(f"{path}/cancel"), 403, "FORBIDDEN")
