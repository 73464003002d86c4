"""By which channel, in which language, at which clock people are written to; and what a batch costs."""

from typing import Any

import pytest

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.followed import counted, follow, messages, rules, write_to
from tests.factories.invoices import charge_gst, new_customer, new_invoice
from tests.factories.issued import pay
from tests.factories.salons import Salon, day, new_dorm, new_salon, wire

JANE, PHONE = "jane@example.com", "+919876543210"
OPT_IN = {"channel": "whatsapp", "category": "transactional", "source": "form", "wording": "Write to me."}


@pytest.fixture
def salon(owner: Business) -> Salon:
    return new_salon(owner)


def change(salon: Salon, **values: Any) -> None:
    made(salon.owner, f"/api/customers/{salon.customer_id}", values, "PATCH")


def agree(salon: Salon, status: str = "granted") -> None:
    made(salon.owner, f"/api/customers/{salon.customer_id}/consents", {**OPT_IN, "status": status})


def confirmed(salon: Salon) -> Any:
    """Book and follow; return the message to the customer."""
    salon.book()
    follow(salon.owner)
    (message,) = messages(salon.owner, "booking.confirmed")
    return message


class TestTheChannel:
    def test_is_whatsapp_for_whoever_agreed_and_mail_behind_it(self, salon: Salon) -> None:
        change(salon, email=JANE, phone=PHONE)
        agree(salon)
        sent = confirmed(salon)
        assert (sent.channel, sent.recipient, sent.fallback_channels) == ("whatsapp", PHONE, ["email"])

    @pytest.mark.parametrize("said", [None, "withdrawn"])
    def test_is_mail_for_whoever_did_not(self, salon: Salon, said: str | None) -> None:
        change(salon, email=JANE, phone=PHONE)
        if said:
            agree(salon)
            agree(salon, said)
        sent = confirmed(salon)
        assert (sent.channel, sent.recipient, sent.fallback_channels) == ("email", JANE, [])

    def test_is_whatsapp_where_there_is_no_other_so_that_the_business_reads_why(self, salon: Salon) -> None:
        change(salon, phone=PHONE)
        sent = confirmed(salon)
        assert (sent.channel, sent.recipient, sent.fallback_channels) == ("whatsapp", PHONE, [])

    def test_is_the_first_that_the_business_wants(self, salon: Salon) -> None:
        write_to(salon.owner, {"channels": ["email", "whatsapp"]})
        change(salon, email=JANE, phone=PHONE)
        agree(salon)
        sent = confirmed(salon)
        assert (sent.channel, sent.fallback_channels) == ("email", ["whatsapp"])

    def test_is_none_that_the_business_does_not_want(self, salon: Salon) -> None:
        write_to(salon.owner, {"channels": ["whatsapp"]})
        change(salon, email=JANE)
        salon.book()
        follow(salon.owner)
        assert messages(salon.owner) == []

    def test_of_an_invoice_that_is_sent_by_mail_is_mail(self, salon: Salon) -> None:
        charge_gst(salon.owner)
        change(salon, email=JANE, phone=PHONE)
        agree(salon)
        invoice = new_invoice(salon.owner, customerId=salon.customer_id)
        made(salon.owner, f"/api/invoices/{invoice['id']}/send", {"channels": ["email"]})
        follow(salon.owner)
        channels = {row.rule: row.channel for row in messages(salon.owner, status="queued")}
        # On another channel it is news.
        assert channels == {"invoice.issued": "whatsapp", "invoice.sent": "email"}

    def test_stands_for_an_address_that_nobody_reads_out_of_the_digest(self, salon: Salon) -> None:
        change(salon, email="Jane@EXAMPLE.com")
        other = new_salon(salon.owner)
        change(other, email=JANE)
        salon.book()
        other.book()
        follow(salon.owner)
        digests = {row.recipient_digest for row in messages(salon.owner, "booking.confirmed")}
        assert len(digests) == 1
        assert all(len(digest) == 64 and "jane" not in digest for digest in digests)


class TestTheWords:
    def test_are_at_the_clock_of_the_place_in_the_language_of_the_reader(self, salon: Salon) -> None:
        change(salon, email=JANE)
        wishes = {"locale": "de-DE", "timezone": "Europe/Berlin"}
        made(salon.owner, f"/api/customers/{salon.customer_id}/preferences", wishes, "PUT")
        sent = confirmed(salon)
        assert (sent.locale, sent.timezone) == ("de-DE", "Europe/Berlin")
        # 15:30 in Kolkata, where the salon is.
        assert sent.variables["startLocal"].endswith(", 15:30")

    def test_name_nobody_where_nobody_serves(self, owner: Business) -> None:
        hostel = new_dorm(owner)
        change(hostel, email=JANE)
        hostel.book(checkIn=day().date().isoformat(), checkOut=day(11).date().isoformat())
        follow(owner)
        (sent,) = messages(owner, "booking.confirmed")
        assert "staff" not in sent.variables
        assert sent.variables["service"] == "Bed"

    def test_make_no_link_of_a_name(self, salon: Salon) -> None:
        change(salon, email=JANE, name="Win https://evil.io")
        assert confirmed(salon).variables["customer"] == "Win https: / / evil. io"


class TestABatch:
    def test_costs_as_many_statements_however_large_it_is(self, owner: Business) -> None:
        few, many = self.cost(owner, 1), self.cost(owner, 6)
        assert few == many <= 14

    def test_that_concerns_nobody_costs_none(self, owner: Business) -> None:
        made(owner, "/api/customers", {"name": "Ravi"})
        with counted(owner) as sent:
            follow(owner)
        # The events themselves are read.
        assert len(sent) == 1

    def test_is_followed_in_its_order_in_parts_of_any_size(self, salon: Salon) -> None:
        change(salon, email=JANE)
        booking = salon.book()
        assert salon.move(booking, startAt=wire(day(12, 9))).status_code == 200
        made(salon.owner, f"/api/bookings/{booking['id']}/cancel", {})
        seq, last = 0, -1
        while seq != last:
            last, seq = seq, follow(salon.owner, after=seq, limit=1)
        # What is not true any more when it is followed is not said.
        assert rules(salon.owner) == ["booking.cancelled"]

    def cost(self, owner: Business, size: int) -> int:
        """Return how many statements a batch takes in which so many of everything happen."""
        charge_gst(owner)
        salon = new_salon(owner, staff=size)
        before = follow(owner)
        for number in range(size):
            email = f"{size}-{number}@example.com"
            customer = new_customer(owner, email=email, phone=f"+9198765432{size}{number}")
            salon.book(customerId=customer, startAt=wire(day(10 + number)))
            invoice = new_invoice(owner, customerId=customer)
            part = {"invoiceId": invoice["id"], "amount": "1.00"}
            pay(owner, "1.00", customerId=customer, allocations=[part])
            made(owner, f"/api/customers/{customer}", {"email": f"new-{email}"}, "PATCH")
        with counted(owner) as sent:
            follow(owner, after=before)
        assert len(messages(owner)) >= size * 4
        return len(sent)
