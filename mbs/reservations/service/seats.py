"""Seats of group classes."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.allocations.errors import SessionFull
from mbs.allocations.models import pick
from mbs.allocations.repository import AllocationRepository
from mbs.availability.models import rules
from mbs.availability.models.offer import Candidate, Span
from mbs.availability.repository import AvailabilityRepository
from mbs.foundation.db import Transaction
from mbs.foundation.errors import FieldFault, Forbidden, InvalidReference, InvalidState, NotFound
from mbs.reservations.models.actors import Actor
from mbs.reservations.models.places import Place, Taking
from mbs.reservations.models.rules import refuse_start
from mbs.reservations.repository import GroundRepository
from mbs.resources.models import SESSION
from mbs.sessions.repository import SessionRepository

SeatsFreed = Callable[[Transaction, UUID, datetime], None]
"""Tells those who wait for seats of a class that some are free."""


def lock(transaction: Transaction, session_id: UUID) -> Row[Any]:
    """Return a class, locked with its seats.

    :raises InvalidReference: if there is none.
    """
    try:
        return SessionRepository(transaction).lock(session_id)
    except NotFound:
        message = "There is no such class."
        raise InvalidReference(errors=[FieldFault("sessionId", "invalid_reference", message)]) from None


def find(
    transaction: Transaction,
    session: Row[Any],
    *,
    party_size: int,
    actor: Actor,
    overrides: Collection[str],
    ground: GroundRepository,
    at: datetime,
) -> Place:
    """Return seats for a party in a class that is locked.

    :param ground: frees the seats of holds that are over.
    :raises Forbidden: if the actor books for themselves alone, and somebody else gives the class.
    :raises InvalidState: if the class is over or cancelled.
    :raises NoticeTooShort: if it begins too soon.
    :raises TooFarAhead: if it begins too late.
    :raises SessionFull: if it has too few seats left.
    """
    if actor.only_of is not None:
        try:
            SessionRepository(transaction).view(session.id, at=at, only_of=actor.only_of)
        except NotFound:
            raise Forbidden("Your role allows you to book for yourself alone.") from None
    if session.status != "scheduled":
        raise InvalidState(f"The class is {session.status}.")
    offer = AvailabilityRepository(transaction).offer(session.catalog_item_id)
    if "notice" not in overrides:
        refuse_start(offer.policy, session.start_at, at, exempt=actor.exempt)
    rows = AllocationRepository(transaction).taken(
        [session.id], from_=session.start_at, to=session.end_at, at=at, with_expired=True
    )
    slots = pick(
        ground.free_expired(rows).get(session.id, ()),
        start=session.start_at,
        end=session.end_at,
        slots=session.capacity if "capacity" in overrides else session.bookable_capacity,
        count=party_size,
    )
    if slots is None:
        raise SessionFull
    seats = Candidate(
        id=session.id,
        kind=SESSION,
        name=session.name,
        location_id=session.location_id,
        timezone=session.timezone,
        capacity=session.capacity,
        bookable_capacity=session.bookable_capacity,
    )
    times = (session.start_at, session.end_at)
    minutes = (session.end_at - session.start_at) // timedelta(minutes=1)
    return Place(
        offer=offer,
        lead=seats,
        start=session.start_at,
        end=session.end_at,
        quantity=rules.quantity(SESSION, offer.price_unit, party_size=party_size, minutes=minutes),
        unit_price=offer.price,
        takings=[Taking(seats, Span(SESSION, 1, *times, *times), slot) for slot in slots],
    )


def alternatives(
    transaction: Transaction, session_id: UUID, *, party_size: int, at: datetime
) -> list[Mapping[str, Any]]:
    """Return up to three later classes of the same kind that have seats for a party."""
    sessions = SessionRepository(transaction)
    full = sessions.view(session_id, at=at)
    later = sessions.upcoming(
        full.catalog_item_id, from_=max(full.start_at, at), to=full.start_at + timedelta(days=31), at=at
    )
    found = [one for one in later if one.remaining >= party_size and one.id != session_id]
    return [{"sessionId": one.id, "startAt": one.start_at} for one in found[:3]]
