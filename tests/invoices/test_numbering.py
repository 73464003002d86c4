"""Numbers of documents: what a pattern makes of place and period, and that none is skipped or given twice."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from itertools import product

import pytest

from mbs.foundation.number_patterns import fault_of, filled
from mbs.foundation.policies import INVOICING
from mbs.invoices.errors import DatedTooEarly, NumberTooLong
from mbs.invoices.models.numbering import number_of, series_of
from mbs.invoices.repository.series import draw
from tests.auth.racing import together
from tests.factories.callers import Business

SPRING = date(2026, 5, 4)


def number(pattern: str, *, seq: int = 1, prefix: str = "MUM", on: date = SPRING, country: str = "IN") -> str:
    return number_of(series_of(pattern, prefix=prefix, on=on, country=country), seq)


class TestPattern:
    @pytest.mark.parametrize(
        ("pattern", "country", "expected"),
        [
            ("{LOC}/{FY}/{SEQ:5}", "IN", "MUM/2627/00042"),
            ("{LOC}/{FY}/{SEQ:5}", "GB", "MUM/2026/00042"),
            ("INV-{YYYY}-{SEQ:4}", "GB", "INV-2026-0042"),
            ("{YY}{MM}-{SEQ:1}", "IN", "2605-42"),
            ("A{SEQ:9}", "GB", "A000000042"),
            ("{SEQ:3}/{FY}-{MM}", "IN", "042/2627-05"),
        ],
    )
    def test_is_filled_in(self, pattern: str, country: str, expected: str) -> None:
        assert fault_of(pattern, country=country) is None
        assert number(pattern, seq=42, country=country) == expected

    @pytest.mark.parametrize(
        ("on", "year"),
        [
            (date(2026, 3, 31), "2526"),
            (date(2026, 4, 1), "2627"),
            (date(2026, 12, 31), "2627"),
            (date(2027, 1, 1), "2627"),
            (date(1999, 4, 1), "9900"),
            (date(2000, 3, 31), "9900"),
        ],
    )
    def test_of_india_knows_its_financial_year(self, on: date, year: str) -> None:
        assert filled("{FY}/{SEQ:5}", prefix="MUM", on=on, country="IN") == (f"{year}/{{SEQ}}", 5)

    @pytest.mark.parametrize(
        ("pattern", "rule"),
        [
            ("", "made of"),
            ("INV-{YYYY}", "once"),
            ("{SEQ:4}-{SEQ:4}", "once"),
            ("{SEQ:0}", "made of"),
            ("{SEQ:10}", "made of"),
            ("{SEQ}", "made of"),
            ("{seq:4}", "made of"),
            ("{DAY}{SEQ:4}", "made of"),
            ("A_{SEQ:4}", "made of"),
            ("A {SEQ:4}", "made of"),
            ("A\n{SEQ:4}", "made of"),
            ("A{SEQ:4}\n", "made of"),
            ("É{SEQ:4}", "made of"),
            ("{{SEQ:4}}", "made of"),
            ("/{SEQ:4}", "begin"),
            ("-{SEQ:4}", "begin"),
            ("{MM}-{SEQ:4}", "beside {MM}"),
            ("{LOC}{SEQ:4}", "behind {LOC}"),
            ("{SEQ:4}{YY}", "behind {LOC}"),
            ("A" * 57 + "{SEQ:4}", "made of"),
        ],
    )
    def test_that_breaks_a_rule_is_refused(self, pattern: str, rule: str) -> None:
        assert rule in (fault_of(pattern) or "")

    def test_of_india_makes_at_most_sixteen_characters(self) -> None:
        assert fault_of("{LOC}/{FY}/{SEQ:6}", country="IN") is not None
        assert fault_of("{LOC}/{FY}/{SEQ:6}", country="GB") is None
        for pattern in INVOICING["numberPatterns"].values():
            assert fault_of(pattern, country="IN") is None

    def test_that_needs_a_digit_more_is_too_long_where_the_law_says_so(self) -> None:
        assert number("{LOC}/{FY}/{SEQ:5}", prefix="MUMBA", seq=99_999) == "MUMBA/2627/99999"
        with pytest.raises(NumberTooLong, match="17 characters"):
            number("{LOC}/{FY}/{SEQ:5}", prefix="MUMBA", seq=100_000)
        assert number("{LOC}/{FY}/{SEQ:5}", seq=100_000) == "MUM/2627/100000"
        assert number("{LOC}/{FY}/{SEQ:5}", prefix="MUMBA", seq=100_000, country="GB") == "MUMBA/2026/100000"


PIECES = ("{LOC}", "{SEQ:1}", "{YY}", "1", "A", "-")
PATTERNS = ["".join(pieces) for size in range(1, 6) for pieces in product(PIECES, repeat=size)]
PLACES = tuple(product(("1", "11", "A1"), (date(2011, 1, 1), date(2026, 1, 1)), (1, 2, 11, 111, 1126)))


class TestNumbersOfOnePattern:
    def test_are_different_wherever_places_periods_or_counts_are(self) -> None:
        sound = [pattern for pattern in PATTERNS if fault_of(pattern) is None]
        assert len(sound) > 500
        for pattern in sound:
            of_number: dict[str, tuple[str, int]] = {}
            for prefix, on, seq in PLACES:
                series = series_of(pattern, prefix=prefix, on=on, country="GB")
                first = of_number.setdefault(number_of(series, seq), (series.key, seq))
                assert first == (series.key, seq), pattern


def drawn(
    owner: Business, pattern: str = "{LOC}/{FY}/{SEQ:5}", *, on: date | None = SPRING, **of: str
) -> str:
    series = series_of(pattern, prefix=of.get("prefix", "MUM"), on=on or SPRING, country="IN")
    with owner.database.transaction(owner.scope) as transaction:
        return draw(transaction, type_=of.get("type_", "invoice"), series=series, on=on).number


class TestDraw:
    def test_counts_each_place_period_and_type_by_itself(self, owner: Business) -> None:
        assert [drawn(owner) for _ in range(2)] == ["MUM/2627/00001", "MUM/2627/00002"]
        assert drawn(owner, prefix="DEL") == "DEL/2627/00001"
        assert drawn(owner, type_="credit_note") == "MUM/2627/00001"
        assert drawn(owner, on=date(2027, 4, 1)) == "MUM/2728/00001"
        assert drawn(owner) == "MUM/2627/00003"

    def test_goes_on_when_a_pattern_gets_more_digits(self, owner: Business) -> None:
        assert drawn(owner, "{YYYY}-{SEQ:2}") == "2026-01"
        assert drawn(owner, "{YYYY}-{SEQ:4}") == "2026-0002"
        assert drawn(owner, "INV{YYYY}-{SEQ:4}") == "INV2026-0001"

    def test_gives_back_what_is_not_committed(self, owner: Business) -> None:
        assert drawn(owner) == "MUM/2627/00001"
        series = series_of("{LOC}/{FY}/{SEQ:5}", prefix="MUM", on=SPRING, country="IN")
        with suppress(KeyError), owner.database.transaction(owner.scope) as transaction:
            assert draw(transaction, type_="invoice", series=series, on=SPRING).seq == 2
            raise KeyError
        assert drawn(owner) == "MUM/2627/00002"

    def test_runs_as_dates_do(self, owner: Business) -> None:
        assert [drawn(owner, on=SPRING + timedelta(days=days)) for days in (0, 0, 3)][-1] == "MUM/2627/00003"
        with pytest.raises(DatedTooEarly) as refused:
            drawn(owner, on=SPRING + timedelta(days=2))
        assert "2026-05-07" in refused.value.detail
        assert drawn(owner, on=SPRING + timedelta(days=3)) == "MUM/2627/00004"

    def test_takes_what_is_today_somewhere_as_it_comes(self, owner: Business) -> None:
        series = series_of("{FY}-{SEQ:2}", prefix="MUM", on=SPRING, country="IN")
        days = [SPRING, SPRING - timedelta(days=1), SPRING - timedelta(days=1)]
        for number_, day in enumerate(days[:2], start=1):
            with owner.database.transaction(owner.scope) as transaction:
                drawn_ = draw(transaction, type_="invoice", series=series, on=day, today=True)
                assert drawn_.seq == number_
        # What somebody dates back is behind the latest of them still.
        with pytest.raises(DatedTooEarly, match="2026-05-04"):
            drawn(owner, "{FY}-{SEQ:2}", on=days[2])

    def test_runs_past_dates_where_there_are_none(self, owner: Business) -> None:
        assert [drawn(owner, on=None, type_="payment") for _ in range(2)][-1] == "MUM/2627/00002"

    def test_leaves_no_gap_where_a_third_of_twelve_racers_fail(self, owner: Business) -> None:
        series = series_of("{LOC}/{FY}/{SEQ:5}", prefix="MUM", on=SPRING, country="IN")

        def race(racer: int) -> int | None:
            try:
                with owner.database.transaction(owner.scope) as transaction:
                    seq = draw(transaction, type_="invoice", series=series, on=SPRING).seq
                    if racer % 3 == 0:
                        raise KeyError
            except KeyError:
                return None
            return seq

        assert sorted(filter(None, together(12, race))) == list(range(1, 9))

    def test_counts_each_business_by_itself(self, owner: Business, business: Callable[..., Business]) -> None:
        assert [drawn(owner), drawn(business()), drawn(owner)] == [
            *("MUM/2627/00001", "MUM/2627/00001", "MUM/2627/00002")
        ]
