"""Questions put to the locations of one business."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Row, column, func, table

from mbs.foundation.errors import Busy, MbsError
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.locations.models import Location

BUSINESS = table("tenants", column("id"), column("country"), column("timezone"))
"""What is asked of the room above this one."""


class LocationRepository(Repository):
    model = Location
    columns = (
        Location.id,
        Location.name,
        Location.timezone,
        Location.country,
        Location.address,
        Location.phone,
        Location.legal_name,
        Location.tax_regime,
        Location.tax_registration,
        Location.invoice_prefix,
        Location.status,
        Location.is_default,
        Location.version,
        Location.created_at,
        Location.updated_at,
    )
    # Of two who make different locations the default at once, the later one finds the first one's.
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {"uq__locations__default": Busy}

    def business(self) -> Row[Any]:
        """Return the country and time zone of the business."""
        # Through its default location, so that both walls stand around this question too.
        statement = self.select(BUSINESS.c.country, BUSINESS.c.timezone)
        statement = statement.where(BUSINESS.c.id == Location.tenant_id, Location.is_default)
        return self._transaction.execute(statement).one()

    def default(self) -> Row[Any]:
        """Return the location where things are unless they say otherwise."""
        return self._transaction.execute(self.select().where(Location.is_default)).one()

    def release_default(self) -> Row[Any] | None:
        """Let the default location be one no longer, and return it; another must become it next."""
        statement = self.update().where(Location.is_default)
        statement = statement.values(
            is_default=False, version=Location.version + 1, updated_at=func.now()
        ).returning(*self.columns)
        return self._write(statement).one_or_none()

    def search(self, request: PageRequest, *, status: Sequence[str]) -> Page:
        """Return one page of locations in one of these states."""
        return self.page(self.select().where(Location.status.in_(status)), request)
