"""What the trail tells of an endpoint: never a secret."""

from collections.abc import Mapping
from typing import Any

TOLD = ("id", "url", "description", "event_types", "status", "disabled_reason", "disabled_at", "version")


def told(endpoint: Any, previous: Mapping[str, Any], **beside: Any) -> dict[str, Any]:
    """Return an event's data.

    :param beside: what else the event tells.
    """
    return {"object": {**{name: getattr(endpoint, name) for name in TOLD}, **beside}, "previous": previous}
