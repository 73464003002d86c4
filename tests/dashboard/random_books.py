"""Random books of a business, written past the program: what reports add up is known one by one."""

import json
import random
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2.extras import execute_values
from uuid_utils.compat import uuid7

from mbs.foundation.money import rounded
from tests.factories.callers import Business
from tests.factories.customers import add_customers

CURRENCIES = ("INR", "INR", "INR", "USD", "JPY")
STATES = ("draft", "open", "open", "paid", "void", "uncollectible")
FIRST, DAYS = date(2026, 2, 20), 60
INDIAN = (("CGST", Decimal(9)), ("SGST", Decimal(9)))
WAYS: Sequence[tuple[str, str, tuple[tuple[str, Decimal], ...]]] = (
    ("27", "taxed", INDIAN),
    ("27", "taxed", (("CGST", Decimal("2.5")), ("SGST", Decimal("2.5")))),
    ("07", "taxed", (("IGST", Decimal(18)),)),
    ("27", "exempt", ()),
    ("96", "zero", ()),
)
"""Place of supply, kind, components."""


@dataclass(frozen=True)
class Line:
    kind: str
    net: Decimal
    taxes: tuple[tuple[str, Decimal, Decimal], ...]

    @property
    def tax(self) -> Decimal:
        return sum((amount for _, _, amount in self.taxes), Decimal(0))


@dataclass(frozen=True)
class Written:
    """An invoice, or a credit note; `paid` is what came in for it."""

    type: str
    status: str
    location_id: UUID
    currency: str
    issued: date
    due: date | None
    place: str
    rounding: Decimal
    lines: tuple[Line, ...]
    paid: Decimal
    number: str
    id: UUID = field(default_factory=uuid7)

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.net + self.tax + self.rounding

    @property
    def counts(self) -> bool:
        return self.status not in ("draft", "void")

    @property
    def sign(self) -> int:
        return 1 if self.type == "invoice" else -1


@dataclass(frozen=True)
class Moved:
    """A payment with its refund, which is None or part of it."""

    location_id: UUID
    currency: str
    amount: Decimal
    at: datetime
    reversed: bool
    refunded: Decimal
    refunded_at: datetime
    number: str
    id: UUID = field(default_factory=uuid7)


@dataclass
class Books:
    documents: list[Written]
    payments: list[Moved]


def invent(seed: int, locations: Sequence[UUID], documents: int = 150) -> Books:
    """Return books that a seed determines, but for their ids."""
    chance = random.Random(seed)
    return Books(
        [_document(chance, f"{seed}-{number}", locations) for number in range(documents)],
        [_payment(chance, f"{seed}-{number}", locations) for number in range(documents // 2)],
    )


def write(owner: Business, books: Books, superuser_url: str) -> None:
    """Write books for a business, without its triggers, which want each document issued by itself."""
    (customer_id,) = add_customers(owner, [{"name": '=Jane, "J"', "tax_id": "27AAPFU0939F1ZV"}])
    tenant = str(owner.tenant_id)
    buyer = json.dumps({"name": '=Jane, "J"', "taxId": "27AAPFU0939F1ZV"})
    actor = str(owner.user_id)
    with closing(psycopg2.connect(superuser_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        _insert(
            cursor,
            "documents (tenant_id, id, type, status, title, number, series, seq, location_id, customer_id,"
            " original_id, currency, issue_date, supply_date, due_date, seller, buyer, place_of_supply,"
            " tax_mode, rounding_scope, subtotal, discount_total, tax_total, rounding, total, amount_paid,"
            " created_by)",
            (
                (
                    *(tenant, str(one.id), one.type, one.status, "Invoice"),
                    *((None,) * 3 if one.status == "draft" else (one.number, "S", seq)),
                    *(str(one.location_id), str(customer_id)),
                    str(one.id) if one.type == "credit_note" else None,
                    one.currency,
                    *((None, None) if one.status == "draft" else (one.issued, one.issued)),
                    *(one.due, '{"country": "IN"}', buyer, one.place, "exclusive", "document", one.net, 0),
                    *(one.tax, one.rounding, one.total, one.paid, actor),
                )
                for seq, one in enumerate(books.documents, 1)
            ),
        )
        _insert(
            cursor,
            "document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,"
            " tax_category, tax_kind, supply_rule, net, taxes, tax, total)",
            (
                (
                    *(tenant, str(uuid7()), str(one.id), position, "Haircut", 1, line.net, line.net),
                    *("standard", line.kind, "performance", line.net, _components(line), line.tax),
                    line.net + line.tax,
                )
                for one in books.documents
                for position, line in enumerate(one.lines, 1)
            ),
        )
        _insert(
            cursor,
            "payments (tenant_id, id, number, series, seq, customer_id, location_id, currency, amount,"
            " method, status, received_at, amount_refunded, reversed_at, created_by)",
            (
                (
                    *(tenant, str(one.id), one.number, "P", seq, str(customer_id), str(one.location_id)),
                    *(one.currency, one.amount, "cash", _status(one), one.at, one.refunded),
                    *(one.at if one.reversed else None, actor),
                )
                for seq, one in enumerate(books.payments, 1)
            ),
        )
        _insert(
            cursor,
            "refunds (tenant_id, id, payment_id, customer_id, currency, amount, method, reason, refunded_at,"
            " created_by)",
            (
                (
                    *(
                        tenant,
                        str(uuid7()),
                        str(one.id),
                        str(customer_id),
                        one.currency,
                        one.refunded,
                        "cash",
                    ),
                    *("Overcharged", one.refunded_at, actor),
                )
                for one in books.payments
                if one.refunded
            ),
        )


def _insert(cursor: Any, target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    execute_values(cursor, f"INSERT INTO {target} VALUES %s", list(rows))


def _components(line: Line) -> str:
    return json.dumps(
        [{"code": code, "rate": str(rate), "amount": str(one)} for code, rate, one in line.taxes]
    )


def _status(payment: Moved) -> str:
    if payment.reversed:
        return "reversed"
    if payment.refunded == payment.amount:
        return "refunded"
    return "partially_refunded" if payment.refunded else "succeeded"


def _amount(chance: random.Random, currency: str, most: int = 5000) -> Decimal:
    return rounded(Decimal(chance.randrange(1, most * 100)) / 100, currency) or Decimal(1)


def _document(chance: random.Random, number: str, locations: Sequence[UUID]) -> Written:
    type_ = chance.choice(("invoice", "invoice", "invoice", "credit_note"))
    currency, issued = chance.choice(CURRENCIES), FIRST + timedelta(days=chance.randrange(DAYS))
    place, kind, components = chance.choice(WAYS)
    lines = []
    for _ in range(chance.randrange(1, 4)):
        net = _amount(chance, currency)
        taxes = tuple((code, rate, rounded(net * rate / 100, currency)) for code, rate in components)
        lines.append(Line(kind, net, taxes))
    rounding = Decimal(chance.choice(("0", "0", "0.25", "-0.25"))) if currency != "JPY" else Decimal(0)
    status = chance.choice(STATES) if type_ == "invoice" else chance.choice(("issued", "issued", "draft"))
    due = issued + timedelta(days=chance.choice((0, 7, 30))) if chance.random() < 0.9 else None
    made = Written(
        *(type_, status, chance.choice(locations), currency, issued, due),
        *(place, rounding, tuple(lines), Decimal(0), number),
    )
    if status == "paid":
        return Written(**{**vars(made), "paid": made.total})
    if status == "open" and chance.random() < 0.4:
        return Written(**{**vars(made), "paid": rounded(made.total / 3, currency)})
    return made


def _payment(chance: random.Random, number: str, locations: Sequence[UUID]) -> Moved:
    currency = chance.choice(CURRENCIES)
    amount = _amount(chance, currency)
    # Full and half hours, so that some lie on either side of a local midnight.
    at = datetime(2026, 2, 20, tzinfo=UTC) + timedelta(minutes=30 * chance.randrange(DAYS * 48))
    taken_back = chance.random() < 0.2
    part = chance.choice((Decimal(0), Decimal(0), rounded(amount / 2, currency), amount))
    refunded = Decimal(0) if taken_back else part
    later = at + timedelta(hours=chance.randrange(1, 20 * 24))
    return Moved(chance.choice(locations), currency, amount, at, taken_back, refunded, later, number)
