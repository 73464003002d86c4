"""Two customers who may be one person: reported always, refused when the business wants that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller
from tests.factories.customers import create, stored


class TestPossibleDuplicates:
    def test_are_those_with_the_same_name_address_or_number(self, owner: Business) -> None:
        same_name = create(owner, name="JANE  smith")["id"]
        same_email = create(owner, name="J.", email="jane@EXAMPLE.com")["id"]
        same_phone = create(owner, name="Mrs S", phone="+919876543210")["id"]
        create(owner, name="Jane Smithson", email="jane@example.org", phone="+919876543211")

        created = create(owner, email="Jane@example.com", phone="+91 98765 43210")

        assert [one["id"] for one in created["possibleDuplicates"]] == [same_name, same_email, same_phone]
        assert set(created["possibleDuplicates"][0]) == {"id", "name", "email", "phone"}

    def test_are_active_and_of_this_business(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        owner.delete(f"/api/customers/{create(owner)['id']}")
        create(business())

        assert create(owner)["possibleDuplicates"] == []

    def test_are_five_at_most(self, owner: Business) -> None:
        for _ in range(6):
            create(owner)

        assert len(create(owner)["possibleDuplicates"]) == 5


class TestUniqueness:
    @pytest.mark.parametrize(
        ("setting", "values", "alike"),
        [
            ("uniqueEmail", {"email": "jane@example.com"}, {"email": "JANE@example.com"}),
            ("uniquePhone", {"phone": "+919876543210"}, {"phone": "+91 98765 43210"}),
        ],
    )
    def test_is_demanded_when_the_business_wants_it(
        self, owner: Business, setting: str, values: dict[str, str], alike: dict[str, str]
    ) -> None:
        assert create(owner, **values)
        assert create(owner, **values), "unique only from now on"
        owner.patch("/api/tenant/settings", {"customers": {setting: True}})
        create(owner, **values)

        response = owner.post("/api/customers", {"name": "Second", **alike})
        other = create(owner)["id"]
        changed = owner.patch(f"/api/customers/{other}", alike)

        for refused in (response, changed):
            assert refused.status_code == 409
            assert refused.json is not None
            assert refused.json["code"] == "CONFLICT"
        assert stored(owner, other).version == 1

    def test_holds_against_twenty_at_once(self, owner: Business, wide_app: Flask) -> None:
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})

        def add(number: int) -> int:
            caller = Caller(wide_app, token=owner.token)
            return caller.post(
                "/api/customers", {"name": f"Jane {number}", "email": "jane@example.com"}
            ).status_code

        with ThreadPoolExecutor(20) as threads:
            statuses = sorted(threads.map(add, range(20)))

        assert statuses == [201] + [409] * 19
        page = owner.get("/api/customers?includeTotal=true").json
        assert page is not None
        assert page["pagination"]["total"] == 1
