"""Issuing invoices: the step behind which they do not change."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import InvalidState, PreconditionFailed
from mbs.foundation.local_time import local
from mbs.foundation.policies import invoicing_rules
from mbs.invoices.models.numbering import series_of
from mbs.invoices.models.parties import buyer_snapshot, seller_snapshot
from mbs.invoices.models.pricing import Terms
from mbs.invoices.models.transitions import due_date, issue_date, refuse_unregistered, title
from mbs.invoices.repository.context import ContextRepository
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.events import record
from mbs.invoices.repository.lines import RECKONED, LineRepository
from mbs.invoices.repository.series import draw
from mbs.invoices.service.assembling import priced_at


class IssuingService:
    """`at` is the instant of the request."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self.at = clock.now()

    def issue(self, *, id_: UUID, version: int | None, issued_on: date | None = None) -> Any:
        """Issue a draft and return its view: it gets its number, and stays as it is from then on.

        :param issued_on: the date of issue; None: today at the location.
        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it is no draft, has no items, or is due before its date of issue.
        :raises DatedTooEarly: if the number before has a later date.
        :raises NumberTooLong: if its number has more characters than the law allows.
        :raises MissingSellerTaxId: if the location charges tax and has no registration.
        :raises NoTaxRate: if no rate holds for a line on the date of supply.
        """
        with self._begin() as transaction:
            draft = DocumentRepository(transaction).lock_one(id_)
            if version is not None and version != draft.version:
                raise PreconditionFailed
            if draft.status != "draft":
                raise InvalidState(f"It has been issued already, as {draft.number}.")
            context = ContextRepository(transaction).read(
                customer_id=draft.customer_id, location_id=draft.location_id
            )
            lines = [row._asdict() for row in LineRepository(transaction).of(id_)]
            return issue_draft(transaction, draft, context, lines, issued_on=issued_on, at=self.at)


def issue_draft(
    transaction: Transaction,
    draft: Any,
    context: Any,
    lines: Sequence[Mapping[str, Any]],
    *,
    issued_on: date | None,
    at: datetime,
) -> Any:
    """Issue a draft, as `IssuingService.issue` does, and return its view.

    The statements are the same however many lines there are. Its number is drawn when nothing can be refused
    any more, for whoever issues next waits from there.

    :param draft: its row, locked or new.
    :param context: a row of `ContextRepository`.
    :param lines: columns of its lines as they are stored.
    """
    rules = invoicing_rules(context.settings)
    today = local(at, context.timezone).date()
    on = issue_date(issued_on, today=today)
    due = due_date(draft.due_date, issued_on=on, days=rules["dueDays"])
    refuse_unregistered(context)
    if not lines:
        raise InvalidState("It has no items.")
    supplied_on = draft.supply_date or on
    priced = priced_at(transaction, context, Terms.of(draft), lines, supply_date=supplied_on, at=at)
    if _reckoned(priced.lines) != _reckoned(lines):
        LineRepository(transaction).reprice(draft.id, priced.lines)
    pattern = rules["numberPatterns"]["invoice"]
    series = series_of(pattern, prefix=context.invoice_prefix, on=on, country=context.country)
    kinds = {line["tax_kind"] for line in priced.lines}
    values = {
        **priced.header,
        "status": "open" if priced.header["total"] else "paid",
        "title": title(country=context.country, regime=context.tax_regime, kinds=kinds),
        "issue_date": on,
        "supply_date": supplied_on,
        "due_date": due,
        "seller": seller_snapshot(context),
        "buyer": buyer_snapshot(context),
        **draw(transaction, type_="invoice", series=series, on=on, today=on == today)._asdict(),
    }
    documents = DocumentRepository(transaction)
    documents.change(draft.id, values, version=None)
    view = documents.view(draft.id)
    previous = {name: getattr(draft, name) for name in values if getattr(draft, name) != getattr(view, name)}
    record(transaction, type_="invoice.issued", document=view, previous=previous, at=at)
    if view.status == "paid":
        record(transaction, type_="invoice.paid", document=view, previous={}, at=at)
    return view


def _reckoned(lines: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return [[line[name] for name in RECKONED] for line in lines]
