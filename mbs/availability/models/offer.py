"""A service with everything that decides when it can be had: its rules, and who and what can do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from mbs.catalog.errors import NoResourceForService, ServiceInactive
from mbs.catalog.models import Need, needs
from mbs.foundation.errors import FieldFault, Invalid
from mbs.resources.models import KINDS

STAFF = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A resource that can do the service; `price` and `duration_min` are its own, None: the service's."""

    id: UUID
    kind: str
    name: str
    location_id: UUID
    timezone: str
    """The location's."""
    parent_id: UUID | None = None
    capacity: int = 1
    bookable_capacity: int = 1
    tags: frozenset[str] = frozenset()
    price: Decimal | None = None
    duration_min: int | None = None

    def takes(self, party_size: int) -> int:
        """Return how many of its slots a party takes.

        One for each person, as of beds and seats. What has a single slot is taken whole, however many
        come: a person who guides a group, a double room.
        """
        return 1 if self.capacity == 1 else party_size


@dataclass(frozen=True, slots=True)
class Span:
    """What one need takes at one start: the resource is taken from `start` to `end`, buffers included.

    It must be at work from `opens` to `closes`, which leave the buffers out: one may prepare before opening.
    """

    kind: str
    segment_no: int
    start: datetime
    end: datetime
    opens: datetime
    closes: datetime


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One service of one business. `candidates` are active; `kinds` are those of all that is assigned."""

    service_id: UUID
    name: str
    mode: str
    active: bool
    price: Decimal
    currency: str
    price_unit: str
    duration_min: int | None
    buffer_before_min: int
    buffer_after_min: int
    slot_interval_min: int
    segments: Sequence[Mapping[str, Any]]
    max_capacity: int
    policy: Mapping[str, Any]
    """Every rule of bookings, by its name on the wire: the service's before the business's."""
    timezone: str
    """The business's."""
    locations: Mapping[UUID, str]
    """The time zone of each of the business's active locations."""
    kinds: Sequence[str]
    candidates: Sequence[Candidate]

    @cached_property
    def needed_kinds(self) -> tuple[str, ...]:
        """The kinds of which a booking takes one resource each, people first."""
        named = {kind for segment in self.segments for kind in segment["needs"]} or set(self.kinds)
        return tuple(kind for kind in KINDS if kind in named)

    @property
    def lead_kind(self) -> str | None:
        """The kind whose resource a customer chooses, with its own price and duration."""
        return self.needed_kinds[0] if self.needed_kinds else None

    @property
    def leads(self) -> list[Candidate]:
        return self.of_kind(self.lead_kind)

    def of_kind(self, kind: str | None) -> list[Candidate]:
        return [one for one in self.candidates if one.kind == kind]

    def narrowed(
        self, *, chosen: Mapping[str, UUID], location_id: UUID | None = None, tag: str | None = None
    ) -> "Offer":
        """Return the same service with fewer candidates.

        :param chosen: of a kind the one resource that is wanted.
        :param tag: what those of the leading kind must have.
        """
        kept = [
            one
            for one in self.candidates
            if chosen.get(one.kind, one.id) == one.id
            and location_id in (None, one.location_id)
            and (tag is None or tag in one.tags or one.kind != self.lead_kind)
        ]
        return replace(self, candidates=kept)

    def duration(self, lead: Candidate) -> int:
        """Return how many minutes the service takes, buffers left out, if this resource does it."""
        return lead.duration_min or self.duration_min or 0

    def price_of(self, lead: Candidate) -> Decimal:
        return self.price if lead.price is None else lead.price

    def needs(self, duration: int) -> tuple[Need, ...]:
        """Return what a booking of so many minutes takes of which kind, in minutes from its start."""
        return needs(
            duration=duration,
            buffer_before=self.buffer_before_min,
            buffer_after=self.buffer_after_min,
            segments=self.segments,
            kinds=self.needed_kinds,
        )

    def spans(self, start: datetime, end: datetime, *, duration: int | None = None) -> tuple[Span, ...]:
        """Return what a booking from start to end takes of which kind, and from when to when.

        :param duration: in minutes, of an appointment; None: all is taken all the time, as by a stay.
        """
        if duration is None:
            before = timedelta(minutes=self.buffer_before_min)
            after = timedelta(minutes=self.buffer_after_min)
            return tuple(Span(kind, 1, start - before, end + after, start, end) for kind in self.needed_kinds)
        return tuple(
            Span(
                need.kind,
                need.segment_no,
                start + timedelta(minutes=need.start),
                start + timedelta(minutes=need.end),
                start + timedelta(minutes=max(need.start, 0)),
                start + timedelta(minutes=min(need.end, duration)),
            )
            for need in self.needs(duration)
        )

    def refuse_inactive(self) -> None:
        """Refuse a service that is not offered at present.

        :raises ServiceInactive: if it is archived.
        """
        if not self.active:
            raise ServiceInactive

    def refuse_party(self, party_size: int, *, field: str = "partySize") -> None:
        """Refuse more people than the service is for.

        :raises Invalid: if the party is larger than its `maxCapacity`.
        """
        if party_size > self.max_capacity:
            message = f"Must be at most {self.max_capacity}, the service's maxCapacity."
            raise Invalid(errors=[FieldFault(field, "invalid", message)])

    def refuse_unstaffed(self) -> None:
        """Refuse a service for which somebody or something is missing altogether.

        :raises NoResourceForService: if there is no candidate of a kind that it needs.
        """
        there = {one.kind for one in self.candidates}
        if not self.needed_kinds or not there.issuperset(self.needed_kinds):
            raise NoResourceForService
