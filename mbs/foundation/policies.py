"""The rules that a business sets for itself, and what they are until it does (domain 2.9)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.money import refuse_finer
from mbs.foundation.number_patterns import fault_of

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


def invoicing_rules(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return every rule of invoices: the business's own before the default."""
    return layered(INVOICING, settings.get("invoicing", {}))


def void_same_period_only(rules: Mapping[str, Any], country: str) -> bool:
    """Tell whether an invoice is void only in the month of its issue.

    Where the business does not say, it is so in India: what a month's return has reported is taken back by a
    credit note (CGST Act, section 34).
    """
    own: bool | None = rules["voidSamePeriodOnly"]
    return country == "IN" if own is None else own


def check_invoicing(rules: Mapping[str, Any], *, country: str, currency: str) -> None:
    """Refuse rules of invoices that a business's country or currency does not allow.

    :param rules: those that are to change.
    :raises Invalid: if cash is rounded finer than the currency is, or a pattern makes longer numbers than the
        law allows.
    """
    if rules.get("cashRounding") is not None:
        refuse_finer(Decimal(rules["cashRounding"]), currency, field="invoicing.cashRounding")
    faults = []
    for name, pattern in rules.get("numberPatterns", {}).items():
        fault = fault_of(pattern, country=country)
        if fault is not None:
            faults.append(FieldFault(f"invoicing.numberPatterns.{name}", "invalid", fault))
    if faults:
        raise Invalid(errors=faults)


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


_OF_BOOKINGS = ("confirmed", "pending", "rescheduled", "cancelled", "declined")

NOTIFICATION_RULES = (
    *(f"booking.{name}" for name in _OF_BOOKINGS),
    *(f"booking.{name}.staff" for name in _OF_BOOKINGS),
    *("booking.reminder_24h", "booking.reminder_2h", "booking.no_show", "booking.feedback"),
    *("waitlist.offered", "session.cancelled"),
    *("invoice.issued", "invoice.sent", "invoice.due_soon"),
    *("invoice.overdue_1", "invoice.overdue_7", "invoice.overdue_15"),
    *("payment.received", "refund.succeeded", "credit_note.issued"),
    *("usage.threshold", "webhook.disabled", "notification.failed"),
)
"""The keys of the rules by which events become messages; a business can turn each off."""

NOTIFICATIONS: Mapping[str, Any] = {
    "channels": ["whatsapp", "email"],
    "quietHours": {"from": "21:00", "to": "09:00"},
    "replyTo": None,
    "senderName": None,
    "digestHour": 8,
    "rules": {},
}
"""How messages are sent. `senderName`: None is the business's name. A rule not named is on."""


def notification_rules(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return every rule of messages: the business's own before the default."""
    return layered(NOTIFICATIONS, settings.get("notifications", {}))


SETTINGS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "booking": BOOKING_POLICY,
    "customers": {"uniqueEmail": False, "uniquePhone": False},
    "invoicing": INVOICING,
    "notifications": NOTIFICATIONS,
    "security": {"secondFactor": "optional"},
}
"""Groups and keys of the tenant's settings, as they stand on the wire and in the column."""


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with every key of every group."""
    return {group: layered(keys, settings.get(group, {})) for group, keys in SETTINGS_DEFAULTS.items()}


def layered(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two layers of settings say together, the upper one before the lower, key by key."""
    said = {**below, **above}
    for name in below.keys() & above.keys():
        if isinstance(below[name], Mapping) and isinstance(above[name], Mapping):
            said[name] = layered(below[name], above[name])
    return said
