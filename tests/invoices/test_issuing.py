"""Issuing: a draft gets its number and everything that stands on it for good, or nothing happens at all."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from mbs.foundation.errors import DocumentLocked
from tests.contract.round_trips import Counter
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.invoices import GSTIN, charge_gst, item, new_customer, new_draft, new_invoice
from tests.factories.issuing import counters, issue, today
from tests.factories.salons import problem

SET_LOCATION = "UPDATE locations SET {} WHERE tenant_id = :tenant AND is_default"


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


def execute(owner: Business, statement: str, **values: Any) -> None:
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(text(statement), {"tenant": owner.tenant_id, **values})


def read(owner: Business, invoice: Any) -> Any:
    return owner.get(f"/api/invoices/{invoice['id']}").get_json()


class TestIssue:
    def test_gives_a_draft_its_number_and_what_stands_on_it(self, salon: Business) -> None:
        execute(salon, SET_LOCATION.format("phone = '+912212345678'"))
        address = {"line1": "12 MG Road", "city": "Mumbai", "country": "IN"}
        customer = new_customer(salon, email="jane@example.com", address=address)
        draft = new_draft(salon, customerId=customer)
        response = issue(salon, draft)
        invoice = response.get_json()
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
        assert {
            name: invoice[name] for name in ("status", "title", "paymentStatus", "isOverdue", "amountDue")
        } == {
            "status": "open",
            "title": "Tax invoice",
            "paymentStatus": "unpaid",
            "isOverdue": False,
            "amountDue": "999.00",
        }
        day = today()
        assert invoice["number"].startswith("MUM/")
        assert invoice["number"].endswith("/00001")
        assert {invoice[name] for name in ("issueDate", "supplyDate", "dueDate")} == {day.isoformat()}
        assert invoice["seller"] == {
            "name": "Asha LLP",
            "address": None,
            "country": "IN",
            "taxRegistration": GSTIN,
            "taxRegime": "india_gst",
            "locationName": "Asha's Salon",
            "phone": "+912212345678",
        }
        assert invoice["customer"]["name"] == "Jane Smith"
        assert invoice["customer"]["address"]["line1"] == "12 MG Road"
        assert [invoice[name] for name in ("subtotal", "taxTotal", "total")] == ["951.42", "47.58", "999.00"]
        assert read(salon, invoice) == invoice

    def test_keeps_seller_and_customer_as_they_were(self, salon: Business) -> None:
        invoice = new_invoice(salon, customerId=(customer := new_customer(salon)))
        execute(salon, SET_LOCATION.format("legal_name = 'Other'"))
        salon.patch(f"/api/customers/{customer}", {"name": "Jane Miller"})
        assert read(salon, invoice) == invoice

    def test_tells_the_trail(self, salon: Business) -> None:
        draft = new_draft(salon)
        invoice = issue(salon, draft).get_json()
        created, issued = events_of(salon, draft["id"])
        assert (created.type, issued.type) == ("invoice.created", "invoice.issued")
        assert issued.data["object"]["number"] == invoice["number"]
        assert issued.data["object"]["total"] == "999.00"
        before = {"status": "draft", "number": None, "series": None, "seq": None, "issue_date": None}
        assert before.items() <= issued.data["previous"].items()
        assert "total" not in issued.data["previous"]

    def test_is_due_when_the_settings_or_the_draft_say(self, salon: Business) -> None:
        salon.patch("/api/tenant/settings", {"invoicing": {"dueDays": 15}})
        assert new_invoice(salon)["dueDate"] == (today() + timedelta(days=15)).isoformat()
        due = (today() + timedelta(days=3)).isoformat()
        assert new_invoice(salon, dueDate=due)["dueDate"] == due
        late = new_draft(salon, dueDate=(today() - timedelta(days=1)).isoformat())
        problem(issue(salon, late), 409, "INVALID_STATE", "dueDate")

    def test_of_nothing_to_pay_is_paid(self, salon: Business) -> None:
        free = new_invoice(salon, item(unitPrice="0"))
        assert (free["status"], free["paymentStatus"], free["total"]) == ("paid", "paid", "0.00")
        assert [one.type for one in events_of(salon, free["id"])][-2:] == ["invoice.issued", "invoice.paid"]

    def test_works_of_archived_customers_and_locations(self, salon: Business) -> None:
        place = salon.post("/api/locations", {"name": "Bandra", "invoicePrefix": "BAN"}).get_json()["id"]
        customer = new_customer(salon)
        draft = new_draft(salon, customerId=customer, locationId=place)
        assert salon.delete(f"/api/locations/{place}").status_code == 204
        assert salon.delete(f"/api/customers/{customer}").status_code == 204
        invoice = issue(salon, draft).get_json()
        assert (invoice["status"], invoice["title"]) == ("open", "Invoice")
        assert invoice["number"].startswith("BAN/")


class TestTaxes:
    def test_are_those_of_the_day_of_supply(self, salon: Business) -> None:
        draft = new_draft(salon, supplyDate="2025-09-21")
        assert draft["taxTotal"] == "152.38"
        assert issue(salon, draft).get_json()["taxTotal"] == "152.38"
        assert new_invoice(salon, issue_date="2025-09-22")["taxTotal"] == "47.58"

    def test_are_those_of_the_day_of_issue_where_nobody_says_more(self, salon: Business) -> None:
        draft = new_draft(salon)
        assert draft["taxTotal"] == "47.58"
        invoice = issue(salon, draft, {"issueDate": "2025-09-21"}).get_json()
        assert (invoice["supplyDate"], invoice["taxTotal"]) == ("2025-09-21", "152.38")
        assert [one["tax"] for one in invoice["items"]] == ["152.38"]
        previous = events_of(salon, invoice["id"])[-1].data["previous"]
        assert (previous["tax_total"], previous["subtotal"]) == ("47.58", "951.42")

    def test_are_those_of_whom_the_customer_has_become(self, salon: Business) -> None:
        customer = new_customer(salon)
        draft = new_draft(salon, item(taxCategory="standard", supplyRule="recipient"), customerId=customer)
        assert [one["code"] for one in draft["items"][0]["taxes"]] == ["CGST", "SGST"]
        execute(salon, "UPDATE customers SET region_code = '29' WHERE id = :id", id=customer)
        invoice = issue(salon, draft).get_json()
        assert [one["code"] for one in invoice["items"][0]["taxes"]] == ["IGST"]
        assert invoice["placeOfSupply"] == "29"

    def test_need_a_rate(self, salon: Business) -> None:
        draft = new_draft(salon, item(taxCategory="standard"))
        execute(salon, "UPDATE document_lines SET tax_category = 'unheard_of'")
        refused = problem(issue(salon, draft), 409, "NO_TAX_RATE")
        assert (refused["category"], refused["jurisdiction"]) == ("unheard_of", "IN")
        assert read(salon, draft)["status"] == "draft"

    @pytest.mark.parametrize(
        ("regime", "country", "refused"),
        [
            ("vat", "GB", True),
            ("gst", "SG", True),
            ("sst", "MY", True),
            ("india_gst", "IN", True),
            ("none", "IN", False),
        ],
    )
    def test_need_a_registration_of_the_seller(
        self, owner: Business, regime: str, country: str, refused: bool
    ) -> None:
        execute(
            owner,
            SET_LOCATION.format("tax_regime = :regime, country = :country"),
            regime=regime,
            country=country,
        )
        draft = new_draft(owner, item(taxCategory="standard"), taxMode="exclusive")
        response = issue(owner, draft)
        if refused:
            problem(response, 409, "MISSING_SELLER_TAX_ID")
            assert (read(owner, draft)["status"], counters(owner)) == ("draft", {})
        else:
            assert response.get_json()["title"] == "Invoice"


class TestTitle:
    @pytest.mark.parametrize(
        ("categories", "title"),
        [
            (["standard"], "Tax invoice"),
            (["exempt"], "Bill of supply"),
            (["exempt", "standard"], "Tax invoice"),
        ],
    )
    def test_in_india_tells_whether_anything_is_taxed(
        self, salon: Business, categories: list[str], title: str
    ) -> None:
        items = [item(taxCategory=category) for category in categories]
        assert new_invoice(salon, *items)["title"] == title

    def test_elsewhere_is_that_of_a_tax_invoice_where_tax_is_charged(
        self, business: Callable[..., Business]
    ) -> None:
        owner = business(countryCode="GB", businessType="consultancy")
        assert new_invoice(owner, item(taxCategory="exempt"))["title"] == "Invoice"
        execute(owner, SET_LOCATION.format("tax_regime = 'vat', tax_registration = 'GB980780684'"))
        assert new_invoice(owner, item(taxCategory="exempt"))["title"] == "Tax invoice"


class TestDateOfIssue:
    def test_is_not_to_come(self, salon: Business) -> None:
        draft = new_draft(salon)
        tomorrow = (today() + timedelta(days=1)).isoformat()
        problem(issue(salon, draft, {"issueDate": tomorrow}), 400, "VALIDATION_ERROR", "issueDate")

    def test_is_not_before_that_of_the_number_before(self, salon: Business) -> None:
        new_invoice(salon, issue_date="2025-05-04")
        draft = new_draft(salon)
        refused = problem(issue(salon, draft, {"issueDate": "2025-05-03"}), 409, "INVALID_STATE", "issueDate")
        assert "2025-05-04" in refused["detail"]
        assert read(salon, draft) == draft
        assert issue(salon, draft, {"issueDate": "2025-05-04"}).get_json()["number"] == "MUM/2526/00002"
        # Another year is another series.
        assert new_invoice(salon, issue_date="2024-05-04")["number"] == "MUM/2425/00001"


class TestRefusals:
    def test_of_what_is_no_draft_leave_it_as_it_is(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        refused = problem(issue(salon, invoice), 409, "INVALID_STATE")
        assert invoice["number"] in refused["detail"]
        assert (read(salon, invoice), counters(salon).popitem()[1]) == (invoice, 1)

    def test_of_one_without_items(self, salon: Business) -> None:
        draft = new_draft(salon)
        execute(salon, "DELETE FROM document_lines WHERE document_id = :id", id=draft["id"])
        problem(issue(salon, draft), 409, "INVALID_STATE")

    def test_of_one_that_has_moved_on(self, salon: Business) -> None:
        draft = new_draft(salon)
        salon.patch(f"/api/invoices/{draft['id']}", {"notes": "Thank you"})
        problem(issue(salon, draft, **{"If-Match": '"1"'}), 412, "PRECONDITION_FAILED")
        assert issue(salon, draft, **{"If-Match": '"2"'}).status_code == 200

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"number": "X"}, "number"), ({"issueDate": "2025-02-30"}, "issueDate"), ({"total": "1"}, "total")],
    )
    def test_of_what_nobody_can_choose(self, salon: Business, body: dict[str, str], field: str) -> None:
        draft = new_draft(salon)
        problem(issue(salon, draft, body), 400, "VALIDATION_ERROR", field)

    def test_of_strangers(self, salon: Business, business: Callable[..., Business]) -> None:
        draft = new_draft(salon)
        problem(issue(business(), draft), 404, "NOT_FOUND")
        assert read(salon, draft) == draft

    def test_of_changes_behind_it_come_from_the_database_too(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        url = f"/api/invoices/{invoice['id']}"
        problem(salon.patch(url, {"notes": "Other"}), 409, "DOCUMENT_LOCKED")
        problem(salon.delete(url), 409, "DOCUMENT_LOCKED")
        for statement in (
            "UPDATE documents SET notes = 'x'",
            "UPDATE documents SET number = 'X'",
            "DELETE FROM documents",
            "UPDATE document_lines SET description = 'x'",
        ):
            with pytest.raises(DocumentLocked):
                execute(salon, f"{statement} WHERE tenant_id = :tenant")


class TestOnceMore:
    def test_with_one_key_is_one_issue(self, salon: Business) -> None:
        draft = new_draft(salon)
        answers = [issue(salon, draft, **{"Idempotency-Key": "k"}) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 200]
        assert answers[0].get_data() == answers[1].get_data()
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert counters(salon).popitem()[1] == 1

    def test_after_a_rehearsal_gets_the_same_number(self, salon: Business) -> None:
        draft = new_draft(salon)
        rehearsed = issue(salon, draft, query="?dryRun=true")
        assert rehearsed.headers["Dry-Run"] == "true"
        assert (counters(salon), read(salon, draft)) == ({}, draft)
        assert issue(salon, draft).get_json()["number"] == rehearsed.get_json()["number"]


class TestMessages:
    @pytest.mark.parametrize("issue_date", [None, "2025-09-21"])
    def test_are_as_many_for_200_lines_as_for_one(self, salon: Business, issue_date: str | None) -> None:
        counter = Counter(salon.app)
        counts = []
        for lines in (1, 200):
            draft = new_draft(salon, *(item(description=f"Haircut {number}") for number in range(lines)))
            body = {} if issue_date is None else {"issueDate": issue_date}
            counts.append(counter.count(partial(issue, salon, draft, body)).own)
        assert counts == [8 if issue_date is None else 9] * 2
