"""What a document comes to: cases with known figures, and what holds for every document."""

import json
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mbs.taxes.models.computation import Computed, Line, Treatment, compute
from tests.taxes.documents import GST, Document, at_random, of_case

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))["cases"]
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))["cases"]

QUICK = 1_500
ALL = 20_000


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def by_code(computed: Computed) -> dict[tuple[str, Decimal], Decimal]:
    """Return what each tax comes to on all lines."""
    found: dict[tuple[str, Decimal], Decimal] = {}
    for line in computed.lines:
        for tax in line.taxes:
            found[tax.code, tax.rate] = found.get((tax.code, tax.rate), Decimal(0)) + tax.amount
    return found


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


class TestTheGoldenCases:
    @named(GOLDEN)
    def test_come_out_exactly(self, case: dict[str, Any]) -> None:
        computed = of_case(case).computed()
        taxes = [str(amount) for amount in by_code(computed).values()]
        assert (str(computed.subtotal), taxes, str(computed.total)) == (
            case["net"],
            case["tax"],
            case["total"],
        )

    @named(CASES)
    def test_of_our_own_come_out_exactly(self, case: dict[str, Any]) -> None:
        computed = of_case(case).computed()
        assert (str(computed.subtotal), str(computed.tax_total)) == (case["net"], case["tax"])
        assert (str(computed.rounding), str(computed.total)) == (case["rounding"], case["total"])
        if "lineTaxes" in case:
            found = [[str(tax.amount) for tax in line.taxes] for line in computed.lines]
            assert found == case["lineTaxes"]
        if "discounts" in case:
            assert [str(line.document_discount) for line in computed.lines] == case["discounts"]
        assert_sound(of_case(case))


class TestCompute:
    def test_reckons_no_lines(self) -> None:
        empty = compute([], currency="INR", tax_mode="inclusive", rounding_scope="document")
        assert (empty.lines, empty.groups, str(empty.total)) == ((), (), "0.00")

    @pytest.mark.parametrize(
        ("amount", "discount"), [("-0.01", "0"), ("0.001", "0"), ("1.00", "1.01"), ("1.00", "0.005")]
    )
    def test_refuses_what_no_document_has(self, amount: str, discount: str) -> None:
        line = Line(Decimal(amount), "standard", Treatment("zero"))
        with pytest.raises(ValueError, match=r"negative|above"):
            compute(
                [line],
                currency="INR",
                tax_mode="inclusive",
                rounding_scope="line",
                discount=Decimal(discount),
            )


class TestEveryDocument:
    """Each of them has its seed in the message of a failure: `at_random(seed)`."""

    def test_adds_up(self) -> None:
        for seed in range(QUICK):
            assert_sound(at_random(seed), seed)

    @pytest.mark.slow
    def test_adds_up_of_twenty_thousand(self) -> None:
        for seed in range(QUICK, ALL):
            assert_sound(at_random(seed), seed)


def assert_sound(document: Document, seed: int | None = None) -> None:
    computed = document.computed()
    assert_sums(document, computed, seed)
    assert_taxes(document, computed, seed)
    assert_order(document, computed, seed)
    if document.tax_mode == "exclusive":
        assert_monotone(document, seed)


def assert_sums(document: Document, computed: Computed, seed: int | None) -> None:
    lines = computed.lines
    assert computed.subtotal == total(line.net for line in lines), seed
    assert computed.tax_total == total(line.tax for line in lines), seed
    assert computed.total == total(line.total for line in lines) + computed.rounding, seed
    assert computed.total == computed.subtotal + computed.tax_total + computed.rounding, seed
    assert computed.discount == document.discount == total(line.document_discount for line in lines), seed
    assert computed.subtotal == total(group.net for group in computed.groups), seed
    assert computed.tax_total == total(group.tax for group in computed.groups), seed
    assert computed.total >= 0, seed
    multiple = document.cash_rounding
    if multiple is None or multiple < document.unit:
        assert computed.rounding == 0, seed
    else:
        assert computed.total % multiple == 0, seed
        assert -multiple / 2 < computed.rounding <= multiple / 2, seed
    for given, line in zip(document.lines, lines, strict=True):
        assert line.net >= 0 <= line.tax, seed
        assert 0 <= line.document_discount <= given.amount, seed
        assert line.tax == total(tax.amount for tax in line.taxes), seed
        base = given.amount - line.document_discount
        assert base == (line.total if document.tax_mode == "inclusive" else line.net), seed
        exponents = {line.net.as_tuple().exponent, line.tax.as_tuple().exponent}
        assert exponents == {document.unit.as_tuple().exponent}, seed


def assert_taxes(document: Document, computed: Computed, seed: int | None) -> None:
    """Compare with fractions, which round nothing: a group is off by half a unit, a line by less than two."""
    unit = Fraction(document.unit)
    for group in computed.groups:
        numbers = [
            number
            for number, line in enumerate(document.lines)
            if (line.category, line.treatment.kind) == (group.category, group.kind)
            and [(tax.code, tax.rate) for tax in computed.lines[number].taxes]
            == [(tax.code, tax.rate) for tax in group.taxes]
        ]
        bases = [
            Fraction(document.lines[number].amount - computed.lines[number].document_discount)
            for number in numbers
        ]
        whole = 100 + (sum(tax.rate for tax in group.taxes) if document.tax_mode == "inclusive" else 0)
        for place, tax in enumerate(group.taxes):
            amounts = [computed.lines[number].taxes[place].amount for number in numbers]
            assert tax.amount == total(amounts), seed
            share = Fraction(tax.rate) / Fraction(whole)
            roundings = len(numbers) if document.rounding_scope == "line" else 1
            assert abs(Fraction(tax.amount) - sum(bases) * share) <= roundings * unit / 2, seed
            for amount, base in zip(amounts, bases, strict=True):
                bound = unit / 2 if document.rounding_scope == "line" else 2 * unit
                assert abs(Fraction(amount) - base * share) <= bound, seed
        if [tax.code for tax in group.taxes] == ["CGST", "SGST"]:
            assert group.taxes[0].amount == group.taxes[1].amount, seed
            if document.tax_mode == "exclusive" or not any(0 < base < 4 * unit for base in bases):
                for number in numbers:
                    central, state = computed.lines[number].taxes
                    assert central.amount == state.amount, seed


def assert_order(document: Document, computed: Computed, seed: int | None) -> None:
    lines = list(document.lines)
    Random(seed).shuffle(lines)
    turned = document.computed(tuple(lines))
    assert by_code(turned) == by_code(computed), seed
    assert replace(turned, lines=(), groups=()) == replace(computed, lines=(), groups=()), seed


def assert_monotone(document: Document, seed: int | None) -> None:
    """More of a line is never less of a total, as far as no discount moves between the lines."""
    plain = replace(document, discount=Decimal(0), cash_rounding=None)
    if not plain.lines:
        return
    first, *rest = plain.lines
    more = (replace(first, amount=first.amount + document.unit), *rest)
    assert plain.computed(more).total > plain.computed().total, seed


class TestTheTreatmentsOfTheseTests:
    def test_split_gst_into_halves(self) -> None:
        assert {len({component.rate for component in one.components}) for one in GST} == {1}
