"""What is shown of a payment beside its own row, each part by one subquery."""

from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ScalarSelect, Select, Text, Uuid, bindparam, cast, func
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document
from mbs.payments.models import Payment, PaymentAllocation, Refund


class Allocated(Repository):
    model = PaymentAllocation

    @classmethod
    def payments_of(cls, document: str) -> Select[Any]:
        """Return the statement of the payments that are for a document.

        :param document: the parameter with its id.
        """
        it = PaymentAllocation.__table__.c
        return cls._prepared(it.payment_id).where(it.document_id == bindparam(document, type_=Uuid))

    @classmethod
    def of_payment(cls) -> ColumnElement[Any]:
        it, invoice = PaymentAllocation.__table__.c, Document.__table__.c
        # Amounts go as text: read as JSON numbers they would become floats.
        shown = func.json_build_object(
            *("id", it.id),
            *("invoice_id", it.document_id),
            *("amount", cast(it.amount, Text)),
            *("created_at", it.created_at),
            *("number", invoice.number),
            *("status", invoice.status),
            *("amount_due", cast(invoice.amount_due, Text)),
        )
        its = cls._prepared(func.json_agg(aggregate_order_by(shown, it.id), type_=JSON)).where(
            it.payment_id == Payment.__table__.c.id,
            invoice.tenant_id == it.tenant_id,
            invoice.id == it.document_id,
        )
        return its.correlate(Payment.__table__).scalar_subquery().label("allocations")

    @classmethod
    def total(cls) -> ScalarSelect[Decimal]:
        it = PaymentAllocation.__table__.c
        summed = cls._prepared(func.coalesce(func.sum(it.amount), Decimal(0)))
        mine = summed.where(it.payment_id == Payment.__table__.c.id)
        return mine.correlate(Payment.__table__).scalar_subquery()


class Refunded(Repository):
    model = Refund

    @classmethod
    def of_payment(cls) -> ColumnElement[Any]:
        it = Refund.__table__.c
        shown = func.json_build_object(
            *("id", it.id),
            *("amount", cast(it.amount, Text)),
            *("method", it.method),
            *("status", it.status),
            *("reference", it.reference),
            *("reason", it.reason),
            *("credit_note_id", it.credit_note_id),
            *("refunded_at", it.refunded_at),
        )
        its = cls._prepared(func.json_agg(aggregate_order_by(shown, it.id), type_=JSON))
        mine = its.where(it.payment_id == Payment.__table__.c.id).correlate(Payment.__table__)
        return mine.scalar_subquery().label("refunds")

    @classmethod
    def total(cls) -> ScalarSelect[Decimal]:
        it = Refund.__table__.c
        summed = cls._prepared(func.coalesce(func.sum(it.amount), Decimal(0)))
        mine = summed.where(it.payment_id == Payment.__table__.c.id)
        return mine.correlate(Payment.__table__).scalar_subquery()
