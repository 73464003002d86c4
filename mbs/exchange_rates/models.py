"""Exchange rates, and what an amount is worth in another currency."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any, Self
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Index, Numeric, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.exchange_rates.errors import NoExchangeRate
from mbs.foundation.db import Base, tenant_key
from mbs.foundation.money import rounded

INSTANT = TIMESTAMP(timezone=True)
DIGITS = 50
"""Of what is reckoned with: an amount has up to 19, a rate up to 24."""

SORTS: Mapping[str, str] = {"validFrom": "valid_from"}


class ExchangeRate(Base):
    """What one unit of `base` is worth in `quote`, from a day on until the next rate."""

    __tablename__ = "exchange_rates"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "base", "quote", "valid_from"),
        Index("ix__exchange_rates__valid_from", "tenant_id", "valid_from", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    base: Mapped[str] = mapped_column(Text)
    quote: Mapped[str] = mapped_column(Text)
    rate: Mapped[Decimal] = mapped_column(Numeric(24, 10))
    valid_from: Mapped[date] = mapped_column(Date)
    source: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """The rates of some pairs of currencies, each with the days from which they hold, in order."""

    pairs: Mapping[Pair, tuple[list[date], list[Decimal]]]

    @classmethod
    def of(cls, rows: Iterable[Any]) -> Self:
        """Make them of rows with `base`, `quote`, `valid_from` and `rate`."""
        pairs: dict[Pair, tuple[list[date], list[Decimal]]] = {}
        for row in sorted(rows, key=lambda row: row.valid_from):
            days, rates = pairs.setdefault((row.base, row.quote), ([], []))
            days.append(row.valid_from)
            rates.append(row.rate)
        return cls(pairs)

    def on(self, base: str, quote: str, day: date) -> Decimal | None:
        """Return what a unit of `base` was worth in `quote` on a day; None if nobody has said so by then."""
        days, rates = self.pairs.get((base, quote), ([], []))
        place = bisect_right(days, day)
        return rates[place - 1] if place else None


def convert(amount: Decimal, base: str, quote: str, on: date, rates: ExchangeRates) -> Decimal:
    """Return what an amount of `base` was worth in `quote` on a day, at the scale of `quote`.

    The rate of the pair goes before that of the opposite pair, by which the amount is divided.

    :raises NoExchangeRate: if neither has a rate on that day; two currencies are never one to one.
    """
    if base == quote:
        return amount
    direct, opposite = rates.on(base, quote, on), rates.on(quote, base, on)
    with localcontext() as context:
        context.prec = DIGITS
        if direct is not None:
            return rounded(amount * direct, quote)
        if opposite is not None:
            return rounded(amount / opposite, quote)
    raise NoExchangeRate.of(base, quote, on)


def shown_rate(rate: Decimal) -> str:
    """Return a rate as text, without the noughts at its end."""
    whole, _, decimals = format(rate, "f").partition(".")
    return f"{whole}.{decimals.rstrip('0')}".removesuffix(".")
