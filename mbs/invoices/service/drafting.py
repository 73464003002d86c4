"""Drafts of invoices: previewed, written, changed and removed."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import DocumentLocked, FieldFault, Invalid, PreconditionFailed
from mbs.invoices.models.lines import discount_columns, keeping_sources, lines_of
from mbs.invoices.models.parties import buyer_snapshot, seller_snapshot
from mbs.invoices.models.pricing import refuse_finer_lines
from mbs.invoices.repository.context import ContextRepository, ServiceRepository
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.events import record
from mbs.invoices.repository.lines import LineRepository
from mbs.invoices.service.assembling import Draft, assemble

REPRICED = ("customer_id", "location_id", "currency", "supply_date", "tax_mode")
CHOSEN = ("due_date", "notes", "terms", "footer", "booking_id", "discount_percent", "discount_amount")
"""What of a draft stays as it is unless a change says otherwise."""


class DraftService:
    """`at` is the instant of the request."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self.at = clock.now()

    def preview(self, **values: Any) -> Any:
        """Return what an invoice would be: its columns, `lines`, `customer`, `seller`.

        :raises InvalidReference: if it names a customer, location or service that there is not.
        :raises NoTaxRate: if no rate holds for an item.
        """
        with self._begin(read_only=True) as transaction:
            context, draft = self._assembled(transaction, values)
        return SimpleNamespace(
            **draft.header,
            lines=draft.lines,
            customer=buyer_snapshot(context),
            seller=seller_snapshot(context),
        )

    def create(self, **values: Any) -> Any:
        """Write a draft and return its view.

        :raises InvalidReference: if it names a customer, location or service that there is not.
        :raises ServiceInactive: if a service is not offered.
        :raises NoTaxRate: if no rate holds for an item.
        """
        with self._begin() as transaction:
            _, draft = self._assembled(transaction, values)
            documents, id_ = DocumentRepository(transaction), uuid7()
            documents.add({**draft.header, "id": id_})
            LineRepository(transaction).add_all(id_, draft.lines)
            view = documents.view(id_)
            record(transaction, type_="invoice.created", document=view, previous={}, at=self.at)
        return view

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Any:
        """Change a draft and return its view; its taxes are reckoned anew.

        :param values: `items` replaces all lines; None clears a field.
        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises DocumentLocked: if it has been issued.
        :raises Invalid: if it changes the currency, and not the items with it.
        """
        with self._begin() as transaction:
            documents, lines = DocumentRepository(transaction), LineRepository(transaction)
            before = self._draft(documents, id_, version)
            if values.get("currency") not in (None, before.currency) and "items" not in values:
                message = f"Say what they cost in {values['currency']}: nothing is exchanged one to one."
                raise Invalid(errors=[FieldFault("items", "required", message)])
            kept = {name: getattr(before, name) for name in (*REPRICED, *CHOSEN)}
            # What is already there is not looked up anew: a service may have been archived meanwhile.
            stored = None if "items" in values else [row._asdict() for row in lines.of(id_)]
            _, draft = self._assembled(transaction, {**kept, **values}, stored)
            documents.change(id_, draft.header, version=None)
            if stored is None:
                written = draft.lines
                if before.booking_id is not None:
                    written = keeping_sources(written, [row._asdict() for row in lines.of(id_)])
                lines.replace_all(id_, written)
            else:
                lines.reprice(id_, draft.lines)
            view = documents.view(id_)
            previous = {
                name: getattr(before, name)
                for name in draft.header
                if getattr(before, name) != getattr(view, name)
            }
            record(transaction, type_="invoice.updated", document=view, previous=previous, at=self.at)
        return view

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """Remove a draft; whatever it would have billed can be billed again.

        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises DocumentLocked: if it has been issued.
        """
        with self._begin() as transaction:
            documents = DocumentRepository(transaction)
            before = self._draft(documents, id_, version)
            documents.remove(id_, version=None)
            record(transaction, type_="invoice.deleted", document=before, previous={}, at=self.at)

    def _draft(self, documents: DocumentRepository, id_: UUID, version: int | None) -> Any:
        row = documents.lock_one(id_)
        if version is not None and version != row.version:
            raise PreconditionFailed
        if row.status != "draft":
            raise DocumentLocked
        return row

    def _assembled(
        self,
        transaction: Transaction,
        values: Mapping[str, Any],
        stored: Sequence[Mapping[str, Any]] | None = None,
    ) -> tuple[Any, Draft]:
        context = ContextRepository(transaction).read(
            customer_id=values["customer_id"], location_id=values.get("location_id")
        )
        currency = values.get("currency") or context.currency
        if stored is None:
            items = values["items"]
            ids = (item["service_id"] for item in items if item.get("service_id") is not None)
            lines: Sequence[Mapping[str, Any]] = lines_of(
                items, ServiceRepository(transaction).find(ids), currency
            )
        else:
            lines = stored
            refuse_finer_lines(lines, currency)
        wanted = dict(values)
        if "discount" in wanted:
            wanted |= discount_columns(wanted["discount"])
        return context, assemble(transaction, context, wanted, lines, at=self.at)
