"""What is refused of a draft: with the field that is at fault, and nothing stored."""

from typing import Any

import pytest

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import charge_gst, item, new_customer, new_draft


def bill(line: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    return {"items": [{**item(), **(line or {})}], **values}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a total of the client's": (bill(total="1.00"), "total"),
    "a tax of the client's": (bill(taxTotal="0.00"), "taxTotal"),
    "a line's total of the client's": (bill({"total": "1.00"}), "items.0.total"),
    "a line's rate of the client's": (bill({"taxRate": "500"}), "items.0.taxRate"),
    "a number of the client's": (bill(number="MUM/2526/00001"), "number"),
    "a status": (bill(status="paid"), "status"),
    "a price that is no number": (bill({"unitPrice": "NaN"}), "items.0.unitPrice"),
    "an infinite price": (bill({"unitPrice": "Infinity"}), "items.0.unitPrice"),
    "a price below nothing": (bill({"unitPrice": "-1.00"}), "items.0.unitPrice"),
    "a price as a JSON number": (bill({"unitPrice": 999.0}), "items.0.unitPrice"),
    "a price with an exponent": (bill({"unitPrice": "1e3"}), "items.0.unitPrice"),
    "a price of Arabic digits": (bill({"unitPrice": "١٢"}), "items.0.unitPrice"),
    "three decimals of INR": (bill({"unitPrice": "9.999"}), "items.0.unitPrice"),
    "one decimal of JPY": (bill({"unitPrice": "9.5"}, currency="JPY"), "items.0.unitPrice"),
    "four decimals of KWD": (bill({"unitPrice": "1.2345"}, currency="KWD"), "items.0.unitPrice"),
    "a price beyond numeric(19,4)": (bill({"unitPrice": "1000000000000000"}), "items.0.unitPrice"),
    "an amount beyond numeric(19,4)": (
        bill({"unitPrice": "999999999999999.00", "quantity": "2"}),
        "items.0.unitPrice",
    ),
    "a sum beyond numeric(19,4)": (
        {"items": [item(unitPrice="999999999999999.00")] * 2},
        "items",
    ),
    "no quantity at all": (bill({"quantity": "0"}), "items.0.quantity"),
    "no quantity, to three decimals": (bill({"quantity": "0.000"}), "items.0.quantity"),
    "a quantity of 1e9": (bill({"quantity": "1e9"}), "items.0.quantity"),
    "a quantity of a thousand million": (bill({"quantity": "1000000000"}), "items.0.quantity"),
    "a quantity of four decimals": (bill({"quantity": "1.0001"}), "items.0.quantity"),
    "a quantity as a JSON number": (bill({"quantity": 1}), "items.0.quantity"),
    "a quantity below nothing": (bill({"quantity": "-1"}), "items.0.quantity"),
    "a discount above the line": (
        bill({"discount": {"type": "amount", "value": "999.01"}}),
        "items.0.discount.value",
    ),
    "a discount of more than all of it": (
        bill({"discount": {"type": "percent", "value": "100.01"}}),
        "items.0.discount.value",
    ),
    "a discount finer than the currency": (
        bill({"discount": {"type": "amount", "value": "1.005"}}),
        "items.0.discount.value",
    ),
    "a discount above the whole": (
        bill({}, discount={"type": "amount", "value": "999.01"}),
        "discount.value",
    ),
    "a discount of the whole finer than the currency": (
        bill({}, discount={"type": "amount", "value": "1.005"}),
        "discount.value",
    ),
    "a discount of no kind": (bill({}, discount={"value": "1.00"}), "discount.type"),
    "no items": ({"items": []}, "items"),
    "201 items": ({"items": [item()] * 201}, "items"),
    "an item of nothing": ({"items": [{}]}, "items.0.description"),
    "an item without a price": ({"items": [{"description": "Haircut"}]}, "items.0.unitPrice"),
    "a description too long": (bill({"description": "x" * 1001}), "items.0.description"),
    "a description with control characters": (bill({"description": "a\x07b"}), "items.0.description"),
    "notes too long": (bill(notes="x" * 5001), "notes"),
    "a code of goods in letters": (bill({"sacHsn": "ABCD"}), "items.0.sacHsn"),
    "a rule that is none": (bill({"supplyRule": "anywhere"}), "items.0.supplyRule"),
    "a currency that is none": (bill(currency="XXZ"), "currency"),
    "a tax mode that is none": (bill(taxMode="both"), "taxMode"),
    "a day that is none": (bill(supplyDate="2026-02-30"), "supplyDate"),
    "a customer that is no id": (bill(customerId="1"), "customerId"),
    "a service that is no id": (bill({"serviceId": "1"}), "items.0.serviceId"),
}


def stored(owner: Business) -> int:
    page = owner.get("/api/invoices?limit=1&includeTotal=true").get_json()["pagination"]
    total: int = page["total"]
    return total


class TestABadDraft:
    @pytest.mark.parametrize("name", BAD)
    def test_is_refused_with_its_field_and_leaves_nothing(self, resident: Business, name: str) -> None:
        body, field = BAD[name]
        whole = {"customerId": new_customer(resident), **body}
        before = stored(resident)
        for path in ("/api/invoices/preview", "/api/invoices"):
            response = resident.post(path, whole)
            answer = response.get_json()
            assert (response.status_code, answer["code"]) == (400, "VALIDATION_ERROR")
            assert field in [fault["field"] for fault in answer["errors"]]
        assert stored(resident) == before

    @pytest.mark.parametrize("name", [name for name in BAD if BAD[name][1] != "customerId"])
    def test_is_refused_as_a_change_too(self, resident: Business, name: str) -> None:
        body, field = BAD[name]
        draft = new_draft(resident)
        response = resident.patch(f"/api/invoices/{draft['id']}", body)
        assert response.status_code == 400
        assert field in [fault["field"] for fault in response.get_json()["errors"]]
        assert resident.get(f"/api/invoices/{draft['id']}").get_json() == draft


class TestTwoHundredItems:
    def test_are_taken(self, owner: Business) -> None:
        draft = new_draft(owner, *[item(unitPrice="0.01")] * 200)
        assert (len(draft["items"]), draft["total"]) == (200, "2.00")


class TestAService:
    def test_that_is_not_offered_is_not_billed(self, owner: Business) -> None:
        service = made(owner, "/api/services", {"name": "Cut", "duration": 45, "price": "9.00"})
        body = {"customerId": new_customer(owner), "items": [{"serviceId": service["id"]}]}
        draft = made(owner, "/api/invoices", body)
        made(owner, f"/api/services/{service['id']}", {"isActive": False}, "PATCH")
        response = owner.post("/api/invoices", body)
        assert (response.status_code, response.get_json()["code"]) == (409, "SERVICE_INACTIVE")
        assert response.get_json()["errors"][0]["field"] == "items.0.serviceId"
        # What stands on a draft already stays there.
        assert made(owner, f"/api/invoices/{draft['id']}", {"notes": "x"}, "PATCH")["total"] == "9.00"

    def test_needs_a_price_in_another_currency(self, owner: Business) -> None:
        service = made(owner, "/api/services", {"name": "Cut", "duration": 45, "price": "9.00"})
        line = {"serviceId": service["id"]}
        body = {"customerId": new_customer(owner), "items": [line], "currency": "USD"}
        response = owner.post("/api/invoices", body)
        assert response.status_code == 400
        assert response.get_json()["errors"][0]["field"] == "items.0.unitPrice"
        line["unitPrice"] = "2.00"
        assert made(owner, "/api/invoices", body)["total"] == "2.00"


class TestTaxes:
    def test_of_a_category_without_a_rate_are_refused_with_where_and_when(self, owner: Business) -> None:
        charge_gst(owner)
        body = {"customerId": new_customer(owner), "items": [item(taxCategory="moonstone")]}
        response = owner.post("/api/invoices", {**body, "supplyDate": "2026-03-02"})
        answer = response.get_json()
        assert (response.status_code, answer["code"]) == (409, "NO_TAX_RATE")
        assert (answer["category"], answer["jurisdiction"], answer["on"]) == ("moonstone", "IN", "2026-03-02")

    def test_that_lift_the_total_beyond_what_can_be_kept_are_refused(self, owner: Business) -> None:
        charge_gst(owner)
        line = item(unitPrice="999999999999999.00", taxCategory="standard")
        body = {"customerId": new_customer(owner), "items": [line], "taxMode": "exclusive"}
        response = owner.post("/api/invoices", body)
        assert response.status_code == 400
        assert response.get_json()["errors"][0]["field"] == "items"
        assert made(owner, "/api/invoices", {**body, "taxMode": "inclusive"})["total"] == line["unitPrice"]

    def test_of_two_places_are_refused_with_the_line(self, owner: Business) -> None:
        charge_gst(owner)
        firm = new_customer(owner, taxId="29AAGCB7383J1Z4", taxStatus="registered")
        lines = [item(supplyRule="performance"), item(supplyRule="recipient")]
        response = owner.post("/api/invoices", {"customerId": firm, "items": lines})
        assert response.status_code == 400
        assert response.get_json()["errors"][0]["field"] == "items.1.supplyRule"


class TestACurrency:
    def test_that_the_lines_do_not_fit_is_refused(self, owner: Business) -> None:
        draft = new_draft(owner, item(unitPrice="9.50"))
        path = f"/api/invoices/{draft['id']}"
        response = owner.patch(path, {"currency": "JPY", "items": [item(unitPrice="9.50")]})
        assert response.status_code == 400
        assert response.get_json()["errors"][0]["field"] == "items.0.unitPrice"
        changed = made(owner, path, {"currency": "USD", "items": [item(unitPrice="9.50")]}, "PATCH")
        assert (changed["currency"], changed["total"]) == ("USD", "9.50")

    def test_does_not_change_without_the_prices(self, owner: Business) -> None:
        draft = new_draft(owner, item(unitPrice="9.50"))
        response = owner.patch(f"/api/invoices/{draft['id']}", {"currency": "USD"})
        assert response.status_code == 400
        assert response.get_json()["errors"][0]["field"] == "items"
        assert made(owner, f"/api/invoices/{draft['id']}", {"currency": "INR"}, "PATCH")["total"] == "9.50"
