"""Services that are refused, each with the code and the field that is at fault."""

from typing import Any

import pytest
from flask import Flask

from tests.catalog.test_blueprint import NOBODY, STAY, fault
from tests.catalog.test_needs import COLOR
from tests.factories.callers import Business, Caller, new_business


class TestNewService:
    @pytest.fixture(scope="class")
    @classmethod
    def salon(cls, app: Flask) -> Business:
        return new_business(Caller(app))

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({"price": 500}, "VALIDATION_ERROR", "price"),
            ({"price": "-1"}, "VALIDATION_ERROR", "price"),
            ({"price": "1e3"}, "VALIDATION_ERROR", "price"),
            ({"price": None}, "VALIDATION_ERROR", "price"),
            ({"price": "1000000000000000"}, "VALIDATION_ERROR", "price"),
            ({"duration": None}, "VALIDATION_ERROR", "duration"),
            ({"duration": 0}, "VALIDATION_ERROR", "duration"),
            ({"duration": 1441}, "VALIDATION_ERROR", "duration"),
            ({"duration": 10**9}, "VALIDATION_ERROR", "duration"),
            ({"duration": "45"}, "VALIDATION_ERROR", "duration"),
            ({"mode": "stay"}, "VALIDATION_ERROR", "duration"),
            ({"mode": "none"}, "VALIDATION_ERROR", "mode"),
            ({"priceUnit": "night"}, "VALIDATION_ERROR", "priceUnit"),
            ({"priceUnit": "unit"}, "VALIDATION_ERROR", "priceUnit"),
            ({"bufferBefore": -1}, "VALIDATION_ERROR", "bufferBefore"),
            ({"bufferAfter": 1441}, "VALIDATION_ERROR", "bufferAfter"),
            ({"slotInterval": 4}, "VALIDATION_ERROR", "slotInterval"),
            ({"maxCapacity": 0}, "VALIDATION_ERROR", "maxCapacity"),
            ({"maxCapacity": 501}, "VALIDATION_ERROR", "maxCapacity"),
            ({"sortOrder": 10**7}, "VALIDATION_ERROR", "sortOrder"),
            ({"name": ""}, "VALIDATION_ERROR", "name"),
            ({"category": "x" * 81}, "VALIDATION_ERROR", "category"),
            ({"description": "x" * 10_001}, "VALIDATION_ERROR", "description"),
            ({"isActive": False}, "VALIDATION_ERROR", "isActive"),
            ({"currency": "USD"}, "VALIDATION_ERROR", "currency"),
            ({"taxCategory": "X"}, "VALIDATION_ERROR", "taxCategory"),
            ({"tenantId": NOBODY}, "VALIDATION_ERROR", "tenantId"),
            ({"segments": [{"minutes": 59, "needs": ["staff"]}]}, "INVALID_SEGMENTS", "segments"),
            ({"segments": [{"minutes": 60, "needs": []}]}, "VALIDATION_ERROR", "segments.0.needs"),
            ({"segments": [{"minutes": 60}]}, "VALIDATION_ERROR", "segments.0.needs"),
            (
                {"segments": [{"minutes": 60, "needs": ["session"]}]},
                "VALIDATION_ERROR",
                "segments.0.needs.0",
            ),
            (
                {"segments": [{"minutes": 60, "needs": ["bed", "bed"]}]},
                "VALIDATION_ERROR",
                "segments.0.needs",
            ),
            ({"segments": [{"minutes": 0, "needs": ["bed"]}]}, "VALIDATION_ERROR", "segments.0.minutes"),
            ({"segments": [{"minutes": 2, "needs": ["bed"]}] * 30}, "VALIDATION_ERROR", "segments"),
            ({"segments": {}}, "VALIDATION_ERROR", "segments"),
            ({"segments": None}, "VALIDATION_ERROR", "segments"),
            ({"policy": {"minNoticeMin": -1}}, "VALIDATION_ERROR", "policy.minNoticeMin"),
            ({"policy": {"firstDayOfWeek": 1}}, "VALIDATION_ERROR", "policy.firstDayOfWeek"),
            (
                {"policy": {"lateCancelFee": {"type": "free"}}},
                "VALIDATION_ERROR",
                "policy.lateCancelFee.type",
            ),
            ({"policy": None}, "VALIDATION_ERROR", "policy"),
        ],
    )
    def test_names_the_faulty_field(
        self, salon: Business, body: dict[str, Any], code: str, field: str
    ) -> None:
        response = salon.post("/api/services", {"name": "Cut", "price": "500", "duration": 60, **body})
        assert fault(response) == (code, field)

    def test_has_segments_only_as_an_appointment(self, salon: Business) -> None:
        session = {"name": "Yoga", "price": "1", "duration": 90, "mode": "session", "segments": COLOR}
        assert fault(salon.post("/api/services", session)) == ("INVALID_SEGMENTS", "segments")
        stay = {**STAY, "segments": COLOR}
        assert fault(salon.post("/api/services", stay)) == ("INVALID_SEGMENTS", "segments")
