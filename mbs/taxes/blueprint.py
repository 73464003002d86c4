"""/api/tax-rates."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.taxes.models.own_rates import SORTS
from mbs.taxes.schemas import (
    EXAMPLE,
    ChangeTaxRate,
    CreateTaxRate,
    EffectiveQuery,
    EffectiveTaxRates,
    TaxRatePage,
    TaxRateQuery,
    TaxRateView,
    present,
    present_effective,
)
from mbs.taxes.service import TaxService

blueprint = Blueprint(
    "taxes",
    __name__,
    url_prefix="/api/tax-rates",
    description="Tax rates by date: those of the law that come with the service, and your own before them.",
)


@blueprint.get("")
@requires("settings:read")
@blueprint.arguments(TaxRateQuery, location="query")
@blueprint.response(200, TaxRatePage)
def index(query: dict[str, Any]) -> Response:
    """List your own tax rates, the newest first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "tax-rates", SORTS)
    page = resolve(TaxService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.get("/effective")
@requires("settings:read")
@blueprint.arguments(EffectiveQuery, location="query")
@blueprint.response(200, EffectiveTaxRates)
def effective(query: dict[str, Any]) -> Response:
    """List the rate of each category that holds at a location on a day, with its source."""
    return answer(present_effective(*resolve(TaxService).effective(**query)))


@blueprint.post("")
@requires("settings:write")
@blueprint.arguments(CreateTaxRate, example=EXAMPLE)
@blueprint.response(201, TaxRateView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Add a tax rate of your own, which goes before the one that comes with the service.

    Two rates of a category for the same place never hold on one day, 409 `CONFLICT`: end the one first.
    """
    rate = resolve(TaxService).create(**body)
    view = present(rate, current_scope().tenant_id)
    return answer(view, 201, version=rate.version, location=f"/api/tax-rates/{rate.id}")


@blueprint.get("/<id:tax_rate_id>")
@requires("settings:read")
@conditional
@blueprint.response(200, TaxRateView)
def read(tax_rate_id: UUID) -> Response:
    """Read a tax rate of your own."""
    rate = resolve(TaxService).read(id_=tax_rate_id)
    return answer(present(rate, current_scope().tenant_id), version=rate.version)


@blueprint.patch("/<id:tax_rate_id>")
@requires("settings:write")
@conditional
@blueprint.arguments(ChangeTaxRate, example={"source": EXAMPLE["source"]})
@blueprint.response(200, TaxRateView)
@replayable
def update(body: dict[str, Any], tax_rate_id: UUID) -> Response:
    """End a tax rate, or say where it comes from. What it was stays: another percentage is another rate."""
    rate = resolve(TaxService).change(id_=tax_rate_id, version=expected_version(), **body)
    return answer(present(rate, current_scope().tenant_id), version=rate.version)


@blueprint.delete("/<id:tax_rate_id>")
@requires("settings:write")
@conditional
@blueprint.response(204)
def remove(tax_rate_id: UUID) -> Response:
    """Remove a tax rate whose first day is yet to come; one that has held is ended, 409 `IN_USE`."""
    resolve(TaxService).remove(id_=tax_rate_id, version=expected_version())
    return no_content()
