"""Credit notes read and listed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.credit_notes.repository import CreditNoteRepository
from mbs.foundation.db import Begin
from mbs.foundation.pages import Page, PageRequest


class CreditNoteService:
    def __init__(self, *, begin: Begin) -> None:
        self._begin = begin

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return the view of a credit note.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return CreditNoteRepository(transaction).view(id_)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of credit notes."""
        with self._begin(read_only=True) as transaction:
            return CreditNoteRepository(transaction).search(request, **filters)
