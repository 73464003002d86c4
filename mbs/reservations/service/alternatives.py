"""What could be had instead of what was refused."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from mbs.allocations.repository import AllocationRepository
from mbs.availability.models import rules, times
from mbs.availability.models.offer import STAFF, Offer
from mbs.availability.models.slots import MOST_ALTERNATIVES, alternatives, free_slots
from mbs.availability.models.stays import Search, stay_times
from mbs.availability.repository import AvailabilityRepository
from mbs.foundation.db import Transaction
from mbs.reservations.models.actors import Actor
from mbs.reservations.models.wishes import Nights

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


def beds(
    transaction: Transaction, offer: Offer, nights: Nights, *, party_size: int, actor: Actor, at: datetime
) -> list[Mapping[str, Any]]:
    """Return up to three places that are free for all nights of a stay, the cheapest first."""
    if not offer.candidates:
        return []
    availability, around = AvailabilityRepository(transaction), timedelta(days=2)
    dates = (nights.check_in, nights.check_out)
    spans = [stay_times(offer.policy, *dates, lead.timezone) for lead in offer.leads]
    begin, end = min(start for start, _ in spans) - around, max(end for _, end in spans) + around
    taken: dict[UUID, list[Any]] = defaultdict(list)
    ids = [one.id for one in offer.candidates]
    for row in AllocationRepository(transaction).taken(ids, from_=begin, to=end, at=at):
        taken[row.resource_id].append(row)
    search = Search(
        offer=offer,
        hours=availability.hours(offer.candidates, begin, end),
        taken=taken,
        check_in=nights.check_in,
        check_out=nights.check_out,
        party_size=party_size,
        now=at,
        exempt=actor.exempt,
    )
    found = ((one.lead, stay_times(offer.policy, *dates, one.lead.timezone)[0]) for one in search.options())
    return [{"startAt": start, "resourceId": lead.id} for lead, start in islice(found, MOST_ALTERNATIVES)]
