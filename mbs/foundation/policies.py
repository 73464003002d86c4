"""The rules that a business sets for itself, and what they are until it does (domain 2.9)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mbs.foundation.money import refuse_finer

BOOKING_POLICY: Mapping[str, Any] = {
    "requiresApproval": False,
    "pendingTtlMin": 1440,
    "slotIntervalMin": 15,
    "minNoticeMin": 60,
    "maxAdvanceDays": 90,
    "cancelNoticeMin": 120,
    "rescheduleNoticeMin": 120,
    "maxReschedules": 3,
    "lateCancelFee": {"type": "none", "value": "0"},
    "noShowFee": {"type": "none", "value": "0"},
    "depositPercent": "0",
    "holdMin": 10,
    "maxPerCustomerPerDay": None,
    "checkInTime": "14:00",
    "checkOutTime": "11:00",
    "assignment": "first_free",
    "firstDayOfWeek": 1,
}
"""The rules of bookings and their defaults. A service may override each but the last."""


def booking_policy(settings: Mapping[str, Any], service: Mapping[str, Any]) -> dict[str, Any]:
    """Return every rule of bookings: the service's own before the business's before the default."""
    return {**BOOKING_POLICY, **settings.get("booking", {}), **service}


INVOICING: Mapping[str, Any] = {
    "taxMode": "exclusive",
    "roundingScope": "document",
    "cashRounding": None,
    "dueDays": 0,
    "numberPatterns": {
        "invoice": "{LOC}/{FY}/{SEQ:5}",
        "creditNote": "CN{FY}/{SEQ:5}",
        "payment": "RCP/{FY}/{SEQ:5}",
    },
    "voidSamePeriodOnly": None,
    "terms": None,
    "footer": None,
    "upiId": None,
    "brandColor": None,
}
"""The rules of invoices and their defaults. `voidSamePeriodOnly`: None is what the country demands."""


def check_fees(policy: Mapping[str, Any], currency: str, *, field: str) -> None:
    """Refuse fees that a currency cannot pay.

    :param policy: rules of bookings, of a business or of a service.
    :param field: where they are on the wire.
    :raises Invalid: if a fee has more decimals than the currency.
    """
    for name in ("lateCancelFee", "noShowFee"):
        fee = policy.get(name)
        if fee is not None and fee["type"] == "fixed":
            refuse_finer(Decimal(fee["value"]), currency, field=f"{field}.{name}.value")


SETTINGS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "booking": BOOKING_POLICY,
    "customers": {"uniqueEmail": False, "uniquePhone": False},
    "invoicing": INVOICING,
    "security": {"secondFactor": "optional"},
}
"""Groups and keys of the tenant's settings, as they stand on the wire and in the column."""


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with every key of every group."""
    return {group: {**keys, **settings.get(group, {})} for group, keys in SETTINGS_DEFAULTS.items()}
