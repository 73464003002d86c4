"""Staff, who take cash and UPI from their own customers and nothing else."""

import pytest

from tests.factories.callers import Business
from tests.factories.customers import create
from tests.factories.issued import KEYS, issued, new_customer
from tests.factories.teams import code_of


class TestStaff:
    @pytest.mark.parametrize("method", ["cash", "upi"])
    def test_take_money_from_their_own_customers(self, owner: Business, method: str) -> None:
        staff = owner.colleague("staff")
        invoice = issued(owner, "10.00", customer_id=create(staff)["id"])

        response = staff.post("/api/payments", {**KEYS, **invoice, "amount": "10.00", "method": method})

        assert response.status_code == 201, response.get_data(as_text=True)
        assert response.get_json()["allocations"][0]["invoice"]["status"] == "paid"

    def test_take_no_other_money(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        body = {**KEYS, **issued(owner, "10.00", customer_id=create(staff)["id"]), "amount": "10.00"}

        for method in ("card", "bank_transfer", "cheque", "other"):
            assert code_of(staff.post("/api/payments", {**body, "method": method})) == (403, "FORBIDDEN")

    def test_see_no_difference_between_others_customers_and_none(self, owner: Business) -> None:
        staff, body = owner.colleague("staff"), {**KEYS, "amount": "1.00", "allowUnapplied": True}

        answers = [
            staff.post("/api/payments", {**body, "customerId": id_}).get_json()
            for id_ in (new_customer(owner), "0190a6f2-7c3e-7000-8000-000000000009")
        ]

        for answer in answers:
            del answer["correlationId"], answer["timestamp"]
        assert answers[0] == answers[1]
        assert answers[0]["errors"][0]["field"] == "customerId"

    def test_neither_read_nor_refund(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        customer = create(staff)["id"]
        body = {**KEYS, "customerId": customer, "amount": "1.00", "allowUnapplied": True}
        path = staff.post("/api/payments", body).headers["Location"]

        assert staff.get(path).status_code == 403
        assert staff.get("/api/payments").status_code == 403
        refund = {"amount": "1.00", "reason": "Came too late"}
        assert staff.post(f"{path}/refunds", refund).status_code == 403
        assert staff.post(f"{path}/reverse", {"reason": "No"}).status_code == 403
