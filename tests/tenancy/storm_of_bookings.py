"""The storm's sixth part: when something is free, who books it, and what becomes of that."""

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from mbs.bookings.models import TRANSITIONS
from tests.tenancy.routes import seen
from tests.tenancy.storm_of_hours import HourStorm, begin, wire

STATES = {
    "confirm": "confirmed",
    "decline": "declined",
    "check-in": "checked_in",
    "complete": "completed",
    "no-show": "no_show",
    "cancel": "cancelled",
}
"""What each action leads to."""

NO_BODY = frozenset({"confirm", "check-in", "complete"})
REGARDLESS = {"hours": True}
UNCOUNTED = frozenset({"held", "declined", "expired"})
WORTH = frozenset({"confirmed", "checked_in", "completed"})


def told(booking: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays as it is while the people of a booking are renamed."""
    taken = [{**one, "name": None} for one in booking["resources"]]
    return {**booking, "resources": taken}


class BookingStorm(HourStorm):
    """Bookings one by one; those of classes come after this."""

    actions: ClassVar[Mapping[str, int]] = {
        **HourStorm.actions,
        "ask_when": 4,
        "book": 8,
        "book_what_is_not_ones_own": 5,
        "look_at_bookings": 5,
        "look_at_what_comes": 2,
        "look_at_a_customers_bookings": 3,
        "annotate": 3,
        "act_on_a_booking": 14,
        "convert": 3,
        "delete_booking": 2,
        "reschedule": 5,
        "look_at_figures": 6,
    }

    def offer(self) -> tuple[str, str]:
        """Return a service that can be booked, and somebody who does it; made if there is none."""
        for id_, resources in self.own.assigned.items():
            service, who = self.own.services[id_], [self.own.resources[one] for one in resources]
            places = {one["locationId"] for one in who}
            bookable = service["isActive"] and service["mode"] == "appointment"
            if bookable and len(places) == 1 and all(one["isActive"] for one in who):
                return id_, self.random.choice(who)["id"]
        service_id, staff_id = self.new_service(), self.new_staff()
        self.give(service_id, [staff_id])
        return service_id, staff_id

    def some_customer(self) -> str:
        for id_, one in self.own.customers.items():
            if one["status"] == "active":
                return id_
        customer = self.made("/api/customers", {"name": "Ana", "notes": self.own.canary})
        customer.pop("possibleDuplicates")
        self.own.customers[customer["id"]] = customer
        return str(customer["id"])

    def next_hour(self) -> datetime:
        self.own.hours += 1
        return begin() + timedelta(hours=self.own.hours)

    def wish(self) -> dict[str, Any]:
        service_id, staff_id = self.offer()
        return {
            "customerId": self.some_customer(),
            "serviceId": service_id,
            "staffId": staff_id,
            "startAt": wire(self.next_hour()),
            "notes": self.text(),
            "override": REGARDLESS,
        }

    # Making

    def ask_when(self) -> None:
        days = f"from={begin():%Y-%m-%d}&to={begin() + timedelta(days=1):%Y-%m-%d}"
        service_id, _ = self.offer()
        path = f"/api/availability?{days}&serviceId={{}}"
        slots = self.expect(200, "GET", path.format(service_id))["slots"]
        assert {who for slot in slots for who in slot["staffIds"]} <= self.own.assigned[service_id]
        for theirs in [*self.foreign.services][:1]:
            self.refused_like_one_that_never_was(path, theirs)
        for theirs in [*self.foreign.staff][:1]:
            self.refused_like_one_that_never_was(f"{path.format(service_id)}&staffId={{}}", theirs)
        for theirs in [*self.foreign.locations][:1]:
            self.refused_like_one_that_never_was(f"{path.format(service_id)}&locationId={{}}", theirs)

    def refused_like_one_that_never_was(self, path: str, id_: str) -> None:
        foreign, never = (seen(self.send("GET", path.format(one))) for one in (id_, uuid.uuid4()))
        assert foreign == never
        assert (foreign[0], foreign[1]["code"]) == (400, "INVALID_REFERENCE")

    def new_booking(self, body: Mapping[str, Any]) -> str:
        booking = self.made("/api/bookings", body)
        assert booking["customerId"] == body["customerId"]
        self.own.bookings[booking["id"]] = booking
        return str(booking["id"])

    def book(self) -> None:
        hold = {"hold": {"minutes": 10}} if self.random.random() < 0.3 else {}
        self.new_booking({**self.wish(), **hold})

    def book_what_is_not_ones_own(self) -> None:
        field, of = self.turn(
            "book_what_is_not_ones_own",
            (
                ("customerId", "customers"),
                ("serviceId", "services"),
                ("staffId", "staff"),
                ("locationId", "locations"),
                ("resourceId", "resources"),
            ),
        )
        body = {**self.wish(), field: self.foreign_one(of)}
        self.refused_reference("POST", "/api/bookings", body)
        item = {name: body.pop(name) for name in ("serviceId", "staffId", "startAt") if name in body}
        if field not in ("locationId", "resourceId"):
            self.refused_reference("POST", "/api/bookings", {**body, "items": [item]})

    # Looking

    def look_at_bookings(self) -> None:
        assert self.ids_listed("/api/bookings") == set(self.own.bookings)
        for field, of in (("customerId", "customers"), ("staffId", "staff"), ("serviceId", "services")):
            query = f"{field}={self.foreign_one(of)}&expand=customer"
            assert self.expect(200, "GET", f"/api/bookings?{query}")["data"] == []
        own, id_ = self.pick_or_make("bookings", lambda: self.new_booking(self.wish()))
        if not own:
            self.like_one_that_never_was("GET", "/api/bookings/{}", id_)
            return
        assert told(self.expect(200, "GET", f"/api/bookings/{id_}")) == told(self.own.bookings[id_])

    def look_at_what_comes(self) -> None:
        rows = self.expect(200, "GET", "/api/bookings/upcoming?limit=50&expand=customer")["data"]
        assert {row["id"] for row in rows} <= set(self.own.bookings)
        assert all(row["customer"]["id"] in self.own.customers for row in rows)

    def look_at_a_customers_bookings(self) -> None:
        own, id_ = self.pick_or_make("customers", self.some_customer)
        if not own:
            self.like_one_that_never_was("GET", "/api/customers/{}/bookings", id_)
            return
        booked = {one for one, booking in self.own.bookings.items() if booking["customerId"] == id_}
        assert self.ids_listed(f"/api/customers/{id_}/bookings") == booked

    # What becomes of them

    def some_booking(self) -> tuple[bool, str]:
        """Choose one that is not of a class, or a foreign one."""
        own, id_ = self.pick_or_make("bookings", lambda: self.new_booking(self.wish()))
        if own and self.own.bookings[id_]["sessionId"] is not None:
            id_ = self.new_booking(self.wish())
        return own, id_

    def annotate(self) -> None:
        own, id_ = self.some_booking()
        body = {"internalNotes": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/bookings/{}", id_, body)
            return
        self.own.bookings[id_] = self.expect(200, "PATCH", f"/api/bookings/{id_}", body)
        self.own.events += 1

    def act_on_a_booking(self) -> None:
        action = self.turn("act_on_a_booking", tuple(STATES))
        own, id_ = self.some_booking()
        body: dict[str, Any] | None = None if action in NO_BODY else {}
        if not own:
            self.like_one_that_never_was("POST", f"/api/bookings/{{}}/{action}", id_, body)
            return
        self.lead_to(STATES[action], "POST", f"/api/bookings/{id_}/{action}", id_, body)

    def lead_to(self, state: str, method: str, path: str, id_: str, body: Any = None) -> None:
        before = self.own.bookings[id_]["status"]
        allowed = before == state or (state in TRANSITIONS[before] and before != "held")
        response = self.send(method, path, body)
        if not allowed:
            assert response.status_code == 409, response.get_data(as_text=True)
            return
        assert response.status_code in (200, 204), response.get_data(as_text=True)
        self.own.bookings[id_] = self.expect(200, "GET", f"/api/bookings/{id_}")
        assert self.own.bookings[id_]["status"] == state
        self.own.events += before != state

    def convert(self) -> None:
        if self.foreign.bookings:
            self.like_one_that_never_was("POST", "/api/bookings/{}/convert", [*self.foreign.bookings][-1])
        id_ = self.new_booking({**self.wish(), "hold": {"minutes": 10}})
        self.own.bookings[id_] = self.expect(200, "POST", f"/api/bookings/{id_}/convert")
        assert self.own.bookings[id_]["status"] == "confirmed"
        self.own.events += 1

    def delete_booking(self) -> None:
        own, id_ = self.some_booking()
        if not own:
            self.like_one_that_never_was("DELETE", "/api/bookings/{}", id_)
            return
        self.lead_to("cancelled", "DELETE", f"/api/bookings/{id_}", id_)

    def reschedule(self) -> None:
        body: dict[str, Any] = {"startAt": wire(self.next_hour()), "override": REGARDLESS}
        for theirs in [*self.foreign.bookings][:1]:
            self.like_one_that_never_was("POST", "/api/bookings/{}/reschedule", theirs, body)
        id_ = self.new_booking(self.wish())
        path = f"/api/bookings/{id_}/reschedule"
        for field in ("staffId", "resourceId"):
            self.refused_reference("POST", path, {**body, field: self.foreign_one("staff")})
        self.own.bookings[id_] = self.expect(200, "POST", path, body)
        assert self.own.bookings[id_]["startAt"] == body["startAt"]
        self.own.events += 1

    # Figures

    def look_at_figures(self) -> None:
        states = Counter(one["status"] for one in self.own.bookings.values())
        counted = states.total() - sum(states[state] for state in UNCOUNTED)
        shown = self.expect(200, "GET", "/api/dashboard/stats")
        active = [one for one in self.own.customers.values() if one["status"] == "active"]
        assert shown["totalCustomers"] == len(active)
        assert shown["totalBookings"] == counted
        days = f"from={begin():%Y-%m-%d}&to={begin() + timedelta(days=60):%Y-%m-%d}"
        group = self.turn("look_at_figures", ("day", "service", "staff", "location", "status", "source"))
        report = self.expect(200, "GET", f"/api/analytics/bookings?{days}&groupBy={group}")
        wanted = states.total() if group == "status" else counted
        assert report["total"]["bookings"] == wanted, report
        use = self.expect(200, "GET", f"/api/analytics/utilisation?{days}&groupBy=resource")
        assert {row["key"] for row in use["rows"]} <= set(self.own.resources)
        came = self.expect(200, "GET", f"/api/analytics/customers?{days}")
        visitors = {one["customerId"] for one in self.own.bookings.values() if one["status"] in WORTH}
        assert came["customers"] == len(visitors), came
        for theirs in [*self.foreign.locations][:1]:
            for path in ("dashboard/stats?", f"analytics/bookings?{days}&", f"analytics/customers?{days}&"):
                self.refused_like_one_that_never_was(f"/api/{path}locationId={{}}", theirs)
