"""Holds: kept for some minutes, converted in time, or given to the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from tests.factories.api_keys import program
from tests.factories.callers import Business
from tests.factories.salons import Salon, day, new_salon, problem, wire

END = (
    "UPDATE {table} SET expires_at = expires_at - interval '1 day'"
    " WHERE tenant_id = :tenant AND {column} = :id"
)


def let_pass(salon: Salon, booking: dict[str, Any]) -> None:
    """Set a hold's end a day back."""
    with salon.owner.database.transaction(salon.owner.scope) as transaction:
        for table, column in (("bookings", "id"), ("allocations", "booking_id")):
            sought = {"tenant": salon.owner.tenant_id, "id": booking["id"]}
            transaction.execute(text(END.format(table=table, column=column)), sought)


def convert(salon: Salon, booking: dict[str, Any], *, by: Any = None, **options: Any) -> Any:
    return (by or salon.owner).post(f"/api/bookings/{booking['id']}/convert", **options)


class TestAHold:
    def test_blocks_its_time_until_it_is_over(self, owner: Business) -> None:
        salon = new_salon(owner)
        held = salon.book(hold={"minutes": 5})
        left = datetime.fromisoformat(held["expiresAt"]) - datetime.now(UTC)
        assert held["status"] == "held"
        assert timedelta(minutes=4) < left <= timedelta(minutes=5)
        problem(salon.post(), 409, "SLOT_UNAVAILABLE")
        let_pass(salon, held)
        booked = salon.book()
        assert salon.read(held)["status"] == "expired"
        assert {one.state for one in salon.allocations(held)} == {"released"}
        assert {one.state for one in salon.allocations(booked)} == {"active"}
        (event,) = salon.events("booking.expired")
        assert (event["object"]["id"], event["previous"]) == (held["id"], {"status": "held"})
        assert len(salon.events("booking.held")) == 1

    def test_lasts_as_long_as_the_business_says_unless_told(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"holdMin": 3})
        held = salon.book(hold={})
        left = datetime.fromisoformat(held["expiresAt"]) - datetime.now(UTC)
        assert timedelta(minutes=2) < left <= timedelta(minutes=3)

    def test_becomes_a_booking_once(self, owner: Business) -> None:
        salon = new_salon(owner)
        held = salon.book(hold={})
        first, again = convert(salon, held), convert(salon, held)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.get_json() == again.get_json()
        booking = first.get_json()
        assert (booking["status"], booking["expiresAt"], booking["id"]) == ("confirmed", None, held["id"])
        assert {one.state for one in salon.allocations(held)} == {"active"}
        assert owner.get(f"/api/bookings/{held['id']}").get_json() == booking
        assert len(salon.events("booking.confirmed")) == 1

    def test_that_is_over_is_not_converted(self, owner: Business) -> None:
        salon = new_salon(owner)
        held = salon.book(hold={})
        let_pass(salon, held)
        before = salon.rows()
        problem(convert(salon, held), 409, "INVALID_STATE")
        assert salon.rows() == before

    def test_is_converted_in_the_version_that_was_seen(self, owner: Business) -> None:
        salon = new_salon(owner)
        held = salon.book(hold={})
        problem(convert(salon, held, headers={"If-Match": '"2"'}), 412, "PRECONDITION_FAILED")
        assert convert(salon, held, headers={"If-Match": '"1"'}).status_code == 200

    def test_of_a_customer_waits_for_approval_where_that_is_the_rule(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"requiresApproval": True, "pendingTtlMin": 60})
        shop = program(owner, "bookings:write", "customers:create")
        held = salon.post(by=shop, hold={"minutes": 2}).get_json()
        booking = convert(salon, held, by=shop).get_json()
        left = datetime.fromisoformat(booking["expiresAt"]) - datetime.now(UTC)
        assert booking["status"] == "pending"
        assert timedelta(minutes=59) < left <= timedelta(minutes=60)
        problem(salon.post(), 409, "SLOT_UNAVAILABLE")
        let_pass(salon, booking)
        salon.book()
        assert salon.read(booking)["status"] == "expired"

    def test_that_is_over_expires_also_where_nothing_is_moved(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking, held = salon.book(), salon.book(hold={}, startAt=wire(day(hour=14)))
        let_pass(salon, held)
        assert salon.move(booking, startAt=booking["startAt"]).status_code == 200
        assert salon.read(held)["status"] == "expired"
        assert len(salon.events("booking.expired")) == 1

    def test_that_was_several_services_frees_each_of_them(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        both = [{"serviceId": salon.service["id"], "staffId": one} for one in salon.staff]
        held = salon.book(items=both, startAt=salon.asked()["startAt"], hold={})
        let_pass(salon, held)
        salon.book(staffId=salon.staff[0])
        later = held["items"][1]["startAt"]
        salon.book(staffId=salon.staff[1], startAt=later)
        assert {one.state for one in salon.allocations(held)} == {"released"}
        assert len(salon.events("booking.expired")) == 1
