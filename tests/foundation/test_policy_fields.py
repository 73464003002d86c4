"""The rules of bookings on the wire."""

from collections.abc import Mapping
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from mbs.foundation.policies import BOOKING_POLICY
from mbs.foundation.policy_fields import BookingPolicy, BookingRules, ClockTime, ServicePolicy
from mbs.foundation.schemas import WireSchema, camel_case

SAMPLE: Mapping[str, Any] = {
    "requiresApproval": True,
    "pendingTtlMin": 60,
    "slotIntervalMin": 5,
    "minNoticeMin": 0,
    "maxAdvanceDays": 1095,
    "cancelNoticeMin": 1440,
    "rescheduleNoticeMin": 120,
    "maxReschedules": 0,
    "lateCancelFee": {"type": "percent", "value": "50"},
    "noShowFee": {"type": "fixed", "value": "500.00"},
    "depositPercent": "12.5",
    "holdMin": 10,
    "maxPerCustomerPerDay": 2,
    "checkInTime": "00:00",
    "checkOutTime": "23:59",
    "assignment": "least_busy",
}


class Hours(WireSchema):
    start = ClockTime()
    end = ClockTime(midnight=True)


def wire_names(schema: type[Schema]) -> set[str]:
    return {camel_case(name) for name in schema().fields}


def refused(schema: type[Schema], **values: Any) -> list[str]:
    with pytest.raises(ValidationError) as refusal:
        schema().load(values)
    return list(refusal.value.normalized_messages())


class TestClockTime:
    @pytest.mark.parametrize("text", ["00:00", "09:30", "14:00", "23:59"])
    def test_is_a_time_of_day(self, text: str) -> None:
        assert Hours().load({"start": text, "end": text}) == {"start": text, "end": text}

    @pytest.mark.parametrize(
        "value",
        ["24:00", "9:30", "09:60", "25:00", "0930", "09:30:00", "09:30\n", " 09:30", "", "-1:00",
         "\u0660\u0669:30", 930, 9.5, True, None, ["09:30"]],
    )  # fmt: skip
    def test_is_nothing_that_merely_resembles_one(self, value: Any) -> None:
        assert refused(Hours, start=value) == ["start"]

    def test_is_the_end_of_the_day_where_midnight_is_allowed(self) -> None:
        assert Hours().load({"end": "24:00"}) == {"end": "24:00"}
        assert refused(Hours, end="24:01") == ["end"]


class TestFee:
    @pytest.mark.parametrize(
        ("fee", "kept"),
        [
            ({"type": "none"}, {"type": "none", "value": "0"}),
            ({"type": "percent", "value": "100"}, {"type": "percent", "value": "100"}),
            ({"type": "percent", "value": "100.0000"}, {"type": "percent", "value": "100.0000"}),
            ({"type": "fixed", "value": "999999999999999.9999"},) * 2,
        ],
    )
    def test_is_kept_as_text(self, fee: Mapping[str, str], kept: Mapping[str, str]) -> None:
        assert ServicePolicy().load({"lateCancelFee": fee}) == {"lateCancelFee": kept}

    @pytest.mark.parametrize(
        "fee",
        [
            {"type": "percent", "value": "100.0001"},
            {"type": "percent", "value": 50},
            {"type": "percent", "value": "-1"},
            {"type": "half", "value": "1"},
            {"value": "1"},
            {"type": "fixed", "value": "1", "currency": "INR"},
            {"type": "fixed", "value": None},
            "50%",
            50,
            [],
        ],
    )
    def test_is_refused_if_it_is_none(self, fee: Any) -> None:
        for schema in (ServicePolicy, BookingPolicy):
            assert refused(schema, noShowFee=fee) == ["noShowFee"]

    def test_of_more_than_all_names_its_value(self) -> None:
        with pytest.raises(ValidationError) as refusal:
            BookingPolicy().load({"lateCancelFee": {"type": "percent", "value": "101"}})
        assert refusal.value.messages == {"lateCancelFee": {"value": ["Must be at most 100."]}}


class TestServicePolicy:
    def test_takes_every_rule_and_keeps_it_as_it_came(self) -> None:
        assert ServicePolicy().load(SAMPLE) == SAMPLE
        assert wire_names(ServicePolicy) == set(SAMPLE)

    @pytest.mark.parametrize("name", SAMPLE)
    def test_takes_null_for_each_rule(self, name: str) -> None:
        assert ServicePolicy().load({name: None}) == {name: None}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("requiresApproval", "true"),
            ("requiresApproval", 1),
            ("pendingTtlMin", 0),
            ("pendingTtlMin", 44_641),
            ("slotIntervalMin", 4),
            ("slotIntervalMin", 1441),
            ("slotIntervalMin", "15"),
            ("minNoticeMin", -1),
            ("maxAdvanceDays", 1096),
            ("maxAdvanceDays", 30.0),
            ("cancelNoticeMin", True),
            ("maxReschedules", 1001),
            ("depositPercent", "100.5"),
            ("depositPercent", 10),
            ("holdMin", 0),
            ("maxPerCustomerPerDay", 0),
            ("checkInTime", "24:00"),
            ("assignment", "random"),
            ("firstDayOfWeek", 1),
            ("min_notice_min", 5),
        ],
    )
    def test_refuses_what_is_no_rule(self, name: str, value: Any) -> None:
        assert refused(ServicePolicy, **{name: value}) == [name]


class TestBookingPolicy:
    def test_takes_each_rule_that_has_a_default_and_no_other(self) -> None:
        assert wire_names(BookingPolicy) == set(BOOKING_POLICY)
        assert wire_names(BookingRules) == set(BOOKING_POLICY) - {"firstDayOfWeek"}

    def test_takes_the_defaults(self) -> None:
        loaded = BookingPolicy().load(dict(BOOKING_POLICY))
        assert {camel_case(name): value for name, value in loaded.items()} == dict(BOOKING_POLICY)

    @pytest.mark.parametrize("name", BOOKING_POLICY)
    def test_takes_null_only_where_it_means_no_limit(self, name: str) -> None:
        if name == "maxPerCustomerPerDay":
            assert BookingPolicy().load({name: None}) == {"max_per_customer_per_day": None}
        else:
            assert refused(BookingPolicy, **{name: None}) == [name]

    @pytest.mark.parametrize("day", [0, 8, "1", True])
    def test_begins_its_week_on_a_day(self, day: Any) -> None:
        assert refused(BookingPolicy, firstDayOfWeek=day) == ["firstDayOfWeek"]
