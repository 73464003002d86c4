"""The lines of documents: all of one document are written by one statement, however many there are."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, cast
from uuid import UUID

import orjson
from sqlalchemy import Insert, Row, Table, Text, Update, bindparam, func
from sqlalchemy import cast as cast_sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import TableValuedAlias

from mbs.foundation.errors import MbsError
from mbs.foundation.repository import Repository
from mbs.invoices.errors import AlreadyBilled, UnknownService
from mbs.invoices.models.tables import DocumentLine
from mbs.invoices.repository.parts import LINE

WRITTEN = ("document_id", *(name for name in LINE if name != "released"))
"""The columns of a new line; those that it does not name are null."""

RECKONED = ("document_discount", "tax_kind", "net", "taxes", "tax", "total")
"""What another date of supply, or another rate, changes of a line."""


class LineRepository(Repository):
    model = DocumentLine
    columns = (
        DocumentLine.id,
        DocumentLine.document_id,
        DocumentLine.position,
        DocumentLine.catalog_item_id,
        DocumentLine.description,
        DocumentLine.quantity,
        DocumentLine.unit,
        DocumentLine.unit_price,
        DocumentLine.discount_percent,
        DocumentLine.discount_amount,
        DocumentLine.amount,
        DocumentLine.document_discount,
        DocumentLine.tax_category,
        DocumentLine.tax_kind,
        DocumentLine.supply_rule,
        DocumentLine.sac_hsn,
        DocumentLine.net,
        DocumentLine.taxes,
        DocumentLine.tax,
        DocumentLine.total,
        DocumentLine.source_type,
        DocumentLine.source_id,
        DocumentLine.released,
        DocumentLine.credited_line_id,
        DocumentLine.credited_quantity,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__document_lines__source": AlreadyBilled,
        "fk__document_lines__tenant_id__catalog_item_id": UnknownService,
    }

    def add_all(self, document_id: UUID, lines: Sequence[Mapping[str, Any]]) -> None:
        """Insert the lines of a document, numbered from 1 in their order.

        :param lines: each with its `id`, what `WRITTEN` names else, and `taxes` as
            `[{"code": "CGST", "rate": "9", "amount": "45.00"}]`.
        :raises AlreadyBilled: if something that a line bills stands on another invoice.
        """
        numbered = [
            {**line, "document_id": document_id, "position": number}
            for number, line in enumerate(lines, start=1)
        ]
        self._write(_insert(), {"lines": _written(numbered)})

    def of(self, document_id: UUID) -> Sequence[Row[Any]]:
        """Return the lines of a document in their order."""
        lines = self.select().where(DocumentLine.document_id == document_id)
        return self._transaction.execute(lines.order_by(DocumentLine.position)).all()

    def replace_all(self, document_id: UUID, lines: Sequence[Mapping[str, Any]]) -> None:
        """Give a draft other lines, as `add_all` takes them."""
        self._write(self.delete().where(DocumentLine.document_id == document_id))
        self.add_all(document_id, lines)

    def reprice(self, document_id: UUID, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write what was reckoned anew of the lines of a draft.

        :param lines: of each its `id` and what `RECKONED` names.
        """
        theirs = {"of_document": document_id, "own_tenant": self._transaction.tenant_id}
        self._write(_reprice(), {**theirs, "lines": _written(lines)})

    def release(self, document_id: UUID, ids: Iterable[UUID] | None = None) -> None:
        """Let what a document bills be billed again.

        :param ids: which of its lines; None: all.
        """
        released = self.update().where(DocumentLine.document_id == document_id)
        if ids is not None:
            released = released.where(DocumentLine.id.in_(list(ids)))
        self._write(released.values(released=True))


def _written(lines: Sequence[Mapping[str, Any]]) -> str:
    # Decimals become text, which PostgreSQL reads back as exactly the same numbers.
    return orjson.dumps(lines, default=str).decode()


def _given(names: Iterable[str]) -> TableValuedAlias:
    columns = DocumentLine.__table__.c
    lines = cast_sql(bindparam("lines", type_=Text), JSONB)
    # With its full type: a column of no known type would take the constraint's word for it.
    wanted = (columns[name]._copy() for name in names)
    return func.jsonb_to_recordset(lines).table_valued(*wanted, name="given").render_derived(with_types=True)


@cache
def _insert() -> Insert:
    table, given = cast(Table, DocumentLine.__table__), _given(WRITTEN)
    return table.insert().from_select(WRITTEN, _rows(given))


@cache
def _reprice() -> Update:
    table, given = cast(Table, DocumentLine.__table__), _given(("id", *RECKONED))
    mine = (
        table.c.tenant_id == bindparam("own_tenant"),
        table.c.document_id == bindparam("of_document"),
        table.c.id == given.c.id,
    )
    return table.update().where(*mine).values({name: given.c[name] for name in RECKONED})


def _rows(given: TableValuedAlias) -> Any:
    return given.select().with_only_columns(*given.c)
