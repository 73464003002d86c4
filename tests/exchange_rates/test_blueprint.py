"""Exchange rates over HTTP."""

from typing import Any

import pytest

from tests.factories.answers import listed, made
from tests.factories.callers import Business

RATES = "/api/exchange-rates"
BODY = {"base": "USD", "quote": "INR", "rate": "83.1234", "validFrom": "2026-03-01"}


def add(owner: Business, **fields: Any) -> dict[str, Any]:
    return made(owner, RATES, {**BODY, **fields})


class TestAnExchangeRate:
    def test_is_kept_to_ten_decimals(self, owner: Business) -> None:
        rate = add(owner, rate="0.0120304500", source="Reserve Bank of India")

        assert rate["rate"] == "0.01203045"
        assert owner.get(f"{RATES}/{rate['id']}").get_json() == rate

    def test_may_be_very_large_or_very_small(self, owner: Business) -> None:
        assert add(owner, rate="99999999999999")["rate"] == "99999999999999"
        assert add(owner, rate="0.0000000001", validFrom="2026-03-02")["rate"] == "0.0000000001"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("rate", 83.1234),
            ("rate", "0"),
            ("rate", "0.000"),
            ("rate", "-1"),
            ("rate", "NaN"),
            ("rate", "1e3"),
            ("rate", "1.00000000001"),
            ("rate", "100000000000000"),
            ("rate", None),
            ("base", "usd"),
            ("quote", "XYZ"),
            ("quote", "USD"),
            ("validFrom", "2026-02-30"),
            ("validFrom", "2026-03-01T00:00:00Z"),
            ("createdBy", "somebody"),
        ],
    )
    def test_is_refused_for_a_faulty_field(self, owner: Business, field: str, value: Any) -> None:
        response = owner.post(RATES, {**BODY, field: value})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.get_json()["errors"]] == [field]
        assert listed(owner, RATES) == []

    def test_is_the_only_one_of_its_pair_from_its_day_on(self, owner: Business) -> None:
        add(owner)
        again = owner.post(RATES, {**BODY, "rate": "84"})

        assert again.status_code == 409
        assert again.get_json()["code"] == "CONFLICT"
        assert [rate["rate"] for rate in listed(owner, RATES)] == ["83.1234"]

    def test_can_be_corrected_but_not_moved(self, owner: Business) -> None:
        rate = add(owner)
        path = f"{RATES}/{rate['id']}"
        changed = made(owner, path, {"rate": "84", "source": "ECB"}, "PATCH")

        assert (changed["rate"], changed["source"], changed["version"]) == ("84", "ECB", 2)
        assert owner.patch(path, {"validFrom": "2026-04-01"}).status_code == 400
        assert owner.patch(path, {"rate": "85"}, headers={"If-Match": '"1"'}).status_code == 412

    def test_can_be_removed_and_is_told_of_in_the_trail(self, owner: Business) -> None:
        rate = add(owner)
        path = f"{RATES}/{rate['id']}"
        owner.patch(path, {"rate": "84"})

        assert owner.delete(path).status_code == 204
        assert owner.get(path).status_code == 404
        events = [row for row in listed(owner, "/api/events") if row["objectId"] == rate["id"]]
        assert [row["type"] for row in events] == [
            "exchange_rate.created",
            "exchange_rate.updated",
            "exchange_rate.removed",
        ]
        assert events[1]["data"]["previous"] == {"rate": "83.1234"}
        assert events[2]["data"]["object"]["valid_from"] == "2026-03-01"

    def test_of_another_business_is_not_there(self, owner: Business, resident: Business) -> None:
        path = f"{RATES}/{add(owner)['id']}"

        assert resident.get(path).status_code == 404
        assert resident.patch(path, {"rate": "1"}).status_code == 404
        assert resident.delete(path).status_code == 404


class TestTheList:
    def test_begins_at_the_latest_day_and_goes_on_page_by_page(self, owner: Business) -> None:
        days = ["2026-03-02", "2026-03-04", "2026-03-01", "2026-03-03"]
        for day in days:
            add(owner, validFrom=day)
        first = owner.get(f"{RATES}?limit=3").get_json()
        rest = owner.get(f"{RATES}?limit=3&cursor={first['pagination']['nextCursor']}").get_json()

        assert [rate["validFrom"] for rate in first["data"] + rest["data"]] == sorted(days, reverse=True)
        assert [rate["validFrom"] for rate in listed(owner, f"{RATES}?sortOrder=asc")] == sorted(days)

    def test_keeps_to_a_pair_and_to_what_holds_on_a_day(self, owner: Business) -> None:
        for day, rate in (("2026-03-01", "83"), ("2026-03-10", "84"), ("2026-03-20", "85")):
            add(owner, validFrom=day, rate=rate)
        add(owner, base="GBP", rate="105")
        add(owner, base="GBP", quote="USD", rate="1.27")

        def rates(query: str) -> list[tuple[str, str]]:
            return [(rate["base"], rate["rate"]) for rate in listed(owner, f"{RATES}?{query}")]

        assert rates("base=USD&on=2026-03-19") == [("USD", "84")]
        assert sorted(rates("quote=INR&on=2026-03-20")) == [("GBP", "105"), ("USD", "85")]
        assert rates("on=2026-02-28") == []
        assert rates("quote=USD") == [("GBP", "1.27")]
