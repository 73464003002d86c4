"""Which states of a message are open, and which of two reports about it counts (domain 6)."""

from collections.abc import Mapping

OPEN = ("queued", "scheduled", "temporary_failure")
"""States of what is still to go out, and nobody is sending."""

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
    """Tell whether a report changes the state of a message: `delivered` beats `failed`, never the reverse.

    That an attempt failed says nothing of a message that is to go out anew, as somebody may have asked for.
    """
    if reported == "permanent_failure" and status in ("queued", "scheduled"):
        return False
    return RANK[reported] > RANK[status]
