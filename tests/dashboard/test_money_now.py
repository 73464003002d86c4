"""What is owed now, what is converted to one currency, and what is exported, over random books."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest

from mbs.availability.errors import RangeTooLong
from mbs.dashboard.schemas.activity import StatsView, present_stats
from mbs.dashboard.schemas.money import OutstandingReport, present_outstanding
from mbs.dashboard.service import money
from mbs.exchange_rates.errors import NoExchangeRate
from mbs.foundation.money import rounded, shown
from tests.contract.closed_schemas import differences
from tests.dashboard.kept_books import MARCH, SEEDS, TODAY, Reports, in_march, local_day
from tests.factories.answers import made


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
