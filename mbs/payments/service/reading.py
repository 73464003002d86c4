"""Look at payments and refunds."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.foundation.db import Begin
from mbs.foundation.pages import Page, PageRequest
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.repository.refunds import RefundRepository


class PaymentService:
    def __init__(self, *, begin: Begin) -> None:
        self._begin = begin

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a payment with its allocations and refunds.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return PaymentRepository(transaction).view(id_)

    def search(self, *, request: PageRequest, expand: Sequence[str] = (), **filters: Any) -> Page:
        """Return one page of payments."""
        with self._begin(read_only=True) as transaction:
            payments = PaymentRepository(transaction)
            return payments.search(request, with_allocations="allocations" in expand, **filters)

    def read_refund(self, *, id_: UUID) -> Row[Any]:
        """Return a refund.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return RefundRepository(transaction).get(id_)

    def search_refunds(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of refunds."""
        with self._begin(read_only=True) as transaction:
            return RefundRepository(transaction).search(request, **filters)
