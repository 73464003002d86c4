"""What becomes of invoices that are issued: sent, void, or given up."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import InvalidState, PreconditionFailed, RateLimited
from mbs.foundation.local_time import local
from mbs.foundation.policies import invoicing_rules
from mbs.foundation.throttle import Throttle
from mbs.invoices.errors import NobodyToSendTo
from mbs.invoices.models.transitions import refuse_transition, refuse_void
from mbs.invoices.repository.context import ContextRepository
from mbs.invoices.repository.documents import ISSUED, DocumentRepository
from mbs.invoices.repository.events import record
from mbs.invoices.repository.lines import LineRepository

HOUR = 3600


class IssuedService:
    """`at` is the instant of the request."""

    def __init__(self, *, begin: Begin, clock: Clock, throttle: Throttle) -> None:
        self._begin = begin
        self._throttle = throttle
        self.at = clock.now()

    def void(self, *, id_: UUID, version: int | None, reason: str) -> Any:
        """Take back an invoice for which no money was moved, and return its view.

        It keeps its number. What it billed can be billed again.

        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state or its age does not allow it, or something was paid or credited.
        """
        with self._begin() as transaction:
            invoice = self._locked(transaction, id_, version)
            refuse_transition(invoice.status, "void")
            context = self._context(transaction, invoice)
            today = local(self.at, context.timezone).date()
            refuse_void(invoice, invoicing_rules(context.settings), country=context.country, today=today)
            LineRepository(transaction).release(id_)
            values = {"status": "void", "voided_at": self.at, "void_reason": reason}
            return self._changed(transaction, invoice, values, "invoice.voided")

    def give_up(self, *, id_: UUID, version: int | None) -> Any:
        """Note that nobody expects an open invoice to be paid any more, and return its view.

        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it is not open.
        """
        with self._begin() as transaction:
            invoice = self._locked(transaction, id_, version)
            refuse_transition(invoice.status, "uncollectible")
            values = {"status": "uncollectible"}
            return self._changed(transaction, invoice, values, "invoice.marked_uncollectible")

    def send(self, *, id_: UUID, version: int | None, channels: Sequence[str]) -> Any:
        """Let a customer be told what they owe, and return the invoice's view.

        The event sets off the message, by the rule `invoice.sent`.

        :param channels: `email`.
        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it is a draft, or void.
        :raises NobodyToSendTo: if no e-mail address of the customer is known.
        :raises RateLimited: if it was sent three times within the hour.
        """
        with self._begin() as transaction:
            invoice = self._locked(transaction, id_, version)
            if invoice.status not in ISSUED:
                raise InvalidState(f"An invoice that is {invoice.status} is not sent.")
            context = self._context(transaction, invoice)
            # Where the customer reads mails today, or else where they did when it was issued.
            if (context.customer_email or invoice.buyer["email"]) is None:
                raise NobodyToSendTo
            # Of each invoice, not of each mailbox: a firm may get ten bills on one day.
            if not self._throttle.spares(f"invoice {id_}"):
                raise RateLimited("It was sent three times within the hour.", retry_after=HOUR)
            values = {"sent_at": self.at}
            return self._changed(transaction, invoice, values, "invoice.sent", channels=list(channels))

    def _locked(self, transaction: Transaction, id_: UUID, version: int | None) -> Any:
        invoice = DocumentRepository(transaction).lock_one(id_)
        if version is not None and version != invoice.version:
            raise PreconditionFailed
        return invoice

    def _context(self, transaction: Transaction, invoice: Any) -> Any:
        return ContextRepository(transaction).read(
            customer_id=invoice.customer_id, location_id=invoice.location_id
        )

    def _changed(
        self,
        transaction: Transaction,
        before: Any,
        values: Mapping[str, Any],
        event: str,
        **beside: Any,
    ) -> Any:
        documents = DocumentRepository(transaction)
        documents.change(before.id, values, version=None)
        view = documents.view(before.id)
        previous = {name: getattr(before, name) for name in values}
        record(transaction, type_=event, document=view, previous=previous, at=self.at, **beside)
        return view
