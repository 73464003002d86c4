"""What could be had instead of what was refused."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mbs.availability.models import rules, times
from mbs.availability.models.offer import STAFF, Offer
from mbs.availability.models.slots import alternatives, free_slots
from mbs.availability.repository import AvailabilityRepository
from mbs.foundation.db import Transaction
from mbs.reservations.models.actors import Actor

DAYS = timedelta(days=7)
"""How far behind the time that was wanted others are looked for."""


def nearest(
    transaction: Transaction, offer: Offer, wanted: datetime, *, party_size: int, actor: Actor, at: datetime
) -> list[Mapping[str, Any]]:
    """Return up to three starts of an appointment, none before the wanted one, each with who has time."""
    first = max(wanted, rules.earliest(offer.policy, at, exempt=actor.exempt))
    last = first + DAYS
    limit = rules.latest(offer.policy, at, exempt=actor.exempt)
    if limit is not None:
        last = min(last, limit)
    if last <= first or not offer.candidates:
        return []
    around = timedelta(days=1)
    begin, end = first - around, last + around
    availability = AvailabilityRepository(transaction)
    slots = free_slots(
        offer,
        availability.hours(offer.candidates, begin, end),
        availability.taken(offer.candidates, begin, end, at=at),
        first=times.seconds(first),
        last=times.seconds(last),
        party_size=party_size,
    )
    return [
        {"startAt": times.instant(start), "staffId" if lead.kind == STAFF else "resourceId": lead.id}
        for start, lead in alternatives(slots, times.seconds(wanted))
    ]
