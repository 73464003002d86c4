"""Time off over bookings: refused with a list of them, or made all the same with `force`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from tests.factories.bookings import book, new_customer, new_service
from tests.factories.callers import Business
from tests.factories.group_sessions import new_class, new_class_service, take, take_seat
from tests.schedules.hours import add, made

NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)
AFTERNOON = {"startAt": "2027-03-02T12:00:00Z", "endAt": "2027-03-02T18:00:00Z"}
SEVEN = timedelta(hours=7)


class Salon:
    """A business with a customer and a service, whose bookings take what they are told to."""

    def __init__(self, owner: Business) -> None:
        self.owner = owner
        self.customer, self.service = new_customer(owner), new_service(owner)

    def book(self, address: str, start: datetime = NOON, *, slot: int = 1, **values: Any) -> str:
        return str(
            book(self.owner, self.customer, [self.service], start, takes={id_of(address): slot}, **values)
        )

    def closes(self, address: str, **body: Any) -> TestResponse:
        return self.owner.post(f"{address}/time-off", {**AFTERNOON, **body})


@pytest.fixture
def salon(owner: Business) -> Salon:
    return Salon(owner)


def id_of(address: str) -> UUID:
    return UUID(address.rpartition("/")[2])


def entry(booking: str, start: str = "2027-03-02T12:00:00Z") -> dict[str, Any]:
    return {"bookingId": booking, "sessionId": None, "startAt": start}


def named(response: TestResponse) -> list[Any]:
    """Return what a refusal names, in the order of time."""
    body = response.json or {}
    assert (response.status_code, body["code"]) == (409, "IN_USE"), response.get_data(as_text=True)
    assert body["count"] >= len(body["details"])
    return list(body["details"])


class TestBookings:
    def test_are_named_and_nothing_is_made(self, salon: Salon) -> None:
        meera = made(salon.owner, "staff")
        late = salon.book(meera, NOON + timedelta(hours=2))
        early = salon.book(meera)

        response = salon.closes(meera)

        assert named(response) == [entry(early), entry(late, "2027-03-02T14:00:00Z")]
        assert (response.json or {})["count"] == 2
        assert "force" in (response.json or {})["detail"]
        assert salon.owner.get(f"{meera}/time-off").get_json()["data"] == []

    def test_are_listed_when_it_is_made_over_them(self, salon: Salon) -> None:
        meera = made(salon.owner, "staff")
        booking = salon.book(meera)

        response = salon.closes(meera, force=True)

        body = response.json or {}
        assert (response.status_code, body["bookings"], body["bookingCount"]) == (201, [entry(booking)], 1)
        assert len(salon.owner.get(f"{meera}/time-off").get_json()["data"]) == 1

    @pytest.mark.parametrize(
        ("start", "minutes", "found"),
        [
            (NOON - timedelta(hours=1), 60, 0),
            (NOON - timedelta(hours=1), 61, 1),
            (NOON + timedelta(hours=6), 60, 0),
            (NOON + timedelta(hours=5, minutes=59), 60, 1),
            (NOON - timedelta(days=2), 5000, 1),
        ],
    )
    def test_count_if_they_overlap_it(self, salon: Salon, start: datetime, minutes: int, found: int) -> None:
        meera = made(salon.owner, "staff")
        salon.book(meera, start, minutes=minutes)
        assert salon.closes(meera).status_code == (409 if found else 201)

    @pytest.mark.parametrize(
        ("values", "found"),
        [
            ({"status": "held"}, 1),
            ({"status": "pending"}, 1),
            ({"status": "held", "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, 0),
            ({"status": "checked_in"}, 1),
        ],
    )
    def test_count_if_they_block(self, salon: Salon, values: dict[str, Any], found: int) -> None:
        meera = made(salon.owner, "staff")
        salon.book(meera, **values)
        assert salon.closes(meera).status_code == (409 if found else 201)

    def test_are_named_once_and_at_most_a_hundred_of_them(self, salon: Salon) -> None:
        room = made(salon.owner, "resources", capacity=102)
        bookings = [salon.book(room, slot=slot) for slot in range(1, 102)]
        take(
            salon.owner,
            {
                "booking_id": UUID(bookings[0]),
                "resource_id": id_of(room),
                "kind": "room",
                "capacity": 102,
                "slot_no": 102,
                "starts_at": NOON,
                "ends_at": NOON + timedelta(hours=1),
            },
        )

        response = salon.closes(room)

        assert (response.json or {})["count"] == 101
        assert [one["bookingId"] for one in named(response)] == sorted(bookings)[:100]
        forced = salon.closes(room, force=True).json or {}
        assert (len(forced["bookings"]), forced["bookingCount"]) == (100, 101)

    def test_of_others_are_left_out(self, salon: Salon, business: Callable[..., Business]) -> None:
        meera, ravi = made(salon.owner, "staff"), made(salon.owner, "staff", name="Ravi")
        salon.book(ravi)
        stranger = Salon(business())
        stranger.book(made(stranger.owner, "staff"))
        assert salon.closes(meera).status_code == 201


class TestWhatBelongsTogether:
    def test_a_room_s_time_off_meets_the_bookings_of_its_beds(self, salon: Salon) -> None:
        room = made(salon.owner, "resources")
        first, second = (
            made(salon.owner, "resources", kind="bed", parentId=str(id_of(room))) for _ in range(2)
        )
        booking = salon.book(first)
        assert named(salon.closes(room)) == [entry(booking)]
        assert salon.closes(second).status_code == 201

    def test_a_bed_s_time_off_does_not_meet_the_bookings_of_its_room(self, salon: Salon) -> None:
        room = made(salon.owner, "resources")
        bed = made(salon.owner, "resources", kind="bed", parentId=str(id_of(room)))
        salon.book(room)
        assert salon.closes(bed).status_code == 201

    def test_a_location_s_time_off_meets_the_bookings_of_all_that_is_there(self, salon: Salon) -> None:
        bandra, pune = made(salon.owner, "locations"), made(salon.owner, "locations", name="Pune")
        here = [made(salon.owner, "staff", locationId=str(id_of(bandra))) for _ in range(2)]
        bookings = [salon.book(address) for address in here]
        assert named(salon.closes(bandra)) == [entry(booking) for booking in sorted(bookings)]
        assert salon.closes(pune).status_code == 201

    def test_a_trainer_s_time_off_meets_their_classes(self, salon: Salon) -> None:
        meera = made(salon.owner, "staff")
        class_ = new_class(salon.owner, new_class_service(salon.owner), NOON)
        take(
            salon.owner,
            {
                "session_id": class_,
                "resource_id": id_of(meera),
                "kind": "staff",
                "capacity": 1,
                "starts_at": NOON - timedelta(minutes=10),
                "ends_at": NOON + timedelta(hours=1),
            },
        )
        shown = {"bookingId": None, "sessionId": str(class_), "startAt": "2027-03-02T12:00:00Z"}
        assert named(salon.closes(meera)) == [shown]

    def test_a_location_s_time_off_meets_the_seats_that_are_taken_then(self, salon: Salon) -> None:
        bandra = made(salon.owner, "locations")
        service, place = new_class_service(salon.owner), {"location_id": id_of(bandra)}
        for start in (NOON - SEVEN, NOON + SEVEN):
            take_seat(salon.owner, new_class(salon.owner, service, start, **place), str(salon.customer), 1)
        assert salon.closes(bandra).status_code == 201
        seat = take_seat(salon.owner, new_class(salon.owner, service, NOON, **place), str(salon.customer), 1)
        assert [one["bookingId"] for one in named(salon.closes(bandra))] == [str(seat)]


class TestChange:
    @pytest.fixture
    def meera(self, salon: Salon) -> str:
        """Somebody with a booking at noon and one at seven, and time off over the first."""
        meera = made(salon.owner, "staff")
        salon.book(meera)
        salon.book(meera, NOON + SEVEN)
        add(salon.owner, f"{meera}/time-off", {**AFTERNOON, "force": True})
        return meera

    def change(self, salon: Salon, meera: str, **body: Any) -> TestResponse:
        (time_off,) = salon.owner.get(f"{meera}/time-off").get_json()["data"]
        return salon.owner.patch(f"{meera}/time-off/{time_off['id']}", body)

    @pytest.mark.parametrize(
        "body",
        [
            {"reason": "Leave"},
            {"endAt": "2027-03-02T19:00:00Z"},
            {"endAt": "2027-03-02T13:00:00Z"},
            {"startAt": "2027-03-02T12:30:00Z", "endAt": "2027-03-02T18:30:00Z"},
            {"startAt": "2027-03-05T12:00:00Z", "endAt": "2027-03-05T18:00:00Z"},
        ],
    )
    def test_says_nothing_of_bookings_that_it_is_over_already(
        self, salon: Salon, meera: str, body: dict[str, Any]
    ) -> None:
        response = self.change(salon, meera, **body)
        assert (response.status_code, (response.json or {})["bookings"]) == (200, [])

    def test_is_refused_over_others_unless_forced(self, salon: Salon, meera: str) -> None:
        longer = {"endAt": "2027-03-02T19:00:01Z"}
        (seven,) = named(self.change(salon, meera, **longer))
        assert seven["startAt"] == "2027-03-02T19:00:00Z"

        forced = self.change(salon, meera, **longer, force=True)

        assert (forced.status_code, (forced.json or {})["bookings"]) == (200, [seven])
        assert self.change(salon, meera, reason="Leave").status_code == 200
