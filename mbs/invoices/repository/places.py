"""Where the days of invoices begin and end."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from mbs.foundation.repository import Repository
from mbs.locations.models import Location


class PlaceRepository(Repository):
    model = Location

    def timezones(self) -> Mapping[UUID, str]:
        """Return the time zone of each location, those included where nobody works any more."""
        return {row.id: row.timezone for row in self._read(self._zones(), {})}

    @classmethod
    @cache
    def _zones(cls) -> Select[Any]:
        place = Location.__table__.c
        return cls._prepared(place.id, place.timezone)
