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
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    assigned: dict[str, set[str]] = field(default_factory=dict)
    """The resources of each service."""
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    weeks: dict[str, bool] = field(default_factory=dict)
    """For each resource and location that ever had hours whether it has them now."""
    entries: dict[str, dict[str, str]] = field(default_factory=lambda: {"exceptions": {}, "time-off": {}})
    """Whose each is."""
    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The entries of waiting lists."""
    rates: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"exchange-rates": {}, "tax-rates": {}}
    )
    has_logo: bool = False
    invoices: dict[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Credit notes."""
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    series: set[tuple[str, str]] = field(default_factory=set)
    """What is numbered by itself."""
    consents: dict[str, list[str]] = field(default_factory=dict)
    """Those of each customer, who takes them along."""
    preferences: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of customers, like these."""
    suppressions: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    """All versions of each; None took them away."""
    messages: dict[str, str] = field(default_factory=dict)
    """What state each is in."""
    samples: int = 0
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: dict[str, str] = field(default_factory=dict)
    """To which endpoint each goes."""
    answers: int = 0
    """How many answers about money are kept for whoever asks again."""
    hours: int = 0
    """How many hours of its calendar are used up."""
    sessions: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.members[0].tenant_id)

    def secrets(self) -> list[str]:
        people = [*self.members, *(guest.person for guest in self.guests.values())]
        objects: tuple[dict[str, Any], ...] = (
            *(self.customers, self.guests, self.roles, self.invitations, self.keys, self.locations),
            *(self.services, self.resources, self.entries["exceptions"], self.entries["time-off"]),
            *(self.bookings, self.classes, self.waiting, self.invoices, self.payments, self.notes),
            *(self.refunds, *self.rates.values(), self.suppressions, self.endpoints),
        )
        return [
            *(self.canary, self.id),
            *(str(person.user_id) for person in people),
            *(id_ for of in objects for id_ in of),
            *self.event_ids,
            *(id_ for of in self.consents.values() for id_ in of),
            *self.messages,
            *self.deliveries,
            *self.sessions,
            *self.identities,
            *self.tokens.values(),
        ]

    def rows(self) -> dict[str, int]:
        """Return how many rows its tables hold."""
        return {
            "customers": len(self.customers),
            "events": self.events,
            "idempotency_keys": len(self.kept) + self.answers,
            "event_heads": 1,
            "locations": 1 + len(self.locations),
            "memberships": len(self.members) + len(self.guests),
            "roles": len(self.roles),
            "invitations": len(self.invitations),
            "api_keys": len(self.keys),
            "catalog_items": len(self.services),
            "item_resources": sum(map(len, self.assigned.values())),
            # A class is a resource, too.
            "resources": len(self.resources) + len(self.classes),
            "schedules": len(self.weeks),
            "schedule_exceptions": len(self.entries["exceptions"]),
            "time_off": len(self.entries["time-off"]),
            "sessions": len(self.classes),
            "bookings": len(self.bookings),
            "booking_items": sum(len(one["items"]) for one in self.bookings.values()),
            "allocations": sum(len(one["resources"]) for one in self.bookings.values())
            + sum(one["staffId"] is not None for one in self.classes.values()),
            "waitlist_entries": len(self.waiting),
            "exchange_rates": len(self.rates["exchange-rates"]),
            "tax_rates": len(self.rates["tax-rates"]),
            "logos": int(self.has_logo),
            "documents": len(self.documents),
            "document_lines": sum(len(one["items"]) for one in self.documents),
            "number_series": len(self.series),
            "payments": len(self.payments),
            "payment_allocations": sum(len(one["allocations"]) for one in self.payments.values()),
            "refunds": len(self.refunds),
            "consents": sum(len(self.consents.get(id_, ())) for id_ in self.customers),
            "contact_preferences": len(self.preferences.keys() & self.customers.keys()),
            "suppressions": len(self.suppressions),
            "message_templates": sum(map(len, self.words.values())),
            "notifications": len(self.messages),
            "webhook_endpoints": len(self.endpoints),
            "webhook_deliveries": len(self.deliveries),
        }

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [*self.invoices.values(), *self.notes.values()]

    @property
    def staff(self) -> dict[str, dict[str, Any]]:
        return {id_: one for id_, one in self.resources.items() if one["kind"] == "staff"}

    def uses(self, id_: str) -> bool:
        """Tell whether something refers to a customer, service, resource or location, so that it stays."""
        places = [one["locationId"] for one in (*self.resources.values(), *self.classes.values())]
        if id_ in places or any(id_ == one["serviceId"] for one in self.classes.values()):
            return True
        for one in self.documents:
            if id_ in (one["customerId"], one["locationId"], *(item["serviceId"] for item in one["items"])):
                return True
        if any(id_ in (one["customerId"], one["locationId"]) for one in self.payments.values()):
            return True
        who = [one["staffId"] for one in self.classes.values()]
        who += [one["customerId"] for one in self.waiting.values()]
        if id_ in who:
            return True
        return any(
            id_ in (one["customerId"], one["locationId"])
            or id_ in [item["serviceId"] for item in one["items"]]
            or id_ in [taken["resourceId"] for taken in one["resources"]]
            for one in self.bookings.values()
        )

    def forget(self, id_: str) -> None:
        """Take away what goes with a resource, service or location that is removed for good."""
        self.assigned.pop(id_, None)
        for resources in self.assigned.values():
            resources.discard(id_)
        self.weeks.pop(id_, None)
        for kind, found in self.entries.items():
            self.entries[kind] = {entry: owner for entry, owner in found.items() if owner != id_}
