"""What messages name, as it is read: in the recipient's language, at the clock of the place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format

from mbs.foundation.local_time import local
from mbs.foundation.money import shown
from mbs.mail.models import harmless


@lru_cache(maxsize=256)
def known_locale(name: str) -> Locale:
    """Return what CLDR knows of a locale like `en-IN`; of one that it does not know, English."""
    try:
        return Locale.parse(name, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def day(on: date, locale: str) -> str:
    return str(format_date(on, "long", locale=known_locale(locale)))


def moment(at: datetime, timezone: str, locale: str) -> str:
    """Write an instant with its day of the week, at the clock of a time zone."""
    known, wall = known_locale(locale), local(at, timezone)
    # Quotes are around words of the pattern: "{1} 'at' {0}".
    both = str(get_datetime_format("medium", locale=known)).replace("'", "")
    shown_day = format_date(wall, "full", locale=known)
    return both.replace("{1}", shown_day).replace("{0}", format_time(wall, "short", locale=known))


def money(amount: Decimal, currency: str) -> str:
    return f"{currency} {shown(amount, currency)}"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the variables of one business's messages. What has no value is left out.

    `pages` is where customers look after what is theirs; "": there is no such place.
    """

    business: str
    pages: str

    def booking(self, facts: Any, locale: str, *, previous_start: datetime | None = None) -> dict[str, str]:
        return self._given(
            customer=harmless(facts.customer_name),
            location=facts.location_name,
            service=", ".join(facts.services or ()),
            staff=", ".join(dict.fromkeys(one["name"] for one in facts.staff or ())),
            reference=facts.reference,
            startLocal=moment(facts.start_at, facts.timezone, locale),
            previousStartLocal=previous_start and moment(previous_start, facts.timezone, locale),
            reason=facts.cancel_reason,
            manageUrl=self.pages and f"{self.pages}/manage-booking#reference={facts.reference}",
        )

    def offer(self, facts: Any, locale: str) -> dict[str, str]:
        """Write those of seats that are held as a booking, until it expires."""
        ends = moment(facts.expires_at, facts.timezone, locale)
        return self.booking(facts, locale) | {"offerExpiresLocal": ends}

    def document(self, facts: Any, locale: str) -> dict[str, str]:
        is_invoice = facts.type == "invoice"
        return self._given(
            customer=harmless(facts.customer_name),
            location=facts.location_name,
            number=facts.number,
            total=money(facts.total, facts.currency),
            amountDue=is_invoice and money(facts.amount_due, facts.currency),
            dueDate=is_invoice and facts.due_date and day(facts.due_date, locale),
            reason=facts.reason,
            payUrl=is_invoice and self.pages and f"{self.pages}/pay-invoice#invoice={facts.id}",
        )

    def payment(self, facts: Any, moved: Mapping[str, Any]) -> dict[str, str]:
        """Write those of money that came in, or went back.

        :param facts: of the payment.
        :param moved: the payment, or the refund, as its event tells of it.
        """
        return self._given(
            customer=harmless(facts.customer_name),
            location=facts.location_name,
            number=facts.number,
            amount=money(Decimal(moved["amount"]), moved["currency"]),
            reason=moved.get("reason"),
        )

    def digest(self, told: Mapping[str, Any], count: int) -> dict[str, str]:
        """Write those of what owners are told once a day.

        :param told: the object of the last such event.
        :param count: of such events since the last time.
        """
        names = {
            "metric": "metric",
            "used": "used",
            "limit": "limit",
            "url": "url",
            "reason": "disabled_reason",
        }
        said = {name: str(told[key]) for name, key in names.items() if told.get(key) is not None}
        return self._given(count=str(count), **said)

    def _given(self, **values: Any) -> dict[str, str]:
        # Names come from strangers, and reach other strangers' mailboxes.
        given = {name: str(value) for name, value in values.items() if value}
        return {"business": harmless(self.business), **given}
