"""What is noted of a service for its taxes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.catalog.test_blueprint import change, fault
from tests.factories.callers import Business
from tests.factories.catalog import create_service

CUT = {"name": "Haircut", "price": "999", "duration": 45}


class TestTheTaxDetails:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("taxCategory", "Standard"),
            ("taxCategory", "1st"),
            ("taxCategory", "x" * 41),
            ("taxCategory", None),
            ("sacHsn", "999"),
            ("sacHsn", "999721001"),
            ("sacHsn", "9997A1"),
            ("supplyRule", "anywhere"),
        ],
    )
    def test_name_the_faulty_field(self, owner: Business, field: str, value: Any) -> None:
        assert fault(owner.post("/api/services", {**CUT, field: value}))[1] == field
        assert fault(change(owner, create_service(owner)["id"], **{field: value}))[1] == field

    def test_change(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        details = {"taxCategory": "gym", "sacHsn": "999723", "supplyRule": "training"}
        changed = change(owner, id_, **details).get_json()
        assert {name: changed[name] for name in details} == details
        cleared = change(owner, id_, sacHsn=None, supplyRule=None).get_json()
        assert (cleared["sacHsn"], cleared["supplyRule"]) == (None, None)

    def test_of_another_country_have_its_codes(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="GB")
        assert owner.post("/api/services", {**CUT, "sacHsn": "9602.00"}).get_json()["sacHsn"] == "9602.00"
