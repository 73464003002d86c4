"""Reading the trail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.events.repository import EventRepository
from mbs.foundation.db import Begin

END = 2**63 - 1


class EventService:
    def __init__(self, *, begin: Begin) -> None:
        self._begin = begin

    def feed(self, *, after: int, limit: int, **filters: Any) -> tuple[Sequence[Row[Any]], bool]:
        """Return the events behind `after`, oldest first, and whether there are more."""
        with self._begin(read_only=True) as transaction:
            rows = EventRepository(transaction).after(after, limit=limit + 1, **filters)
        return rows[:limit], len(rows) > limit

    def history(
        self,
        *,
        before: int | None,
        limit: int,
        from_: datetime | None = None,
        to: datetime | None = None,
        **filters: Any,
    ) -> tuple[Sequence[Row[Any]], bool]:
        """Return the events before `before` (None: the newest), newest first, and whether there are more."""
        with self._begin(read_only=True) as transaction:
            rows = EventRepository(transaction).after(
                before or END, limit=limit + 1, descending=True, from_=from_, to=to, **filters
            )
        return rows[:limit], len(rows) > limit

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return one event.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return EventRepository(transaction).get(id_)
