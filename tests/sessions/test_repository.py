"""Group classes in the database: their seats, who gives them, and which of them a list shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.foundation.errors import NotFound
from mbs.foundation.pages import PageRequest
from mbs.resources.errors import CapacityInUse
from mbs.sessions.repository import SessionRepository
from tests.factories.calendars import new_resource
from tests.factories.callers import Business
from tests.factories.customers import create
from tests.factories.group_sessions import new_class, new_class_service, take, take_seat

NOON = datetime(2031, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY_START = PageRequest(sort="start_at", descending=False)


@pytest.fixture
def service(owner: Business) -> UUID:
    return new_class_service(owner)


def work(owner: Business, do: Callable[[SessionRepository], Any], *, read_only: bool = False) -> Any:
    with owner.database.transaction(owner.scope, read_only=read_only) as transaction:
        return do(SessionRepository(transaction))


def view(owner: Business, class_id: UUID, at: datetime = NOON) -> Any:
    return work(owner, lambda it: it.view(class_id, at=at), read_only=True)


def search(owner: Business, request: PageRequest, **filters: Any) -> Any:
    return work(owner, lambda it: it.search(request, at=NOON, **filters), read_only=True)


def given_by(owner: Business, class_id: UUID, resource: UUID, kind: str) -> None:
    values = {"session_id": class_id, "resource_id": resource, "kind": kind, "capacity": 1}
    take(owner, {**values, "starts_at": NOON, "ends_at": NOON + HOUR})


class TestView:
    def test_counts_the_seats_that_are_taken_and_what_remains(self, owner: Business, service: UUID) -> None:
        class_id, customer = new_class(owner, service, NOON), create(owner)["id"]
        take_seat(owner, class_id, customer, 1)
        take_seat(owner, class_id, customer, 2, until=NOON - HOUR)

        for at, taken in ((NOON - 2 * HOUR, 2), (NOON - HOUR, 1), (NOON, 1)):
            row = view(owner, class_id, at)
            assert (row.taken, row.remaining, row.capacity) == (taken, 10 - taken, 10)
        assert (row.name, row.timezone, row.status) == ("Yoga", "Asia/Kolkata", "scheduled")

    def test_names_who_gives_it_and_where(self, owner: Business, service: UUID) -> None:
        class_id, staff, room = (
            new_class(owner, service, NOON),
            new_resource(owner),
            new_resource(owner, "room"),
        )
        row = view(owner, class_id)
        assert (row.staff_id, row.room_id) == (None, None)

        given_by(owner, class_id, staff, "staff")
        given_by(owner, class_id, room, "room")

        row = view(owner, class_id)
        assert (row.staff_id, row.room_id, row.taken) == (staff, room, 0)

    def test_is_narrowed_to_whoever_gives_it(self, owner: Business, service: UUID) -> None:
        teacher, other = owner.colleague("staff"), owner.colleague("staff")
        class_id, staff = new_class(owner, service, NOON), new_resource(owner)
        given_by(owner, class_id, staff, "staff")
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(
                text(
                    "UPDATE resources SET member_id = m.id FROM memberships AS m"
                    " WHERE resources.id = :id AND m.user_id = :person"
                ),
                {"id": staff, "person": teacher.user_id},
            )

        assert work(owner, lambda it: it.view(class_id, at=NOON, only_of=teacher.user_id)).id == class_id
        with pytest.raises(NotFound):
            work(owner, lambda it: it.view(class_id, at=NOON, only_of=other.user_id))

    def test_finds_nothing_of_another_business(
        self, owner: Business, business: Callable[..., Business], service: UUID
    ) -> None:
        class_id, stranger = new_class(owner, service, NOON), business()
        for ask in (
            lambda it: it.view(class_id, at=NOON),
            lambda it: it.lock(class_id),
            lambda it: it.view(uuid7(), at=NOON),
        ):
            with pytest.raises(NotFound):
                work(stranger, ask)


class TestUpcoming:
    def test_lists_scheduled_classes_of_a_service_by_their_start(
        self, owner: Business, service: UUID
    ) -> None:
        other = new_class_service(owner, name="Spinning")
        ids = [new_class(owner, service, NOON + n * HOUR) for n in (2, 1, 3, 0)]
        new_class(owner, other, NOON + HOUR)
        new_class(owner, service, NOON + HOUR, status="cancelled")

        found = work(
            owner,
            lambda it: it.upcoming(service, from_=NOON + HOUR, to=NOON + 3 * HOUR, at=NOON),
            read_only=True,
        )

        assert [row.id for row in found] == [ids[1], ids[0]]
        assert {row.remaining for row in found} == {10}

    def test_is_narrowed_to_a_location(self, owner: Business, service: UUID) -> None:
        class_id = new_class(owner, service, NOON)
        location = work(owner, lambda it: it.get(class_id)).location_id
        for place, ids in ((location, [class_id]), (uuid7(), [])):
            asked: dict[str, Any] = {"from_": NOON, "to": NOON + HOUR, "at": NOON, "location_id": place}
            with owner.database.transaction(owner.scope, read_only=True) as transaction:
                found = SessionRepository(transaction).upcoming(service, **asked)
            assert [row.id for row in found] == ids


class TestSearch:
    def test_narrows_by_every_filter_and_pages(self, owner: Business, service: UUID) -> None:
        series = uuid7()
        ids = [new_class(owner, service, NOON + n * HOUR, series_id=series) for n in range(3)]
        new_class(owner, service, NOON)
        request = PageRequest(sort="start_at", descending=False, limit=2, include_total=True)

        page = search(owner, request, series_id=series, status=["scheduled"])
        assert ([row.id for row in page.rows], page.total) == (ids[:2], 3)
        later = PageRequest(sort="start_at", descending=False, position=page.next)
        page = search(owner, later, series_id=series)
        assert [row.id for row in page.rows] == ids[2:]

    def test_finds_those_that_touch_a_time(self, owner: Business, service: UUID) -> None:
        id_ = new_class(owner, service, NOON)
        for after, before, found in (
            (NOON + HOUR / 2, None, [id_]),
            (NOON + HOUR, None, []),
            (None, NOON, []),
            (None, NOON + HOUR, [id_]),
        ):
            page = search(owner, BY_START, end_after=after, start_before=before)
            assert [row.id for row in page.rows] == found


class TestChangeSeats:
    def test_moves_whoever_has_a_seat_that_goes_away(self, owner: Business, service: UUID) -> None:
        class_id, customer = new_class(owner, service, NOON), create(owner)["id"]
        for seat in (2, 7, 9):
            take_seat(owner, class_id, customer, seat)

        work(owner, lambda it: it.change_seats(class_id, name="Yin Yoga", capacity=3))

        row = view(owner, class_id)
        assert (row.name, row.capacity, row.bookable_capacity, row.remaining) == ("Yin Yoga", 3, 3, 0)
        seats = text("SELECT slot_no FROM allocations WHERE resource_id = :id ORDER BY slot_no")
        with owner.database.transaction(owner.scope) as transaction:
            assert transaction.execute(seats, {"id": class_id}).scalars().all() == [1, 2, 3]

    def test_leaves_nobody_standing(self, owner: Business, service: UUID) -> None:
        class_id, customer = new_class(owner, service, NOON), create(owner)["id"]
        for seat in (2, 7, 9):
            take_seat(owner, class_id, customer, seat)

        with pytest.raises(CapacityInUse):
            work(owner, lambda it: it.change_seats(class_id, name="Yin Yoga", capacity=2))

        row = view(owner, class_id)
        assert (row.name, row.capacity, row.remaining) == ("Yoga", 10, 7)
