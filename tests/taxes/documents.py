"""Documents to reckon: from a file of cases, and at random."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from mbs.foundation.money import rounded, scale
from mbs.taxes.models.computation import Component, Computed, Line, Treatment, compute

GST = tuple(
    Treatment("taxed", (Component("CGST", Decimal(half)), Component("SGST", Decimal(half))))
    for half in ("0.125", "1.5", "2.5", "6", "9", "14", "20")
)
OTHERS = (
    Treatment("taxed", (Component("VAT", Decimal("20")),)),
    Treatment("taxed", (Component("VAT", Decimal("5.5")),)),
    Treatment("taxed", (Component("GST", Decimal("5")), Component("QST", Decimal("9.975")))),
    Treatment("taxed", (Component("IGST", Decimal("28")), Component("CESS", Decimal("0.25")))),
    Treatment("taxed", tuple(Component(f"C{number}", Decimal("0.0001")) for number in range(5))),
    Treatment("taxed", (Component("ALL", Decimal("100")),)),
    Treatment("zero"),
    Treatment("exempt"),
    Treatment("out_of_scope"),
    Treatment("reverse_charge", (Component("GST", Decimal("18")),)),
)
CURRENCIES = ("INR", "INR", "JPY", "KWD", "GBP", "CLF")


@dataclass(frozen=True)
class Document:
    """What `compute` is given."""

    lines: tuple[Line, ...]
    currency: str
    tax_mode: str
    rounding_scope: str
    discount: Decimal = Decimal(0)
    cash_rounding: Decimal | None = None

    @property
    def unit(self) -> Decimal:
        """The smallest amount of the currency."""
        return Decimal(1).scaleb(-scale(self.currency))

    def computed(self, lines: tuple[Line, ...] | None = None) -> Computed:
        """Return what it comes to, or what it would with other lines."""
        return compute(
            self.lines if lines is None else lines,
            currency=self.currency,
            tax_mode=self.tax_mode,
            rounding_scope=self.rounding_scope,
            discount=self.discount,
            cash_rounding=self.cash_rounding,
        )


def of_case(case: dict[str, Any]) -> Document:
    """Return the document of a case of cases.json, or of golden.json with its one treatment for all lines."""
    lines: list[Line] = []
    for line in case["lines"]:
        rates = line.get("rates", case.get("components", ()))
        components = tuple(Component(f"C{n}", Decimal(rate)) for n, rate in enumerate(rates))
        amount = line.get("amount") or Decimal(line["quantity"]) * Decimal(line["unitPrice"])
        treatment = Treatment(line.get("kind", "taxed"), components)
        one = Line(rounded(Decimal(amount), case["currency"]), line.get("category", "standard"), treatment)
        lines += [one] * line.get("times", 1)
    return Document(
        lines=tuple(lines),
        currency=case["currency"],
        tax_mode="inclusive" if case["inclusive"] else "exclusive",
        rounding_scope=case["scope"],
        discount=Decimal(case.get("discount", 0)),
        cash_rounding=Decimal(case["cashRounding"]) if "cashRounding" in case else None,
    )


def at_random(seed: int) -> Document:
    """Return a document with lines of any size, most of them small, for that is where rounding shows."""
    random = Random(seed)
    currency = random.choice(CURRENCIES)
    unit = Decimal(1).scaleb(-scale(currency))
    largest = random.choice((3, 50, 10_000, 1_000_000, 99_999_999_999_999))
    treatments = random.sample(GST + OTHERS, random.randint(1, 3))
    lines = tuple(
        Line(random.randint(0, largest) * unit, random.choice("ab"), random.choice(treatments))
        for _ in range(random.choice((1, 2, 3, 7, 20)))
    )
    whole = int(sum(line.amount for line in lines) / unit)
    return Document(
        lines=lines,
        currency=currency,
        tax_mode=random.choice(("inclusive", "exclusive")),
        rounding_scope=random.choice(("document", "line")),
        discount=random.choice((0, 0, random.randint(0, whole), whole)) * unit,
        cash_rounding=random.choice((None, None, Decimal("1.00"), Decimal("0.05"), Decimal("100"))),
    )
