"""What is refused, by which code and field; nothing of it is stored."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller, new_address, new_business
from tests.factories.catalog import create_resource, create_service, create_staff
from tests.factories.group_sessions import new_class_service, plan
from tests.factories.salons import Salon, day, new_dorm, new_salon, problem, wire

NOWHERE = str(uuid.uuid4())


@pytest.fixture(scope="module")
def shop(app: Flask) -> tuple[Salon, Salon]:
    """A salon and a hostel of one business, for requests that change nothing."""
    owner = new_business(Caller(app))
    return new_salon(owner), new_dorm(owner)


@pytest.fixture(autouse=True)
def _anew(shop: tuple[Salon, Salon]) -> None:
    # From an address of its own each time: rate limits are not what is tested here.
    for salon in shop:
        salon.owner.address = new_address()


BODIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "year 0": ({"startAt": "0000-01-01T10:00:00Z"}, "VALIDATION_ERROR", "startAt"),
    "31 February": ({"startAt": "2030-02-31T10:00:00Z"}, "VALIDATION_ERROR", "startAt"),
    "no offset": ({"startAt": "2030-02-01T10:00:00"}, "VALIDATION_ERROR", "startAt"),
    "no time": ({"startAt": None}, "VALIDATION_ERROR", "startAt"),
    "a date without a time": ({"bookingDate": "2030-02-01"}, "VALIDATION_ERROR", "startTime"),
    "a time without a date": ({"startAt": None, "startTime": "10:00"}, "VALIDATION_ERROR", "bookingDate"),
    "a local date that is none": (
        {"bookingDate": "2030-02-31", "startTime": "10:00"},
        "VALIDATION_ERROR",
        "bookingDate",
    ),
    "hour 24": ({"bookingDate": "2030-02-01", "startTime": "24:00"}, "VALIDATION_ERROR", "startTime"),
    "a fold of an instant": ({"fold": 1}, "VALIDATION_ERROR", "fold"),
    "two times": (
        {"startAt": wire(day()), "bookingDate": "2030-02-01", "startTime": "10:00"},
        "VALIDATION_ERROR",
        "startAt",
    ),
    "nobody": ({"partySize": 0}, "VALIDATION_ERROR", "partySize"),
    "a milliard": ({"partySize": 10**9}, "VALIDATION_ERROR", "partySize"),
    "more than the service is for": ({"partySize": 2}, "VALIDATION_ERROR", "partySize"),
    "no customer": ({"customerId": None}, "VALIDATION_ERROR", "customerId"),
    "two customers": ({"customer": {"name": "A"}}, "VALIDATION_ERROR", "customer"),
    "a customer without a name": (
        {"customerId": None, "customer": {}},
        "VALIDATION_ERROR",
        "customer.name",
    ),
    "no service": ({"serviceId": None}, "VALIDATION_ERROR", "serviceId"),
    "no items": ({"serviceId": None, "items": []}, "VALIDATION_ERROR", "items"),
    "a service and items": ({"items": [{"serviceId": NOWHERE}]}, "VALIDATION_ERROR", "items"),
    "an unknown customer": ({"customerId": NOWHERE}, "INVALID_REFERENCE", "customerId"),
    "an unknown service": ({"serviceId": NOWHERE}, "INVALID_REFERENCE", "serviceId"),
    "an unknown person": ({"staffId": NOWHERE}, "INVALID_REFERENCE", "staffId"),
    "an unknown resource": ({"resourceId": NOWHERE}, "INVALID_REFERENCE", "resourceId"),
    "an unknown location": ({"locationId": NOWHERE}, "INVALID_REFERENCE", "locationId"),
    "an unknown class": ({"sessionId": NOWHERE}, "INVALID_REFERENCE", "sessionId"),
    "a time that no class has": (
        {"sessionId": NOWHERE, "startAt": wire(day())},
        "VALIDATION_ERROR",
        "startAt",
    ),
    "nights of an appointment": (
        {"checkIn": f"{day():%Y-%m-%d}", "checkOut": f"{day(11):%Y-%m-%d}"},
        "VALIDATION_ERROR",
        "checkIn",
    ),
    "a hold of no minutes": ({"hold": {"minutes": 0}}, "VALIDATION_ERROR", "hold.minutes"),
    "an unknown rule to set aside": ({"override": {"gravity": True}}, "VALIDATION_ERROR", "override.gravity"),
    "a field that the server sets": ({"status": "confirmed"}, "VALIDATION_ERROR", "status"),
    "a price": ({"amount": "1.00"}, "VALIDATION_ERROR", "amount"),
}


class TestABody:
    @pytest.mark.parametrize("case", BODIES)
    def test_that_is_wrong_is_refused_by_its_field(self, shop: tuple[Salon, Salon], case: str) -> None:
        salon = shop[0]
        body, code, field = BODIES[case]
        if case == "a service and items":
            body = {**body, "serviceId": salon.service["id"]}
        before = salon.rows()
        problem(salon.post(**body), 400, code, field)
        assert salon.rows() == before


class TestAStay:
    @pytest.mark.parametrize(
        ("check_in", "check_out", "code", "field"),
        [
            (12, 10, "VALIDATION_ERROR", "checkOut"),
            (10, 10, "VALIDATION_ERROR", "checkOut"),
            (10, None, "VALIDATION_ERROR", "checkOut"),
            (10, 10 + 367, "RANGE_TOO_LONG", "checkOut"),
            (None, None, "VALIDATION_ERROR", "checkIn"),
        ],
    )
    def test_must_be_of_some_nights(
        self, shop: tuple[Salon, Salon], check_in: int | None, check_out: int | None, code: str, field: str
    ) -> None:
        hostel = shop[1]
        dates = {"checkIn": check_in, "checkOut": check_out}
        asked = {name: f"{day(number):%Y-%m-%d}" for name, number in dates.items() if number is not None}
        before = hostel.rows()
        problem(hostel.post(**asked), 400, code, field)
        assert hostel.rows() == before


class TestALocalTime:
    def test_that_clocks_never_show_is_refused(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="US", timezone="America/New_York")
        salon = new_salon(owner, policy={"maxAdvanceDays": 1095})
        before = salon.rows()
        gap = {"bookingDate": "2028-03-12", "startTime": "02:30"}
        problem(salon.post(**gap), 400, "NONEXISTENT_LOCAL_TIME", "startTime")
        assert salon.rows() == before
        booking = salon.book(bookingDate="2028-03-12", startTime="03:00")
        assert booking["startAt"] == "2028-03-12T07:00:00Z"
        twice = {"bookingDate": "2028-11-05", "startTime": "01:30"}
        assert salon.book(**twice)["startAt"] == "2028-11-05T05:30:00Z"
        assert salon.book(**twice, fold=1)["startAt"] == "2028-11-05T06:30:00Z"


class TestWhatIsNotToBeHad:
    def test_is_a_service_that_nobody_does(self, owner: Business) -> None:
        salon = new_salon(owner)
        alone = create_service(owner, name="Alone")["id"]
        stranger = create_staff(owner, name="Stranger")["id"]
        before = salon.rows()
        problem(salon.post(serviceId=alone), 409, "NO_RESOURCE_FOR_SERVICE")
        problem(salon.post(staffId=stranger), 409, "NO_RESOURCE_FOR_SERVICE", "staffId")
        room = create_resource(owner, "room")["id"]
        problem(salon.post(resourceId=room), 409, "NO_RESOURCE_FOR_SERVICE", "resourceId")
        problem(salon.post(staffId=room), 400, "INVALID_REFERENCE", "staffId")
        assert salon.rows()["bookings"] == before["bookings"]

    def test_is_what_was_archived(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        assert owner.delete(f"/api/staff/{salon.staff[0]}").status_code == 204
        problem(salon.post(staffId=salon.staff[0]), 409, "NO_RESOURCE_FOR_SERVICE", "staffId")
        assert salon.book()["staffId"] == salon.staff[1]
        assert owner.delete(f"/api/services/{salon.service['id']}").status_code == 204
        problem(salon.post(startAt=wire(day(12))), 409, "SERVICE_INACTIVE")

    def test_is_what_has_begun(self, owner: Business) -> None:
        salon = new_salon(owner)
        before = salon.rows()
        over = wire(day(0, 0) - timedelta(hours=5))
        problem(salon.post(startAt=over), 409, "NOTICE_TOO_SHORT")
        assert salon.rows() == before
        salon.book(startAt=over, override={"notice": True})

    def test_is_a_class_by_its_service(self, owner: Business) -> None:
        salon = new_salon(owner)
        yoga = create_service(owner, name="Yoga", mode="session")["id"]
        problem(salon.post(serviceId=yoga), 400, "VALIDATION_ERROR", "serviceId")


class TestHours:
    @pytest.fixture
    def salon(self, owner: Business) -> Salon:
        salon = new_salon(owner)
        week = {name: [["09:00", "17:00"]] for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        path = f"/api/staff/{salon.staff[0]}/schedule"
        response = owner.call("PUT", path, {"timezone": "UTC", "week": week})
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return salon

    def test_bind_everybody(self, salon: Salon) -> None:
        before = salon.rows()
        refused = problem(salon.post(startAt=wire(day(hour=16.5))), 409, "OUTSIDE_HOURS")
        assert refused["alternatives"][0]["startAt"] == wire(day(11, 9))
        assert refused["alternatives"][0]["staffId"] == salon.staff[0]
        assert salon.rows() == before
        salon.book(startAt=wire(day(hour=16)))

    def test_can_be_set_aside_and_the_trail_says_so(self, salon: Salon) -> None:
        salon.book(startAt=wire(day(hour=20)), override={"hours": True, "notice": False})
        (event,) = salon.events("booking.created")
        assert event["overrides"] == {"hours": True}

    def test_end_with_time_off(self, salon: Salon) -> None:
        path = f"/api/staff/{salon.staff[0]}/time-off"
        body = {"startAt": wire(day(hour=9)), "endAt": wire(day(hour=17))}
        assert salon.owner.post(path, body).status_code == 201
        problem(salon.post(), 409, "OUTSIDE_HOURS")
        assert salon.post(override={"hours": True}).status_code == 201


class TestAForeignBusiness:
    def test_lends_nothing_of_its_own(self, owner: Business, business: Callable[..., Business]) -> None:
        salon, other = new_salon(owner), new_salon(business())
        booking = other.book()
        elsewhere = other.owner.post("/api/locations", {"name": "Far"}).get_json()["id"]
        before = salon.rows()
        foreign = {
            "customerId": other.customer_id,
            "serviceId": other.service["id"],
            "staffId": other.staff[0],
            "resourceId": other.staff[0],
            "locationId": elsewhere,
        }
        for field, id_ in foreign.items():
            problem(salon.post(**{field: id_}), 400, "INVALID_REFERENCE", field)
        group = plan(other.owner, new_class_service(other.owner), startAt=wire(day(12)))
        problem(salon.post(sessionId=group["id"]), 400, "INVALID_REFERENCE", "sessionId")
        mine, later = salon.book(), wire(day(12))
        before = salon.rows()
        for field in ("staffId", "resourceId"):
            asked = {"startAt": later, field: other.staff[0]}
            problem(salon.move(mine, **asked), 400, "INVALID_REFERENCE", field)
        items = [{"serviceId": other.service["id"], "startAt": wire(day())}]
        problem(salon.post(items=items), 400, "INVALID_REFERENCE", "items.0.serviceId")
        for act in ("convert", "reschedule"):
            body = {"startAt": wire(day(12))} if act == "reschedule" else None
            path = f"/api/bookings/{booking['id']}/{act}"
            problem(owner.post(path, body), 404, "NOT_FOUND")
        assert salon.rows() == before
