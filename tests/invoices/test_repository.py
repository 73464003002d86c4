"""The tables of invoices: what is written by few statements, and what is summed up anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.foundation.db import Transaction
from mbs.foundation.errors import NotFound
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.lines import LineRepository
from tests.factories.callers import Business
from tests.factories.customers import add_customers

ISSUE = text(
    "UPDATE documents SET status = 'open', number = 'T-1', series = 'T', seq = 1, title = 'Invoice',"
    " issue_date = '2026-03-02', supply_date = '2026-03-02', seller = '{}',"
    ' buyer = \'{"name": "As it was"}\' WHERE id = :id'
)
PAY = text(
    "WITH paid AS (INSERT INTO payments (id, number, series, seq, customer_id, location_id, currency, amount,"
    " method, received_at, amount_applied)"
    " SELECT :payment, 'R-1', 'R', 1, customer_id, location_id, currency, :amount, 'cash', now(), :amount"
    " FROM documents WHERE id = :document RETURNING *)"
    " INSERT INTO payment_allocations (id, payment_id, document_id, customer_id, currency, amount)"
    " SELECT :allocation, id, :document, customer_id, currency, amount FROM paid"
)
UNPAY = text("DELETE FROM payment_allocations WHERE document_id = :document")
UNAPPLY = text("UPDATE payments SET amount_applied = 0 WHERE id = :payment")


def line(**changes: Any) -> dict[str, Any]:
    kept = {
        "id": uuid7(),
        "description": "Haircut",
        "quantity": Decimal("1.000"),
        "unit_price": Decimal("999.00"),
        "amount": Decimal("999.00"),
        "document_discount": Decimal(0),
        "tax_category": "standard",
        "tax_kind": "taxed",
        "supply_rule": "performance",
        "net": Decimal("846.61"),
        "taxes": [{"code": "GST", "rate": "18", "amount": "152.39"}],
        "tax": Decimal("152.39"),
        "total": Decimal("999.00"),
    }
    return {**kept, **changes}


@contextmanager
def transaction(owner: Business) -> Iterator[Transaction]:
    with owner.database.transaction(owner.scope) as opened:
        yield opened


def add_draft(owner: Business, lines: list[dict[str, Any]]) -> UUID:
    (customer_id,) = add_customers(owner, [{"name": "Jane"}])
    with transaction(owner) as opened:
        location = opened.execute(
            text("SELECT id FROM locations WHERE tenant_id = :tenant AND is_default"),
            {"tenant": owner.tenant_id},
        ).scalar_one()
        document = DocumentRepository(opened).add(
            {
                "id": uuid7(),
                "type": "invoice",
                "location_id": location,
                "customer_id": customer_id,
                "currency": "INR",
                "tax_mode": "inclusive",
                "rounding_scope": "document",
                "subtotal": sum(one["net"] for one in lines),
                "discount_total": 0,
                "tax_total": sum(one["tax"] for one in lines),
                "rounding": 0,
                "total": sum(one["total"] for one in lines),
            }
        )
        LineRepository(opened).add_all(document.id, lines)
    found: UUID = document.id
    return found


class TestAddAll:
    def test_writes_each_line_as_it_is_given_and_numbers_them(self, owner: Business) -> None:
        id_ = add_draft(
            owner,
            [line(), line(description="Oil — ₹", quantity=Decimal("0.001"), sac_hsn="9997", unit="hour")],
        )
        with transaction(owner) as opened:
            first, second = LineRepository(opened).of(id_)
        assert (first.position, first.unit_price, first.taxes[0]["amount"]) == (1, Decimal(999), "152.39")
        assert (second.position, second.description, second.quantity) == (2, "Oil — ₹", Decimal("0.001"))
        assert (second.sac_hsn, second.unit, second.source_id, second.released) == (
            "9997",
            "hour",
            None,
            False,
        )

    def test_keeps_the_largest_amounts_to_the_last_digit(self, owner: Business) -> None:
        most = Decimal("999999999999.99")
        id_ = add_draft(owner, [line(unit_price=most, amount=most, net=most, tax=Decimal(0), total=most)])
        with transaction(owner) as opened:
            (only,) = LineRepository(opened).of(id_)
            assert (only.total, DocumentRepository(opened).view(id_).total) == (most, most)


class TestReprice:
    def test_changes_what_is_reckoned_and_nothing_else(self, owner: Business) -> None:
        id_ = add_draft(owner, [line(), line(description="Oil")])
        with transaction(owner) as opened:
            lines = LineRepository(opened)
            before = lines.of(id_)
            reckoned = {
                "document_discount": Decimal(0),
                "tax_kind": "zero",
                "net": Decimal(999),
                "taxes": [],
                "tax": Decimal(0),
                "total": Decimal(999),
            }
            lines.reprice(id_, [{"id": before[1].id, **reckoned}])
            after = lines.of(id_)
        assert after[0] == before[0]
        assert {**before[1]._asdict(), **reckoned} == after[1]._asdict()


class TestReplaceAll:
    def test_leaves_the_new_lines_only(self, owner: Business) -> None:
        id_ = add_draft(owner, [line(), line()])
        with transaction(owner) as opened:
            lines = LineRepository(opened)
            lines.replace_all(id_, [line(description="Oil")])
            assert [(one.position, one.description) for one in lines.of(id_)] == [(1, "Oil")]


class TestSettle:
    def test_follows_what_was_paid_and_paid_back(self, owner: Business) -> None:
        id_, payment = add_draft(owner, [line()]), uuid7()
        with transaction(owner) as opened:
            opened.execute(ISSUE, {"id": id_})
            pay = {"payment": payment, "document": id_, "allocation": uuid7(), "amount": 999}
            opened.execute(PAY, pay)
            (paid,) = DocumentRepository(opened).settle([id_])
        assert (paid.status, paid.amount_paid, paid.amount_due, paid.version) == ("paid", 999, 0, 2)
        with transaction(owner) as opened:
            view = DocumentRepository(opened).view(id_)
            assert [(one["number"], one["amount"]) for one in view.payments] == [("R-1", "999.0000")]
            opened.execute(UNPAY, {"document": id_})
            opened.execute(UNAPPLY, {"payment": payment})
            (open_again,) = DocumentRepository(opened).settle([id_])
        assert (open_again.status, open_again.amount_paid, open_again.amount_due) == ("open", 0, 999)

    def test_leaves_drafts_alone(self, owner: Business) -> None:
        id_ = add_draft(owner, [line()])
        with transaction(owner) as opened:
            assert DocumentRepository(opened).settle([id_]) == []


class TestView:
    def test_shows_the_customer_as_it_is_until_the_document_is_issued(self, owner: Business) -> None:
        id_ = add_draft(owner, [line()])
        with transaction(owner) as opened:
            documents = DocumentRepository(opened)
            draft = documents.view(id_)
            opened.execute(ISSUE, {"id": id_})
            issued = documents.view(id_)
        assert (draft.customer["name"], draft.customer["taxStatus"]) == ("Jane", "unregistered")
        assert issued.customer == {"name": "As it was"}
        assert issued.issue_date == date(2026, 3, 2)
        assert issued.timezone == "Asia/Kolkata"
        assert (issued.payments, issued.credit_notes) == (None, None)
        assert [one["total"] for one in issued.lines] == ["999.0000"]

    def test_finds_documents_of_the_asked_type_and_tenant_only(self, owner: Business, business: Any) -> None:
        id_ = add_draft(owner, [line()])
        with transaction(owner) as opened, pytest.raises(NotFound):
            DocumentRepository(opened).view(id_, type_="credit_note")
        with transaction(business()) as opened:
            documents = DocumentRepository(opened)
            assert documents.lock([id_]) == []
            with pytest.raises(NotFound):
                documents.view(id_)
