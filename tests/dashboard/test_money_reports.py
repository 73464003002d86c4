"""The reports of money against the same figures, added up naively over the same random books."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from mbs.dashboard.schemas.money import CollectedReport, RevenueReport, TaxReport
from mbs.foundation.money import shown
from tests.contract.closed_schemas import differences
from tests.dashboard.kept_books import SEEDS, Reports, in_march, key_of, local_day


def by_key(rows: list[dict[str, Any]], amount: str) -> dict[tuple[str, str], str]:
    """Return an amount of each key and currency, of rows that say something."""
    return {(row["key"], row["currency"]): row[amount] for row in rows if Decimal(row[amount])}


@pytest.mark.parametrize("seed", SEEDS)
class TestRevenue:
    @pytest.mark.parametrize("by", ["day", "week", "month"])
    def test_is_what_was_invoiced_less_what_was_credited(
        self, kept: Callable[[int], Reports], seed: int, by: str
    ) -> None:
        reports = kept(seed)
        found = reports.show("revenue", group_by=by)
        expected: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for one in reports.issued():
            into = expected[key_of(one.issued, by), one.currency]
            into["invoiced" if one.sign > 0 else "credited"] += one.net
            into["revenue"] += one.sign * one.net
            into["tax"] += one.sign * one.tax
            into["rounding"] += one.sign * one.rounding
            into["total"] += one.sign * one.total
            into["invoices" if one.sign > 0 else "creditNotes"] += 1

        assert differences(RevenueReport(), found) == []
        assert any(row["currency"] == "JPY" and "." not in row["revenue"] for row in found["rows"])
        for name in ("invoiced", "credited", "revenue", "tax", "rounding", "total"):
            assert by_key(found["rows"], name) == {
                (key, currency): shown(sums[name], currency)
                for (key, currency), sums in expected.items()
                if sums[name]
            }
        for row in found["rows"]:
            sums = expected[row["key"], row["currency"]]
            assert (row["invoices"], row["creditNotes"]) == (sums["invoices"], sums["creditNotes"])
        for total in found["totals"]:
            whole = sum((s["total"] for (_, c), s in expected.items() if c == total["currency"]), Decimal(0))
            assert total["total"] == shown(whole, total["currency"])

    def test_has_a_row_for_each_day(self, kept: Callable[[int], Reports], seed: int) -> None:
        rows = [row for row in kept(seed).show("revenue")["rows"] if row["currency"] == "INR"]

        assert [row["key"] for row in rows] == [f"2026-03-{day:02}" for day in range(1, 32)]

    def test_keeps_to_a_currency_and_a_location(self, kept: Callable[[int], Reports], seed: int) -> None:
        reports = kept(seed)
        place = reports.locations[0]
        found = reports.show("revenue", group_by="month", currency="USD", location_id=place)
        expected = sum(
            (one.sign * one.net for one in reports.issued(currency="USD", location_id=place)), Decimal(0)
        )

        assert [row["currency"] for row in found["rows"]] == ["USD"]
        assert found["rows"][0]["revenue"] == shown(expected, "USD")


@pytest.mark.parametrize("seed", SEEDS)
class TestCollected:
    @pytest.mark.parametrize("by", ["day", "month"])
    def test_is_what_came_in_less_what_went_back_by_local_days(
        self, kept: Callable[[int], Reports], seed: int, by: str
    ) -> None:
        reports = kept(seed)
        found = reports.show("collected", group_by=by)
        received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        refunded: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for one in reports.books.payments:
            if in_march(local_day(one.at)) and not one.reversed:
                received[key_of(local_day(one.at), by), one.currency] += one.amount
            if in_march(local_day(one.refunded_at)) and one.refunded:
                refunded[key_of(local_day(one.refunded_at), by), one.currency] += one.refunded

        assert differences(CollectedReport(), found) == []
        assert by_key(found["rows"], "received") == {k: shown(v, k[1]) for k, v in received.items()}
        assert by_key(found["rows"], "refunded") == {k: shown(v, k[1]) for k, v in refunded.items()}
        for total in found["totals"]:
            name = total["currency"]
            net = sum((v for k, v in received.items() if k[1] == name), Decimal(0))
            net -= sum((v for k, v in refunded.items() if k[1] == name), Decimal(0))
            assert total["collected"] == shown(net, name)


@pytest.mark.parametrize("seed", SEEDS)
class TestTax:
    def test_is_told_apart_by_place_of_supply_code_and_rate(
        self, kept: Callable[[int], Reports], seed: int
    ) -> None:
        reports = kept(seed)
        found = reports.show("tax", group_by="month")
        expected: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for one in reports.issued():
            for line in one.lines:
                for code, rate, amount in line.taxes or ((None, None, Decimal(0)),):
                    text = f"{rate.normalize():f}" if rate is not None else None
                    into = expected[one.currency, one.place, line.kind, code, text]
                    into[0] += one.sign * line.net
                    into[1] += one.sign * amount
        rows = {
            (row["currency"], row["placeOfSupply"], row["kind"], row["code"], row["rate"]): row
            for row in found["rows"]
        }

        assert differences(TaxReport(), found) == []
        assert {row["jurisdiction"] for row in found["rows"]} == {"IN"}
        assert len(rows) == len(found["rows"])
        assert {key: (row["taxable"], row["tax"]) for key, row in rows.items()} == {
            key: (shown(taxable, key[0]), shown(tax, key[0])) for key, (taxable, tax) in expected.items()
        }

    def test_comes_to_the_tax_of_the_revenue(self, kept: Callable[[int], Reports], seed: int) -> None:
        reports = kept(seed)
        taxes = {one["currency"]: one["tax"] for one in reports.show("tax")["totals"]}

        assert taxes == {one["currency"]: one["tax"] for one in reports.show("revenue")["totals"]}
