"""What was invoiced, credited, and is owed."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, Numeric, Row, any_, case, column, func, literal, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from mbs.dashboard.models import AGES, Period
from mbs.dashboard.repository.conditions import NO_MONEY
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document, DocumentLine

CREDIT_NOTE = "credit_note"
ISSUED = ("open", "paid", "uncollectible", "issued")
"""Neither drafts nor void: those of invoices, and that of credit notes."""

INVOICED = Document.type == "invoice"
CREDITED = Document.type == CREDIT_NOTE
OWED = (INVOICED, Document.status == "open")

EXPORT_COLUMNS = (
    Document.type,
    Document.number,
    Document.issue_date,
    Document.due_date,
    Document.status,
    Document.buyer["name"].astext.label("customer"),
    Document.buyer["taxId"].astext.label("tax_id"),
    Document.place_of_supply,
    Document.reverse_charge,
    Document.currency,
    Document.subtotal,
    Document.tax_total,
    Document.rounding,
    Document.total,
    Document.amount_paid,
    Document.amount_credited,
    Document.amount_due,
)


class DocumentFigures(Repository):
    """Sums of issued documents; those of credit notes count against those of invoices."""

    model = Document
    columns = (Document.id,)

    def revenue(
        self, period: Period, *, currency: str | None, location_id: UUID | None
    ) -> Sequence[Row[Any]]:
        """Return for each part and currency: part (from 0), currency, invoices, credit_notes (how many),
        invoiced, credited (without taxes), tax, rounding."""
        statement = self.select(
            _part(period).label("part"),
            Document.currency,
            func.count().filter(INVOICED).label("invoices"),
            func.count().filter(CREDITED).label("credit_notes"),
            _sum(Document.subtotal, INVOICED).label("invoiced"),
            _sum(Document.subtotal, CREDITED).label("credited"),
            _sum(_signed(Document.tax_total)).label("tax"),
            _sum(_signed(Document.rounding)).label("rounding"),
        ).where(*_issued_in(period), *_kept(currency, location_id))
        return self._transaction.execute(statement.group_by("part", Document.currency)).all()

    def taxes(self, period: Period, *, currency: str | None, location_id: UUID | None) -> Sequence[Row[Any]]:
        """Return for each part, currency, and way in which lines were taxed: part (from 0), currency,
        jurisdiction, place_of_supply, kind, code, rate (both None where nothing is charged), taxable, tax.

        A line with two taxes counts for each of them.
        """
        issued = (
            self.select(
                Document.id,
                Document.type,
                _part(period).label("part"),
                Document.currency,
                Document.seller["country"].astext.label("jurisdiction"),
                Document.place_of_supply,
            )
            .where(*_issued_in(period), *_kept(currency, location_id))
            .cte("issued")
            .prefix_with("MATERIALIZED")
        )
        # By their ids alone: joined, all lines of the business might be read for those of a day.
        ids = func.array(issued.select().with_only_columns(issued.c.id).scalar_subquery())
        elements = func.jsonb_array_elements(DocumentLine.taxes).table_valued(column("value", JSONB))
        component = elements.render_derived().lateral("component")
        value = component.c.value
        rate, amount = (value[name].astext.cast(Numeric) for name in ("rate", "amount"))
        groups = (
            *(issued.c.part, issued.c.currency, issued.c.jurisdiction, issued.c.place_of_supply),
            DocumentLine.tax_kind.label("kind"),
            value["code"].astext.label("code"),
            rate.label("rate"),
        )
        credited = issued.c.type == CREDIT_NOTE
        statement = (
            _Lines(self._transaction)
            .select(
                *groups,
                _sum(_signed(DocumentLine.net, credited)).label("taxable"),
                _sum(_signed(func.coalesce(amount, NO_MONEY), credited)).label("tax"),
            )
            .select_from(DocumentLine)
            .join(issued, issued.c.id == DocumentLine.document_id)
            .outerjoin(component, true())
            .where(DocumentLine.document_id == any_(ids))
            .group_by(*(group.name for group in groups))
        )
        return self._transaction.execute(statement).all()

    def outstanding(
        self, today: date, *, currency: str | None, location_id: UUID | None
    ) -> Sequence[Row[Any]]:
        """Return for each currency and age of what is due: currency, age (of AGES), invoices (how many),
        amount."""
        late = literal(today, Date) - Document.due_date
        bounds = ((late <= most, name) for name, most in AGES.items() if most is not None)
        age = case((Document.due_date.is_(None), "not_due"), *bounds, else_="over_90")
        statement = self.select(
            Document.currency,
            age.label("age"),
            func.count().label("invoices"),
            _sum(Document.amount_due).label("amount"),
        ).where(*OWED, *_kept(currency, location_id))
        return self._transaction.execute(statement.group_by(Document.currency, "age")).all()

    def revenue_of(self, period: Period, currency: str, location_id: UUID | None) -> Any:
        """Return the statement that adds up what was invoiced less what was credited, without taxes."""
        kept = (*_issued_in(period), *_kept(currency, location_id))
        return self.select(_sum(_signed(Document.subtotal))).where(*kept)

    def owed(self, currency: str, location_id: UUID | None, *, before: date | None = None) -> Any:
        """Return the statement that adds up what is due, or what was due before a day."""
        late = (Document.due_date < before,) if before is not None else ()
        return self.select(_sum(Document.amount_due)).where(*OWED, *_kept(currency, location_id), *late)

    def export(
        self, period: Period, *, currency: str | None, location_id: UUID | None, most: int
    ) -> Sequence[Row[Any]]:
        """Return issued invoices and credit notes, void ones too, by day and number; `EXPORT_COLUMNS`.

        :param most: how many at most.
        """
        statement = self.select(*EXPORT_COLUMNS).where(
            *_issued_on(period), Document.number.is_not(None), *_kept(currency, location_id)
        )
        order = (Document.issue_order, Document.type, Document.number)
        return self._transaction.execute(statement.order_by(*order).limit(most)).all()


def _part(period: Period) -> ColumnElement[int]:
    # Days are the location's own already, so that no time zone comes in.
    days = literal(list(period.days), ARRAY(Date))
    return func.width_bucket(Document.issue_order, days, type_=Integer) - 1


def _issued_on(period: Period) -> tuple[ColumnElement[bool], ...]:
    """Keep to the days of a period, in words that the index on them is found by."""
    return (
        Document.type.in_(("invoice", CREDIT_NOTE)),
        Document.issue_order >= period.first,
        Document.issue_order <= period.last,
    )


def _issued_in(period: Period) -> tuple[ColumnElement[bool], ...]:
    return (*_issued_on(period), Document.status.in_(ISSUED))


def _kept(currency: str | None, location_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    conditions = []
    if currency is not None:
        conditions.append(Document.currency == currency)
    if location_id is not None:
        conditions.append(Document.location_id == location_id)
    return tuple(conditions)


def _signed(amount: Any, credited: ColumnElement[bool] = CREDITED) -> ColumnElement[Any]:
    return case((credited, -amount), else_=amount)


def _sum(amount: Any, kept: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    total = func.sum(amount)
    return func.coalesce(total if kept is None else total.filter(kept), NO_MONEY)


class _Lines(Repository):
    model = DocumentLine
    columns = (DocumentLine.id,)
