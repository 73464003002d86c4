"""Which state of a message may follow which (domain 6), and which of two reports about it counts."""

from collections.abc import Mapping

from mbs.notifications.models.tables import STATUSES

NEXT: Mapping[str, frozenset[str]] = {
    "queued": frozenset(
        {"scheduled", "sending", "technical_failure", "suppressed", "cancelled", "expired"},
    ),
    "scheduled": frozenset({"queued", "cancelled", "expired"}),
    "sending": frozenset({"queued", "sent", "temporary_failure", "permanent_failure", "technical_failure"}),
    "temporary_failure": frozenset({"queued", "permanent_failure", "cancelled", "expired"}),
    "sent": frozenset({"delivered", "read", "permanent_failure"}),
    "delivered": frozenset({"read"}),
    "read": frozenset(),
    # Providers report a failure, and then that it was delivered after all.
    "permanent_failure": frozenset({"delivered", "read"}),
    "technical_failure": frozenset(),
    "suppressed": frozenset(),
    # A reminder comes back with its booking: that a customer did not come is taken back.
    "cancelled": frozenset({"scheduled"}),
    "expired": frozenset(),
}
"""A `sending` message becomes `queued` again when the lease of its worker is over, or it is given back."""

OPEN = ("queued", "scheduled", "temporary_failure")
"""States of what is still to go out, and nobody is sending."""

DONE = tuple(status for status in STATUSES if status not in (*OPEN, "sending"))
"""States in which nothing is to be sent any more."""

RANK: Mapping[str, int] = {
    "queued": 0,
    "scheduled": 0,
    "sending": 10,
    "temporary_failure": 10,
    "sent": 20,
    "permanent_failure": 25,
    "delivered": 30,
    "read": 40,
    # Nothing was handed to a provider, so no report can speak of it.
    "technical_failure": 50,
    "suppressed": 50,
    "cancelled": 50,
    "expired": 50,
}
"""What a provider reports moves a message up only: reports come in any order, and more than once."""


def moves_up(status: str, reported: str) -> bool:
    """Tell whether a report changes the state of a message: `delivered` beats `failed`, never the reverse."""
    return RANK[reported] > RANK[status]
