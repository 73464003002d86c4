"""Bookings in the database, and what is told of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from mbs.bookings.models import CROCKFORD, TRANSITIONS, new_reference, status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.bookings.schemas import BookingView, present
from mbs.events.repository import EventRepository
from mbs.foundation.errors import Busy, NotFound
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.calendars import new_resource
from tests.factories.callers import Business

NOON = datetime(2031, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def view(owner: Business, id_: UUID, *, at: datetime = NOON, read_only: bool = True) -> Any:
    with owner.database.transaction(owner.scope, read_only=read_only) as transaction:
        return BookingRepository(transaction).view(id_, at=at)


class TestAView:
    def test_has_its_items_and_whatever_is_taken_in_their_order(self, owner: Business) -> None:
        customer, meera, room = new_customer(owner), new_resource(owner), new_resource(owner, "room")
        services = [new_service(owner), new_service(owner)]
        id_ = book(owner, customer, services, NOON, takes={room: 1, meera: 1})
        for read_only in (True, False):
            row = view(owner, id_, read_only=read_only)
            assert [item["service_id"] for item in row.items] == [str(service) for service in services]
            assert [one["resource_id"] for one in row.resources] == [str(meera), str(room)]
            assert (row.amount, row.items[1]["amount"]) == (Decimal(1998), "999.0000")

    def test_still_names_who_a_cancelled_one_was_with(self, owner: Business) -> None:
        meera = new_resource(owner)
        id_ = book(owner, new_customer(owner), [new_service(owner)], NOON, takes={meera: 1})
        with owner.database.transaction(owner.scope) as transaction:
            AllocationRepository(transaction).release(booking_id=id_)
        assert view(owner, id_).resources[0]["resource_id"] == str(meera)

    def test_is_expired_from_the_instant_on_at_which_nobody_waits_any_more(self, owner: Business) -> None:
        customer, service = new_customer(owner), new_service(owner)
        for status in TRANSITIONS:
            ended = NOON if status == "cancelled" else None
            more = {"status": status, "expires_at": NOON, "cancelled_at": ended}
            id_ = book(owner, customer, [service], NOON, **more)  # type: ignore[arg-type]
            assert view(owner, id_, at=NOON - HOUR).status == status
            late = view(owner, id_, at=NOON)
            assert late.status == ("expired" if status in ("held", "pending") else status)
            with owner.database.transaction(owner.scope) as transaction:
                row = BookingRepository(transaction).lock(id_)
            assert (row.status, status_at(row, NOON)) == (status, late.status)

    def test_of_nothing_is_not_found(self, owner: Business) -> None:
        with pytest.raises(NotFound):
            view(owner, uuid7())
        with owner.database.transaction(owner.scope) as transaction, pytest.raises(NotFound):
            BookingRepository(transaction).lock(uuid7())

    def test_comes_with_others_by_ascending_id(self, owner: Business) -> None:
        customer, service = new_customer(owner), new_service(owner)
        ids = [book(owner, customer, [service], NOON) for _ in range(3)]
        with owner.database.transaction(owner.scope, read_only=True) as transaction:
            rows = BookingRepository(transaction).views([ids[2], ids[0], uuid7()], at=NOON)
        assert [row.id for row in rows] == [ids[0], ids[2]]


class TestItems:
    def test_are_replaced_whole(self, owner: Business) -> None:
        first, second = new_service(owner), new_service(owner, name="Color")
        id_ = book(owner, new_customer(owner), [first, first], NOON)
        item = {
            "id": uuid7(),
            "catalog_item_id": second,
            "name": "Color",
            "quantity": Decimal("1.5"),
            "unit_price": Decimal("10.00"),
            "price_unit": "hour",
            "amount": Decimal("15.00"),
            "start_at": NOON,
            "end_at": NOON + HOUR,
        }
        with owner.database.transaction(owner.scope) as transaction:
            BookingRepository(transaction).replace_items(id_, [item])
        assert [(one["name"], one["quantity"]) for one in view(owner, id_).items] == [("Color", "1.500")]


class TestAReference:
    def test_has_eight_characters_that_cannot_be_misread(self) -> None:
        drawn = {new_reference() for _ in range(500)}
        assert len(drawn) == 500
        assert all(len(one) == 8 and set(one) <= set(CROCKFORD) for one in drawn)
        assert not set("ILOU") & set(CROCKFORD)

    def test_that_somebody_drew_before_is_worth_another_try(self, owner: Business) -> None:
        customer, service = new_customer(owner), new_service(owner)
        book(owner, customer, [service], NOON, reference="7F3K9QXA")
        with pytest.raises(Busy):
            book(owner, customer, [service], NOON, reference="7F3K9QXA")


class TestTheEvent:
    def test_tells_amounts_as_text_at_the_scale_of_their_currency(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner)], NOON, takes={new_resource(owner): 1})
        with owner.database.transaction(owner.scope) as transaction:
            booking = BookingRepository(transaction).view(id_, at=NOON)
            record(
                transaction,
                type_="booking.confirmed",
                booking=booking,
                previous={"status": "pending", "fee": Decimal("0.0000")},
                at=NOON,
                overrides={"hours": True},
            )
        with owner.database.transaction(owner.scope, read_only=True) as transaction:
            (event,) = EventRepository(transaction).after(0, limit=5, object_id=id_)
        data = event.data
        assert (event.type, event.object_type) == ("booking.confirmed", "booking")
        assert (data["object"]["amount"], data["object"]["items"][0]["unit_price"]) == ("999.00", "999.00")
        assert data["object"]["resources"][0]["kind"] == "staff"
        assert data["previous"] == {"status": "pending", "fee": "0.00"}
        assert data["overrides"] == {"hours": True}


class TestPresent:
    def test_shows_what_the_schema_describes(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner)], NOON, takes={new_resource(owner): 1})
        shown = present(view(owner, id_), owner.tenant_id)
        fields = BookingView().fields
        # The customer is shown to those who ask for it.
        assert [*shown, "customer"] == [field.data_key for field in fields.values()]
        for part, name in ((shown["items"][0], "items"), (shown["resources"][0], "resources")):
            inner: Any = fields[name]
            assert list(part) == [field.data_key for field in inner.inner.schema.fields.values()]

    def test_has_local_dates_and_times_beside_instants(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner)], NOON, minutes=45)
        shown = present(view(owner, id_), owner.tenant_id)
        assert (shown["timezone"], str(shown["bookingDate"])) == ("Asia/Kolkata", "2031-03-04")
        assert (shown["startTime"], shown["endTime"]) == ("17:30", "18:15")
        assert (shown["checkIn"], shown["checkOut"]) == (None, None)
        assert shown["items"][0]["startAt"] == NOON

    def test_has_the_dates_of_a_stay(self, owner: Business) -> None:
        services = [new_service(owner, mode="stay")]
        id_ = book(owner, new_customer(owner), services, NOON, minutes=3 * 1440, mode="stay")
        shown = present(view(owner, id_), owner.tenant_id)
        assert (str(shown["checkIn"]), str(shown["checkOut"])) == ("2031-03-04", "2031-03-07")

    def test_names_a_person_once_who_is_needed_before_and_after_a_gap(self, owner: Business) -> None:
        meera, bowl = new_resource(owner), new_resource(owner, "equipment")
        id_ = book(owner, new_customer(owner), [new_service(owner)], NOON, takes={bowl: 1, meera: 1})
        with owner.database.transaction(owner.scope) as transaction:
            (again,) = [
                row for row in AllocationRepository(transaction).of_booking(id_) if row.resource_id == meera
            ]
            values = {**again._asdict(), "id": uuid7(), "capacity": 1, "segment_no": 3}
            values |= {"starts_at": again.ends_at, "ends_at": again.ends_at + HOUR}
            AllocationRepository(transaction).add_all([values])
        shown = present(view(owner, id_), owner.tenant_id)
        assert [one["resourceId"] for one in shown["resources"]] == [str(meera), str(bowl)]
        assert shown["staffId"] == str(meera)
