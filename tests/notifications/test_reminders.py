"""Reminders: when each is due, and that it follows what happens to its object."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from mbs.foundation.local_time import instant
from mbs.notifications.models.rules import INVOICE_REMINDERS
from mbs.notifications.models.scheduling import booking_reminders, digest_at, invoice_reminders
from tests.credit_notes.crediting import credited, line
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.followed import follow, messages, rules, write_to
from tests.factories.invoices import charge_gst, new_customer, new_invoice
from tests.factories.issued import pay
from tests.factories.salons import Salon, day, new_salon, wire

HOUR = timedelta(hours=1)
KOLKATA, BERLIN = "Asia/Kolkata", "Europe/Berlin"
OF_INVOICES = [rule.key for rule in INVOICE_REMINDERS]
OF_BOOKINGS = ["booking.reminder_24h", "booking.reminder_2h"]
JANE = "jane@example.com"


class TestTheTimes:
    @pytest.mark.parametrize("status", ["held", "pending", "cancelled", "declined", "no_show", "completed"])
    def test_are_none_unless_somebody_comes(self, status: str) -> None:
        assert booking_reminders(status, day()) == ()

    def test_of_a_booking_are_hours_before_it(self) -> None:
        start = datetime(2026, 3, 29, 8, tzinfo=UTC)
        due = [(one.rule.key, one.due_at, one.expires_at) for one in booking_reminders("confirmed", start)]
        # A day of 24 hours, though clocks in Berlin have leapt.
        assert due == [
            (OF_BOOKINGS[0], start - HOUR * 24, start),
            (OF_BOOKINGS[1], start - HOUR * 2, start),
        ]

    @pytest.mark.parametrize("status", ["draft", "paid", "void", "uncollectible"])
    def test_are_none_unless_money_is_owed(self, status: str) -> None:
        assert invoice_reminders(status, date(2026, 4, 1), KOLKATA) == ()

    def test_of_an_invoice_are_at_nine_where_it_was_issued(self) -> None:
        # On 29 March clocks in Berlin leap, so that nine is an hour earlier from then on.
        found = {one.rule.key: one for one in invoice_reminders("open", date(2026, 3, 28), BERLIN)}
        assert {key: one.due_at for key, one in found.items()} == {
            "invoice.due_soon": datetime(2026, 3, 25, 8, tzinfo=UTC),
            "invoice.overdue_1": datetime(2026, 3, 29, 7, tzinfo=UTC),
            "invoice.overdue_7": datetime(2026, 4, 4, 7, tzinfo=UTC),
            "invoice.overdue_15": datetime(2026, 4, 12, 7, tzinfo=UTC),
        }
        assert found["invoice.due_soon"].expires_at == datetime(2026, 3, 28, 23, tzinfo=UTC)
        assert found["invoice.overdue_1"].expires_at == found["invoice.overdue_7"].due_at
        assert found["invoice.overdue_15"].expires_at > found["invoice.overdue_15"].due_at

    @pytest.mark.parametrize(
        ("at", "told"),
        [
            ("2026-03-10 07:59", "2026-03-10 08:00"),
            ("2026-03-10 08:00", "2026-03-11 08:00"),
            ("2026-03-10 23:00", "2026-03-11 08:00"),
        ],
    )
    def test_of_a_digest_are_the_next_such_hour(self, at: str, told: str) -> None:
        now, then = (instant(datetime.fromisoformat(wall), KOLKATA) for wall in (at, told))
        assert digest_at(now, hour=8, timezone=KOLKATA) == then


@pytest.fixture
def salon(owner: Business) -> Salon:
    salon = new_salon(owner)
    made(owner, f"/api/customers/{salon.customer_id}", {"email": JANE}, "PATCH")
    return salon


def waiting(owner: Business) -> dict[str, Any]:
    """Return the reminders that are to go out."""
    return {row.rule: row for row in messages(owner, status="scheduled")}


def act(salon: Salon, booking: Any, verb: str) -> None:
    made(salon.owner, f"/api/bookings/{booking['id']}/{verb}", {})


class TestOfABooking:
    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [
            (timedelta(hours=1), []),
            (timedelta(hours=3), OF_BOOKINGS[1:]),
            (timedelta(hours=30), OF_BOOKINGS),
        ],
    )
    def test_are_those_whose_time_is_yet_to_come(
        self, salon: Salon, ahead: timedelta, expected: list[str]
    ) -> None:
        start = (datetime.now(UTC) + ahead).replace(second=0, microsecond=0)
        salon.book(startAt=wire(start))
        follow(salon.owner)
        assert rules(salon.owner, audience="customer") == ["booking.confirmed", *expected]

    def test_come_late_when_the_worker_was_away(self, salon: Salon) -> None:
        start = day()
        salon.book(startAt=wire(start))
        follow(salon.owner, at=start - HOUR * 20)
        late = messages(salon.owner, "booking.reminder_24h")[0]
        assert (late.status, late.due_at) == ("queued", start - HOUR * 24)

    @pytest.mark.parametrize("verb", ["cancel", "no-show", "complete"])
    def test_are_given_up_with_it(self, salon: Salon, verb: str) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        act(salon, booking, verb)
        follow(salon.owner, after=seq)
        assert not waiting(salon.owner).keys() & set(OF_BOOKINGS)
        assert rules(salon.owner, status="cancelled") == OF_BOOKINGS

    def test_come_back_with_it(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        before = {rule: row.due_at for rule, row in waiting(salon.owner).items()}
        act(salon, booking, "no-show")
        seq = follow(salon.owner, after=seq)
        act(salon, booking, "confirm")
        follow(salon.owner, after=seq)
        now = {rule: row for rule, row in waiting(salon.owner).items() if rule in OF_BOOKINGS}
        assert {rule: row.due_at for rule, row in now.items()} == before
        assert all(row.finished_at is None and row.reason is None for row in now.values())
        # That it was taken back is told to nobody.
        assert len(messages(salon.owner, "booking.confirmed")) == 1

    def test_stay_put_off_when_something_else_changes(self, salon: Salon) -> None:
        salon.book()
        seq = follow(salon.owner)
        put_off(salon.owner, "booking.reminder_24h", until=day() - HOUR * 12)
        made(salon.owner, f"/api/customers/{salon.customer_id}/preferences", {"locale": "de"}, "PUT")
        made(salon.owner, f"/api/customers/{salon.customer_id}", {"phone": "+919876543210"}, "PATCH")
        follow(salon.owner, after=seq)
        reminder = waiting(salon.owner)["booking.reminder_24h"]
        assert (reminder.locale, reminder.due_at) == ("de", day() - HOUR * 12)

    def test_move_with_the_customer_s_address(self, salon: Salon) -> None:
        salon.book()
        seq = follow(salon.owner)
        made(salon.owner, f"/api/customers/{salon.customer_id}", {"email": "new@example.com"}, "PATCH")
        follow(salon.owner, after=seq)
        assert {row.recipient for row in waiting(salon.owner).values()} == {"new@example.com"}
        assert sorted(waiting(salon.owner)) == OF_BOOKINGS
        assert rules(salon.owner, status="cancelled", recipient=JANE) == OF_BOOKINGS

    def test_that_are_on_their_way_are_left_alone(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        become(salon.owner, "booking.reminder_24h", "sending")
        act(salon, booking, "cancel")
        follow(salon.owner, after=seq)
        assert rules(salon.owner, status="sending") == OF_BOOKINGS[:1]

    def test_that_stand_in_for_another_channel_are_left_to_the_worker(self, salon: Salon) -> None:
        booking = salon.book()
        seq = follow(salon.owner)
        first, second = (messages(salon.owner, rule)[0].id for rule in OF_BOOKINGS)
        statement = "UPDATE notifications SET fallback_of = :first WHERE id = :second"
        _write(salon.owner, statement, first=first, second=second)
        act(salon, booking, "cancel")
        follow(salon.owner, after=seq)
        assert rules(salon.owner, status="scheduled") == OF_BOOKINGS[1:]


def put_off(owner: Business, rule: str, *, until: datetime) -> None:
    _write(owner, "UPDATE notifications SET due_at = :until WHERE rule = :rule", rule=rule, until=until)


def become(owner: Business, rule: str, status: str) -> None:
    _write(owner, "UPDATE notifications SET status = :status WHERE rule = :rule", rule=rule, status=status)


def _write(owner: Business, statement: str, **values: Any) -> None:
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(text(statement), values)


@pytest.fixture
def shop(owner: Business) -> Business:
    return charge_gst(owner)


@pytest.fixture
def customer(shop: Business) -> str:
    return new_customer(shop, email=JANE)


def due_in(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


class TestOfAnInvoice:
    def test_are_before_and_behind_its_due_date(self, shop: Business, customer: str) -> None:
        invoice = new_invoice(shop, customerId=customer, dueDate=due_in(10))
        follow(shop)
        assert sorted(waiting(shop)) == sorted(OF_INVOICES)
        soon = waiting(shop)["invoice.due_soon"]
        assert soon.variables["amountDue"] == "INR 999.00"
        # Nine in Kolkata.
        assert soon.due_at == datetime.fromisoformat(f"{due_in(7)}T03:30:00+00:00")
        assert str(soon.object_id) == invoice["id"]

    def test_say_what_is_still_due(self, shop: Business, customer: str) -> None:
        invoice = new_invoice(shop, customerId=customer, dueDate=due_in(10))
        seq = follow(shop)
        allocation = {"invoiceId": invoice["id"], "amount": "400.00"}
        pay(shop, "400.00", customerId=customer, allocations=[allocation])
        seq = follow(shop, after=seq)
        assert {row.variables["amountDue"] for row in waiting(shop).values()} == {"INR 599.00"}
        credited(shop, invoice["id"], line(invoice, amount="99.00"))
        follow(shop, after=seq)
        assert {row.variables["amountDue"] for row in waiting(shop).values()} == {"INR 500.00"}

    def test_stop_when_it_is_paid_and_go_on_when_it_is_open_again(
        self, shop: Business, customer: str
    ) -> None:
        invoice = new_invoice(shop, customerId=customer, dueDate=due_in(10))
        seq = follow(shop)
        allocation = {"invoiceId": invoice["id"], "amount": "999.00"}
        payment = pay(shop, "999.00", customerId=customer, allocations=[allocation])
        seq = follow(shop, after=seq)
        assert waiting(shop) == {}
        part = payment["allocations"][0]["id"]
        response = shop.delete(f"/api/payments/{payment['id']}/allocations/{part}")
        assert response.status_code in (200, 204)
        follow(shop, after=seq)
        assert sorted(waiting(shop)) == sorted(OF_INVOICES)
        assert {row.variables["amountDue"] for row in waiting(shop).values()} == {"INR 999.00"}

    @pytest.mark.parametrize("verb", ["void", "mark-uncollectible"])
    def test_stop_when_nobody_owes_it_any_more(self, shop: Business, customer: str, verb: str) -> None:
        invoice = new_invoice(shop, customerId=customer, dueDate=due_in(10))
        seq = follow(shop)
        body = {"reason": "Wrong"} if verb == "void" else None
        made(shop, f"/api/invoices/{invoice['id']}/{verb}", body)
        follow(shop, after=seq)
        assert waiting(shop) == {}
        assert rules(shop, status="cancelled") == sorted(OF_INVOICES)

    def test_stop_when_all_of_it_is_credited(self, shop: Business, customer: str) -> None:
        invoice = new_invoice(shop, customerId=customer, dueDate=due_in(10))
        seq = follow(shop)
        credited(shop, invoice["id"])
        follow(shop, after=seq)
        assert waiting(shop) == {}

    def test_are_none_before_it_when_it_is_due_at_once(self, shop: Business, customer: str) -> None:
        new_invoice(shop, customerId=customer)
        follow(shop)
        assert sorted(waiting(shop)) == sorted(OF_INVOICES[1:])

    def test_are_those_that_the_business_has_left_on(self, shop: Business, customer: str) -> None:
        write_to(shop, {"rules": {"invoice.overdue_7": {"enabled": False}}})
        new_invoice(shop, customerId=customer, dueDate=due_in(10))
        follow(shop)
        assert "invoice.overdue_7" not in waiting(shop)

    def test_change_nothing_when_nothing_has_changed(self, shop: Business, customer: str) -> None:
        new_invoice(shop, customerId=customer, dueDate=due_in(10))
        follow(shop)
        before = messages(shop)
        follow(shop)
        assert messages(shop) == before
