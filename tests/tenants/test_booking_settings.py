"""The rules of bookings that a business sets: the group `booking` of /api/tenant/settings."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from mbs.foundation.policies import booking_policy
from tests.factories.callers import Business, Caller, new_business

URL = "/api/tenant/settings"

# As the API's readers know them, so not taken from the code that they check.
DEFAULTS: dict[str, Any] = {
    "requiresApproval": False,
    "pendingTtlMin": 1440,
    "slotIntervalMin": 15,
    "minNoticeMin": 60,
    "maxAdvanceDays": 90,
    "cancelNoticeMin": 120,
    "rescheduleNoticeMin": 120,
    "maxReschedules": 3,
    "lateCancelFee": {"type": "none", "value": "0"},
    "noShowFee": {"type": "none", "value": "0"},
    "depositPercent": "0",
    "holdMin": 10,
    "maxPerCustomerPerDay": None,
    "checkInTime": "14:00",
    "checkOutTime": "11:00",
    "assignment": "first_free",
    "firstDayOfWeek": 1,
}

OTHERS: dict[str, Any] = {
    "requiresApproval": True,
    "pendingTtlMin": 60,
    "slotIntervalMin": 5,
    "minNoticeMin": 0,
    "maxAdvanceDays": 365,
    "cancelNoticeMin": 1440,
    "rescheduleNoticeMin": 0,
    "maxReschedules": 0,
    "lateCancelFee": {"type": "percent", "value": "50"},
    "noShowFee": {"type": "fixed", "value": "250.00"},
    "depositPercent": "20",
    "holdMin": 30,
    "maxPerCustomerPerDay": 2,
    "checkInTime": "15:30",
    "checkOutTime": "00:00",
    "assignment": "least_busy",
    "firstDayOfWeek": 7,
}


@pytest.fixture(scope="module")
def uncounted(wide_app: Flask) -> Business:
    """An owner whose requests are not counted, for tests that send many and change nothing."""
    return new_business(Caller(wide_app))


def change(business: Business, **rules: Any) -> Any:
    response = business.patch(URL, {"booking": rules})
    assert response.status_code == 200, response.get_data(as_text=True)
    return (response.json or {})["booking"]


class TestTheRules:
    def test_can_each_be_set_and_keep_their_form(self, owner: Business) -> None:
        assert OTHERS.keys() == DEFAULTS.keys()
        assert change(owner, **OTHERS) == OTHERS
        assert (owner.get(URL).json or {})["booking"] == OTHERS

    def test_merge_rule_by_rule(self, owner: Business) -> None:
        assert change(owner, minNoticeMin=0) == {**DEFAULTS, "minNoticeMin": 0}
        assert change(owner, holdMin=5) == {**DEFAULTS, "minNoticeMin": 0, "holdMin": 5}

    def test_are_lifted_by_null_where_there_may_be_none(self, owner: Business) -> None:
        assert change(owner, maxPerCustomerPerDay=3)["maxPerCustomerPerDay"] == 3
        assert change(owner, maxPerCustomerPerDay=None)["maxPerCustomerPerDay"] is None

    def test_replace_a_fee_as_a_whole(self, owner: Business) -> None:
        change(owner, lateCancelFee={"type": "percent", "value": "50"})
        assert change(owner, lateCancelFee={"type": "none"})["lateCancelFee"] == DEFAULTS["lateCancelFee"]

    def test_take_a_fee_that_the_currency_can_pay(self, business: Callable[..., Business]) -> None:
        fee = {"type": "fixed", "value": "1.250"}
        assert change(business(countryCode="KW"), noShowFee=fee)["noShowFee"] == fee
        japanese = business(countryCode="JP").patch(URL, {"booking": {"noShowFee": fee}})
        assert [one["field"] for one in japanese.get_json()["errors"]] == ["booking.noShowFee.value"]

    def test_are_read_only_to_managers(self, owner: Business) -> None:
        manager = owner.colleague("manager")
        assert (manager.get(URL).json or {})["booking"] == DEFAULTS
        assert manager.patch(URL, {"booking": {"holdMin": 5}}).status_code == 403

    @pytest.mark.parametrize(
        ("rules", "field"),
        [
            ({"lateCancelFee": {"type": "percent", "value": "101"}}, "lateCancelFee.value"),
            ({"noShowFee": {"type": "percent", "value": "100.01"}}, "noShowFee.value"),
            ({"noShowFee": {"type": "fixed", "value": 250}}, "noShowFee.value"),
            ({"noShowFee": {"type": "fixed", "value": "-1"}}, "noShowFee.value"),
            ({"noShowFee": {"type": "fixed", "value": "0.005"}}, "noShowFee.value"),
            ({"lateCancelFee": {"type": "fixed", "value": "1.001"}, "holdMin": 5}, "lateCancelFee.value"),
            ({"noShowFee": {"value": "1"}}, "noShowFee.type"),
            ({"noShowFee": {"type": "flat", "value": "1"}}, "noShowFee.type"),
            ({"slotIntervalMin": 0}, "slotIntervalMin"),
            ({"slotIntervalMin": 10**9}, "slotIntervalMin"),
            ({"slotIntervalMin": "15"}, "slotIntervalMin"),
            ({"minNoticeMin": -1}, "minNoticeMin"),
            ({"maxAdvanceDays": 1.5}, "maxAdvanceDays"),
            ({"maxReschedules": True}, "maxReschedules"),
            ({"depositPercent": "100.5"}, "depositPercent"),
            ({"depositPercent": "٥٠"}, "depositPercent"),
            ({"checkInTime": "25:00"}, "checkInTime"),
            ({"checkOutTime": "24:00"}, "checkOutTime"),
            ({"checkOutTime": "11:00:00"}, "checkOutTime"),
            ({"assignment": "best"}, "assignment"),
            ({"firstDayOfWeek": 0}, "firstDayOfWeek"),
            ({"holdMin": None}, "holdMin"),
            ({"hold_min": 10}, "hold_min"),
            ({"maxPerCustomerPerDay": 0}, "maxPerCustomerPerDay"),
        ],
    )
    def test_are_refused_by_their_name(self, uncounted: Business, rules: dict[str, Any], field: str) -> None:
        before = uncounted.get(URL)

        response = uncounted.patch(URL, {"booking": rules})

        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == [f"booking.{field}"]
        assert uncounted.get(URL).headers["ETag"] == before.headers["ETag"]


class TestAService:
    def test_overrides_the_business_which_overrides_the_default(self) -> None:
        business = {"booking": {"minNoticeMin": 30, "holdMin": 5}}
        policy = booking_policy(business, {"holdMin": 20})
        assert policy == {**DEFAULTS, "minNoticeMin": 30, "holdMin": 20}
