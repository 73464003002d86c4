"""What is shown of a document beside its own row, each part by one subquery."""

from typing import Any

from sqlalchemy import (
    JSON,
    FromClause,
    Numeric,
    Select,
    Subquery,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.customers.models import Customer
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import INSTANT, Document, DocumentLine
from mbs.locations.models import Location

ALLOCATIONS = table(
    "payment_allocations",
    *(column(name, Uuid) for name in ("tenant_id", "id", "payment_id", "document_id")),
    column("amount", Numeric),
)
PAYMENTS = table(
    "payments",
    *(column(name, Uuid) for name in ("tenant_id", "id")),
    *(column(name, Text) for name in ("number", "method", "reference")),
    column("received_at", INSTANT),
)
"""What is asked of the room above this one: what was paid."""

LINE = (
    "id",
    "position",
    "catalog_item_id",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "discount_percent",
    "discount_amount",
    "amount",
    "document_discount",
    "tax_category",
    "tax_kind",
    "supply_rule",
    "sac_hsn",
    "net",
    "taxes",
    "tax",
    "total",
    "source_type",
    "source_id",
    "released",
    "credited_line_id",
    "credited_quantity",
)
"""What a view shows of each line, by the names of its columns; numbers as text."""


BUYER = {
    "name": "name",
    "address": "address",
    "taxId": "tax_id",
    "taxStatus": "tax_status",
    "regionCode": "region_code",
    "email": "email",
    "phone": "phone",
}
"""What a document keeps of its customer, and the columns where that comes from."""


def _object(columns: Any) -> ColumnElement[Any]:
    # Numbers go as text: read as JSON numbers they would become floats.
    shown = ((one.key, cast(one, Text) if isinstance(one.type, Numeric) else one) for one in columns)
    return func.json_build_object(*(part for pair in shown for part in pair))


class Lines(Repository):
    model = DocumentLine

    @classmethod
    def of_document(cls) -> ColumnElement[Any]:
        """Return the lines in their order, each with what `LINE` names."""
        line, document = DocumentLine.__table__.c, Document.__table__
        all_ = func.json_agg(
            aggregate_order_by(_object(line[name] for name in LINE), line.position), type_=JSON
        )
        mine = cls._prepared(all_).where(line.document_id == document.c.id).correlate(document)
        return mine.scalar_subquery().label("lines")


class Customers(Repository):
    model = Customer

    @classmethod
    def snapshot(cls) -> ColumnElement[Any]:
        """Return what a document says of its customer: as it was when it was issued, until then as it is."""
        document, it = Document.__table__, Customer.__table__.c
        shown = {name: it[column] for name, column in BUYER.items()}
        now = cls._prepared(func.jsonb_build_object(*(part for pair in shown.items() for part in pair)))
        mine = now.where(it.id == document.c.customer_id).correlate(document).scalar_subquery()
        return func.coalesce(document.c.buyer, mine, type_=JSON).label("customer")


class Places(Repository):
    model = Location

    @classmethod
    def timezone(cls) -> ColumnElement[Any]:
        """Return the time zone of a document's location."""
        document, it = Document.__table__, Location.__table__.c
        zone = cls._prepared(it.timezone).where(it.id == document.c.location_id).correlate(document)
        return zone.scalar_subquery().label("timezone")


def payments() -> ColumnElement[Any]:
    """Return what was paid of a document: id (of the allocation), payment_id, amount, and of the payment
    number, method, reference and received_at."""
    document, paid, payment = Document.__table__, ALLOCATIONS.c, PAYMENTS.c
    columns = (paid.id, paid.payment_id, paid.amount)
    told = _object((*columns, payment.number, payment.method, payment.reference, payment.received_at))
    found = _asked(ALLOCATIONS, func.json_agg(aggregate_order_by(told, paid.id), type_=JSON)).where(
        paid.document_id == document.c.id,
        payment.tenant_id == paid.tenant_id,
        payment.id == paid.payment_id,
    )
    return found.correlate(document).scalar_subquery().label("payments")


def credit_notes() -> ColumnElement[Any]:
    """Return the issued credit notes of an invoice: id, number, issue_date, total and reason."""
    document, note = Document.__table__, Document.__table__.alias("note")
    told = _object(note.c[name] for name in ("id", "number", "issue_date", "total", "reason"))
    notes = _asked(note, func.json_agg(aggregate_order_by(told, note.c.id), type_=JSON)).where(
        note.c.original_id == document.c.id, note.c.status == "issued"
    )
    return notes.correlate(document).scalar_subquery().label("credit_notes")


def sums() -> Subquery:
    """Return of the documents `settled` what was paid and what was credited, each summed up anew."""
    document, note, paid = (
        Document.__table__.alias("settled"),
        Document.__table__.alias("note"),
        ALLOCATIONS.c,
    )
    applied = _asked(ALLOCATIONS, func.coalesce(func.sum(paid.amount), 0)).where(
        paid.document_id == document.c.id
    )
    credited = _asked(note, func.coalesce(func.sum(note.c.total), 0)).where(
        note.c.original_id == document.c.id, note.c.status == "issued"
    )
    return (
        _asked(
            document,
            document.c.id,
            applied.correlate(document).scalar_subquery().label("paid"),
            credited.correlate(document).scalar_subquery().label("credited"),
        )
        .where(document.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
        .subquery("sums")
    )


def _asked(of: FromClause, *columns: Any) -> Select[Any]:
    return of.select().with_only_columns(*columns).where(of.c.tenant_id == bindparam("own_tenant"))
