"""What the body of a request asks for, with the services that it names."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mbs.availability.errors import RangeTooLong
from mbs.availability.models.offer import Offer
from mbs.availability.repository import AvailabilityRepository
from mbs.catalog.errors import NoResourceForService
from mbs.foundation.db import Transaction
from mbs.foundation.errors import FieldFault, Forbidden, Invalid
from mbs.reservations.models.actors import Actor
from mbs.reservations.models.rules import refuse_apart, refuse_unchosen
from mbs.reservations.models.wishes import STAY, Nights, When, Wish, when
from mbs.reservations.repository import StaffRepository

LONGEST_STAY = 366


def wishes(transaction: Transaction, asked: Mapping[str, Any], actor: Actor) -> list[Wish]:
    """Return what a body asks for, each service narrowed to those who may be meant.

    :raises InvalidReference: if it names what the business does not have.
    :raises Invalid: if service and time do not go together, or nobody was chosen where somebody must be.
    :raises RangeTooLong: if the services are too far apart.
    :raises ServiceInactive: if a service is not offered at present.
    :raises NoResourceForService: if nobody, or not whoever was asked for, does a service.
    :raises Forbidden: if somebody books for others who may do so only for themselves.
    """
    me = own_resource(transaction, actor)
    availability = AvailabilityRepository(transaction)
    offers: dict[tuple[UUID | None, ...], Offer] = {}
    found: list[Wish] = []
    for number, item in enumerate(asked.get("items") or [asked]):
        path = f"items.{number}." if "items" in asked else ""
        staff_id = item.get("staff_id")
        if me is not None:
            if staff_id not in (None, me):
                raise Forbidden("Your role allows you to book for yourself alone.")
            staff_id = me
        chosen = {"staffId": staff_id, "resourceId": item.get("resource_id")}
        named = (item["service_id"], staff_id, item.get("resource_id"))
        if named not in offers:
            offers[named] = availability.offer(
                named[0],
                staff_id=staff_id,
                resource_id=named[2],
                location_id=asked.get("location_id"),
                path=path,
            )
        offer = offers[named]
        time = when(item, path=path) or (when(asked) if number == 0 else None)
        refuse_unfit(offer, time, path=path)
        offer.refuse_inactive()
        offer.refuse_party(asked["party_size"])
        refuse_missing(offer, chosen, path=path)
        wish = Wish(offer=offer, when=time)
        refuse_unchosen(wish, chosen=any(one.id in named for one in offer.leads), path=path)
        found.append(wish)
    refuse_apart(found)
    return found


def own_resource(transaction: Transaction, actor: Actor) -> UUID | None:
    """Return the resource that an actor must book; None: any.

    :raises Forbidden: if they may book for themselves alone and are no resource.
    """
    if actor.only_of is None:
        return None
    found = StaffRepository(transaction).of_person(actor.only_of)
    if found is None:
        raise Forbidden("Your role allows you to book for yourself alone, and nobody of the staff is you.")
    return found


def refuse_unfit(offer: Offer, time: When | None, *, path: str) -> None:
    """Refuse a time that is not of the kind that the service has.

    :raises Invalid: if it is not.
    :raises RangeTooLong: if a stay is.
    """
    nights = isinstance(time, Nights)
    if offer.mode == "session":
        message = "A class is booked by its sessionId."
        raise Invalid(errors=[FieldFault(f"{path}serviceId", "invalid", message)])
    if offer.mode == STAY and not nights:
        message = "A stay needs checkIn and checkOut."
        raise Invalid(errors=[FieldFault(f"{path}checkIn", "required", message)])
    if offer.mode != STAY and nights:
        message = "Only a stay has nights; send startAt."
        raise Invalid(errors=[FieldFault(f"{path}checkIn", "invalid", message)])
    if isinstance(time, Nights) and (time.check_out - time.check_in).days > LONGEST_STAY:
        message = f"Must be at most {LONGEST_STAY} days after checkIn."
        raise RangeTooLong(errors=[FieldFault("checkOut", "range_too_long", message)])


def refuse_missing(offer: Offer, chosen: Mapping[str, UUID | None], *, path: str) -> None:
    """Refuse a service that nobody does, or not whoever was chosen.

    :param chosen: by its field on the wire.
    :raises NoResourceForService: if so.
    """
    doing = {one.id for kind in offer.needed_kinds for one in offer.of_kind(kind)}
    faults = [
        FieldFault(f"{path}{field}", "not_offered", "Does not do this service, or not at that location.")
        for field, id_ in chosen.items()
        if id_ is not None and id_ not in doing
    ]
    if faults:
        raise NoResourceForService(errors=faults)
    offer.refuse_unstaffed()


def policies(them: Sequence[Wish]) -> list[Mapping[str, Any]]:
    return [wish.offer.policy for wish in them]
