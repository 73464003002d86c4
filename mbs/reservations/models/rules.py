"""Who may book how early, how late and how often: a business's own people nearly always, others as told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mbs.availability.errors import RangeTooLong
from mbs.availability.models import rules
from mbs.availability.models.offer import STAFF, Offer
from mbs.foundation import local_time
from mbs.foundation.errors import FieldFault, Invalid, InvalidState
from mbs.reservations.errors import NoticeTooShort, RescheduleLimit, TooFarAhead
from mbs.reservations.models.places import Place, times
from mbs.reservations.models.wishes import STAY, Nights, Wish

GRACE = timedelta(minutes=5)
"""How long ago something may have begun that people of the business write down."""

FURTHEST_APART = timedelta(days=366)


def refuse_times(wishes: Sequence[Wish], now: datetime, *, exempt: bool) -> None:
    """Refuse what starts too early or too late to be booked now.

    :param wishes: each with somebody or something that can do it.
    :param exempt: whether the caller is of the business, whom only the past binds.
    :raises NoticeTooShort: if something starts earlier than may be booked, or has begun.
    :raises TooFarAhead: if something starts later.
    :raises NonexistentLocalTime: if clocks there never show its local time.
    """
    for wish in wishes:
        if wish.when is None:
            continue
        lead = wish.offer.leads[0]
        if isinstance(wish.when, Nights) and exempt:
            # Who arrives late in the evening still books this night.
            if wish.when.check_in < local_time.local(now, lead.timezone).date():
                raise NoticeTooShort("That night is over.")
            continue
        refuse_start(wish.offer.policy, times(wish, lead, None)[0], now, exempt=exempt)


def refuse_places(places: Iterable[Place], now: datetime, *, exempt: bool) -> None:
    """Refuse places whose start was not known before they were found.

    One service follows another, and a local time is another instant at another location.

    :raises NoticeTooShort: if one starts earlier than may be booked, or is over.
    :raises TooFarAhead: if one starts later.
    """
    for place in places:
        if place.offer.mode != STAY or not exempt:
            refuse_start(place.offer.policy, place.start, now, exempt=exempt)


def refuse_start(policy: Mapping[str, Any], start: datetime, now: datetime, *, exempt: bool) -> None:
    """Refuse one start likewise.

    :raises NoticeTooShort: if it is earlier than may be booked, or over.
    :raises TooFarAhead: if it is later.
    """
    if exempt:
        if start < now - GRACE:
            raise NoticeTooShort("That time is over.")
        return
    refused = rules.too_early_or_late(policy, start, now, exempt=False)
    if refused == "notice":
        raise NoticeTooShort
    if refused is not None:
        raise TooFarAhead


def refuse_move(policies: Iterable[Mapping[str, Any]], booking: Any, now: datetime) -> None:
    """Refuse to move a booking for somebody who is not of the business.

    :raises NoticeTooShort: if it starts too soon for that.
    :raises RescheduleLimit: if it was moved as often as is allowed.
    """
    for policy in policies:
        if booking.reschedule_count >= policy["maxReschedules"]:
            raise RescheduleLimit
        if now > booking.start_at - timedelta(minutes=policy["rescheduleNoticeMin"]):
            raise NoticeTooShort("It starts too soon to be moved.")


def refuse_apart(wishes: Sequence[Wish]) -> None:
    """Refuse services of one booking that are years apart: all that lies between them would be read.

    :param wishes: each with somebody or something that can do it.
    :raises RangeTooLong: if they are.
    """
    starts = [times(wish, wish.offer.leads[0], None)[0] for wish in wishes if wish.when is not None]
    if max(starts) - min(starts) > FURTHEST_APART:
        message = f"Must lie within {FURTHEST_APART.days} days; make several bookings of them."
        raise RangeTooLong(errors=[FieldFault("items", "range_too_long", message)])


def refuse_unapproved(offer: Offer, booking: Any) -> None:
    """Refuse to move a seat that is agreed on to a class of another service, which asks for approval.

    :raises InvalidState: if it would be had without.
    """
    other = UUID(booking.items[0]["service_id"]) != offer.service_id
    if other and offer.policy["requiresApproval"] and booking.status == "confirmed":
        raise InvalidState("That class needs the business's approval: book it, and cancel this one.")


def refuse_unchosen(wish: Wish, *, chosen: bool, path: str) -> None:
    """Refuse a wish that leaves open who does it, where the business wants its customers to say so.

    :raises Invalid: if nobody is named.
    """
    if wish.offer.lead_kind == STAFF and wish.offer.policy["assignment"] == "requested" and not chosen:
        raise Invalid(errors=[FieldFault(f"{path}staffId", "required", "Say who is to do it.")])


def waits(policies: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    """Return until when a booking waits for somebody to confirm it; None: it needs nobody to."""
    times_to_live = [policy["pendingTtlMin"] for policy in policies if policy["requiresApproval"]]
    return now + timedelta(minutes=min(times_to_live)) if times_to_live else None


def most_a_day(policies: Iterable[Mapping[str, Any]]) -> int | None:
    """Return how many bookings a customer may have on one day; None: any number."""
    limits = [policy["maxPerCustomerPerDay"] for policy in policies]
    return min((limit for limit in limits if limit is not None), default=None)
