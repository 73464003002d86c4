"""What no credit note is written for; nothing is stored, and no number used up."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.credit_notes.crediting import credit, credited, line, money_of, refusal
from tests.factories.answers import listed
from tests.factories.callers import Business
from tests.factories.invoices import charge_gst, item, new_draft, new_invoice

SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"quantity": "0"}, "lines.0.quantity"),
    ({"quantity": "0.0001"}, "lines.0.quantity"),
    ({"quantity": "-1"}, "lines.0.quantity"),
    ({"quantity": 1}, "lines.0.quantity"),
    ({"quantity": "NaN"}, "lines.0.quantity"),
    ({"amount": "0.00"}, "lines.0.amount"),
    ({"amount": "1.001"}, "lines.0.amount"),
    ({"amount": "-1.00"}, "lines.0.amount"),
    ({"amount": 1.5}, "lines.0.amount"),
    ({"amount": "1.00", "quantity": "1"}, "lines.0.quantity"),
    ({}, "lines.0.quantity"),
    ({"total": "1.00"}, "lines.0.total"),
]
"""Parts of a line, and the field that is at fault."""

FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"reason": ""}, "reason"),
    ({"settle": "burn"}, "settle"),
    ({"lines": []}, "lines"),
    ({"refund": {"method": "cash"}}, "refund"),
    ({"refund": {"method": "barter"}, "settle": "refund"}, "refund.method"),
    ({"total": "1.00"}, "total"),
    ({"number": "CN1"}, "number"),
    ({"issueDate": "2026-02-30"}, "issueDate"),
]
"""The same of whole bodies."""


@pytest.fixture
def invoice(salon: Business) -> Any:
    return new_invoice(salon, item(quantity="2"), item())


class TestParts:
    @pytest.mark.parametrize(
        ("part", "left"),
        [
            ({"quantity": "2.001"}, ("1998.00", "2.000")),
            ({"quantity": "999999.999"}, ("1998.00", "2.000")),
            ({"amount": "1998.01"}, ("1998.00", "2.000")),
            ({"amount": "999999999999999.99"}, ("1998.00", "2.000")),
        ],
    )
    def test_above_the_line_are_refused_with_what_is_left(
        self, salon: Business, invoice: Any, part: dict[str, Any], left: tuple[str, str]
    ) -> None:
        response = credit(salon, invoice["id"], line(invoice, 1, quantity="1"), line(invoice, **part))
        assert refusal(response) == (409, "CREDIT_EXCEEDS_LINE", ["lines.1"])
        body = response.get_json()
        assert (body["amountLeft"], body["quantityLeft"]) == left
        assert listed(salon, "/api/credit-notes") == []
        assert money_of(salon, invoice["id"])[3] == "0.00"

    def test_above_what_other_notes_left_are_refused(self, salon: Business, invoice: Any) -> None:
        credited(salon, invoice["id"], line(invoice, quantity="1.5"))
        response = credit(salon, invoice["id"], line(invoice, quantity="0.501"))
        assert refusal(response) == (409, "CREDIT_EXCEEDS_LINE", ["lines.0"])
        assert response.get_json()["quantityLeft"] == "0.500"

    def test_that_make_no_sense_are_refused_by_their_field(self, salon: Business, invoice: Any) -> None:
        for part, field in SENSELESS:
            response = credit(salon, invoice["id"], line(invoice, **part))
            assert refusal(response)[:2] == (400, "VALIDATION_ERROR"), part
            assert field in refusal(response)[2], part
        assert money_of(salon, invoice["id"])[3] == "0.00"

    def test_of_yen_have_no_decimals(self, salon: Business) -> None:
        cut = {"description": "Cut", "unitPrice": "1000", "taxCategory": "beauty_wellness"}
        invoice = new_invoice(salon, cut, currency="JPY")
        response = credit(salon, invoice["id"], line(invoice, amount="10.5"))
        assert refusal(response) == (400, "VALIDATION_ERROR", ["lines.0.amount"])

    def test_of_one_line_are_named_once(self, salon: Business, invoice: Any) -> None:
        one = line(invoice, quantity="0.5")
        response = credit(salon, invoice["id"], one, one)
        assert refusal(response) == (400, "VALIDATION_ERROR", ["lines.1.invoiceLineId"])

    def test_of_another_invoice_are_unknown(self, salon: Business, invoice: Any) -> None:
        other = new_invoice(salon, customerId=invoice["customerId"])
        for strange in (other["items"][0]["id"], str(uuid.uuid4()), invoice["id"]):
            response = credit(salon, invoice["id"], {"invoiceLineId": strange, "quantity": "1"})
            assert refusal(response) == (400, "INVALID_REFERENCE", ["lines.0.invoiceLineId"])

    def test_of_another_note_are_unknown(self, salon: Business, invoice: Any) -> None:
        note = credited(salon, invoice["id"], line(invoice, quantity="1"))
        part = {"invoiceLineId": note["items"][0]["id"], "quantity": "1"}
        assert refusal(credit(salon, invoice["id"], part))[1] == "INVALID_REFERENCE"


class TestInvoices:
    def test_that_are_drafts_or_void_are_not_credited(self, salon: Business) -> None:
        draft = new_draft(salon)
        assert refusal(credit(salon, draft["id"]))[:2] == (409, "INVALID_STATE")
        invoice = new_invoice(salon)
        assert salon.post(f"/api/invoices/{invoice['id']}/void", {"reason": "Typo"}).status_code == 200
        assert refusal(credit(salon, invoice["id"]))[:2] == (409, "INVALID_STATE")

    def test_of_which_nothing_is_left_are_not_credited(self, salon: Business, invoice: Any) -> None:
        credited(salon, invoice["id"])
        assert refusal(credit(salon, invoice["id"]))[:2] == (409, "INVALID_STATE")
        assert refusal(credit(salon, invoice["id"], line(invoice, amount="0.01")))[1] == "CREDIT_EXCEEDS_LINE"

    def test_that_were_credited_are_not_void(self, salon: Business, invoice: Any) -> None:
        credited(salon, invoice["id"], line(invoice, quantity="1"))
        response = salon.post(f"/api/invoices/{invoice['id']}/void", {"reason": "Typo"})
        assert refusal(response)[:2] == (409, "INVALID_STATE")

    def test_that_are_credit_notes_are_not_credited(self, salon: Business, invoice: Any) -> None:
        note = credited(salon, invoice["id"], line(invoice, quantity="1"))
        assert credit(salon, note["id"]).status_code == 404

    def test_of_another_business_are_not_found(
        self, salon: Business, invoice: Any, business: Callable[..., Business]
    ) -> None:
        other = charge_gst(business())
        note = credited(salon, invoice["id"], line(invoice, quantity="1"))
        own = new_invoice(other)
        assert credit(other, invoice["id"]).status_code == 404
        assert other.get(f"/api/credit-notes/{note['id']}").status_code == 404
        assert refusal(credit(other, own["id"], line(invoice, quantity="1")))[1] == "INVALID_REFERENCE"
        assert listed(other, "/api/credit-notes") == []


class TestBodies:
    def test_that_are_faulty_are_refused_by_their_field(self, salon: Business, invoice: Any) -> None:
        for body, field in FAULTY:
            response = credit(salon, invoice["id"], **body)
            assert refusal(response) == (400, "VALIDATION_ERROR", [field]), body
        assert listed(salon, "/api/credit-notes") == []


class TestRoles:
    def test_that_may_not_credit_are_told_so(self, salon: Business, invoice: Any) -> None:
        assert credit(salon.colleague("manager"), invoice["id"]).status_code == 403
        accountant = salon.colleague("accountant")
        assert credit(accountant, invoice["id"], line(invoice, quantity="1")).status_code == 201
        assert len(listed(salon.colleague("manager"), "/api/credit-notes")) == 1
        assert salon.colleague("staff").get("/api/credit-notes").status_code == 403


class TestANumberThatIsTaken:
    def test_is_told_to_be_the_pattern_s_fault(self, salon: Business) -> None:
        for pattern in ("1/{SEQ:1}", "{SEQ:1}/1"):
            settings = {"invoicing": {"numberPatterns": {"creditNote": pattern}}}
            assert salon.patch("/api/tenant/settings", settings).status_code == 200
            response = credit(salon, new_invoice(salon)["id"])

        assert refusal(response) == (409, "CONFLICT", [])
        assert "change the pattern" in response.get_json()["detail"]
