"""What the events of invoices, payments and credit notes set off, and what owners hear once a day."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from tests.credit_notes.crediting import credited, line
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.followed import follow, messages, rules, write_to
from tests.factories.invoices import charge_gst, new_customer, new_invoice
from tests.factories.issued import pay

JANE = "jane@example.com"


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


@pytest.fixture
def customer(salon: Business) -> str:
    return new_customer(salon, email=JANE)


def record(owner: Business, type_: str, object_type: str, data: Any, *, at: datetime | None = None) -> UUID:
    """Write an event that the worker writes."""
    id_: UUID = uuid7()
    with owner.database.transaction(owner.scope) as transaction:
        EventRepository(transaction).append(
            type_=type_,
            object_type=object_type,
            object_id=id_,
            at=at or datetime.now(UTC),
            data={"object": data, "previous": {}},
        )
    return id_


class TestAnInvoice:
    def test_that_is_issued_says_what_is_due(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer, dueDate="2199-01-31")
        follow(salon)
        (sent,) = messages(salon, "invoice.issued")
        assert (sent.recipient, sent.object_type, str(sent.object_id)) == (JANE, "invoice", invoice["id"])
        assert (sent.variables["number"], sent.variables["total"]) == (invoice["number"], "INR 999.00")

    def test_that_is_sent_at_once_is_told_of_once(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer)
        made(salon, f"/api/invoices/{invoice['id']}/send", {"channels": ["email"]})
        follow(salon)
        assert rules(salon, status="queued") == ["invoice.issued"]

    def test_that_is_sent_in_the_next_batch_is_told_of_once(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer)
        seq = follow(salon)
        made(salon, f"/api/invoices/{invoice['id']}/send", {"channels": ["email"]})
        follow(salon, after=seq)
        assert rules(salon, status="queued") == ["invoice.issued"]

    def test_that_is_sent_later_is_told_of_again(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer)
        seq = follow(salon)
        made(salon, f"/api/invoices/{invoice['id']}/send", {"channels": ["email"]})
        follow(salon, after=seq, at=datetime.now(UTC) + timedelta(minutes=11))
        assert rules(salon, status="queued") == ["invoice.issued", "invoice.sent"]


class TestMoney:
    def test_that_comes_in_is_receipted(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer)
        seq = follow(salon)
        payment = pay(salon, "999.00", customerId=customer, allocations=[_part(invoice, "999.00")])
        follow(salon, after=seq)
        (sent,) = messages(salon, "payment.received")
        assert (sent.recipient, str(sent.object_id)) == (JANE, payment["id"])
        assert sent.variables["number"] == payment["number"]
        assert sent.variables["amount"] == "INR 999.00"

    def test_that_goes_back_is_told_of_with_its_reason(self, salon: Business, customer: str) -> None:
        payment = pay(salon, "500.00", customerId=customer, allowUnapplied=True)
        body = {"amount": "120.50", "reason": "Came too late"}
        refund = made(salon, f"/api/payments/{payment['id']}/refunds", body)
        follow(salon)
        (sent,) = messages(salon, "refund.succeeded")
        assert str(sent.object_id) == refund["id"]
        said = {name: sent.variables[name] for name in ("number", "amount", "reason")}
        assert said == {"number": payment["number"], "amount": "INR 120.50", "reason": "Came too late"}

    def test_that_is_credited_is_told_of(self, salon: Business, customer: str) -> None:
        invoice = new_invoice(salon, customerId=customer)
        note = credited(salon, invoice["id"], line(invoice, amount="99.00"))
        follow(salon)
        (sent,) = messages(salon, "credit_note.issued")
        assert (sent.object_type, str(sent.object_id)) == ("credit_note", note["id"])
        assert (sent.variables["number"], sent.variables["total"]) == (note["number"], "INR 99.00")
        assert sent.variables["reason"] == "Came too late"
        assert "amountDue" not in sent.variables


def _part(invoice: Any, amount: str) -> dict[str, str]:
    return {"invoiceId": invoice["id"], "amount": amount}


class TestADigest:
    def test_of_failures_is_one_message_a_day_that_counts_them(self, salon: Business) -> None:
        write_to(salon, {"digestHour": 8})
        now = datetime.now(UTC)
        seq = 0
        for _ in range(2):
            for _ in range(2):
                record(salon, "notification.failed", "notification", {"rule": "booking.confirmed"}, at=now)
            seq = follow(salon, after=seq)
            follow(salon)
        (told,) = messages(salon)
        assert (told.rule, told.audience, told.recipient) == ("notification.failed", "owner", salon.email)
        assert (told.status, told.variables["count"]) == ("scheduled", "4")
        assert now < told.due_at <= now + timedelta(days=1)
        # Eight in the morning in Kolkata.
        assert told.due_at.astimezone(UTC).strftime("%H:%M") == "02:30"

    def test_of_usage_says_how_much_is_used_of_what(self, salon: Business) -> None:
        for percent, used in ((80, 80), (100, 100)):
            data = {"metric": "messages", "used": used, "limit": 100, "percent": percent}
            record(salon, "usage.threshold", "tenant", data)
        follow(salon)
        (told,) = messages(salon)
        said = {name: told.variables[name] for name in ("metric", "used", "limit", "business")}
        assert said == {"metric": "messages", "used": "100", "limit": "100", "business": "Asha's Salon"}

    def test_tells_of_each_endpoint_that_is_disabled(self, salon: Business) -> None:
        for name in ("a", "b"):
            url = f"https://{name}.example/hook"
            record(salon, "webhook.disabled", "webhook_endpoint", {"url": url, "disabled_reason": "gone"})
        follow(salon)
        assert sorted(one.variables["url"] for one in messages(salon, "webhook.disabled")) == [
            "https://a.example/hook",
            "https://b.example/hook",
        ]
        assert {one.variables["reason"] for one in messages(salon)} == {"gone"}

    def test_goes_to_every_owner_and_nobody_else(self, salon: Business) -> None:
        salon.colleague("manager")
        second = salon.colleague("owner")
        record(salon, "notification.failed", "notification", {"rule": "booking.confirmed"})
        follow(salon)
        assert {one.recipient for one in messages(salon)} == {salon.email, second.email}
