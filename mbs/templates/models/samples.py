"""What a message could say: the values of a preview."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

from mbs.foundation.money import shown
from mbs.templates.models.catalog import TemplateKey

START = datetime(2026, 3, 6, 10, 30, tzinfo=UTC)


def sample_values(template: TemplateKey, *, business: str, locale: str, currency: str) -> Mapping[str, str]:
    """Return a value for everything that a message may name, as it is read in a language."""
    try:
        known = Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        known = Locale("en")

    def moment(at: datetime) -> str:
        return f"{format_date(at, 'full', locale=known)}, {format_time(at, 'short', locale=known)}"

    def money(amount: int) -> str:
        return f"{currency} {shown(Decimal(amount), currency)}"

    values = {
        "business": business,
        "customer": "Asha Rao",
        "service": "Haircut",
        "staff": "Maya",
        "location": "Bandra",
        "reference": "BK-7Q2M4X",
        "startLocal": moment(START),
        "previousStartLocal": moment(START.replace(day=5)),
        "offerExpiresLocal": moment(START.replace(day=4)),
        "reason": "The room is being repaired.",
        "manageUrl": "https://example.com/manage-booking#reference=BK-7Q2M4X",
        "payUrl": "https://example.com/pay-invoice#invoice=42",
        "number": "MAIN/26-27/00042",
        "total": money(1180),
        "amountDue": money(680),
        "amount": money(500),
        "dueDate": str(format_date(date(2026, 3, 20), "long", locale=known)),
        "metric": "notifications.email",
        "used": "800",
        "limit": "1000",
        "url": "https://example.com/hooks/bookings",
        "count": "3",
    }
    return {name: values[name] for name in template.variables}
