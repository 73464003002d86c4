"""Invoices read and listed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.local_time import local
from mbs.foundation.pages import Page, PageRequest
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.places import PlaceRepository


class InvoiceService:
    """`at` is the instant of the request."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self.at = clock.now()

    def read(self, *, id_: UUID) -> Any:
        """Return the view of an invoice.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return DocumentRepository(transaction).view(id_)

    def search(
        self,
        *,
        request: PageRequest,
        status: Sequence[str] = (),
        expand: Sequence[str] = (),
        **filters: Any,
    ) -> Page:
        """Return one page of invoices.

        :param status: `overdue` and `partial`, too; an invoice in any of them is in the page.
        :param expand: `customer`, `items`, `payments`.
        :param filters: of `FILTERS` in the repository.
        """
        with self._begin(read_only=True) as transaction:
            if "overdue" in status:
                zones = PlaceRepository(transaction).timezones()
                filters["today"] = {
                    str(id_): local(self.at, zone).date().isoformat() for id_, zone in zones.items()
                }
            return DocumentRepository(transaction).search(request, status=status, expand=expand, **filters)
