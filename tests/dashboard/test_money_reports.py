"""The reports of money against the same figures, added up naively over the same random books."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from mbs.availability.errors import RangeTooLong
from mbs.dashboard.repository import documents
from mbs.dashboard.schemas.activity import StatsView, present_stats
from mbs.dashboard.schemas.money import (
    CollectedReport,
    OutstandingReport,
    RevenueReport,
    TaxReport,
    present_outstanding,
    present_report,
)
from mbs.dashboard.service import money
from mbs.dashboard.service.activity import DashboardService
from mbs.dashboard.service.money import MoneyReportService
from mbs.exchange_rates.errors import NoExchangeRate
from mbs.foundation.money import rounded, shown
from mbs.operations.embedded_postgres import Server
from tests.contract.closed_schemas import differences
from tests.dashboard.random_books import Books, Written, invent, write
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller, new_business

HOME = "Asia/Kolkata"
NOW = datetime(2026, 4, 14, 20, 0, tzinfo=UTC)
TODAY = date(2026, 4, 15)
"""Of Kolkata at that instant; of Greenwich it is the day before."""
MARCH: dict[str, Any] = {"from_": date(2026, 3, 1), "to": date(2026, 3, 31)}
SEEDS = (1, 2, 3)


class Frozen:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Reports:
    """A business with random books and what reports on it."""

    def __init__(self, owner: Business, books: Books, locations: list[UUID]) -> None:
        self.owner, self.books, self.locations = owner, books, locations

        def begin(**options: Any) -> Any:
            return owner.database.transaction(owner.scope, **options)

        self.money = MoneyReportService(begin=begin, clock=Frozen())
        self.dashboard = DashboardService(begin=begin, clock=Frozen(), shows_money=True)

    def show(self, name: str, **query: Any) -> dict[str, Any]:
        """Return a report as the wire has it."""
        asked = {"group_by": "day", **MARCH, **query}
        report = getattr(self.money, {"tax": "taxes"}.get(name, name))(**asked)
        return present_report(report, name, group_by=asked["group_by"], convert_to=asked.get("convert_to"))

    def issued(self, **of: Any) -> Iterable[Written]:
        """Yield what counts of March."""
        for one in self.books.documents:
            fits = all(getattr(one, name) == value for name, value in of.items())
            if one.counts and fits and MARCH["from_"] <= one.issued <= MARCH["to"]:
                yield one


@pytest.fixture(scope="module")
def kept(app: Flask, server: Server, database_name: str) -> Callable[[int], Reports]:
    """Return a function that gives the reports on the books of a seed, which are written once."""
    found: dict[int, Reports] = {}

    def keep(seed: int) -> Reports:
        if seed not in found:
            owner = new_business(Caller(app), countryCode="IN", timezone=HOME)
            made(owner, "/api/locations", {"name": "Pune"})
            locations = [UUID(row["id"]) for row in listed(owner, "/api/locations")]
            books = invent(seed, locations)
            write(owner, books, server.url(database_name))
            found[seed] = Reports(owner, books, locations)
        return found[seed]

    return keep


def key_of(day: date, by: str) -> str:
    if by == "day":
        return day.isoformat()
    if by == "month":
        return f"{day:%Y-%m}"
    return max(day - timedelta(days=day.weekday()), MARCH["from_"] - timedelta(days=6)).isoformat()


def local_day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(HOME)).date()


def in_march(day: date) -> bool:
    return MARCH["from_"] <= day <= MARCH["to"]


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


@pytest.mark.parametrize("seed", SEEDS)
class TestOutstanding:
    def test_is_what_is_due_of_open_invoices_by_how_late_it_is(
        self, kept: Callable[[int], Reports], seed: int
    ) -> None:
        reports = kept(seed)
        found = present_outstanding(reports.money.outstanding(), convert_to=None)
        expected: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for one in reports.books.documents:
            if one.type == "invoice" and one.status == "open":
                late = (TODAY - one.due).days if one.due else 0
                bounds = [(0, "not_due"), (30, "1-30"), (60, "31-60"), (90, "61-90")]
                age = next((name for most, name in bounds if late <= most), "over_90")
                expected[one.currency, age].append(one.total - one.paid)

        assert differences(OutstandingReport(), found) == []
        assert found["on"] == TODAY
        assert {(row["currency"], row["age"]): (row["invoices"], row["amount"]) for row in found["rows"]} == {
            key: (len(dues), shown(sum(dues, Decimal(0)), key[0])) for key, dues in expected.items()
        }

    def test_stands_on_the_dashboard_beside_this_month(
        self, kept: Callable[[int], Reports], seed: int
    ) -> None:
        reports = kept(seed)
        found = present_stats(*reports.dashboard.stats())

        def month(number: int) -> Decimal:
            return sum(
                (
                    one.sign * one.net
                    for one in reports.books.documents
                    if one.counts and one.currency == "INR" and one.issued.month == number
                ),
                Decimal(0),
            )

        mine = [
            one
            for one in reports.books.documents
            if one.type == "invoice" and one.status == "open" and one.currency == "INR"
        ]
        late = [one for one in mine if one.due is not None and one.due < TODAY]
        moved = [one for one in reports.books.payments if one.currency == "INR"]
        came = sum(
            (one.amount for one in moved if not one.reversed and local_day(one.at).month == 4), Decimal(0)
        )
        went = sum((one.refunded for one in moved if local_day(one.refunded_at).month == 4), Decimal(0))
        growth = round((month(4) - month(3)) * 100 / month(3), 1) if month(3) > 0 else None

        assert differences(StatsView(), found) == []
        assert found["monthlyRevenue"] == shown(month(4), "INR")
        assert found["revenueGrowth"] == (float(growth) if growth is not None else None)
        assert found["outstanding"] == shown(sum((o.total - o.paid for o in mine), Decimal(0)), "INR")
        assert found["overdue"] == shown(sum((o.total - o.paid for o in late), Decimal(0)), "INR")
        assert found["collectedThisMonth"] == shown(came - went, "INR")


class TestConverting:
    def test_takes_the_rate_of_the_period_s_last_day_and_adds_the_currencies_up(
        self, kept: Callable[[int], Reports]
    ) -> None:
        reports = kept(4)
        rates = (
            ("USD", "INR", "80", "2026-03-01"),
            ("USD", "INR", "90", "2026-03-31"),
            ("USD", "INR", "999", "2026-04-01"),
            ("INR", "JPY", "2", "2026-01-01"),
        )
        for base, quote, rate, day in rates:
            body = {"base": base, "quote": quote, "rate": rate, "validFrom": day}
            made(reports.owner, "/api/exchange-rates", body)
        own = {one["currency"]: Decimal(one["revenue"]) for one in reports.show("revenue")["totals"]}
        found = reports.show("revenue", group_by="month", convert_to="INR")
        (row,) = found["rows"]
        march = {"INR": Decimal(1), "USD": Decimal(90), "JPY": Decimal("0.5")}

        def worth(sign: int) -> Decimal:
            nets: dict[str, Decimal] = defaultdict(Decimal)
            for one in reports.issued(sign=sign):
                nets[one.currency] += one.net
            return sum((rounded(net * march[name], "INR") for name, net in nets.items()), Decimal(0))

        invoiced, credited = worth(1), worth(-1)
        assert set(own) == {"INR", "USD", "JPY"}
        assert (found["convertedTo"], row["currency"]) == ("INR", "INR")
        assert (row["invoiced"], row["credited"]) == (shown(invoiced, "INR"), shown(credited, "INR"))
        assert Decimal(row["revenue"]) == Decimal(row["invoiced"]) - Decimal(row["credited"])
        assert found["totals"] == [{name: value for name, value in row.items() if name != "key"}]
        first_day = reports.show("revenue", to=MARCH["from_"], convert_to="INR")["rows"][0]
        usd = sum(
            (one.sign * one.net for one in reports.issued(currency="USD", issued=MARCH["from_"])), Decimal(0)
        )
        rest = sum(
            (
                one.sign * one.net / (2 if one.currency == "JPY" else 1)
                for one in reports.issued(issued=MARCH["from_"])
                if one.currency != "USD"
            ),
            Decimal(0),
        )
        assert abs(Decimal(first_day["revenue"]) - usd * 80 - rest) <= Decimal("0.02")

    def test_without_a_rate_is_refused_and_never_one_to_one(self, kept: Callable[[int], Reports]) -> None:
        reports = kept(5)
        body = {"base": "USD", "quote": "INR", "rate": "80", "validFrom": "2026-01-01"}
        made(reports.owner, "/api/exchange-rates", body)

        for name in ("revenue", "collected", "tax"):
            with pytest.raises(NoExchangeRate, match=r"JPY to INR on 2026-03-\d\d"):
                reports.show(name, convert_to="INR")
        with pytest.raises(NoExchangeRate, match="JPY to INR on 2026-04-15"):
            reports.money.outstanding(convert_to="INR")
        assert reports.show("revenue", convert_to="INR", currency="USD")["totals"][0]["currency"] == "INR"


class TestTheExport:
    def test_has_what_was_issued_void_ones_too(self, kept: Callable[[int], Reports]) -> None:
        reports = kept(1)
        rows = reports.money.export(**MARCH)
        expected = [one for one in reports.books.documents if in_march(one.issued) and one.status != "draft"]

        assert sorted(row.number for row in rows) == sorted(one.number for one in expected)
        assert [row.issue_date for row in rows] == sorted(one.issued for one in expected)
        assert {row.status for row in rows} >= {"void", "issued", "paid"}

    def test_of_more_than_it_holds_is_refused(
        self, kept: Callable[[int], Reports], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reports = kept(1)
        issued = len(reports.money.export(**MARCH))
        monkeypatch.setattr(money, "MOST_EXPORTED", issued)
        assert len(reports.money.export(**MARCH)) == issued
        monkeypatch.setattr(money, "MOST_EXPORTED", issued - 1)
        with pytest.raises(RangeTooLong) as refused:
            reports.money.export(**MARCH)
        assert refused.value.errors[0].field == "to"

    def test_names_the_columns_of_the_table(self) -> None:
        names = [column.key for column in documents.EXPORT_COLUMNS]
        assert len(names) == 17
