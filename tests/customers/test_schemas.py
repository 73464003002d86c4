"""Customers on the wire: what is taken, and that what is shown is what the document says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from mbs.customers.schemas import (
    EXAMPLE,
    ChangeCustomer,
    CreateCustomer,
    CustomerCreated,
    CustomerQuery,
    CustomerView,
    SimilarCustomer,
    present,
)
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import add_customers, create, stored

FULL = {
    **EXAMPLE,
    "kind": "person",
    "taxId": "27AAPFU0939F1ZV",
    "taxStatus": "registered",
    "regionCode": "27",
    "notes": "Prefers mornings",
}


def faults(body: Any) -> set[str]:
    try:
        CreateCustomer().load(body)
    except ValidationError as error:
        return set(error.messages)
    return set()


class TestPresent:
    def test_shows_exactly_the_documented_fields(self, owner: Business) -> None:
        lookup = {"name": "Jane", "email": "jane@example.com", "phone": "+919876543210", "notes": "n"}
        taxes = {"tax_id": "1", "region_code": "27"}
        (id_,) = add_customers(owner, [{**lookup, **taxes, "address": {"line1": "x"}, "tags": ["a"]}])

        view = present(stored(owner, id_), owner.tenant_id)

        assert differences(CustomerView(), view) == []
        assert None not in view.values(), "the schema is compared with a row that has everything"

    def test_shows_the_documented_likenesses(self, owner: Business) -> None:
        full = {"name": "Jane", "email": "jane@example.com", "phone": "+919876543210"}
        create(owner, **full)

        (similar,) = create(owner, **full)["possibleDuplicates"]

        assert differences(SimilarCustomer(), similar) == []
        assert None not in similar.values()

    def test_is_what_the_api_answers(self, owner: Business) -> None:
        created = create(owner, **EXAMPLE)
        create(owner, **EXAMPLE)

        assert differences(CustomerCreated(), create(owner, **EXAMPLE)) == []
        read = owner.get(f"/api/customers/{created['id']}").json
        assert differences(CustomerView(), read) == []

    def test_notices_a_field_too_many_and_one_too_few(self, owner: Business) -> None:
        read = create(owner)
        read.pop("possibleDuplicates")

        assert differences(CustomerView(), {**read, "searchKey": "x"}) == ["searchKey is not documented"]
        read.pop("notes")
        assert differences(CustomerView(), read) == ["notes is missing"]


class TestCreateCustomer:
    def test_takes_its_own_example(self) -> None:
        loaded = CreateCustomer().load(FULL)

        assert loaded["tax_id"] == FULL["taxId"]
        assert loaded["address"] == EXAMPLE["address"], "an address is stored as it is shown"

    @pytest.mark.parametrize(
        ("field", "longest"),
        [("name", 200), ("taxId", 40), ("notes", 10_000), ("address", 200)],
    )
    def test_bounds_text_by_code_points(self, field: str, longest: int) -> None:
        assert faults({**FULL, field: "\N{PILE OF POO}" * longest}) == set()
        assert faults({**FULL, field: "x" * (longest + 1)}) == {field}

    def test_bounds_tags(self) -> None:
        assert faults({**FULL, "tags": [f"tag {number}" for number in range(20)]}) == set()
        assert faults({**FULL, "tags": [f"tag {number}" for number in range(21)]}) == {"tags"}
        assert faults({**FULL, "tags": ["x" * 41]}) == {"tags"}

    @pytest.mark.parametrize(
        "address",
        [
            "jane",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@exa mple.com",
            "jane\u202e@example.com",
            "jane\u200b@example.com",
            "jane@example.com\n",
            "jane\r\nbcc: all@example.com",
            "jane@example.com,joe@example.com",
            "<jane@example.com>",
            "j" * 245 + "@example.com",
            17,
            ["jane@example.com"],
        ],
    )
    def test_refuses_what_is_no_email_address(self, address: object) -> None:
        assert faults({**FULL, "email": address}) == {"email"}

    @pytest.mark.parametrize(
        "number",
        ["98765", "919876543210", "+91", "+91 98765 4321 0000 0000", "+٩١٩٨٧٦٥٤٣٢١٠", "+0000000", 17],
    )
    def test_refuses_what_is_no_phone_number(self, number: object) -> None:
        assert faults({**FULL, "phone": number}) == {"phone"}

    @pytest.mark.parametrize(
        "text", ["", " ", "\t", "a\nb", "a\rb", "a\x1bb", "a\x85b", "a\u2028b", "a\ud800b"]
    )
    def test_refuses_a_name_that_is_not_one_line(self, text: str) -> None:
        assert faults({**FULL, "name": text}) == {"name"}

    @pytest.mark.parametrize("value", [1, 1.5, True, ["x"], {"x": 1}])
    @pytest.mark.parametrize("field", ["name", "kind", "email", "phone", "taxId", "notes"])
    def test_takes_text_only_as_text(self, field: str, value: object) -> None:
        assert faults({**FULL, field: value}) == {field}

    @pytest.mark.parametrize("value", [1, ["x"], {"line3": "x"}, {"line1": 1}, {"country": "in"}, ""])
    def test_takes_an_address_only_as_one(self, value: object) -> None:
        assert faults({**FULL, "address": value}) == {"address"}


class TestChangeCustomer:
    def test_tells_null_from_absent(self) -> None:
        assert ChangeCustomer().load({"email": None}) == {"email": None}

    def test_has_every_field_of_a_new_customer(self) -> None:
        assert set(CreateCustomer().fields) == set(ChangeCustomer().fields) - {"status"}


class TestCustomerQuery:
    def test_reads_values_from_text(self) -> None:
        query = {"limit": "5", "includeTotal": "true", "status": "archived,active", "kind": "person"}
        loaded = CustomerQuery().load({**query, "createdFrom": "2026-03-01T10:00:00+05:30"})

        assert loaded == {
            "limit": 5,
            "include_total": True,
            "status": ["active", "archived"],
            "kind": ["person"],
            "created_from": datetime(2026, 3, 1, 4, 30, tzinfo=UTC),
            "sort_by": "createdAt",
        }
