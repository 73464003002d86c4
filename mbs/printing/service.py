"""Printing documents: short ones at once, long ones by a worker."""

import importlib
import logging
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.branding.repository import LogoRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import NotFound, Overloaded, RateLimited
from mbs.foundation.policies import with_defaults
from mbs.foundation.scope import TenantId
from mbs.invoices.models.parties import buyer_snapshot, seller_snapshot
from mbs.invoices.repository.lines import LineRepository
from mbs.printing.errors import PrintFailed
from mbs.printing.models.composing import compose
from mbs.printing.models.jobs import (
    FORGIVEN,
    LEASE,
    LINES_IN_REQUEST,
    MOST_WAITING,
    PAUSES,
    lines_on_paper,
)
from mbs.printing.models.sheet import Business, Sheet
from mbs.printing.repository import PaperRepository, PrintQueue, PrintRepository

log = logging.getLogger("mbs.job")

PRESSES = 1
"""So many requests of a process print at a time: who prints holds up the process's other threads."""

PATIENCE_SECONDS = 1.0


@cache
def pages() -> Any:
    """Return `models.pages`, loaded only now: its libraries take 0.3 s and 40 MB, and few processes print."""
    return importlib.import_module("mbs.printing.models.pages")


class Press:
    """Draws, but only so much at a time; one per process."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(PRESSES)

    def draw(self, sheet: Sheet) -> bytes:
        """Return the PDF of a sheet.

        :raises Overloaded: if others are drawn for longer than a moment.
        """
        if not self._free.acquire(timeout=PATIENCE_SECONDS):
            raise Overloaded("The service prints as many documents as it can; try again.", retry_after=1)
        try:
            return bytes(pages().draw(sheet))
        finally:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that somebody wants on paper, before anything is drawn."""

    row: Any

    @property
    def edition(self) -> str:
        return edition_of(self.row)

    @property
    def filename(self) -> str:
        return f"{(self.row.number or 'draft').replace('/', '-')}.pdf"


class PrintingService:
    def __init__(self, *, begin: Begin, clock: Clock, press: Press) -> None:
        self._begin = begin
        self._clock = clock
        self._press = press

    def find(self, *, id_: UUID, type_: str) -> Wanted:
        """Return a document that is to be printed.

        :raises NotFound: if there is none of this type.
        """
        with self._begin(read_only=True) as transaction:
            return Wanted(PaperRepository(transaction).find(id_, type_=type_))

    def make(self, wanted: Wanted) -> bytes | None:
        """Return a document's PDF; None if it is so long that it has been left to a worker.

        :raises PrintFailed: if the worker could not print it.
        :raises Overloaded: if others are drawn for longer than a moment.
        :raises RateLimited: if as many of the business wait as may, so that other businesses get their turn.
        """
        row, edition = wanted.row, wanted.edition
        status = row.print_status if row.print_edition == edition else None
        with self._begin(read_only=True) as transaction:
            if status == "ready":
                file = PrintRepository(transaction).file(row.id, edition)
                if file is not None:
                    return file
            lines = LineRepository(transaction).of(row.id)
            short = lines_on_paper(row, lines) <= LINES_IN_REQUEST
            sheet = compose_row(transaction, row, lines) if short else None
        if sheet is not None:
            # With no connection in hand, which others wait for.
            return self._press.draw(sheet)
        now = self._clock.now()
        if status == "failed" and row.finished_at > now - FORGIVEN:
            raise PrintFailed(retry_after=round((row.finished_at + FORGIVEN - now).total_seconds()) + 1)
        with self._begin() as transaction:
            prints = PrintRepository(transaction)
            if status != "queued" and prints.waiting() >= MOST_WAITING:
                raise RateLimited(
                    "Many long documents of this business wait to be printed; ask again in a minute.",
                    retry_after=60,
                )
            prints.enqueue(row.id, edition, at=now)
        return None


class PrintQueueService:
    """What `mbs worker` empties the queue of long documents with."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def print_next(self) -> bool:
        """Print the document that waits longest; tell whether there was one.

        Whoever dies in the middle leaves it to another worker, five minutes later.
        """
        with self._begin(Role.IDENTITY) as transaction:
            claim = PrintQueue(transaction).claim(at=self._clock.now(), lease=LEASE)
        if claim is None:
            return False
        try:
            if claim.attempts > len(PAUSES) + 1:
                raise RuntimeError("each attempt ended its worker")
            edition, file = self._print(claim)
        except NotFound:
            log.info("document is gone", extra=_about(claim, "job.print_gone"))
        except Exception as error:
            # Whatever it is: the document must not keep those behind it from being printed.
            log.exception("document not printed", extra=_about(claim, "job.print_faulty"))
            self._put_off(claim, type(error).__name__)
        else:
            done = {"status": "ready", "file": file, "finished_at": self._clock.now(), "last_error": None}
            self._finish(claim, edition, **done)
            log.info("document printed", extra={**_about(claim, "job.print_ready"), "bytes": len(file)})
        return True

    def waiting(self) -> int:
        """Return how many documents wait."""
        with self._begin(Role.IDENTITY) as transaction:
            return PrintQueue(transaction).waiting()

    def _print(self, claim: Row[Any]) -> tuple[str, bytes]:
        with self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(TenantId(claim.tenant_id))
            # As it is now: whoever asks for an edition that is over will not find it, and asks again.
            row = PaperRepository(transaction).find(claim.document_id)
            sheet = compose_row(transaction, row, LineRepository(transaction).of(row.id))
        return edition_of(row), bytes(pages().draw(sheet))

    def _put_off(self, claim: Row[Any], reason: str) -> None:
        now = self._clock.now()
        if claim.attempts > len(PAUSES):
            self._finish(claim, claim.edition, status="failed", finished_at=now, last_error=reason)
        else:
            until = now + PAUSES[claim.attempts - 1]
            self._finish(claim, claim.edition, claimed_until=until, last_error=reason)

    def _finish(self, claim: Row[Any], edition: str, **values: Any) -> None:
        with self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(TenantId(claim.tenant_id))
            PrintRepository(transaction).finish(claim, edition, **values)


def edition_of(row: Any) -> str:
    """Return what tells a print from any other: the versions of all that stands on it."""
    shown = [row.version, row.business_version, row.settings_version]
    if row.seller is None:
        # A draft shows seller and buyer as they are now.
        shown += [row.location_version, row.customer_version]
    logo = row.logo_updated_at
    return "-".join(map(str, shown)) + (f"-{logo:%Y%m%d%H%M%S%f}" if logo else "")


def compose_row(transaction: Transaction, row: Any, lines: Any) -> Sheet:
    """Return the sheet of a row of `PaperRepository.find`."""
    business = Business(
        name=row.business_name,
        locale=row.locale,
        invoicing=with_defaults(row.settings)["invoicing"],
        logo=LogoRepository(transaction).image() if row.logo_updated_at else None,
    )
    seller, buyer = row.seller or seller_snapshot(row), row.buyer or buyer_snapshot(row)
    return compose(row, lines, business, seller=seller, buyer=buyer)


def _about(claim: Row[Any], event: str) -> dict[str, Any]:
    return {"event": event, "document": str(claim.document_id), "attempts": claim.attempts}
