"""Billing bookings: each of their items once, and what a booking costs that was not kept."""

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.auth.racing import together
from tests.factories.api_keys import program
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.callers import Business, Caller
from tests.factories.customers import events_of
from tests.factories.invoices import charge_gst
from tests.factories.issuing import counters, numbers
from tests.factories.salons import day, problem

SET_FEE = text("UPDATE bookings SET fee = :fee, fee_reason = :reason WHERE tenant_id = :tenant AND id = :id")
BEAUTY = text(
    "UPDATE catalog_items SET tax_category = 'beauty_wellness', sac_hsn = '999721'"
    " WHERE tenant_id = :tenant AND id = :id"
)
GIVEN_UP = {"cancelled": "late_cancel", "no_show": "no_show"}
RACERS = 20


class Salon:
    def __init__(self, owner: Business) -> None:
        self.owner = charge_gst(owner)
        self.customer = new_customer(owner)
        self.service = new_service(owner)
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(BEAUTY, {"tenant": owner.tenant_id, "id": self.service})

    def book(self, status: str = "completed", *, items: int = 1, fee: str | None = None) -> UUID:
        ended: dict[str, Any] = {"cancelled_at": day()} if status == "cancelled" else {}
        id_ = book(self.owner, self.customer, [self.service] * items, day(), status=status, **ended)
        if fee is not None:
            values = {"fee": Decimal(fee), "reason": GIVEN_UP[status], "id": id_}
            with self.owner.database.transaction(self.owner.scope) as transaction:
                transaction.execute(SET_FEE, {"tenant": self.owner.tenant_id, **values})
        return id_

    def bill(self, booking: UUID, body: Any = None, *, by: Any = None, query: str = "") -> TestResponse:
        asker: Caller = by or self.owner
        return asker.post(f"/api/bookings/{booking}/invoice{query}", body)

    def billed(self, booking: UUID, body: Any = None) -> Any:
        response = self.bill(booking, body)
        assert response.status_code == 201, response.get_data(as_text=True)
        return response.get_json()


@pytest.fixture
def salon(owner: Business) -> Salon:
    return Salon(owner)


class TestBilling:
    def test_writes_a_draft_of_what_was_booked(self, salon: Salon) -> None:
        booking = salon.book(items=2)
        response = salon.bill(booking)
        invoice = response.get_json()
        assert (response.status_code, response.headers["Location"]) == (201, f"/api/invoices/{invoice['id']}")
        assert [invoice[name] for name in ("status", "number", "bookingId", "customerId", "total")] == [
            *("draft", None, str(booking), str(salon.customer), "1998.00")
        ]
        shown = [
            {name: one[name] for name in ("description", "quantity", "unit", "unitPrice", "sourceType")}
            for one in invoice["items"]
        ]
        assert shown == [
            {
                "description": f"Service {number}",
                "quantity": "1.000",
                "unit": None,
                "unitPrice": "999.00",
                "sourceType": "booking_item",
            }
            for number in range(2)
        ]
        assert {one["sacHsn"] for one in invoice["items"]} == {"999721"}
        assert {one["serviceId"] for one in invoice["items"]} == {str(salon.service)}
        assert [one.type for one in events_of(salon.owner, invoice["id"])] == ["invoice.created"]

    def test_issues_it_at_once_when_asked(self, salon: Salon) -> None:
        invoice = salon.billed(salon.book(), {"issue": True, "issueDate": "2025-10-01", "notes": "Thanks"})
        assert (invoice["status"], invoice["number"]) == ("open", "MUM/2526/00001")
        # A salon's prices have the tax in them: 999 = 951.42 + 23.79 + 23.79.
        assert [one["amount"] for one in invoice["items"][0]["taxes"]] == ["23.79", "23.79"]
        assert (invoice["subtotal"], invoice["total"], invoice["notes"]) == ("951.42", "999.00", "Thanks")
        types = [one.type for one in events_of(salon.owner, invoice["id"])]
        assert types == ["invoice.created", "invoice.issued"]

    def test_issued_at_an_earlier_date_takes_the_rates_of_then(self, salon: Salon) -> None:
        invoice = salon.billed(salon.book(), {"issue": True, "issueDate": "2025-09-21"})
        assert invoice["taxTotal"] == "152.38"

    def test_takes_what_is_said_of_the_whole(self, salon: Salon) -> None:
        body = {
            "discount": {"type": "percent", "value": "10"},
            "taxMode": "exclusive",
            "dueDate": "2199-01-01",
        }
        invoice = salon.billed(salon.book(), body)
        assert (invoice["taxMode"], invoice["dueDate"]) == ("exclusive", "2199-01-01")
        assert (invoice["discountTotal"], invoice["subtotal"]) == ("99.90", "899.10")

    @pytest.mark.parametrize("status", ["confirmed", "checked_in", "completed"])
    def test_is_of_what_was_agreed_to(self, salon: Salon, status: str) -> None:
        assert salon.billed(salon.book(status))["total"] == "999.00"

    @pytest.mark.parametrize("status", ["held", "pending", "declined", "expired"])
    def test_is_refused_of_what_was_not(self, salon: Salon, status: str) -> None:
        refused = problem(salon.bill(salon.book(status)), 409, "INVALID_STATE")
        assert status in refused["detail"]

    @pytest.mark.parametrize(
        ("status", "description"),
        [("cancelled", "Fee for late cancellation, booking "), ("no_show", "Fee for not coming, booking ")],
    )
    def test_is_of_the_fee_when_a_booking_was_not_kept(
        self, salon: Salon, status: str, description: str
    ) -> None:
        booking = salon.book(status, items=2, fee="500.00")
        invoice = salon.billed(booking)
        (line,) = invoice["items"]
        assert line["description"].startswith(description)
        assert (line["sourceType"], line["sourceId"]) == ("booking_fee", str(booking))
        assert (line["quantity"], line["unitPrice"], line["unit"]) == ("1.000", "500.00", None)
        # It is taxed as what was booked.
        assert (line["taxCategory"], invoice["total"], invoice["taxTotal"]) == (
            *("beauty_wellness", "500.00"),
            "23.80",
        )
        problem(salon.bill(booking), 409, "NOTHING_TO_BILL")

    @pytest.mark.parametrize("status", ["cancelled", "no_show"])
    def test_is_of_nothing_without_a_fee(self, salon: Salon, status: str) -> None:
        problem(salon.bill(salon.book(status)), 409, "NOTHING_TO_BILL")

    def test_needs_the_permission_to_issue_only_for_that(self, salon: Salon) -> None:
        clerk = program(salon.owner, "invoices:write")
        booking = salon.book()
        problem(salon.bill(booking, {"issue": True}, by=clerk), 403, "FORBIDDEN")
        assert salon.bill(booking, by=clerk).status_code == 201
        problem(salon.bill(salon.book(), by=salon.owner.colleague("staff")), 403, "FORBIDDEN")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"issueDate": "2025-05-04"}, "issueDate"),
            ({"issue": "yes"}, "issue"),
            ({"items": []}, "items"),
            ({"customerId": "x"}, "customerId"),
            ({"total": "1.00"}, "total"),
            ({"discount": {"type": "amount", "value": "999.01"}}, "discount.value"),
            ({"discount": {"type": "percent", "value": "101"}}, "discount.value"),
        ],
    )
    def test_refuses_bad_input_and_stores_nothing(self, salon: Salon, body: Any, field: str) -> None:
        booking = salon.book()
        problem(salon.bill(booking, body), 400, "VALIDATION_ERROR", field)
        assert salon.owner.get("/api/invoices").get_json()["data"] == []
        assert salon.bill(booking).status_code == 201

    def test_is_not_for_strangers(self, salon: Salon, business: Callable[..., Business]) -> None:
        problem(salon.bill(salon.book(), by=business()), 404, "NOT_FOUND")


class TestOnce:
    def test_is_how_often_a_booking_is_billed(self, salon: Salon) -> None:
        booking = salon.book()
        salon.billed(booking)
        problem(salon.bill(booking), 409, "NOTHING_TO_BILL")
        problem(salon.bill(booking, {"issue": True}), 409, "NOTHING_TO_BILL")
        assert counters(salon.owner) == {}

    def test_is_what_is_left_of_one_that_was_billed_in_part(self, salon: Salon) -> None:
        booking = salon.book(items=3)
        first = salon.billed(booking)
        with salon.owner.database.transaction(salon.owner.scope) as transaction:
            gone = text("DELETE FROM document_lines WHERE document_id = :id AND position = 2")
            transaction.execute(gone, {"id": first["id"]})
        (line,) = salon.billed(booking)["items"]
        assert line["description"] == "Service 1"

    def test_is_once_again_after_the_draft_is_removed_or_the_invoice_is_void(self, salon: Salon) -> None:
        booking = salon.book()
        draft = salon.billed(booking)
        assert salon.owner.delete(f"/api/invoices/{draft['id']}").status_code == 204
        invoice = salon.billed(booking, {"issue": True})
        problem(salon.bill(booking), 409, "NOTHING_TO_BILL")
        voided = salon.owner.post(f"/api/invoices/{invoice['id']}/void", {"reason": "Wrong"})
        assert voided.status_code == 200
        assert salon.billed(booking, {"issue": True})["number"].endswith("/00002")

    def test_stays_once_when_the_draft_gets_other_items(self, salon: Salon) -> None:
        booking = salon.book(items=3)
        draft = salon.billed(booking)
        url = f"/api/invoices/{draft['id']}"
        cheaper = [
            {"serviceId": one["serviceId"], "unitPrice": "500.00", "quantity": one["quantity"]}
            for one in draft["items"]
        ]
        extra = {"description": "Shampoo", "unitPrice": "50.00"}
        changed = salon.owner.patch(url, {"items": [extra, *cheaper]}).get_json()
        sources = [one["sourceId"] for one in changed["items"]]
        assert sources == [None, *(one["sourceId"] for one in draft["items"])]
        problem(salon.bill(booking), 409, "NOTHING_TO_BILL")
        # What is taken off can be billed elsewhere.
        assert salon.owner.patch(url, {"items": [extra, *cheaper[:2]]}).status_code == 200
        (left,) = salon.billed(booking)["items"]
        assert left["sourceId"] == sources[-1]

    def test_is_not_used_up_by_a_rehearsal(self, salon: Salon) -> None:
        booking = salon.book()
        rehearsed = salon.bill(booking, {"issue": True}, query="?dryRun=true")
        assert (rehearsed.status_code, rehearsed.headers["Dry-Run"]) == (201, "true")
        assert counters(salon.owner) == {}
        assert salon.billed(booking, {"issue": True})["number"] == rehearsed.get_json()["number"]

    def test_is_kept_among_twenty_racers(self, salon: Salon) -> None:
        booking = salon.book(items=2)
        callers = [Caller(salon.owner.app, token=salon.owner.token) for _ in range(RACERS)]

        def race(number: int) -> tuple[int, str | None]:
            for _ in range(20):
                response = salon.bill(booking, {"issue": True}, by=callers[number])
                body = response.get_json()
                if body.get("code") not in ("BUSY", "OVERLOADED", "SERVICE_UNAVAILABLE"):
                    break
                time.sleep(0.2)
            return response.status_code, body.get("code")

        outcomes = Counter(together(RACERS, race))
        assert outcomes == {(201, None): 1, (409, "NOTHING_TO_BILL"): RACERS - 1}
        assert [row.seq for row in numbers(salon.owner)] == [1]

    def test_is_kept_by_the_database_alone(self, salon: Salon, monkeypatch: pytest.MonkeyPatch) -> None:
        booking = salon.book()
        salon.billed(booking)
        blind = "mbs.invoices.repository.billable.BillableRepository.of"
        seen = text(
            "SELECT i.*, c.tax_category, c.sac_hsn, c.supply_rule, false AS billed, false AS fee_billed"
            " FROM booking_items AS i JOIN catalog_items AS c ON c.id = i.catalog_item_id"
            " WHERE i.booking_id = :id"
        )
        monkeypatch.setattr(blind, lambda self, id_: self._transaction.execute(seen, {"id": id_}).all())
        problem(salon.bill(booking), 409, "NOTHING_TO_BILL")
