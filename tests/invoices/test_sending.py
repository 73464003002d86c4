"""Sending invoices: what is recorded, what the customer is told by it, and who is told nothing."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.followed import PAGES, follow, messages, write_to
from tests.factories.invoices import charge_gst, new_customer, new_draft, new_invoice
from tests.factories.salons import problem

BY_MAIL = {"channels": ["email"]}


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


@pytest.fixture
def address(salon: Business) -> str:
    """An address that no other test's mails go to."""
    return f"jane-{salon.tenant_id.hex}@example.com"


def send(owner: Business, invoice: Any, body: Any = BY_MAIL, *, query: str = "") -> TestResponse:
    return owner.post(f"/api/invoices/{invoice['id']}/send{query}", body)


def told(owner: Business, invoice: Any, *, after: int = 0) -> list[Any]:
    """Follow the events of a business behind one of them; return the messages by which an invoice is sent."""
    follow(owner, after=after)
    return messages(owner, "invoice.sent", object_id=UUID(invoice["id"]))


def sent(owner: Business, invoice: Any) -> list[Any]:
    """Return the events by which an invoice was sent."""
    return [event for event in events_of(owner, invoice["id"]) if event.type == "invoice.sent"]


class TestSending:
    def test_tells_the_customer_what_they_owe(self, salon: Business, address: str) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address), dueDate="2199-01-31")
        response = send(salon, invoice)
        shown = response.get_json()
        assert (response.status_code, shown["status"], response.headers["ETag"]) == (200, "open", '"3"')
        assert shown["sentAt"] is not None
        (event,) = sent(salon, invoice)
        assert (event.data["channels"], event.data["previous"]) == (["email"], {"sent_at": None})

        write_to(salon, {"rules": {"invoice.issued": {"enabled": False}}})
        (message,) = told(salon, invoice)
        assert (message.recipient, message.channel, message.status) == (address, "email", "queued")
        assert {**message.variables, "location": None} == {
            "business": "Asha's Salon",
            "customer": "Jane Smith",
            "location": None,
            "number": invoice["number"],
            "total": "INR 999.00",
            "amountDue": "INR 999.00",
            "dueDate": "31 January 2199",
            "payUrl": f"{PAGES}/pay-invoice#invoice={invoice['id']}",
        }

    def test_may_be_repeated(self, salon: Business, address: str) -> None:
        write_to(salon, {"rules": {"invoice.issued": {"enabled": False}}})
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address))
        first, second = (send(salon, invoice).get_json()["sentAt"] for _ in range(2))
        assert first < second
        assert len(told(salon, invoice)) == 2

    def test_is_not_repeated_for_ever(self, salon: Business, address: str) -> None:
        customer = new_customer(salon, email=address)
        invoice, another = (new_invoice(salon, customerId=customer) for _ in range(2))
        assert [send(salon, invoice).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert int(send(salon, invoice).headers["Retry-After"]) > 60
        assert send(salon, another).status_code == 200
        assert (len(sent(salon, invoice)), len(sent(salon, another))) == (3, 1)

    def test_goes_where_the_customer_reads_mails_now(self, salon: Business, address: str) -> None:
        customer = new_customer(salon, email="old@example.com")
        invoice = new_invoice(salon, customerId=customer)
        seq = follow(salon)
        salon.patch(f"/api/customers/{customer}", {"email": address})
        assert send(salon, invoice).get_json()["customer"]["email"] == "old@example.com"
        # What was said to the old address a moment ago is news at this one.
        assert [message.recipient for message in told(salon, invoice, after=seq)] == [address]

    def test_goes_where_they_did_when_no_address_is_left(self, salon: Business, address: str) -> None:
        write_to(salon, {"rules": {"invoice.issued": {"enabled": False}}})
        customer = new_customer(salon, email=address)
        invoice = new_invoice(salon, customerId=customer)
        salon.patch(f"/api/customers/{customer}", {"email": None})
        assert send(salon, invoice).status_code == 200
        assert [message.recipient for message in told(salon, invoice)] == [address]

    def test_forges_nothing_by_any_name(self, salon: Business, address: str) -> None:
        write_to(salon, {"rules": {"invoice.issued": {"enabled": False}}})
        salon.patch("/api/tenant", {"name": "Win https://evil.io/now"})
        names = text("UPDATE customers SET name = :name WHERE tenant_id = :tenant")
        customer = new_customer(salon, email=address)
        with salon.database.transaction(salon.scope) as transaction:
            hostile = "Jane\r\nBcc: all@evil.io\r\n\r\nPay evil.io"
            transaction.execute(names, {"name": hostile, "tenant": salon.tenant_id})
        invoice = new_invoice(salon, customerId=customer)
        send(salon, invoice)
        (message,) = told(salon, invoice)
        assert message.variables["customer"] == "Jane Bcc: all@ evil. io Pay evil. io"
        assert message.variables["business"] == "Win https: / / evil. io/ now"

    def test_is_rehearsed_without_an_event(self, salon: Business, address: str) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address))
        rehearsed = send(salon, invoice, query="?dryRun=true")
        assert (rehearsed.status_code, sent(salon, invoice)) == (200, [])
        assert salon.get(f"/api/invoices/{invoice['id']}").get_json() == invoice


class TestNobody:
    def test_gets_a_draft_or_what_is_void(self, salon: Business, address: str) -> None:
        customer = new_customer(salon, email=address)
        draft = new_draft(salon, customerId=customer)
        problem(send(salon, draft), 409, "INVALID_STATE")
        invoice = new_invoice(salon, customerId=customer)
        salon.post(f"/api/invoices/{invoice['id']}/void", {"reason": "Wrong"})
        problem(send(salon, invoice), 409, "INVALID_STATE")
        assert sent(salon, draft) == sent(salon, invoice) == []

    def test_without_an_address_gets_anything(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        problem(send(salon, invoice), 409, "NO_EMAIL_ADDRESS")
        assert salon.get(f"/api/invoices/{invoice['id']}").get_json() == invoice

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "channels"),
            ({"channels": []}, "channels"),
            ({"channels": ["sms"]}, "channels.0"),
            ({"channels": ["email", "email"]}, "channels"),
            ({"channels": "email"}, "channels"),
            ({**BY_MAIL, "to": "evil@example.com"}, "to"),
        ],
    )
    def test_is_reached_otherwise(self, salon: Business, address: str, body: Any, field: str) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address))
        problem(send(salon, invoice, body), 400, "VALIDATION_ERROR", field)
        assert sent(salon, invoice) == []
