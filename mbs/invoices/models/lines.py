"""From the items of a request to the columns of lines."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.catalog.errors import ServiceInactive
from mbs.foundation.errors import FieldFault, Invalid, InvalidReference
from mbs.invoices.models.pricing import refuse_finer_lines
from mbs.taxes.models.rates import STANDARD


def unit_of(price_unit: str) -> str | None:
    """Return what a quantity counts, by what a price is for; None: times that something was booked."""
    return None if price_unit == "booking" else price_unit


def discount_columns(discount: Mapping[str, Any] | None) -> dict[str, Decimal | None]:
    """Return the columns of a discount as a request has it; None: of none."""
    value = {discount["type"]: discount["value"]} if discount else {}
    return {"discount_percent": value.get("percent"), "discount_amount": value.get("amount")}


def lines_of(
    items: Sequence[Mapping[str, Any]], services: Mapping[UUID, Any], currency: str
) -> list[dict[str, Any]]:
    """Return the lines that items ask for; what an item does not say, its service does.

    :param services: rows of `ServiceRepository`, by id.
    :raises InvalidReference: if an item names a service that there is not.
    :raises ServiceInactive: if a service is not offered.
    :raises Invalid: if a price is finer than the currency, or in another one.
    """
    unknown = [
        FieldFault(f"items.{number}.serviceId", "invalid_reference", "There is no such service.")
        for number, item in enumerate(items)
        if item.get("service_id") is not None and item["service_id"] not in services
    ]
    if unknown:
        raise InvalidReference(errors=unknown)
    lines = [
        _line(item, services.get(item.get("service_id")), currency, f"items.{number}")  # type: ignore[arg-type]
        for number, item in enumerate(items)
    ]
    refuse_finer_lines(lines, currency)
    return lines


def keeping_sources(
    lines: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return lines that bill what the lines before them billed, so that nobody bills it once more.

    A line takes the place of the first one of the same service, or without one of the same description. What
    no line takes the place of is free to be billed elsewhere.
    """
    left = [line for line in before if line["source_id"] is not None]
    kept: list[Mapping[str, Any]] = []
    for line in lines:
        same = "description" if line["catalog_item_id"] is None else "catalog_item_id"
        found = next((one for one in left if one[same] == line[same]), None)
        if found is not None:
            left.remove(found)
            line = {**line, "source_type": found["source_type"], "source_id": found["source_id"]}
        kept.append(line)
    return kept


def _line(item: Mapping[str, Any], service: Any, currency: str, field: str) -> dict[str, Any]:
    if service is not None and not service.active:
        message = "This service is not offered at present."
        raise ServiceInactive(errors=[FieldFault(f"{field}.serviceId", "invalid", message)])
    price = item.get("unit_price")
    if price is None and service.currency != currency:
        message = f"The service costs {service.currency}; say what it costs in {currency}."
        raise Invalid(errors=[FieldFault(f"{field}.unitPrice", "required", message)])
    return {
        "id": uuid7(),
        "catalog_item_id": item.get("service_id"),
        "description": item.get("description") or service.name,
        "quantity": item["quantity"],
        "unit": item.get("unit") or (unit_of(service.price_unit) if service else None),
        "unit_price": price if price is not None else service.price,
        **discount_columns(item.get("discount")),
        "tax_category": item.get("tax_category") or (service.tax_category if service else STANDARD),
        "sac_hsn": item.get("sac_hsn") or (service.sac_hsn if service else None),
        "supply_rule": item.get("supply_rule") or (service.supply_rule if service else None),
    }
