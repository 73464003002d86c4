"""Questions put to the rates of one business."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Date, Row, Select, Text, Uuid, bindparam, or_

from mbs.foundation.errors import MbsError
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.taxes.errors import OverlappingRates
from mbs.taxes.models.tables import TaxRate


class TaxRateRepository(Repository):
    model = TaxRate
    columns = (
        TaxRate.id,
        TaxRate.jurisdiction,
        TaxRate.location_id,
        TaxRate.category,
        TaxRate.kind,
        TaxRate.components,
        TaxRate.valid_from,
        TaxRate.valid_to,
        TaxRate.source,
        TaxRate.version,
        TaxRate.created_at,
        TaxRate.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {"ex__tax_rates__during": OverlappingRates}

    def valid(self, *, jurisdiction: str, location_id: UUID, on: date) -> Sequence[Row[Any]]:
        """Return the rates that hold at a location on a day: its own first, then its jurisdiction's."""
        values = {"jurisdiction": jurisdiction, "location_id": location_id, "on": on}
        return self._read(self._valid(), values)

    @classmethod
    @cache
    def _valid(cls) -> Select[Any]:
        day = bindparam("on", type_=Date)
        return (
            cls._prepared(*cls._shown())
            .where(
                TaxRate.jurisdiction == bindparam("jurisdiction", type_=Text),
                or_(
                    TaxRate.location_id == bindparam("location_id", type_=Uuid), TaxRate.location_id.is_(None)
                ),
                TaxRate.valid_from <= day,
                or_(TaxRate.valid_to.is_(None), TaxRate.valid_to > day),
            )
            .order_by(TaxRate.location_id.is_(None), TaxRate.category)
        )

    def search(
        self, request: PageRequest, *, jurisdiction: str | None = None, category: str | None = None
    ) -> Page:
        """Return one page of rates; each filter narrows, None does not."""
        statement = self.select()
        if jurisdiction is not None:
            statement = statement.where(TaxRate.jurisdiction == jurisdiction)
        if category is not None:
            statement = statement.where(TaxRate.category == category)
        return self.page(statement, request)
