"""/api/exchange-rates."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.exchange_rates.models import SORTS
from mbs.exchange_rates.schemas import (
    EXAMPLE,
    ChangeExchangeRate,
    CreateExchangeRate,
    ExchangeRatePage,
    ExchangeRateQuery,
    ExchangeRateView,
    present,
)
from mbs.exchange_rates.service import ExchangeRateService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "exchange_rates",
    __name__,
    url_prefix="/api/exchange-rates",
    description="What currencies are worth in each other, for reports alone: no invoice is converted.",
)


@blueprint.get("")
@requires("settings:read")
@blueprint.arguments(ExchangeRateQuery, location="query")
@blueprint.response(200, ExchangeRatePage)
def index(query: dict[str, Any]) -> Response:
    """List exchange rates, the latest day first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "exchange-rates", SORTS)
    page = resolve(ExchangeRateService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("settings:write")
@blueprint.arguments(CreateExchangeRate, example=EXAMPLE)
@blueprint.response(201, ExchangeRateView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Add an exchange rate.

    It holds from its day until that of the pair's next one. A report that finds no rate of a pair divides by
    that of the opposite pair; with neither it refuses, 409 `NO_EXCHANGE_RATE`.
    """
    rate = resolve(ExchangeRateService).create(**body)
    view = present(rate, current_scope().tenant_id)
    return answer(view, 201, version=rate.version, location=f"/api/exchange-rates/{rate.id}")


@blueprint.get("/<id:exchange_rate_id>")
@requires("settings:read")
@conditional
@blueprint.response(200, ExchangeRateView)
def read(exchange_rate_id: UUID) -> Response:
    """Read an exchange rate."""
    rate = resolve(ExchangeRateService).read(id_=exchange_rate_id)
    return answer(present(rate, current_scope().tenant_id), version=rate.version)


@blueprint.patch("/<id:exchange_rate_id>")
@requires("settings:write")
@conditional
@blueprint.arguments(ChangeExchangeRate, example={"rate": "83.2"})
@blueprint.response(200, ExchangeRateView)
@replayable
def update(body: dict[str, Any], exchange_rate_id: UUID) -> Response:
    """Correct an exchange rate. Its currencies and its day stay: another day is another rate."""
    rate = resolve(ExchangeRateService).change(id_=exchange_rate_id, version=expected_version(), **body)
    return answer(present(rate, current_scope().tenant_id), version=rate.version)


@blueprint.delete("/<id:exchange_rate_id>")
@requires("settings:write")
@conditional
@blueprint.response(204)
def remove(exchange_rate_id: UUID) -> Response:
    """Remove an exchange rate. Reports of its days take the one before it."""
    resolve(ExchangeRateService).remove(id_=exchange_rate_id, version=expected_version())
    return no_content()
