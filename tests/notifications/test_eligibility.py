"""Whether messages are still true when they are about to go out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mbs.notifications.repository.eligibility import EligibilityRepository, Verdict
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.followed import counted, follow, messages, write_to
from tests.factories.group_sessions import (
    book_seat,
    let_offers_end,
    new_class_service,
    plan,
    wait_for,
)
from tests.factories.invoices import charge_gst, new_customer, new_invoice
from tests.factories.salons import Salon, day, new_salon, wire

JANE = "jane@example.com"
GONE = "no_longer_due"


@pytest.fixture
def salon(owner: Business) -> Salon:
    salon = new_salon(owner)
    made(owner, f"/api/customers/{salon.customer_id}", {"email": JANE}, "PATCH")
    return salon


def verdicts(
    owner: Business, *, at: datetime | None = None, switches: Mapping[str, Any] | None = None
) -> dict[str, Verdict]:
    """Return by rule what is said of the messages of a business."""
    rows = messages(owner)
    with owner.database.transaction(owner.scope) as transaction:
        found = EligibilityRepository(transaction).still_due(
            rows, at=at or datetime.now(UTC), switches=switches
        )
    return {row.rule: found[row.id] for row in rows}


def act(salon: Salon, booking: Any, verb: str) -> None:
    made(salon.owner, f"/api/bookings/{booking['id']}/{verb}", {})


class TestAMessage:
    def test_goes_while_it_is_true_and_tells_when_its_booking_begins(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner)
        found = verdicts(salon.owner)
        assert found["booking.confirmed"] == Verdict(None, None, day())
        assert {one.status for one in found.values()} == {None}

    def test_is_given_up_when_its_booking_has_moved(self, salon: Salon) -> None:
        booking = salon.book()
        follow(salon.owner)
        assert salon.move(booking, startAt=wire(day(12, 9))).status_code == 200
        assert {(one.status, one.reason) for one in verdicts(salon.owner).values()} == {("cancelled", GONE)}

    @pytest.mark.parametrize("verb", ["cancel", "no-show", "complete"])
    def test_is_given_up_when_its_booking_is_over(self, salon: Salon, verb: str) -> None:
        booking = salon.book()
        follow(salon.owner)
        act(salon, booking, verb)
        assert {one.status for one in verdicts(salon.owner).values()} == {"cancelled"}

    def test_of_a_no_show_is_given_up_when_it_is_taken_back(self, salon: Salon) -> None:
        booking = salon.book()
        act(salon, booking, "no-show")
        follow(salon.owner)
        assert verdicts(salon.owner)["booking.no_show"].status is None
        act(salon, booking, "confirm")
        assert verdicts(salon.owner)["booking.no_show"].status == "cancelled"

    def test_is_dropped_once_its_booking_has_begun(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner)
        assert verdicts(salon.owner, at=day() - timedelta(seconds=1))["booking.confirmed"].status is None
        assert {one.status for one in verdicts(salon.owner, at=day()).values()} == {"expired"}

    def test_is_given_up_when_its_rule_is_switched_off(self, salon: Salon) -> None:
        salon.book()
        follow(salon.owner)
        switches = {"booking.reminder_2h": {"enabled": False}}
        write_to(salon.owner, {"rules": switches})
        found = verdicts(salon.owner, switches=switches)
        assert found["booking.reminder_2h"] == Verdict("cancelled", "rule_disabled")
        assert found["booking.reminder_24h"].status is None

    def test_of_a_cancellation_goes_although_the_booking_would_have_begun(self, salon: Salon) -> None:
        act(salon, salon.book(), "cancel")
        follow(salon.owner)
        assert verdicts(salon.owner, at=day())["booking.cancelled"].status is None


class TestAReminder:
    def test_of_an_invoice_goes_while_it_is_owed(self, owner: Business) -> None:
        invoice = new_invoice(charge_gst(owner), customerId=new_customer(owner, email=JANE))
        follow(owner)
        assert verdicts(owner)["invoice.overdue_1"] == Verdict()
        made(owner, f"/api/invoices/{invoice['id']}/void", {"reason": "Wrong"})
        found = verdicts(owner)
        assert found["invoice.overdue_1"] == Verdict("cancelled", GONE)
        # Nobody is told of what is void.
        assert found["invoice.issued"].status == "cancelled"


class TestAnOffer:
    def test_goes_while_it_stands(self, owner: Business) -> None:
        created = plan(owner, str(new_class_service(owner, capacity=1)), startAt=wire(day()))
        book_seat(owner, created["id"])
        wait_for(owner, created["id"], customerId=new_customer(owner, email=JANE))
        made(owner, f"/api/sessions/{created['id']}", {"capacity": 2}, "PATCH")
        follow(owner)
        assert verdicts(owner)["waitlist.offered"].status is None
        expires = messages(owner, "waitlist.offered")[0].expires_at
        assert verdicts(owner, at=expires)["waitlist.offered"].status == "expired"
        let_offers_end(owner, created["id"])
        # The next one who comes by finds that it is over.
        made(owner, f"/api/sessions/{created['id']}", {"capacity": 3}, "PATCH")
        assert verdicts(owner)["waitlist.offered"].status == "cancelled"


class TestTheQuestion:
    def test_is_one_statement_for_each_kind_of_object(self, salon: Salon) -> None:
        charge_gst(salon.owner)
        for number in range(4):
            salon.book(startAt=wire(day(10 + number)))
            new_invoice(salon.owner, customerId=salon.customer_id)
        follow(salon.owner)
        rows = messages(salon.owner)
        with counted(salon.owner) as sent, salon.owner.database.transaction(salon.owner.scope) as transaction:
            found = EligibilityRepository(transaction).still_due(rows, at=datetime.now(UTC))
        assert len(found) == len(rows) > 12
        assert len(sent) == 2

    def test_is_not_put_about_what_is_about_no_object(self, owner: Business) -> None:
        class Sample:
            id, rule, object_type = UUID(int=1), "booking.confirmed", "test"
            object_id, expires_at = UUID(int=2), None

        with counted(owner) as sent, owner.database.transaction(owner.scope) as transaction:
            found = EligibilityRepository(transaction).still_due([Sample()], at=datetime.now(UTC))
        assert (found, sent) == ({UUID(int=1): Verdict()}, [])
