"""Addresses that are not written to, whoever has them."""

from typing import Any
from uuid import uuid4

import pytest

from mbs.consents.repository import SuppressionRepository
from mbs.foundation.scope import Scope
from tests.auth.racing import together
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller

URL = "/api/suppressions"


def suppressed(owner: Business, *pairs: tuple[str, str]) -> set[tuple[str, str]]:
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        return SuppressionRepository(transaction).among(pairs)


class TestCreate:
    def test_answers_where_it_is_and_tells_the_trail(self, owner: Business) -> None:
        response = owner.post(URL, {"channel": "whatsapp", "address": "+91 98765-43210"})
        row = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"{URL}/{row['id']}"
        assert (row["address"], row["reason"]) == ("+919876543210", "manual")
        assert (row["createdBy"], row["tenantId"]) == (str(owner.user_id), str(owner.tenant_id))
        assert owner.get(f"{URL}/{row['id']}").get_json() == row
        event = listed(owner, "/api/events?limit=200")[-1]
        assert (event["type"], event["objectType"]) == ("suppression.added", "suppression")
        assert event["objectId"] == row["id"]

    def test_of_one_address_is_refused_the_second_time_in_any_spelling(self, owner: Business) -> None:
        made(owner, URL, {"channel": "email", "address": "Jane@Example.com"})
        for address in ("jane@example.COM", " JANE@example.com", "jane@example.com"):
            refused = owner.post(URL, {"channel": "email", "address": address})
            assert (refused.status_code, refused.get_json()["code"]) == (409, "CONFLICT")
        assert [one["address"] for one in listed(owner, URL)] == ["Jane@Example.com"]

    def test_by_several_at_once_makes_one(self, owner: Business) -> None:
        body = {"channel": "email", "address": "race@example.com"}

        def post(_: int) -> int:
            return Caller(owner.app, token=owner.token).post(URL, body).status_code

        assert sorted(together(4, post)) == [201, 409, 409, 409]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"channel": "email", "address": "jane"}, "address"),
            ({"channel": "email", "address": "+919876543210"}, "address"),
            ({"channel": "email", "address": "jane@example.com\r\nBcc: all@example.com"}, "address"),
            ({"channel": "whatsapp", "address": "jane@example.com"}, "address"),
            ({"channel": "whatsapp", "address": "9876543210"}, "address"),
            ({"channel": "whatsapp"}, "address"),
            ({"channel": "sms", "address": "+919876543210"}, "channel"),
            ({"address": "jane@example.com"}, "channel"),
            ({"channel": "email", "address": "jane@example.com", "reason": "bored"}, "reason"),
            ({"channel": "email", "address": "jane@example.com", "addressKey": "x"}, "addressKey"),
        ],
    )
    def test_refuses(self, resident: Business, body: dict[str, Any], field: str) -> None:
        response = resident.post(URL, body)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.get_json()["errors"]] == [field]


class TestList:
    def test_is_narrowed_by_each_filter(self, owner: Business) -> None:
        rows = {
            name: made(owner, URL, body)["id"]
            for name, body in {
                "jane": {"channel": "email", "address": "jane@example.com", "reason": "bounced"},
                "ravi": {"channel": "email", "address": "ravi@example.com", "reason": "complained"},
                "phone": {"channel": "whatsapp", "address": "+919876543210", "reason": "unreachable"},
            }.items()
        }

        def found(query: str) -> list[str]:
            return [
                name for one in listed(owner, f"{URL}?{query}") for name in rows if rows[name] == one["id"]
            ]

        assert found("") == ["phone", "ravi", "jane"]
        assert found("sortOrder=asc&limit=2") == ["jane", "ravi"]
        assert found("channel=email") == ["ravi", "jane"]
        assert found("reason=bounced,unreachable") == ["phone", "jane"]
        assert found("address=JANE@example.com") == ["jane"]
        assert found("address=%2B919876543210") == ["phone"]
        assert found("address=nobody") == []
        assert owner.get(f"{URL}?channel=sms").status_code == 400


class TestDelete:
    def test_lets_an_address_be_written_to_again(self, owner: Business) -> None:
        pair = ("email", "jane@example.com")
        row = made(owner, URL, {"channel": "email", "address": pair[1]})
        assert suppressed(owner, pair) == {pair}
        assert owner.delete(f"{URL}/{row['id']}").status_code == 204
        assert suppressed(owner, pair) == set()
        assert owner.delete(f"{URL}/{row['id']}").status_code == 404
        assert owner.get(f"{URL}/{row['id']}").status_code == 404
        event = listed(owner, "/api/events?limit=200")[-1]
        assert (event["type"], event["objectId"]) == ("suppression.removed", row["id"])
        made(owner, URL, {"channel": "email", "address": pair[1]})

    def test_of_another_business_s_is_not_found(self, owner: Business, resident: Business) -> None:
        body = {"channel": "email", "address": f"{uuid4().hex}@example.com"}
        row = made(resident, URL, body)
        assert owner.get(f"{URL}/{row['id']}").status_code == 404
        assert owner.delete(f"{URL}/{row['id']}").status_code == 404
        assert suppressed(resident, ("email", body["address"]))


class TestABatch:
    def test_is_compared_as_addresses_are(self, owner: Business, resident: Business) -> None:
        made(owner, URL, {"channel": "email", "address": "jane@bücher.example"})
        made(owner, URL, {"channel": "whatsapp", "address": "+919876543210"})
        asked = (
            ("email", "JANE@xn--bcher-kva.example"),
            ("whatsapp", "+919876543210"),
            ("email", "ravi@example.com"),
            ("whatsapp", "+919876543211"),
        )
        assert suppressed(owner, *asked) == set(asked[:2])
        assert suppressed(resident, *asked) == set()
        assert suppressed(owner) == set()

    def test_of_reports_is_taken_from_a_provider_once(self, owner: Business) -> None:
        provider = Scope(tenant_id=owner.scope.tenant_id, correlation_id="receipt")
        with owner.database.transaction(provider) as transaction:
            suppressions = SuppressionRepository(transaction)
            first = suppressions.suppress("email", "Jane@example.com", "bounced")
            assert first is not None
            assert first.created_by is None
            assert suppressions.suppress("email", "jane@example.com", "complained") is None
            assert suppressions.lift("email", "jane@example.com", ["unsubscribed"]) is None
            lifted = suppressions.lift("email", "JANE@example.com", ["bounced"])
            assert lifted is not None
            assert lifted.id == first.id
        assert suppressed(owner, ("email", "jane@example.com")) == set()
