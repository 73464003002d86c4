"""Money that came in: what it is applied to, and what is refused."""

from tests.contract.stored_rows import Query, row_counts
from tests.factories.calendar_objects import booking
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.issued import KEYS, amiss, issued, new_customer, pay, state


class TestAPayment:
    def test_pays_an_invoice(self, owner: Business) -> None:
        invoice = issued(owner, "999.00")

        payment = pay(owner, "999.00", **invoice, method="upi", reference="4123", notes="At the desk")

        assert payment["number"].startswith("RCP/")
        assert payment["number"].endswith("/00001")
        assert (payment["status"], payment["method"], payment["reference"]) == ("succeeded", "upi", "4123")
        assert (payment["amountApplied"], payment["amountUnapplied"]) == ("999.00", "0.00")
        (allocation,) = payment["allocations"]
        assert allocation["invoiceId"] == invoice["invoiceId"]
        assert allocation["amount"] == "999.00"
        assert (allocation["invoice"]["status"], allocation["invoice"]["amountDue"]) == ("paid", "0.00")
        assert state(owner, invoice["invoiceId"]) == ("paid", "999.00", "0.00")
        assert amiss(owner) == []

    def test_pays_a_part(self, owner: Business) -> None:
        invoice = issued(owner, "100.00")

        pay(owner, "40.00", **invoice)
        assert state(owner, invoice["invoiceId"]) == ("open", "40.00", "60.00")
        pay(owner, "60.00", **invoice)
        assert state(owner, invoice["invoiceId"]) == ("paid", "100.00", "0.00")

    def test_pays_several_invoices(self, owner: Business) -> None:
        customer = new_customer(owner)
        bills = [issued(owner, "10.00", customer_id=customer)["invoiceId"] for _ in range(3)]

        amounts = ("10.00", "4.00", "1.00")
        parts = [{"invoiceId": id_, "amount": amount} for id_, amount in zip(bills, amounts, strict=True)]
        payment = pay(owner, "15.00", customerId=customer, allocations=parts)

        assert [one["invoiceId"] for one in payment["allocations"]] == bills
        assert [state(owner, id_)[0] for id_ in bills] == ["paid", "open", "open"]
        (told,) = events_of(owner, payment["id"])
        assert told.type == "payment.received"
        assert told.data["object"]["amount"] == "15.00"
        assert [one["amount"] for one in told.data["allocations"]] == ["10.00", "4.00", "1.00"]
        assert [event.type for event in events_of(owner, bills[0])] == ["invoice.paid"]
        assert events_of(owner, bills[1]) == []

    def test_pays_what_nobody_hoped_for(self, owner: Business) -> None:
        invoice = issued(owner, status="uncollectible")

        pay(owner, "1.00", **invoice)
        assert state(owner, invoice["invoiceId"]) == ("uncollectible", "1.00", "99.00")
        pay(owner, "99.00", **invoice)
        assert state(owner, invoice["invoiceId"])[0] == "paid"

    def test_is_kept_as_a_balance_when_that_is_said(self, owner: Business) -> None:
        customer = new_customer(owner)

        payment = pay(owner, "500.00", customerId=customer, allowUnapplied=True)

        assert (payment["amountUnapplied"], payment["allocations"]) == ("500.00", [])

    def test_applies_what_is_due_and_keeps_the_rest_when_that_is_said(self, owner: Business) -> None:
        invoice = issued(owner, "80.00")

        payment = pay(owner, "100.00", **invoice, allowUnapplied=True)

        assert (payment["amountApplied"], payment["amountUnapplied"]) == ("80.00", "20.00")

    def test_is_numbered_by_the_pattern_of_the_business(self, owner: Business) -> None:
        patterns = {"numberPatterns": {"payment": "R{YYYY}-{SEQ:3}"}}
        owner.patch("/api/tenant/settings", {"invoicing": patterns})
        customer = new_customer(owner)

        numbers = [
            pay(owner, "1.00", customerId=customer, allowUnapplied=True, receivedAt=at)["number"]
            for at in ("2024-12-31T18:29:59Z", "2024-12-31T18:30:00Z", "2024-06-01T00:00:00Z")
        ]
        # Midnight is the location's; and receipts may be dated back.
        assert numbers == ["R2024-001", "R2025-001", "R2024-002"]

    def test_of_a_currency_without_decimals(self, owner: Business) -> None:
        invoice = issued(owner, "1000", currency="JPY")

        payment = pay(owner, "1000", currency="JPY", **invoice)

        assert (payment["amount"], payment["amountUnapplied"]) == ("1000", "0")

    def test_of_the_largest_amount_is_exact(self, owner: Business) -> None:
        invoice = issued(owner, "999999999999.99")

        assert pay(owner, "999999999999.99", **invoice)["amountApplied"] == "999999999999.99"
        assert state(owner, invoice["invoiceId"]) == ("paid", "999999999999.99", "0.00")

    def test_may_be_for_a_booking_that_is_to_come(self, owner: Business) -> None:
        id_ = booking(owner)["booking_id"]
        customer = owner.get(f"/api/bookings/{id_}").get_json()["customerId"]

        payment = pay(owner, "100.00", customerId=customer, bookingId=id_, allowUnapplied=True)

        assert payment["bookingId"] == id_
        listed_ = owner.get(f"/api/payments?bookingId={id_}").get_json()["data"]
        assert [one["id"] for one in listed_] == [payment["id"]]

    def test_is_rehearsed_without_a_trace(self, owner: Business, query: Query) -> None:
        invoice = issued(owner, "10.00")
        before = row_counts(query)

        rehearsed = owner.post("/api/payments?dryRun=true", {**KEYS, **invoice, "amount": "10.00"})

        assert rehearsed.status_code == 201
        assert rehearsed.get_json()["allocations"][0]["invoice"]["status"] == "paid"
        assert row_counts(query) == before
        assert pay(owner, "10.00", **invoice)["number"] == rehearsed.get_json()["number"]
