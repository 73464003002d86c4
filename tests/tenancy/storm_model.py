"""What the storm knows of a business: all that it has made there, and nothing that it has not."""

from dataclasses import dataclass, field
from typing import Any

from tests.factories.callers import Business


@dataclass
class Guest:
    """Somebody who joined during the storm, and whom it may suspend and remove."""

    person: Business
    role: str = "staff"
    role_id: str | None = None
    status: str = "active"


@dataclass
class Tenant:
    """What one business must see; objects by their ids."""

    canary: str
    members: list[Business]
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: int = 0
    event_ids: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    kept: dict[tuple[int, str | None], tuple[Any, Any]] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    invitations: dict[str, str] = field(default_factory=dict)
    """Each with what has become of it."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The invitations' tokens."""
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    locations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Without the one that it began with."""
    default_location: str | None = None
    """None is the one that it began with."""
    sessions: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.members[0].tenant_id)

    def secrets(self) -> list[str]:
        people = [*self.members, *(guest.person for guest in self.guests.values())]
        objects = (self.customers, self.guests, self.roles, self.invitations, self.keys, self.locations)
        return [
            *(self.canary, self.id),
            *(str(person.user_id) for person in people),
            *(id_ for of in objects for id_ in of),
            *self.event_ids,
            *self.sessions,
            *self.identities,
            *self.tokens.values(),
        ]

    def rows(self) -> dict[str, int]:
        """Return how many rows its tables hold."""
        return {
            "customers": len(self.customers),
            "events": self.events,
            "idempotency_keys": len(self.kept),
            "event_heads": 1,
            "locations": 1 + len(self.locations),
            "memberships": len(self.members) + len(self.guests),
            "roles": len(self.roles),
            "invitations": len(self.invitations),
            "api_keys": len(self.keys),
        }
