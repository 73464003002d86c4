"""Crediting a line bit by bit: whatever the bits, they add up to the line and are never more."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbs.credit_notes.errors import CreditExceedsLine
from mbs.credit_notes.models.parts import (
    Part,
    by_amount,
    by_quantity,
    is_credited,
    note_total,
    remainder,
    shares,
    together,
)
from mbs.foundation.money import scale

CURRENCIES = ("INR", "JPY", "KWD")
THOUSANDTHS = st.integers(1, 20_000)


def money(units: int, currency: str) -> Decimal:
    return Decimal(units).scaleb(-scale(currency))


@st.composite
def lines(draw: Any) -> tuple[Part, str]:
    """A line of any tax, also of more than the net: two equal ones often, as India has them."""
    currency = draw(st.sampled_from(CURRENCIES))
    net = draw(st.integers(0, 200_000) | st.integers(0, 20))
    half = draw(st.integers(0, 60_000) | st.integers(0, 20))
    units = draw(st.sampled_from([(), (half,), (half, half), (half, half, draw(st.integers(0, 500)))]))
    quantity = draw(THOUSANDTHS | st.sampled_from([1000, 2000, 3000, 7000]))
    taxes = tuple(money(one, currency) for one in units)
    return Part(quantity=Decimal(quantity) / 1000, net=money(net, currency), taxes=taxes), currency


def nothing(line: Part) -> Part:
    return together((), line)


SALON = Part(quantity=Decimal(1), net=Decimal("951.42"), taxes=(Decimal("23.79"), Decimal("23.79")))


class TestSplits:
    @given(lines(), st.data())
    @settings(max_examples=200, deadline=None)
    def test_add_up_to_the_line_by_whatever_bits(self, made: tuple[Part, str], data: st.DataObject) -> None:
        line, currency = made
        taken: list[Part] = []
        for _ in range(data.draw(st.integers(0, 12))):
            credited = together(taken, line)
            if is_credited(line, credited):
                break
            left = int((line.total - credited.total).scaleb(scale(currency)))
            if data.draw(st.booleans()) and left:
                amount = money(data.draw(st.integers(1, left) | st.integers(1, min(left, 3))), currency)
                one = by_amount(line, credited, amount, currency)
                assert one.total == amount
            else:
                quantity = Decimal(data.draw(THOUSANDTHS)) / 1000
                try:
                    one = by_quantity(line, credited, quantity, currency)
                except CreditExceedsLine:
                    continue
            assert min(one.net, one.total, *one.taxes, Decimal(0)) == 0
            taken.append(one)
            so_far = together(taken, line)
            assert so_far.net <= line.net
            assert so_far.total <= line.total
            assert all(now <= tax for now, tax in zip(so_far.taxes, line.taxes, strict=True))
        if not is_credited(line, together(taken, line)):
            taken.append(remainder(line, together(taken, line), currency))
        whole = together(taken, line)
        assert is_credited(line, whole)
        assert (whole.net, whole.taxes, whole.total) == (line.net, line.taxes, line.total)

    @given(lines(), st.data())
    @settings(max_examples=100, deadline=None)
    def test_by_quantities_stay_within_a_unit_of_their_share(
        self, made: tuple[Part, str], data: st.DataObject
    ) -> None:
        line, currency = made
        cuts = data.draw(st.lists(st.integers(0, int(line.quantity * 1000)), max_size=6, unique=True))
        taken: list[Part] = []
        for cut in sorted(cuts):
            credited = together(taken, line)
            if Decimal(cut) / 1000 > credited.quantity:
                taken.append(by_quantity(line, credited, Decimal(cut) / 1000 - credited.quantity, currency))
        so_far = together(taken, line)
        assert abs(so_far.total - line.total * so_far.quantity / line.quantity) <= money(1, currency) / 2
        left = remainder(line, so_far, currency)
        assert left.total == line.total - so_far.total
        assert left.quantity in (line.quantity - so_far.quantity, 0)

    def test_of_three_thirds_give_the_cent_to_one_of_them(self) -> None:
        line = Part(quantity=Decimal(3), net=Decimal("100.00"), taxes=())
        taken: list[Part] = []
        for _ in range(3):
            taken.append(by_quantity(line, together(taken, line), Decimal(1), "INR"))
        assert [str(one.total) for one in taken] == ["33.33", "33.34", "33.33"]

    def test_take_the_two_halves_of_a_tax_alike(self) -> None:
        half = by_quantity(SALON, nothing(SALON), Decimal("0.5"), "INR")
        assert (half.total, half.taxes) == (Decimal("499.50"), (Decimal("11.90"), Decimal("11.90")))
        rest = by_quantity(SALON, half, Decimal("0.5"), "INR")
        assert (rest.total, rest.taxes) == (Decimal("499.50"), (Decimal("11.89"), Decimal("11.89")))

    def test_let_no_tax_be_more_than_the_cent_it_is_part_of(self) -> None:
        before = by_amount(SALON, nothing(SALON), Decimal("0.20"), "INR")
        cent = by_amount(SALON, before, Decimal("0.01"), "INR")
        assert (before.taxes, cent.taxes, cent.net) == ((0, 0), (0, 0), Decimal("0.01"))
        later = by_amount(SALON, together((before, cent), SALON), Decimal("1.00"), "INR")
        assert later.taxes == (Decimal("0.03"), Decimal("0.03"))


class TestRefusals:
    @given(lines(), st.data())
    @settings(max_examples=100, deadline=None)
    def test_come_one_unit_above_what_is_left(self, made: tuple[Part, str], data: st.DataObject) -> None:
        line, currency = made
        units = int(line.total.scaleb(scale(currency)))
        amount = money(data.draw(st.integers(0, units)), currency)
        credited = by_amount(line, nothing(line), amount, currency)
        with pytest.raises(CreditExceedsLine):
            by_amount(line, credited, line.total - amount + money(1, currency), currency)

    def test_come_at_a_thousandth_more_than_was_sold(self) -> None:
        half = by_quantity(SALON, nothing(SALON), Decimal("0.5"), "INR")
        with pytest.raises(CreditExceedsLine):
            by_quantity(SALON, half, Decimal("0.501"), "INR")

    def test_come_when_amounts_took_what_a_quantity_wants(self) -> None:
        credited = by_amount(SALON, nothing(SALON), Decimal("10.00"), "INR")
        with pytest.raises(CreditExceedsLine):
            by_quantity(SALON, credited, Decimal(1), "INR")
        left = remainder(SALON, credited, "INR")
        assert (left.quantity, left.total) == (0, Decimal("989.00"))


class TestLinesThatCostNothing:
    def test_are_left_until_their_quantity_is_credited(self) -> None:
        line = Part(quantity=Decimal(2), net=Decimal(0), taxes=(Decimal(0),))
        one = by_quantity(line, nothing(line), Decimal(1), "INR")
        assert not is_credited(line, one)
        assert is_credited(line, together((one, remainder(line, one, "INR")), line))


class TestNoteTotal:
    @given(st.lists(st.integers(1, 5000), min_size=1, max_size=6), st.integers(-300, 300))
    @settings(deadline=None)
    def test_comes_to_the_invoice_with_its_cash_rounding(self, notes: list[int], rounding: int) -> None:
        total = max(sum(notes) + rounding, 0)
        left = Decimal(total)
        for index, lines in enumerate(notes):
            one = note_total(Decimal(lines), left=left, is_last=index == len(notes) - 1)
            assert 0 <= one <= left
            left -= one
        assert left == 0

    def test_leaves_the_rounding_to_the_last_note(self) -> None:
        assert note_total(Decimal("50.00"), left=Decimal("101.00"), is_last=False) == 50
        assert note_total(Decimal("50.60"), left=Decimal("51.00"), is_last=True) == 51


class TestShares:
    def test_lower_the_debt_first(self) -> None:
        assert shares(Decimal(60), Decimal(100)) == (60, 0)
        assert shares(Decimal(60), Decimal(20)) == (20, 40)
        assert shares(Decimal(60), Decimal(0)) == (0, 60)
