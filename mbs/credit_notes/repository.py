"""Credit notes, written and found again; what was credited of an invoice's lines."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Row, Select, Text, Update, Uuid, any_, bindparam, cast, func, literal_column, or_
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.foundation.errors import NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document, DocumentLine
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.filters import narrowed, sortable
from mbs.invoices.repository.parts import Customers, Lines
from mbs.payments.models import Refund

IT = Document.__table__.c
CREDIT_NOTE: ColumnElement[str] = literal_column("'credit_note'")
NUMBERED = ("series", "seq", "number", "issue_date", "title")


class CreditNoteRepository(Repository):
    """A `view` is a credit note with its lines, the number of its invoice, and what went back for it."""

    model = Document
    columns = DocumentRepository.columns
    constraint_errors = DocumentRepository.constraint_errors

    def issue(self, id_: UUID, **numbered: Any) -> Row[Any]:
        """Give a credit note, whose lines stand already, its number; from then on it cannot change.

        :param numbered: what `NUMBERED` names.
        """
        with self._naming_facts():
            row: Row[Any] = self._send(_issued(), {"sought_id": id_, **numbered}).one()
        return row

    def view(self, id_: UUID) -> Row[Any]:
        """Return a credit note as it is shown.

        :return: `columns`; `lines` as JSON objects of what `parts.LINE` names; `refunds` likewise or None;
            `customer`; `invoice_number`.
        :raises NotFound: if there is none.
        """
        rows = self._read(self._view_by_id(), {"sought_id": id_})
        if not rows:
            raise NotFound
        return rows[0]

    def search(self, request: PageRequest, *, invoice_id: UUID | None = None, **filters: Any) -> Page:
        """Return one page of credit notes; every filter narrows, None does not.

        :param invoice_id: whose credit notes.
        :param filters: of `FILTERS` of documents.
        """
        values = {"original_id": invoice_id, **filters}
        given = {name: value for name, value in values.items() if value is not None}
        for name in given.keys() & {"min_total", "max_total"}:
            given[name] = sortable(given[name])
        return self.page(self._filtered(tuple(given)), request, **given, own=True)

    @classmethod
    @lru_cache(maxsize=256)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        shown = cls._prepared(*cls._shown(), Invoices.number())
        return shown.where(IT.type == CREDIT_NOTE, *narrowed(names))

    @classmethod
    @cache
    def _view_by_id(cls) -> Select[Any]:
        parts = (Lines.of_document(), Customers.snapshot(), Invoices.number(), Refunds.of_document())
        shown = cls._prepared(*cls._shown(), *parts)
        return shown.where(IT.id == bindparam("sought_id"), IT.type == CREDIT_NOTE)


@cache
def _issued() -> Update:
    numbered: dict[str, Any] = {name: bindparam(name) for name in NUMBERED}
    return (
        Document.__table__.update()  # type: ignore[attr-defined]
        .where(IT.tenant_id == bindparam("own_tenant"), IT.id == bindparam("sought_id"))
        .values({"status": "issued", **numbered})
        .returning(*DocumentRepository.columns)
    )


class CreditedLineRepository(Repository):
    model = DocumentLine
    columns = (
        DocumentLine.id,
        DocumentLine.document_id,
        DocumentLine.credited_line_id,
        DocumentLine.credited_quantity,
        DocumentLine.catalog_item_id,
        DocumentLine.description,
        DocumentLine.quantity,
        DocumentLine.unit,
        DocumentLine.unit_price,
        DocumentLine.tax_category,
        DocumentLine.tax_kind,
        DocumentLine.supply_rule,
        DocumentLine.sac_hsn,
        DocumentLine.net,
        DocumentLine.taxes,
        DocumentLine.tax,
        DocumentLine.total,
    )

    def of_invoice(self, invoice_id: UUID) -> Sequence[Row[Any]]:
        """Return the lines of an invoice, in their order, and behind them those of all its credit notes."""
        return self._read(self._with_notes(), {"invoice_id": invoice_id})

    @classmethod
    @cache
    def _with_notes(cls) -> Select[Any]:
        line, invoice = DocumentLine.__table__.c, bindparam("invoice_id", type_=Uuid)
        # An array, so that each document's lines are found by the index.
        theirs = func.array(Invoices.with_notes(invoice).scalar_subquery(), type_=ARRAY(Uuid))
        order = ((line.document_id == invoice).desc(), line.document_id, line.position)
        return cls._prepared(*cls._shown()).where(line.document_id == any_(theirs)).order_by(*order)


class Invoices(Repository):
    model = Document

    @classmethod
    def with_notes(cls, invoice: Any) -> Select[Any]:
        """Return the statement of the ids of an invoice and of its credit notes."""
        return cls._prepared(IT.id).where(or_(IT.id == invoice, IT.original_id == invoice))

    @classmethod
    def number(cls) -> ColumnElement[Any]:
        """Return the number of a credit note's invoice."""
        invoice = Document.__table__.alias("invoice")
        number = invoice.select().with_only_columns(invoice.c.number)
        its = number.where(
            invoice.c.tenant_id == bindparam("own_tenant"), invoice.c.id == IT.original_id
        ).correlate(Document.__table__)
        return its.scalar_subquery().label("invoice_number")


class Refunds(Repository):
    model = Refund

    @classmethod
    def of_document(cls) -> ColumnElement[Any]:
        """Return what went back for a credit note, or None."""
        it = Refund.__table__.c
        shown = func.json_build_object(
            *("id", it.id),
            *("payment_id", it.payment_id),
            *("amount", cast(it.amount, Text)),
            *("method", it.method),
            *("reference", it.reference),
            *("refunded_at", it.refunded_at),
        )
        its = cls._prepared(func.json_agg(aggregate_order_by(shown, it.id), type_=JSON))
        mine = its.where(it.credit_note_id == IT.id).correlate(Document.__table__)
        return mine.scalar_subquery().label("refunds")
