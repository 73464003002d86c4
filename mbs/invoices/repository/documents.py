"""Invoices and credit notes, written and found again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, Text, Update, Uuid, any_, bindparam, case, func
from sqlalchemy.dialects.postgresql import ARRAY

from mbs.bookings.errors import UnknownCustomer
from mbs.foundation.errors import MbsError, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.invoices.errors import NumberTaken
from mbs.invoices.models.tables import Document
from mbs.invoices.repository.filters import STATES, narrowed, sortable
from mbs.invoices.repository.parts import Customers, Lines, Places, credit_notes, payments, sums
from mbs.resources.errors import UnknownLocation


class DocumentRepository(Repository):
    """A `view` is a document with its lines, its customer, what was paid, and its credit notes."""

    model = Document
    columns = (
        Document.id,
        Document.type,
        Document.status,
        Document.title,
        Document.number,
        Document.series,
        Document.seq,
        Document.location_id,
        Document.customer_id,
        Document.booking_id,
        Document.original_id,
        Document.currency,
        Document.issue_date,
        Document.supply_date,
        Document.due_date,
        Document.seller,
        Document.buyer,
        Document.place_of_supply,
        Document.reverse_charge,
        Document.tax_mode,
        Document.rounding_scope,
        Document.cash_rounding,
        Document.discount_percent,
        Document.discount_amount,
        Document.subtotal,
        Document.discount_total,
        Document.tax_total,
        Document.rounding,
        Document.total,
        Document.amount_paid,
        Document.amount_credited,
        Document.amount_due,
        Document.tax_summary,
        Document.notes,
        Document.terms,
        Document.footer,
        Document.reason,
        Document.settlement,
        Document.sent_at,
        Document.voided_at,
        Document.void_reason,
        Document.created_by,
        Document.version,
        Document.created_at,
        Document.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "fk__documents__tenant_id__customer_id": UnknownCustomer,
        "fk__documents__tenant_id__location_id": UnknownLocation,
        "uq__documents__tenant_id__type__number": NumberTaken,
    }

    def lock(self, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """Return documents, locked against other writers until the transaction ends.

        They are locked, and come, by ascending id; whoever misses one looks at what came.
        """
        return self._read(self._locked(), {"ids": sorted(set(ids))})

    def lock_one(self, id_: UUID, *, type_: str = "invoice") -> Row[Any]:
        """Return one document likewise.

        :raises NotFound: if there is none of this type.
        """
        rows = [row for row in self.lock([id_]) if row.type == type_]
        if not rows:
            raise NotFound
        return rows[0]

    def settle(self, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """Sum up anew what was paid and credited of issued invoices, and let their status follow.

        Whatever nothing is due of is paid; of what was paid and is due again, it is open again. What is
        uncollectible stays so until it is paid. The rows are locked before.

        :return: the invoices as they are now, in no order.
        """
        return self._send(_settled(), {"ids": sorted(set(ids))}).all()

    def view(self, id_: UUID, *, type_: str = "invoice") -> Row[Any]:
        """Return a document as it is shown.

        :return: `columns`; `lines` as JSON objects of what `parts.LINE` names, numbers as text; `payments`
            and `credit_notes` likewise, None without any; `customer` (`parts.BUYER`): as it was when the
            document was issued, until then as it is; `timezone` of its location.
        :raises NotFound: if there is none of this type.
        """
        rows = self._read(self._view_by_id(), {"sought_id": id_, "sought_type": type_})
        if not rows:
            raise NotFound
        return rows[0]

    def search(
        self,
        request: PageRequest,
        *,
        type_: str = "invoice",
        status: Sequence[str] = (),
        expand: Sequence[str] = (),
        today: Mapping[str, str] | None = None,
        **filters: Any,
    ) -> Page:
        """Return one page of documents: `columns` but `UNLISTED`, `timezone`, and what is expanded.

        :param status: also `partial`, and `overdue`, which wants `today`: the date by location.
        :param expand: `customer`, `items` (`lines`), `payments`, each as `view` has it.
        :param filters: of `FILTERS`; None does not narrow.
        """
        given = {name: value for name, value in filters.items() if value is not None}
        for name in given.keys() & {"min_total", "max_total"}:
            given[name] = sortable(given[name])
        kinds = {one if one in STATES else "status" for one in status}
        if "status" in kinds:
            given["status"] = [one for one in status if one not in STATES]
        if "overdue" in kinds and today is not None:
            given |= {"today": today, "latest_today": date.fromisoformat(max(today.values()))}
        statement = self._filtered(tuple(sorted({*given, *kinds})), tuple(sorted(expand)))
        return self.page(statement, request, **given, of_type=type_)

    @classmethod
    @lru_cache(maxsize=256)
    def _filtered(cls, names: tuple[str, ...], expand: tuple[str, ...]) -> Select[Any]:
        table = cls.model.__table__.c
        shown = [table[column.key] for column in cls.columns if column.key not in UNLISTED]
        parts = [EXPANSIONS[name]() for name in expand]
        statement = cls._prepared(*shown, Places.timezone(), *parts)
        return statement.where(table.type == bindparam("of_type", type_=Text), *narrowed(names))

    @classmethod
    @cache
    def _locked(cls) -> Select[Any]:
        id_ = cls.model.__table__.c.id
        sought = id_ == any_(bindparam("ids", type_=ARRAY(Uuid)))
        return cls._prepared(*cls._shown()).where(sought).order_by(id_).with_for_update()

    @classmethod
    @cache
    def _view_by_id(cls) -> Select[Any]:
        parts = (Lines.of_document(), payments(), credit_notes(), Customers.snapshot(), Places.timezone())
        document = cls.model.__table__.c
        return cls._prepared(*cls._shown(), *parts).where(
            document.id == bindparam("sought_id"), document.type == bindparam("sought_type")
        )


UNLISTED = ("seller", "buyer", "tax_summary", "notes", "terms", "footer", "settlement", "created_by")
"""What lists leave out of the columns: to read fifty of each costs, and nobody looks at them there."""

EXPANSIONS = {"customer": Customers.snapshot, "items": Lines.of_document, "payments": payments}


@cache
def _settled() -> Update:
    document, summed = Document.__table__, sums()
    due = document.c.total - summed.c.paid - summed.c.credited
    issued = (document.c.tenant_id == bindparam("own_tenant"), document.c.status.in_(ISSUED))
    return (
        document.update()  # type: ignore[attr-defined]
        .where(*issued, document.c.id == summed.c.id)
        .values(
            amount_paid=summed.c.paid,
            amount_credited=summed.c.credited,
            status=case((due == 0, "paid"), (document.c.status == "paid", "open"), else_=document.c.status),
            version=document.c.version + 1,
            updated_at=func.now(),
        )
        .returning(*DocumentRepository.columns)
    )


ISSUED = ("open", "paid", "uncollectible")
"""What an invoice is that can be paid, or was."""
