"""What the events of bookings, classes and waiting lists set off, from the call of the API to the rows."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories.answers import made
from tests.factories.api_keys import program
from tests.factories.bookings import book
from tests.factories.callers import Business
from tests.factories.catalog import create_staff
from tests.factories.followed import PAGES, follow, messages, rules, write_to
from tests.factories.group_sessions import book_seat, new_class_service, plan, wait_for
from tests.factories.salons import Salon, day, new_salon, wire
from tests.factories.teams import member_of

REMINDERS = ["booking.reminder_24h", "booking.reminder_2h"]
JANE = "jane@example.com"
HOURS = timedelta(hours=1)
ASKS = {"policy": {"requiresApproval": True}}


@pytest.fixture
def salon(owner: Business) -> Salon:
    """A salon whose one stylist is its owner, and whose customer has an address."""
    salon = new_salon(owner)
    serve(owner, salon.staff[0])
    made(owner, f"/api/customers/{salon.customer_id}", {"email": JANE}, "PATCH")
    return salon


def serve(owner: Business, staff_id: str) -> None:
    """Let the owner be one of the staff."""
    member = member_of(owner, owner).rpartition("/")[2]
    made(owner, f"/api/resources/{staff_id}", {"memberId": member}, "PATCH")


def act(salon: Salon, booking: Any, verb: str, body: Any = None) -> Any:
    return made(salon.owner, f"/api/bookings/{booking['id']}/{verb}", body or {})


class TestABooking:
    def test_that_is_made_is_confirmed_to_customer_and_staff(self, salon: Salon) -> None:
        booking = salon.book()
        follow(salon.owner)
        assert rules(salon.owner) == ["booking.confirmed", "booking.confirmed.staff", *REMINDERS]
        (sent,) = messages(salon.owner, "booking.confirmed")
        assert (sent.recipient, sent.channel, sent.fallback_channels) == (JANE, "email", [])
        assert (sent.status, sent.audience, sent.category) == ("queued", "customer", "transactional")
        assert (sent.object_type, str(sent.object_id)) == ("booking", booking["id"])
        assert sent.expires_at == day()
        assert (sent.locale, sent.timezone) == ("en-IN", "Asia/Kolkata")
        told = sent.variables
        assert {name: told[name] for name in ("customer", "business", "service", "staff", "reference")} == {
            "customer": "Jane Smith",
            "business": "Asha's Salon",
            "service": "Haircut",
            "staff": "Stylist 0",
            "reference": booking["reference"],
        }
        at = day() + timedelta(hours=5, minutes=30)
        assert told["startLocal"] == f"{at:%A}, {at.day} {at:%B} {at.year}, 3:30\u202fpm"
        assert told["manageUrl"] == f"{PAGES}/manage-booking#reference={booking['reference']}"
        assert told["location"]
        assert not told.keys() & {"reason", "previousStartLocal", "offerExpiresLocal"}
        (theirs,) = messages(salon.owner, "booking.confirmed.staff")
        assert (theirs.recipient, theirs.audience, theirs.customer_id) == (salon.owner.email, "staff", None)

    def test_is_told_of_once_however_often_it_is_followed(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner)
        before = messages(salon.owner)
        follow(salon.owner)
        assert messages(salon.owner) == before

    def test_that_waits_for_approval_is_pending_and_then_confirmed(self, salon: Salon) -> None:
        made(salon.owner, f"/api/services/{salon.service['id']}", ASKS, "PATCH")
        booking = salon.book(by=program(salon.owner, "bookings:write", "customers:read"))
        assert booking["status"] == "pending"
        seq = follow(salon.owner)
        assert rules(salon.owner) == ["booking.pending", "booking.pending.staff"]
        act(salon, booking, "confirm")
        follow(salon.owner, after=seq)
        assert rules(salon.owner, audience="customer") == ["booking.confirmed", "booking.pending", *REMINDERS]

    def test_that_is_declined_says_why(self, salon: Salon) -> None:
        made(salon.owner, f"/api/services/{salon.service['id']}", ASKS, "PATCH")
        booking = salon.book(by=program(salon.owner, "bookings:write", "customers:read"))
        act(salon, booking, "decline", {"reason": "We are full"})
        follow(salon.owner)
        # That it was asked for is old news by then.
        assert rules(salon.owner) == ["booking.declined", "booking.declined.staff"]
        assert messages(salon.owner, "booking.declined")[0].variables["reason"] == "We are full"

    def test_that_is_held_is_told_of_when_it_becomes_one(self, salon: Salon) -> None:
        held = salon.book(hold={})
        seq = follow(salon.owner)
        assert messages(salon.owner) == []
        act(salon, held, "convert")
        follow(salon.owner, after=seq)
        assert rules(salon.owner, audience="customer") == ["booking.confirmed", *REMINDERS]

    def test_that_has_begun_is_not_told_of(self, salon: Salon) -> None:
        start = day()
        salon.book()
        follow(salon.owner, at=start + timedelta(minutes=1))
        assert messages(salon.owner) == []

    def test_of_last_week_is_reminded_of_and_not_told_of(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner, at=datetime.now(UTC) + timedelta(hours=25))
        assert rules(salon.owner) == REMINDERS

    def test_whose_data_was_erased_sets_off_nothing(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner, clear=True)
        assert messages(salon.owner) == []

    def test_is_told_of_to_nobody_without_an_address(self, salon: Salon) -> None:
        made(salon.owner, f"/api/customers/{salon.customer_id}", {"email": None}, "PATCH")
        salon.book()
        follow(salon.owner)
        assert rules(salon.owner) == ["booking.confirmed.staff"]

    def test_says_nothing_where_its_rule_is_off(self, salon: Salon) -> None:
        off = ("booking.confirmed", "booking.reminder_2h")
        write_to(salon.owner, {"rules": {key: {"enabled": False} for key in off}})
        salon.book()
        follow(salon.owner)
        assert rules(salon.owner) == ["booking.confirmed.staff", "booking.reminder_24h"]

    def test_that_is_cancelled_says_why_and_reminds_no_more(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        act(salon, booking, "cancel", {"reason": "The stylist is ill"})
        follow(salon.owner, after=seq)
        for rule in ("booking.cancelled", "booking.cancelled.staff"):
            (sent,) = messages(salon.owner, rule)
            assert sent.variables["reason"] == "The stylist is ill"
        assert rules(salon.owner, status="cancelled", reason="no_longer_due") == REMINDERS

    def test_that_is_moved_says_from_when_to_when_and_moves_its_reminders(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        later = day(12, 9)
        assert salon.move(booking, startAt=wire(later)).status_code == 200
        follow(salon.owner, after=seq)
        (sent,) = messages(salon.owner, "booking.rescheduled")
        assert sent.variables["startLocal"].endswith("2:30\u202fpm")
        assert sent.variables["previousStartLocal"].endswith("3:30\u202fpm")
        assert len(messages(salon.owner, "booking.rescheduled.staff")) == 1
        assert rules(salon.owner, status="cancelled") == REMINDERS
        waiting = {row.rule: row.due_at for row in messages(salon.owner, status="scheduled")}
        assert waiting == dict(zip(REMINDERS, (later - HOURS * 24, later - HOURS * 2), strict=True))

    def test_that_is_moved_again_and_again_tells_of_the_last_time_only(self, salon: Salon) -> None:
        booking = salon.book()
        for start in (day(12, 9), day(13, 8)):
            assert salon.move(booking, startAt=wire(start)).status_code == 200
        follow(salon.owner)
        assert rules(salon.owner, audience="customer") == [*REMINDERS, "booking.rescheduled"]
        assert {row.expires_at for row in messages(salon.owner)} == {day(13, 8)}

    def test_of_the_past_is_put_in_order_without_a_word(self, salon: Salon) -> None:
        start, service = datetime.now(UTC) - HOURS * 2, UUID(salon.service["id"])
        id_ = book(salon.owner, UUID(salon.customer_id), [service], start)
        act(salon, {"id": id_}, "cancel")
        follow(salon.owner)
        assert messages(salon.owner) == []

    def test_that_is_moved_and_cancelled_in_one_batch_is_only_cancelled(self, salon: Salon) -> None:
        booking = salon.book()
        assert salon.move(booking, startAt=wire(day(12, 9))).status_code == 200
        act(salon, booking, "cancel")
        follow(salon.owner)
        assert rules(salon.owner) == ["booking.cancelled", "booking.cancelled.staff"]

    def test_that_is_moved_back_is_reminded_of_at_its_first_time_again(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        for start in (day(12, 9), day()):
            assert salon.move(booking, startAt=wire(start)).status_code == 200
            seq = follow(salon.owner, after=seq)
        waiting = messages(salon.owner, status="scheduled")
        assert {row.rule: row.due_at + HOURS * (24 if "24" in row.rule else 2) for row in waiting} == {
            rule: day() for rule in REMINDERS
        }

    @pytest.mark.parametrize(
        ("verb", "rule"), [("no-show", "booking.no_show"), ("complete", "booking.feedback")]
    )
    def test_that_is_over_is_asked_about_an_hour_later(self, salon: Salon, verb: str, rule: str) -> None:
        booking = salon.book()
        act(salon, booking, verb)
        follow(salon.owner)
        (sent,) = messages(salon.owner)
        assert (sent.rule, sent.status) == (rule, "scheduled")
        assert abs(sent.due_at - datetime.now(UTC) - HOURS) < timedelta(minutes=5)


class TestAClass:
    def test_that_is_cancelled_tells_each_customer_once_and_no_staff(self, owner: Business) -> None:
        session = self.with_seats(owner, 3)
        made(owner, f"/api/sessions/{session}/cancel", {"reason": "The roof leaks"})
        follow(owner)
        assert rules(owner) == ["session.cancelled"] * 3
        assert {row.variables["reason"] for row in messages(owner)} == {"The roof leaks"}

    def test_that_is_moved_tells_each_customer_and_no_staff(self, owner: Business) -> None:
        session = self.with_seats(owner, 2)
        seq = follow(owner)
        assert rules(owner, audience="staff") == ["booking.confirmed.staff"] * 2
        made(owner, f"/api/sessions/{session}", {"startAt": wire(day(11, 8))}, "PATCH")
        follow(owner, after=seq)
        assert rules(owner, event_id=messages(owner, "booking.rescheduled")[0].event_id)
        assert len(messages(owner, "booking.rescheduled")) == 2
        assert messages(owner, "booking.rescheduled.staff") == []

    def test_whose_seats_are_offered_says_until_when(self, owner: Business) -> None:
        session = self.with_seats(owner, 1, capacity=1)
        customer = made(owner, "/api/customers", {"name": "Ravi", "email": "ravi@example.com"})
        entry = wait_for(owner, session, customerId=customer["id"])
        seq = follow(owner)
        made(owner, f"/api/sessions/{session}", {"capacity": 2}, "PATCH")
        follow(owner, after=seq)
        (sent,) = messages(owner, "waitlist.offered")
        assert (sent.recipient, sent.object_type) == ("ravi@example.com", "waitlist_entry")
        assert str(sent.object_id) == entry["id"]
        assert sent.expires_at > datetime.now(UTC)
        assert sent.variables["offerExpiresLocal"]
        assert sent.variables["service"] == "Yoga"

    def with_seats(self, owner: Business, seats: int, *, capacity: int = 10) -> str:
        """Return a class, given by the owner, with so many seats taken."""
        staff = create_staff(owner)
        serve(owner, staff["id"])
        service = str(new_class_service(owner, capacity=capacity))
        created = plan(owner, service, startAt=wire(day()), staffId=staff["id"])
        for number in range(seats):
            jane = {"name": "Jane", "email": f"jane{number}@example.com"}
            book_seat(owner, created["id"], customer=jane)
        id_: str = created["id"]
        return id_
