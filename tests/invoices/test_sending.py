"""Sending invoices by mail: what the customer reads, and who gets none."""

from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from mbs.foundation.db import Role
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.invoices import charge_gst, new_customer, new_draft, new_invoice
from tests.factories.mails import delivered
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


def queued(owner: Business) -> list[Any]:
    """Return template and contents of the mails of a business, as they are stored."""
    with owner.database.transaction(owner.scope, Role.IDENTITY) as transaction:
        statement = text("SELECT template, sealed FROM account_mails WHERE tenant_id = :tenant")
        return list(transaction.execute(statement, {"tenant": owner.tenant_id}).all())


class TestSending:
    def test_tells_the_customer_what_they_owe(
        self, salon: Business, address: str, environ: dict[str, str]
    ) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address), dueDate="2199-01-31")
        response = send(salon, invoice)
        sent = response.get_json()
        assert (response.status_code, sent["status"], response.headers["ETag"]) == (200, "open", '"3"')
        assert sent["sentAt"] is not None
        ((template, sealed),) = queued(salon)
        assert template == "invoice"
        assert address not in sealed
        assert invoice["number"] not in sealed

        (mail,) = delivered(salon.app, environ).to(address)
        assert mail.subject == f"Tax invoice {invoice['number']} from Asha's Salon"
        assert mail.text.startswith("Jane Smith,\n\nAsha's Salon has sent you this:\n")
        assert f"Tax invoice {invoice['number']} of {invoice['issueDate']}\n" in mail.text
        assert "Total      INR 999.00\n" in mail.text
        assert "Still due  INR 999.00, by 2199-01-31\n" in mail.text
        event = events_of(salon, invoice["id"])[-1]
        assert (event.type, event.data["channels"]) == ("invoice.sent", ["email"])
        assert event.data["previous"] == {"sent_at": None}

    def test_may_be_repeated(self, salon: Business, address: str, environ: dict[str, str]) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address))
        first, second = (send(salon, invoice).get_json()["sentAt"] for _ in range(2))
        assert first < second
        assert len(delivered(salon.app, environ).to(address)) == 2

    def test_is_not_repeated_for_ever(self, salon: Business, address: str) -> None:
        customer = new_customer(salon, email=address)
        invoice, another = (new_invoice(salon, customerId=customer) for _ in range(2))
        assert [send(salon, invoice).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert int(send(salon, invoice).headers["Retry-After"]) > 60
        assert send(salon, another).status_code == 200
        assert len(queued(salon)) == 4

    def test_goes_where_the_customer_reads_mails_now(
        self, salon: Business, address: str, environ: dict[str, str]
    ) -> None:
        customer = new_customer(salon, email="old@example.com")
        invoice = new_invoice(salon, customerId=customer)
        salon.patch(f"/api/customers/{customer}", {"email": address})
        assert send(salon, invoice).get_json()["customer"]["email"] == "old@example.com"
        assert len(delivered(salon.app, environ).to(address)) == 1

    def test_goes_where_they_did_when_no_address_is_left(
        self, salon: Business, address: str, environ: dict[str, str]
    ) -> None:
        customer = new_customer(salon, email=address)
        invoice = new_invoice(salon, customerId=customer)
        salon.patch(f"/api/customers/{customer}", {"email": None})
        assert send(salon, invoice).status_code == 200
        assert len(delivered(salon.app, environ).to(address)) == 1

    def test_forges_nothing_by_any_name(self, salon: Business, address: str, environ: dict[str, str]) -> None:
        salon.patch("/api/tenant", {"name": "Win https://evil.io/now"})
        names = text("UPDATE customers SET name = :name WHERE tenant_id = :tenant")
        customer = new_customer(salon, email=address)
        with salon.database.transaction(salon.scope) as transaction:
            hostile = "Jane\r\nBcc: all@evil.io\r\n\r\nPay evil.io"
            transaction.execute(names, {"name": hostile, "tenant": salon.tenant_id})
        send(salon, new_invoice(salon, customerId=customer))
        (mail,) = delivered(salon.app, environ).to(address)
        assert "\n" not in mail.subject
        for said in (mail.subject, mail.text):
            assert "evil.io" not in said
            assert "\r" not in said
        assert "Jane Bcc: all@ evil. io Pay evil. io," in mail.text

    def test_is_rehearsed_without_a_mail(self, salon: Business, address: str) -> None:
        invoice = new_invoice(salon, customerId=new_customer(salon, email=address))
        rehearsed = send(salon, invoice, query="?dryRun=true")
        assert (rehearsed.status_code, queued(salon)) == (200, [])
        assert salon.get(f"/api/invoices/{invoice['id']}").get_json() == invoice


class TestNobody:
    def test_gets_a_draft_or_what_is_void(self, salon: Business, address: str) -> None:
        customer = new_customer(salon, email=address)
        problem(send(salon, new_draft(salon, customerId=customer)), 409, "INVALID_STATE")
        invoice = new_invoice(salon, customerId=customer)
        salon.post(f"/api/invoices/{invoice['id']}/void", {"reason": "Wrong"})
        problem(send(salon, invoice), 409, "INVALID_STATE")
        assert queued(salon) == []

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
        assert queued(salon) == []
