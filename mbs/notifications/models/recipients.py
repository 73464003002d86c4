"""Who gets a message, at which of their addresses."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from mbs.consents.models import address_key


def digest_of(channel: str, address: str) -> str:
    """Return what stands for an address where nobody shall read it: SHA-256 of channel and address."""
    return hashlib.sha256(f"{channel}:{address_key(channel, address)}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One person. `email` or `phone` may be missing; `opted_in` is whether WhatsApp is welcome."""

    email: str | None
    locale: str
    timezone: str
    phone: str | None = None
    customer_id: UUID | None = None
    opted_in: bool = False

    def at(self, email: str) -> Self:
        """Return the same person with another address."""
        return replace(self, email=email)

    def reached(self, order: Sequence[str]) -> list[tuple[str, str]]:
        """Return the channels on which they can be reached, with the addresses, the first to try first.

        WhatsApp without an opt-in is one only where there is no other: so that the business reads why
        nothing went out.

        :param order: the channels that may be tried, in this order.
        """
        known = {"email": self.email, "whatsapp": self.phone}
        open_ = [(channel, address) for channel in order if (address := known[channel])]
        welcome = [one for one in open_ if one[0] != "whatsapp" or self.opted_in]
        return welcome or open_
