"""The storm's seventh part: group classes, their seats, and who waits for one."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from tests.tenancy.storm_of_bookings import BookingStorm
from tests.tenancy.storm_of_hours import begin, wire

EVERY_ENTRY = "status=waiting,offered,accepted,expired,left"
EVERY_CLASS = "status=scheduled,cancelled,completed&from=2020-01-01T00:00:00Z"


class ClassStorm(BookingStorm):
    """What others do with a class moves bookings that they do not name, so that these are looked at anew."""

    actions: ClassVar[Mapping[str, int]] = {
        **BookingStorm.actions,
        "plan_class": 3,
        "plan_series": 1,
        "plan_with_what_is_not_ones_own": 4,
        "look_at_classes": 4,
        "look_at_attendees": 4,
        "change_class": 4,
        "cancel_class": 3,
        "complete_class": 2,
        "take_a_seat": 5,
        "change_class_of_a_seat": 2,
        "wait": 5,
        "look_at_who_waits": 3,
        "accept_a_seat": 5,
        "leave": 4,
        "give_a_seat_back": 4,
        "ask_for_classes": 2,
        "furnish": 1,
    }

    def class_service(self) -> str:
        for id_, one in self.own.services.items():
            if one["mode"] == "session" and one["isActive"]:
                return id_
        return self.new_service(mode="session", maxCapacity=2)

    def new_class(self, **more: Any) -> str:
        body = {"serviceId": self.class_service(), "startAt": wire(self.next_hour()), "capacity": 1, **more}
        group = self.made("/api/sessions", body)
        self.own.classes[group["id"]] = group
        return str(group["id"])

    def some_class(self) -> tuple[bool, str]:
        """Choose one that takes place, or a foreign one."""
        own, id_ = self.pick_or_make("classes", self.new_class)
        if own and self.own.classes[id_]["status"] != "scheduled":
            id_ = self.new_class()
        return own, id_

    def look_anew(self, id_: str) -> None:
        """Learn what became of a class, its bookings, and those who wait for it."""
        self.own.classes[id_] = self.expect(200, "GET", f"/api/sessions/{id_}")
        path = f"/api/sessions/{id_}/waitlist?limit=100&{EVERY_ENTRY}"
        rows = self.expect(200, "GET", path)["data"]
        self.own.waiting |= {row["id"]: row for row in rows}
        for row in self.expect(200, "GET", f"/api/bookings?limit=100&sessionId={id_}")["data"]:
            self.own.bookings[row["id"]] = row
        self.recount()

    def recount(self) -> None:
        """Learn how many events there are, of what has more than one."""
        ((events,),) = self.inspector.ask("SELECT count(*) FROM events WHERE tenant_id = %s", self.own.id)
        self.own.events = events

    def another_customer(self) -> str:
        customer = self.made("/api/customers", {"name": "Cy", "notes": self.own.canary})
        customer.pop("possibleDuplicates")
        self.own.customers[customer["id"]] = customer
        return str(customer["id"])

    # Classes

    def plan_class(self) -> None:
        # To whom a class was assigned does it, and nobody else.
        anybody = not self.own.assigned.get(self.class_service())
        with_staff = self.maybe() and anybody
        self.new_class(**({"staffId": self.offer()[1], "notes": self.text()} if with_staff else {}))

    def plan_series(self) -> None:
        day = begin() + timedelta(days=100)
        body: dict[str, Any] = {"serviceId": self.class_service(), "days": ["mon", "tue"]}
        body |= {"startTime": "18:00", "from": f"{day:%Y-%m-%d}", "count": 2}
        answer = self.expect(201, "POST", "/api/session-series", body)
        self.own.classes |= {row["id"]: row for row in answer["sessions"]}
        self.own.events += 2

    def plan_with_what_is_not_ones_own(self) -> None:
        field, of = self.turn(
            "plan_with_what_is_not_ones_own",
            (
                ("serviceId", "services"),
                ("staffId", "staff"),
                ("roomId", "resources"),
                ("locationId", "locations"),
            ),
        )
        stolen = {field: self.foreign_one(of)}
        at = {"startAt": wire(self.next_hour())}
        body = {"serviceId": self.class_service(), **at, "capacity": 1, **stolen}
        self.refused_reference("POST", "/api/sessions", body)
        if field in ("staffId", "roomId"):
            _, id_ = self.some_class()
            if id_ in self.own.classes:
                self.refused_reference("PATCH", f"/api/sessions/{id_}", stolen)

    def look_at_classes(self) -> None:
        assert self.ids_listed_of(f"/api/sessions?limit=100&{EVERY_CLASS}") == set(self.own.classes)
        for field, of in (("serviceId", "services"), ("locationId", "locations"), ("seriesId", "classes")):
            query = f"{field}={self.foreign_one(of)}"
            assert self.expect(200, "GET", f"/api/sessions?{query}")["data"] == []
        own, id_ = self.pick_or_make("classes", self.new_class)
        if not own:
            self.like_one_that_never_was("GET", "/api/sessions/{}", id_)
            return
        shown = self.expect(200, "GET", f"/api/sessions/{id_}")
        assert (shown["id"], shown["status"]) == (id_, self.own.classes[id_]["status"])

    def ids_listed_of(self, path: str) -> set[str]:
        return {row["id"] for row in self.expect(200, "GET", path)["data"]}

    def look_at_attendees(self) -> None:
        own, id_ = self.pick_or_make("classes", self.new_class)
        if not own:
            self.like_one_that_never_was("GET", "/api/sessions/{}/attendees", id_)
            return
        found = self.expect(200, "GET", f"/api/sessions/{id_}/attendees?expand=customer")["data"]
        seats = {one for one, booking in self.own.bookings.items() if booking["sessionId"] == id_}
        assert {row["id"] for row in found} <= seats
        assert all(row["customer"]["id"] in self.own.customers for row in found)

    def change_class(self) -> None:
        own, id_ = self.some_class()
        body: dict[str, Any] = {"capacity": 2} if self.maybe() else {"startAt": wire(self.next_hour())}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/sessions/{}", id_, body)
            return
        self.expect(200, "PATCH", f"/api/sessions/{id_}", body)
        self.look_anew(id_)

    def cancel_class(self) -> None:
        own, id_ = self.some_class()
        method, path, body = self.turn(
            "cancel_class", (("POST", "/api/sessions/{}/cancel", {}), ("DELETE", "/api/sessions/{}", None))
        )
        if not own:
            self.like_one_that_never_was(method, path, id_, body)
            return
        assert self.send(method, path.format(id_), body).status_code in (200, 204)
        self.look_anew(id_)
        seats = [one for one in self.own.bookings.values() if one["sessionId"] == id_]
        assert not [one for one in seats if one["status"] in ("held", "confirmed", "checked_in")]

    def complete_class(self) -> None:
        own, id_ = self.some_class()
        if not own:
            self.like_one_that_never_was("POST", "/api/sessions/{}/complete", id_)
            return
        # It has not begun.
        self.expect(409, "POST", f"/api/sessions/{id_}/complete")

    def ask_for_classes(self) -> None:
        self.new_class()
        days = f"from={begin():%Y-%m-%d}&to={begin() + timedelta(days=60):%Y-%m-%d}"
        path = f"/api/availability?{days}&serviceId={self.class_service()}"
        found = {row["sessionId"] for row in self.expect(200, "GET", path)["slots"]}
        assert found
        assert found <= set(self.own.classes)

    def furnish(self) -> None:
        self.class_service()
        self.expect(409, "POST", "/api/seed/salon")
        self.expect(404, "POST", "/api/seed/nothing")

    # Seats

    def take_a_seat(self) -> None:
        body = {"customerId": self.some_customer(), "sessionId": self.foreign_one("classes")}
        self.refused_reference("POST", "/api/bookings", body)
        self.new_seat(self.new_class())

    def new_seat(self, class_id: str) -> str:
        return self.new_booking({"customerId": self.some_customer(), "sessionId": class_id})

    def change_class_of_a_seat(self) -> None:
        first, other = self.new_class(), self.new_class()
        path = f"/api/bookings/{self.new_seat(first)}/reschedule"
        self.refused_reference("POST", path, {"sessionId": self.foreign_one("classes")})
        assert self.expect(200, "POST", path, {"sessionId": other})["sessionId"] == other
        self.look_anew(first)
        self.look_anew(other)

    def give_a_seat_back(self) -> None:
        id_ = self.new_class()
        seat, entry = self.new_seat(id_), self.new_entry(id_)
        self.expect(200, "POST", f"/api/bookings/{seat}/cancel", {})
        self.look_anew(id_)
        assert self.own.waiting[entry]["status"] == "offered"
        assert self.own.waiting[entry]["bookingId"] in self.own.bookings

    # Waiting

    def new_entry(self, class_id: str) -> str:
        entry = self.made(f"/api/sessions/{class_id}/waitlist", {"customerId": self.another_customer()})
        self.own.waiting[entry["id"]] = entry
        return str(entry["id"])

    def full_class(self) -> str:
        id_ = self.new_class()
        self.new_seat(id_)
        return id_

    def wait(self) -> None:
        body = {"customerId": self.some_customer()}
        for theirs in [*self.foreign.classes][:1]:
            self.like_one_that_never_was("POST", "/api/sessions/{}/waitlist", theirs, body)
        id_ = self.full_class()
        stolen = {"customerId": self.foreign_one("customers")}
        self.refused_reference("POST", f"/api/sessions/{id_}/waitlist", stolen)
        self.new_entry(id_)

    def foreign_entry(self, method: str, suffix: str = "") -> None:
        """Name another business's entry, in its own class and in one's own."""
        for entry, row in [*self.foreign.waiting.items()][:1]:
            for class_id in (row["sessionId"], *[*self.own.classes][:1], str(uuid.uuid4())):
                self.like_one_that_never_was(method, f"/api/sessions/{class_id}/waitlist/{{}}{suffix}", entry)

    def look_at_who_waits(self) -> None:
        self.foreign_entry("GET")
        for theirs in [*self.foreign.classes][:1]:
            self.like_one_that_never_was("GET", "/api/sessions/{}/waitlist", theirs)
        id_ = self.full_class()
        entry = self.new_entry(id_)
        assert self.ids_listed(f"/api/sessions/{id_}/waitlist") == {entry}
        assert self.expect(200, "GET", f"/api/sessions/{id_}/waitlist/{entry}")["position"] == 1

    def accept_a_seat(self) -> None:
        self.foreign_entry("POST", "/accept")
        id_ = self.full_class()
        path = f"/api/sessions/{id_}/waitlist/{self.new_entry(id_)}/accept"
        self.expect(409, "POST", path)
        self.expect(200, "PATCH", f"/api/sessions/{id_}", {"capacity": 2})
        assert self.expect(200, "POST", path)["status"] == "accepted"
        self.look_anew(id_)

    def leave(self) -> None:
        self.foreign_entry("DELETE")
        id_ = self.full_class()
        self.expect(204, "DELETE", f"/api/sessions/{id_}/waitlist/{self.new_entry(id_)}")
        self.look_anew(id_)
