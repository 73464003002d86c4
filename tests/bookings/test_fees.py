"""What cancelling late and not coming cost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from mbs.bookings.models import fee_of
from tests.factories.api_keys import program
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.callers import Business, Caller
from tests.factories.salons import problem

HALF = '{"lateCancelFee": {"type": "percent", "value": "50"}, "cancelNoticeMin": 60}'


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def cancel(by: Caller, id_: UUID, **body: Any) -> TestResponse:
    return by.post(f"/api/bookings/{id_}/cancel", body)


class TestACancellation:
    @pytest.mark.parametrize(
        ("minutes", "who", "fee", "reason"),
        [
            (62, "customer", "0.00", None),
            (58, "customer", "499.50", "late_cancel"),
            (-5, "customer", "499.50", "late_cancel"),
            (58, "business", "0.00", None),
            (58, None, "0.00", None),
        ],
    )
    def test_costs_a_customer_who_is_late(
        self, owner: Business, minutes: int, who: str | None, fee: str, reason: str | None
    ) -> None:
        service = new_service(owner, policy=HALF)
        id_ = book(owner, new_customer(owner), [service], in_minutes(minutes))
        view = cancel(owner, id_, **({"cancelledBy": who} if who else {})).get_json()
        assert (view["fee"], view["feeReason"], view["amount"]) == (fee, reason, "999.00")
        (event,) = owner.get(f"/api/events?objectId={id_}").get_json()["data"]
        assert event["data"]["object"]["fee"] == fee

    def test_is_the_customer_s_when_a_program_asks(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner, policy=HALF)], in_minutes(10))
        shop = program(owner, "bookings:write")
        problem(cancel(shop, id_, waiveFee=True), 403, "FORBIDDEN")
        view = cancel(shop, id_).get_json()
        assert (view["cancelledBy"], view["fee"]) == ("customer", "499.50")

    def test_is_free_where_somebody_waives_the_fee(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner, policy=HALF)], in_minutes(10))
        view = cancel(owner, id_, cancelledBy="customer", waiveFee=True).get_json()
        assert (view["fee"], view["feeReason"]) == ("0.00", None)

    def test_of_a_request_that_nobody_agreed_to_is_free(self, owner: Business) -> None:
        service = new_service(owner, policy=HALF)
        id_ = book(owner, new_customer(owner), [service], in_minutes(10), status="pending")
        assert cancel(owner, id_, cancelledBy="customer").get_json()["fee"] == "0.00"

    def test_goes_by_the_rules_of_the_business_where_the_service_has_none(self, owner: Business) -> None:
        rules = {"lateCancelFee": {"type": "fixed", "value": "120.50"}, "cancelNoticeMin": 1440}
        assert owner.patch("/api/tenant/settings", {"booking": rules}).status_code == 200
        id_ = book(owner, new_customer(owner), [new_service(owner)], in_minutes(1400))
        assert cancel(owner, id_, cancelledBy="customer").get_json()["fee"] == "120.50"


class TestNotComing:
    RULE = '{"noShowFee": {"type": "percent", "value": "100"}}'

    def test_costs_what_the_rule_says_until_it_is_taken_back(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner, policy=self.RULE)], in_minutes(-60))
        view = owner.post(f"/api/bookings/{id_}/no-show").get_json()
        assert (view["fee"], view["feeReason"]) == ("999.00", "no_show")
        view = owner.post(f"/api/bookings/{id_}/confirm").get_json()
        assert (view["fee"], view["feeReason"]) == ("0.00", None)

    def test_is_free_where_somebody_waives_the_fee(self, owner: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner, policy=self.RULE)], in_minutes(-60))
        problem(
            program(owner, "bookings:write").post(f"/api/bookings/{id_}/no-show", {"waiveFee": True}),
            403,
            "FORBIDDEN",
        )
        view = owner.post(f"/api/bookings/{id_}/no-show", {"waiveFee": True}).get_json()
        assert (view["status"], view["fee"]) == ("no_show", "0.00")


class TestAFee:
    @pytest.mark.parametrize(
        ("type_", "value", "amount", "currency", "fee"),
        [
            ("none", "50", "100.00", "INR", "0"),
            ("percent", "33.3333", "10.00", "INR", "3.33"),
            ("percent", "50", "0.01", "INR", "0.01"),
            ("percent", "50", "101", "JPY", "51"),
            ("percent", "12.5", "1.000", "KWD", "0.125"),
            ("fixed", "25.00", "10.00", "INR", "25.00"),
            ("fixed", "25.5", "10", "JPY", "26"),
        ],
    )
    def test_is_rounded_to_what_the_currency_can_pay(
        self, type_: str, value: str, amount: str, currency: str, fee: str
    ) -> None:
        assert fee_of({"type": type_, "value": value}, Decimal(amount), currency) == Decimal(fee)
