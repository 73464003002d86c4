"""Credit notes over HTTP: what they take back, what becomes of the money, and what is told."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from mbs.credit_notes.schemas import CreditNoteView
from mbs.foundation.errors import DocumentLocked
from tests.contract.closed_schemas import differences
from tests.credit_notes.crediting import credit, credited, line, money_of, refusal
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.invoices import item, new_customer, new_draft, new_invoice
from tests.factories.issued import pay

PRINTS = {"description": "Print", "taxCategory": "standard"}


def paid(owner: Business, invoice: Any, *amounts: str) -> list[dict[str, Any]]:
    """Pay an invoice in parts; return the payments in their order."""
    target = {"customerId": invoice["customerId"], "invoiceId": invoice["id"]}
    return [pay(owner, amount, **target) for amount in amounts]


def payment(owner: Business, id_: str) -> tuple[str, str, str, str]:
    view = owner.get(f"/api/payments/{id_}").get_json()
    return view["status"], view["amountApplied"], view["amountRefunded"], view["amountUnapplied"]


class TestAWholeInvoice:
    def test_is_taken_back_at_the_taxes_that_were_charged(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        response = credit(salon, invoice["id"])
        note = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/credit-notes/{note['id']}"
        assert response.headers["ETag"] == '"1"'
        assert (note["subtotal"], note["taxTotal"], note["total"]) == ("951.42", "47.58", "999.00")
        assert note["items"][0]["taxes"] == invoice["items"][0]["taxes"]
        assert note["taxSummary"] == invoice["taxSummary"]
        assert (note["title"], note["invoiceNumber"]) == ("Credit note", invoice["number"])
        assert (note["customer"], note["seller"]) == (invoice["customer"], invoice["seller"])
        assert (note["number"][:2], note["number"][-6:]) == ("CN", "/00001")
        assert money_of(salon, invoice["id"]) == ("paid", "credited", "0.00", "999.00", "0.00")
        assert differences(CreditNoteView(), note) == []

    def test_may_be_billed_again(self, salon: Business) -> None:
        invoice = new_invoice(salon, item(), item(quantity="2"))
        credited(salon, invoice["id"], line(invoice, quantity="1"))
        assert released(salon, invoice) == [True, False]
        credited(salon, invoice["id"])
        assert released(salon, invoice) == [True, True]

    def test_keeps_its_own_snapshots_whatever_changes_later(self, salon: Business) -> None:
        customer = new_customer(salon, name="Jane Smith")
        invoice = new_invoice(salon, customerId=customer)
        salon.patch(f"/api/customers/{customer}", {"name": "Jane Doe"})
        assert credited(salon, invoice["id"])["customer"]["name"] == "Jane Smith"

    def test_is_told_of_by_the_trail(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        paid(salon, invoice, "900.00")
        note = credited(salon, invoice["id"], settle="refund")
        events = listed(salon, "/api/events?limit=100")
        ours = [one["type"] for one in events if one["type"] != "payment.received"][-5:]
        assert ours == [
            *("payment.unapplied", "refund.succeeded", "credit_note.issued", "invoice.credited"),
            "invoice.paid",
        ]
        told = next(one for one in events if one["type"] == "credit_note.issued")
        assert (told["objectType"], told["objectId"]) == ("credit_note", note["id"])
        assert told["data"]["object"]["total"] == "999.00"
        (before,) = (one["data"]["previous"] for one in events if one["type"] == "invoice.credited")
        assert before["amount_credited"] == "0.00"


def released(owner: Business, invoice: Any) -> list[bool]:
    asked = text(
        "SELECT released FROM document_lines WHERE (tenant_id, document_id) = (:tenant, :id) ORDER BY id"
    )
    with owner.database.transaction(owner.scope) as transaction:
        sought = {"tenant": owner.tenant_id, "id": invoice["id"]}
        return list(transaction.execute(asked, sought).scalars())


class TestPartsOfLines:
    def test_by_quantity_come_to_the_line_together(self, salon: Business) -> None:
        invoice = new_invoice(salon, item(quantity="3", unitPrice="333.00"))
        notes = [credited(salon, invoice["id"], line(invoice, quantity="1")) for _ in range(3)]
        for name in ("subtotal", "taxTotal", "total"):
            assert sum(Decimal(note[name]) for note in notes) == Decimal(invoice[name])
        assert [note["items"][0]["creditedQuantity"] for note in notes] == ["1.000"] * 3
        assert [note["number"][-5:] for note in notes] == ["00001", "00002", "00003"]

    def test_by_amount_have_their_taxes_inside(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        note = credited(salon, invoice["id"], line(invoice, amount="500.00"))
        (part,) = note["items"]
        assert (part["total"], part["net"], part["tax"]) == ("500.00", "476.18", "23.82")
        assert (part["quantity"], part["unitPrice"], part["creditedQuantity"]) == ("1.000", "500.00", None)
        assert credited(salon, invoice["id"])["total"] == "499.00"
        assert money_of(salon, invoice["id"])[1:] == ("credited", "0.00", "999.00", "0.00")

    def test_of_prices_without_tax_have_the_tax_on_top(self, salon: Business) -> None:
        invoice = new_invoice(salon, {**PRINTS, "quantity": "2", "unitPrice": "100.00"}, taxMode="exclusive")
        note = credited(salon, invoice["id"], line(invoice, quantity="1"))
        (part,) = note["items"]
        assert (part["unitPrice"], part["net"], part["tax"], part["total"]) == (
            *("100.00", "100.00", "18.00"),
            "118.00",
        )

    def test_bear_their_part_of_the_discounts(self, salon: Business) -> None:
        off = {"type": "percent", "value": "10"}
        invoice = new_invoice(salon, item(quantity="2", unitPrice="500.00", discount=off), discount=off)
        note = credited(salon, invoice["id"], line(invoice, quantity="1"))
        assert (invoice["total"], note["total"]) == ("810.00", "405.00")
        assert note["items"][0]["discount"] == "95.00"

    def test_leave_the_cash_rounding_to_the_last_note(self, salon: Business) -> None:
        rounding = {"invoicing": {"cashRounding": "1.00"}}
        assert salon.patch("/api/tenant/settings", rounding).status_code == 200
        invoice = new_invoice(salon, item(unitPrice="99.60"), item(unitPrice="100.00"))
        assert (invoice["rounding"], invoice["total"]) == ("0.40", "200.00")
        first = credited(salon, invoice["id"], line(invoice, quantity="1"))
        last = credited(salon, invoice["id"])
        assert (first["rounding"], first["total"]) == ("0.00", "99.60")
        assert (last["rounding"], last["total"]) == ("0.40", "100.40")

    def test_of_yen_are_whole(self, salon: Business) -> None:
        cut = {"unitPrice": "1000", "quantity": "3", "taxCategory": "beauty_wellness"}
        invoice = new_invoice(salon, {"description": "Cut", **cut}, currency="JPY")
        notes = [credited(salon, invoice["id"], line(invoice, quantity="1")) for _ in range(3)]
        assert [note["total"] for note in notes] == ["1000"] * 3
        assert sum(int(note["taxTotal"]) for note in notes) == int(invoice["taxTotal"])


class TestWhatWasPaid:
    def test_is_let_be_as_long_as_more_is_owed(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        (first,) = paid(salon, invoice, "500.00")
        credited(salon, invoice["id"], line(invoice, amount="499.00"))
        assert money_of(salon, invoice["id"]) == ("paid", "paid", "500.00", "499.00", "0.00")
        assert payment(salon, first["id"])[1:] == ("500.00", "0.00", "0.00")

    def test_needs_a_word_on_what_becomes_of_it(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        paid(salon, invoice, "500.00")
        response = credit(salon, invoice["id"])
        assert refusal(response) == (409, "INVALID_STATE", ["settle"])
        assert response.get_json()["amountDue"] == "499.00"
        assert money_of(salon, invoice["id"]) == ("open", "partial", "500.00", "0.00", "499.00")

    def test_goes_back_from_the_last_payment_first(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        first, last = paid(salon, invoice, "600.00", "399.00")
        refund = {"method": "upi", "reference": "4123"}
        note = credited(salon, invoice["id"], line(invoice, amount="500.00"), settle="refund", refund=refund)
        assert [(one["paymentId"], one["amount"]) for one in note["refunds"]] == [
            (last["id"], "399.00"),
            (first["id"], "101.00"),
        ]
        assert {(one["method"], one["reference"]) for one in note["refunds"]} == {("upi", "4123")}
        assert payment(salon, last["id"]) == ("refunded", "0.00", "399.00", "0.00")
        assert payment(salon, first["id"]) == ("partially_refunded", "499.00", "101.00", "0.00")
        assert money_of(salon, invoice["id"]) == ("paid", "paid", "499.00", "500.00", "0.00")
        assert {one["creditNoteId"] for one in listed(salon, "/api/refunds")} == {note["id"]}

    def test_stays_as_a_balance_and_pays_the_next_invoice(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        (first,) = paid(salon, invoice, "999.00")
        note = credited(salon, invoice["id"], settle="balance")
        assert (note["settlement"], note["refunds"]) == ("balance", [])
        assert money_of(salon, invoice["id"]) == ("paid", "credited", "0.00", "999.00", "0.00")
        assert payment(salon, first["id"]) == ("succeeded", "0.00", "0.00", "999.00")
        other = new_invoice(salon, customerId=invoice["customerId"])
        wanted = {"allocations": [{"invoiceId": other["id"], "amount": "999.00"}]}
        made(salon, f"/api/payments/{first['id']}/allocations", wanted)
        assert money_of(salon, other["id"])[0] == "paid"

    def test_of_what_is_uncollectible_is_credited_likewise(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        assert salon.post(f"/api/invoices/{invoice['id']}/mark-uncollectible").status_code == 200
        credited(salon, invoice["id"], line(invoice, amount="400.00"))
        assert money_of(salon, invoice["id"])[0] == "uncollectible"
        credited(salon, invoice["id"])
        assert money_of(salon, invoice["id"])[:2] == ("paid", "credited")


class TestRequests:
    def test_with_one_key_credit_once(self, salon: Business) -> None:
        invoice = new_invoice(salon, item(quantity="2"))
        key = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/api/invoices/{invoice['id']}/credit-notes"
        body = {"reason": "Came too late", "lines": [line(invoice, quantity="1")]}
        answers = [salon.post(path, body, headers=key) for _ in range(2)]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].get_json() == answers[1].get_json()
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert money_of(salon, invoice["id"])[3] == "999.00"

    def test_that_rehearse_leave_nothing_and_no_gap(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        path = f"/api/invoices/{invoice['id']}/credit-notes?dryRun=true"
        response = salon.post(path, {"reason": "Came too late"})
        assert (response.status_code, response.headers["Dry-Run"]) == (201, "true")
        assert money_of(salon, invoice["id"])[3] == "0.00"
        assert credited(salon, invoice["id"])["number"].endswith("/00001")

    def test_tell_which_version_of_the_invoice_they_mean(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        path, body = f"/api/invoices/{invoice['id']}/credit-notes", {"reason": "Came too late"}
        assert salon.post(path, body, headers={"If-Match": '"999"'}).status_code == 412
        match = {"If-Match": f'"{invoice["version"]}"'}
        assert salon.post(path, body, headers=match).status_code == 201

    def test_change_nothing_of_a_note_once_it_is_issued(self, salon: Business) -> None:
        note = credited(salon, new_invoice(salon)["id"])
        sought = {"tenant": salon.tenant_id, "id": note["id"]}
        for statement in (
            "UPDATE documents SET reason = 'x' WHERE tenant_id = :tenant AND id = :id",
            "DELETE FROM documents WHERE tenant_id = :tenant AND id = :id",
            "UPDATE document_lines SET description = 'x' WHERE tenant_id = :tenant AND document_id = :id",
        ):
            with pytest.raises(DocumentLocked), salon.database.transaction(salon.scope) as transaction:
                transaction.execute(text(statement), sought)

    def test_credit_the_largest_amount_exactly(self, salon: Business) -> None:
        most = {"description": "Tower", "unitPrice": "999999999999.99", "taxCategory": "beauty_wellness"}
        invoice = new_invoice(salon, most)
        one = credited(salon, invoice["id"], line(invoice, amount="0.01"))
        rest = credited(salon, invoice["id"])
        assert (one["total"], rest["total"]) == ("0.01", "999999999999.98")
        assert Decimal(one["taxTotal"]) + Decimal(rest["taxTotal"]) == Decimal(invoice["taxTotal"])


class TestDates:
    def test_run_from_the_invoice_to_today_and_never_back(self, salon: Business) -> None:
        invoice = new_invoice(salon, item(quantity="3"), issue_date="2026-06-10", supplyDate="2026-06-10")
        part = line(invoice, quantity="1")
        for day in ("2026-06-09", "2999-01-01"):
            response = credit(salon, invoice["id"], part, issueDate=day)
            assert refusal(response) == (400, "VALIDATION_ERROR", ["issueDate"])
        note = credited(salon, invoice["id"], part, issueDate="2026-06-12")
        assert (note["issueDate"], note["supplyDate"]) == ("2026-06-12", "2026-06-10")
        response = credit(salon, invoice["id"], part, issueDate="2026-06-11")
        assert refusal(response) == (409, "INVALID_STATE", ["issueDate"])
        assert credited(salon, invoice["id"], part, issueDate="2026-06-12")["number"].endswith("/00002")

    def test_are_today_where_it_is_issued_though_elsewhere_it_is_tomorrow(self, owner: Business) -> None:
        days = []
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            place = made(owner, "/api/locations", {"name": zone, "timezone": zone})
            note = credited(owner, new_invoice(owner, locationId=place["id"])["id"])
            days.append((note["number"][-6:], note["issueDate"]))
        assert [number for number, _ in days] == ["/00001", "/00002"]
        assert days[0][1] > days[1][1]

    def test_leave_drafts_alone(self, salon: Business) -> None:
        draft = new_draft(salon)
        assert refusal(credit(salon, draft["id"])) == (409, "INVALID_STATE", [])
