"""What is answered to who asks when a service can be had, by its mode."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mbs.availability.models.offer import Offer
from mbs.availability.models.reasons import Missing
from mbs.availability.models.slots import Slot
from mbs.availability.models.stays import Option, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointments:
    """Free starts; `missing` are the others, None if nobody asked, one too many if there are more."""

    offer: Offer
    timezone: str
    slots: Sequence[Slot]
    missing: Sequence[Missing] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Classes with free seats; `missing` are the others with the reason, None if nobody asked."""

    offer: Offer
    timezone: str
    sessions: Sequence[Any]
    missing: Sequence[tuple[Any, str]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """What is free for all nights; `split` only if nothing is."""

    offer: Offer
    timezone: str
    options: Sequence[Option]
    split: Sequence[Part]


Answer = Appointments | Sessions | Stays
