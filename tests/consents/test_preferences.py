"""In which time zone and language a customer is written to."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.consents.models import Preference
from mbs.consents.repository import PreferenceRepository
from tests.auth.racing import together
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller
from tests.factories.customers import create


def url(customer: Any) -> str:
    return f"/api/customers/{customer['id']}/preferences"


def put(owner: Business, customer: Any, body: Any, match: str | None = None) -> Any:
    return owner.call("PUT", url(customer), body, headers={"If-Match": match} if match else None)


class TestPreferences:
    def test_begin_empty_at_version_nought(self, owner: Business) -> None:
        customer = create(owner)
        response = owner.get(url(customer))
        assert (response.status_code, response.headers["ETag"]) == (200, '"0"')
        assert response.get_json() == {
            "customerId": customer["id"],
            "timezone": None,
            "locale": None,
            "updatedAt": None,
            "version": 0,
        }
        unchanged = owner.get(url(customer), headers={"If-None-Match": '"0"'})
        assert (unchanged.status_code, unchanged.get_data()) == (304, b"")

    def test_are_replaced_as_a_whole_and_tell_the_trail(self, owner: Business) -> None:
        customer = create(owner)
        first = put(owner, customer, {"timezone": "Europe/Berlin", "locale": "DE-de"}, '"0"')
        assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
        assert (first.get_json()["timezone"], first.get_json()["locale"]) == ("Europe/Berlin", "de-DE")
        second = put(owner, customer, {"locale": "hi"}, '"1"').get_json()
        assert (second["timezone"], second["locale"], second["version"]) == (None, "hi", 2)
        assert owner.get(url(customer)).get_json() == second
        event = listed(owner, "/api/events?limit=200")[-1]
        assert (event["type"], event["objectId"]) == ("customer.preferences_updated", customer["id"])
        assert event["data"]["previous"] == {"timezone": "Europe/Berlin", "locale": "de-DE"}

    @pytest.mark.parametrize("match", ['"0"', '"7"', '"x"', 'W/"1"'])
    def test_of_another_version_stay(self, owner: Business, match: str) -> None:
        customer = create(owner)
        put(owner, customer, {"locale": "hi"})
        refused = put(owner, customer, {"locale": "de"}, match)
        assert (refused.status_code, refused.get_json()["code"]) == (412, "PRECONDITION_FAILED")
        assert owner.get(url(customer)).get_json()["locale"] == "hi"

    def test_that_nobody_said_are_of_no_later_version(self, owner: Business) -> None:
        customer = create(owner)
        assert put(owner, customer, {"locale": "de"}, '"1"').status_code == 412
        assert owner.get(url(customer)).get_json()["version"] == 0

    def test_are_said_first_by_one_of_several(self, owner: Business) -> None:
        customer = create(owner)
        path = url(customer)

        def say(_: int) -> int:
            caller = Caller(owner.app, token=owner.token)
            return caller.call("PUT", path, {"locale": "hi"}, headers={"If-Match": '"0"'}).status_code

        assert sorted(together(3, say)) == [200, 412, 412]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"timezone": "Mars/Olympus"}, "timezone"),
            ({"timezone": "+05:30"}, "timezone"),
            ({"timezone": "asia/kolkata"}, "timezone"),
            ({"locale": "xx"}, "locale"),
            ({"locale": "english"}, "locale"),
            ({"locale": "en_IN"}, "locale"),
            ({"locale": "../../etc"}, "locale"),
            ({"locale": 5}, "locale"),
            ({"language": "hi"}, "language"),
        ],
    )
    def test_refuse_what_is_none(self, resident: Business, body: dict[str, Any], field: str) -> None:
        response = resident.call("PUT", f"/api/customers/{uuid4()}/preferences", body)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.get_json()["errors"]] == [field]

    def test_need_a_customer_of_the_business_s_own(self, owner: Business, resident: Business) -> None:
        for customer in (create(resident), {"id": str(uuid4())}):
            assert put(owner, customer, {"locale": "hi"}).status_code == 404
            assert owner.get(url(customer)).status_code == 404


class TestABatch:
    def test_is_of_those_who_said_anything(self, owner: Business, resident: Business) -> None:
        first, silent = create(owner), create(owner)
        made(owner, url(first), {"timezone": "Asia/Dubai"}, "PUT")
        ids = [UUID(first["id"]), UUID(silent["id"])]
        for business, wanted in ((owner, {ids[0]: Preference("Asia/Dubai", None)}), (resident, {})):
            with business.database.transaction(business.scope, read_only=True) as transaction:
                assert PreferenceRepository(transaction).of(ids) == wanted
                assert PreferenceRepository(transaction).of([]) == {}
