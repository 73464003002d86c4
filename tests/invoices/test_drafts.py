"""Drafts over HTTP: what they come to, how they change, and that the document keeps to what it shows."""

from collections.abc import Callable
from typing import Any

from mbs.invoices.schemas.views import InvoicePreview, InvoiceView, ListedInvoice
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.invoices import charge_gst, item, new_customer, new_draft

DESK = {"description": "Desk", "unitPrice": "100.00"}


def codes(draft: Any) -> list[list[str]]:
    return [[tax["code"] for tax in line["taxes"]] for line in draft["items"]]


class TestCreate:
    def test_reckons_a_salon_bill_of_999_with_gst_inside(self, salon: Business) -> None:
        draft = new_draft(salon)
        assert (draft["subtotal"], draft["taxTotal"], draft["total"]) == ("951.42", "47.58", "999.00")
        (line,) = draft["items"]
        assert line["taxes"] == [
            {"code": "CGST", "rate": "2.5", "amount": "23.79"},
            {"code": "SGST", "rate": "2.5", "amount": "23.79"},
        ]
        assert (draft["status"], draft["number"], draft["placeOfSupply"]) == ("draft", None, "27")
        assert (draft["paymentStatus"], draft["isOverdue"], draft["amountDue"]) == (None, False, "999.00")

    def test_keeps_twelve_digits_to_the_last_paisa(self, owner: Business) -> None:
        draft = new_draft(owner, item(unitPrice="999999999999.99"))
        assert (draft["total"], draft["items"][0]["total"]) == ("999999999999.99",) * 2
        shown = owner.get(f"/api/invoices/{draft['id']}").get_json()
        assert shown["amountDue"] == "999999999999.99"

    def test_charges_no_tax_where_none_is_charged(self, owner: Business) -> None:
        draft = new_draft(owner)
        assert (draft["taxTotal"], draft["total"], draft["placeOfSupply"]) == ("0.00", "999.00", None)
        assert draft["items"][0]["taxKind"] == "out_of_scope"

    def test_charges_igst_to_a_firm_of_another_state(self, salon: Business) -> None:
        firm = new_customer(salon, taxId="29AAGCB7383J1Z4", taxStatus="registered")
        line = item(taxCategory="standard", supplyRule="recipient")
        draft = new_draft(salon, line, customerId=firm, taxMode="exclusive")
        assert (codes(draft), draft["placeOfSupply"]) == ([["IGST"]], "29")

    def test_takes_what_is_not_said_from_the_service(self, salon: Business) -> None:
        service = made(salon, "/api/services", {"name": "Haircut", "duration": 45, "price": "999.00"})
        draft = new_draft(salon, {"serviceId": service["id"], "quantity": "2"})
        (line,) = draft["items"]
        assert (line["description"], line["quantity"], line["unitPrice"]) == ("Haircut", "2.000", "999.00")
        assert (line["unit"], line["taxCategory"], line["serviceId"]) == (
            None,
            "beauty_wellness",
            service["id"],
        )
        assert draft["total"] == "1998.00"

    def test_takes_discounts_off_lines_and_then_off_the_whole(self, owner: Business) -> None:
        draft = new_draft(
            owner,
            {**DESK, "quantity": "3", "discount": {"type": "percent", "value": "10"}},
            {**DESK, "discount": {"type": "amount", "value": "30.00"}},
            discount={"type": "percent", "value": "10"},
        )
        assert [line["discount"] for line in draft["items"]] == ["30.00", "30.00"]
        assert [line["discountPercent"] for line in draft["items"]] == ["10", None]
        assert [line["documentDiscount"] for line in draft["items"]] == ["27.00", "7.00"]
        assert (draft["discount"], draft["discountTotal"]) == ({"type": "percent", "value": "10"}, "94.00")
        assert draft["total"] == "306.00"

    def test_follows_the_settings_unless_told_otherwise(self, salon: Business) -> None:
        rules = {"taxMode": "exclusive", "roundingScope": "line", "cashRounding": "1.00", "terms": "14 days"}
        made(salon, "/api/tenant/settings", {"invoicing": rules}, "PATCH")
        customer = new_customer(salon)
        body = {"customerId": customer, "items": [item(unitPrice="99.50")]}
        draft = made(salon, "/api/invoices", body)
        assert (draft["taxMode"], draft["roundingScope"], draft["terms"]) == ("exclusive", "line", "14 days")
        assert (draft["taxTotal"], draft["rounding"], draft["total"]) == ("4.98", "-0.48", "104.00")
        abroad = made(
            salon, "/api/invoices", {**body, "currency": "USD", "taxMode": "inclusive", "terms": None}
        )
        assert (abroad["rounding"], abroad["total"], abroad["terms"]) == ("0.00", "99.50", None)

    def test_shows_amounts_as_their_currency_has_them(self, owner: Business) -> None:
        yen = new_draft(owner, item(unitPrice="1250"), currency="JPY")
        dinar = new_draft(owner, item(unitPrice="1.25"), currency="KWD")
        assert (yen["total"], dinar["total"]) == ("1250", "1.250")

    def test_is_done_once_for_one_key(self, owner: Business) -> None:
        body = {"customerId": new_customer(owner), "items": [item()]}
        key = {"Idempotency-Key": "draft-1"}
        ids = {made(owner, "/api/invoices", body, headers=key)["id"] for _ in range(3)}
        assert len(ids) == 1
        assert len(listed(owner, "/api/invoices")) == 1

    def test_tells_the_trail(self, owner: Business) -> None:
        draft = new_draft(owner)
        (event,) = events_of(owner, draft["id"])
        assert (event.type, event.object_type) == ("invoice.created", "invoice")
        assert (event.data["object"]["total"], event.data["object"]["status"]) == ("999.00", "draft")
        assert "lines" not in event.data["object"]


class TestPreview:
    def test_shows_what_the_draft_would_be_and_stores_nothing(self, salon: Business) -> None:
        customer = new_customer(salon)
        body = {"customerId": customer, "items": [item(), item(quantity="1.5")], "taxMode": "inclusive"}
        preview = salon.post("/api/invoices/preview", body).get_json()
        assert listed(salon, "/api/invoices") == []
        draft = made(salon, "/api/invoices", body)
        assert preview["seller"]["taxRegistration"] == "27AAPFU0939F1ZV"
        for name in set(preview) - {"seller", "items"}:
            assert preview[name] == draft[name], name
        for before, after in zip(preview["items"], draft["items"], strict=True):
            assert before.items() <= after.items()


class TestUpdate:
    def test_changes_what_is_named_and_keeps_the_rest(self, salon: Business) -> None:
        draft = new_draft(salon, discount={"type": "amount", "value": "99.00"}, terms="14 days")
        changed = made(salon, f"/api/invoices/{draft['id']}", {"notes": "Thank you"}, "PATCH")
        unlike = {name for name in draft if draft[name] != changed[name]}
        assert unlike == {"notes", "version", "updatedAt"}
        cleared = made(salon, f"/api/invoices/{draft['id']}", {"discount": None, "terms": None}, "PATCH")
        assert (cleared["discount"], cleared["terms"], cleared["total"]) == (None, None, "999.00")

    def test_replaces_all_items_and_reckons_anew(self, salon: Business) -> None:
        draft = new_draft(salon)
        changed = made(
            salon, f"/api/invoices/{draft['id']}", {"items": [item(unitPrice="100.00"), DESK]}, "PATCH"
        )
        assert [line["description"] for line in changed["items"]] == ["Haircut", "Desk"]
        assert [line["taxCategory"] for line in changed["items"]] == ["beauty_wellness", "standard"]
        assert changed["total"] == "200.00"
        assert len(changed["taxSummary"]) == 2

    def test_reckons_the_taxes_of_another_customer_or_mode(self, salon: Business) -> None:
        draft = new_draft(salon, item(taxCategory="standard", supplyRule="recipient"))
        assert codes(draft) == [["CGST", "SGST"]]
        firm = new_customer(salon, taxId="29AAGCB7383J1Z4", taxStatus="registered")
        path = f"/api/invoices/{draft['id']}"
        changed = made(salon, path, {"customerId": firm, "taxMode": "exclusive"}, "PATCH")
        assert (codes(changed), changed["subtotal"]) == ([["IGST"]], "999.00")
        assert changed["items"][0]["id"] == draft["items"][0]["id"]

    def test_tells_the_trail_what_changed(self, owner: Business) -> None:
        draft = new_draft(owner)
        made(owner, f"/api/invoices/{draft['id']}", {"items": [DESK]}, "PATCH")
        event = events_of(owner, draft["id"])[-1]
        assert event.type == "invoice.updated"
        assert (event.data["previous"]["total"], event.data["object"]["total"]) == ("999.00", "100.00")
        assert "customer_id" not in event.data["previous"]

    def test_heeds_the_version_that_was_read(self, owner: Business) -> None:
        path = f"/api/invoices/{new_draft(owner)['id']}"
        tag = owner.get(path).headers["ETag"]
        assert owner.get(path, headers={"If-None-Match": tag}).status_code == 304
        assert owner.patch(path, {"notes": "1"}, headers={"If-Match": tag}).status_code == 200
        stale = owner.patch(path, {"notes": "2"}, headers={"If-Match": tag})
        assert (stale.status_code, stale.get_json()["code"]) == (412, "PRECONDITION_FAILED")
        assert owner.delete(path, headers={"If-Match": tag}).status_code == 412

    def test_can_be_rehearsed(self, owner: Business) -> None:
        path = f"/api/invoices/{new_draft(owner)['id']}"
        rehearsed = owner.patch(f"{path}?dryRun=true", {"items": [DESK]}).get_json()
        assert (rehearsed["total"], owner.get(path).get_json()["total"]) == ("100.00", "999.00")


class TestRemove:
    def test_leaves_nothing_but_the_trail(self, owner: Business) -> None:
        draft = new_draft(owner)
        assert owner.delete(f"/api/invoices/{draft['id']}").status_code == 204
        assert owner.get(f"/api/invoices/{draft['id']}").status_code == 404
        assert events_of(owner, draft["id"])[-1].type == "invoice.deleted"


class TestAnswers:
    def test_are_what_the_document_says(self, salon: Business) -> None:
        draft = new_draft(salon, discount={"type": "percent", "value": "5"})
        names = {field.data_key for field in InvoiceView().fields.values()}
        assert set(draft) == names
        for part, name in (("items", "items"), ("tax_summary", "taxSummary")):
            nested = InvoiceView().fields[part].inner.schema.fields.values()  # type: ignore[attr-defined]
            assert set(draft[name][0]) == {field.data_key for field in nested}
        (row,) = listed(salon, "/api/invoices?expand=customer,items,payments")
        assert set(row) == {field.data_key for field in ListedInvoice().fields.values()}
        assert {name: draft[name] for name in row} == row
        body = {"customerId": draft["customerId"], "items": [item()]}
        preview = salon.post("/api/invoices/preview", body).get_json()
        assert set(preview) == {field.data_key for field in InvoicePreview().fields.values()}


class TestOtherTenants:
    def test_see_and_change_none_of_it(self, salon: Business, business: Callable[..., Business]) -> None:
        draft, thief = new_draft(salon), charge_gst(business())
        path = f"/api/invoices/{draft['id']}"
        before = salon.get(path).get_json()
        assert thief.get(path).status_code == 404
        assert thief.patch(path, {"notes": "mine"}).status_code == 404
        assert thief.patch(path, {"items": [DESK]}).status_code == 404
        assert thief.delete(path).status_code == 404
        assert listed(thief, "/api/invoices") == []
        assert listed(thief, f"/api/invoices?customerId={draft['customerId']}&status=draft,overdue") == []
        assert salon.get(path).get_json() == before

    def test_are_not_billed(self, salon: Business, business: Callable[..., Business]) -> None:
        stranger = business()
        service = made(stranger, "/api/services", {"name": "Cut", "duration": 45, "price": "9.00"})
        place = listed(stranger, "/api/locations")[0]["id"]
        own = new_customer(salon)
        for body, field in (
            ({"customerId": new_customer(stranger), "items": [item()]}, "customerId"),
            ({"customerId": own, "items": [item()], "locationId": place}, "locationId"),
            ({"customerId": own, "items": [item(), {"serviceId": service["id"]}]}, "items.1.serviceId"),
        ):
            for path in ("/api/invoices", "/api/invoices/preview"):
                response = salon.post(path, body)
                assert response.status_code == 400
                assert response.get_json()["code"] == "INVALID_REFERENCE"
                assert [fault["field"] for fault in response.get_json()["errors"]] == [field]
        draft = new_draft(salon)
        moved = salon.patch(f"/api/invoices/{draft['id']}", {"customerId": new_customer(stranger)})
        assert (moved.status_code, moved.get_json()["code"]) == (400, "INVALID_REFERENCE")
        assert len(listed(salon, "/api/invoices")) == 1
