"""The storm's fifth part: when people, things and places are there."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from tests.tenancy.storm_of_calendars import CalendarStorm

FIRST_DAY = date(2031, 1, 1)
HOURS = {"week": {"mon": [["09:00", "12:00"], ["22:00", "02:00"]]}}
OWNERS = ("staff", "resources", "locations")
"""Who has hours, in paths and in the model."""

OWNERS_AND_ENTRIES = tuple(itertools.product(OWNERS, ("exceptions", "time-off")))


def begin() -> datetime:
    """Return when the calendars of the storm begin: both businesses' at once, so that they overlap."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


def wire(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class HourStorm(CalendarStorm):
    """Weeks, dates that differ from them, and time off."""

    actions: ClassVar[Mapping[str, int]] = {
        **CalendarStorm.actions,
        "set_hours": 5,
        "look_at_hours": 4,
        "drop_hours": 4,
        "add_entry": 8,
        "look_at_entries": 8,
        "change_entry": 6,
        "remove_entry": 6,
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.days = itertools.count()

    def new_location(self) -> str:
        location = self.made("/api/locations", {"name": self.text()})
        self.own.locations[location["id"]] = {"name": location["name"], "status": "active"}
        return str(location["id"])

    def owner(self, path: str) -> tuple[bool, str]:
        """Choose whose hours it is about."""
        makers = {"staff": self.new_staff, "resources": self.new_resource, "locations": self.new_location}
        return self.pick_or_make(path, makers[path])

    def set_hours(self) -> None:
        path = self.turn("set_hours", OWNERS)
        own, id_ = self.owner(path)
        if not own:
            self.like_one_that_never_was("PUT", f"/api/{path}/{{}}/schedule", id_, HOURS)
            return
        self.expect(200, "PUT", f"/api/{path}/{id_}/schedule", HOURS)
        self.own.weeks[id_] = True
        self.own.events += 1

    def look_at_hours(self) -> None:
        path = self.turn("look_at_hours", OWNERS)
        own, id_ = self.owner(path)
        if not own:
            self.like_one_that_never_was("GET", f"/api/{path}/{{}}/schedule", id_)
            return
        week = self.expect(200, "GET", f"/api/{path}/{id_}/schedule")["week"]
        assert (week is not None) is self.own.weeks.get(id_, False)

    def drop_hours(self) -> None:
        path = self.turn("drop_hours", OWNERS)
        own, id_ = self.owner(path)
        if not own:
            self.like_one_that_never_was("DELETE", f"/api/{path}/{{}}/schedule", id_)
            return
        self.expect(204, "DELETE", f"/api/{path}/{id_}/schedule")
        self.own.events += self.own.weeks.get(id_, False)
        self.own.weeks |= {id_: False} if id_ in self.own.weeks else {}

    # Dates that differ, and time off

    def entry(self, kind: str) -> dict[str, Any]:
        """Return a body: of another date each time, or of all that is used up of the calendar."""
        if kind == "exceptions":
            return {"date": str(FIRST_DAY + timedelta(days=next(self.days))), "windows": []}
        end = begin() + timedelta(hours=max(self.own.hours, 1))
        return {"startAt": wire(begin()), "endAt": wire(end), "reason": self.text()}

    def add_entry(self) -> None:
        path, kind = self.turn("add_entry", OWNERS_AND_ENTRIES)
        own, id_ = self.owner(path)
        body, place = self.entry(kind), f"/api/{path}/{{}}/{kind}"
        if not own:
            self.like_one_that_never_was("POST", place, id_, body)
            return
        response = self.send("POST", place.format(id_), body)
        if kind == "time-off" and response.status_code == 409:
            # It stands in the way of bookings, which are this business's own.
            details = response.get_json()["details"]
            named = {one["bookingId"] or one["sessionId"] for one in details}
            assert named
            assert named <= {*self.own.bookings, *self.own.classes}
            response = self.send("POST", place.format(id_), {**body, "force": True})
        assert response.status_code == 201, response.get_data(as_text=True)
        self.own.entries[kind][response.get_json()["id"]] = id_
        self.own.events += 1

    def some_entry(self, action: str) -> tuple[str, str, bool]:
        """Choose one: the place of it, its id, and whether that is one's own owner's."""
        path, kind = self.turn(action, OWNERS_AND_ENTRIES)
        mine = {
            id_: owner for id_, owner in self.own.entries[kind].items() if owner in getattr(self.own, path)
        }
        theirs = self.foreign.entries[kind]
        if mine and self.maybe():
            id_ = self.random.choice([*mine])
            return f"/api/{path}/{mine[id_]}/{kind}/{{}}", id_, True
        owners = [*getattr(self.own, path), *getattr(self.foreign, path), str(uuid.uuid4())]
        owner, id_ = self.random.choice(owners), self.random.choice([*theirs, str(uuid.uuid4())])
        return f"/api/{path}/{theirs.get(id_, owner) if self.maybe() else owner}/{kind}/{{}}", id_, False

    def look_at_entries(self) -> None:
        place, id_, own = self.some_entry("look_at_entries")
        _, _, path, owner, kind, _ = place.split("/")
        if own:
            assert self.expect(200, "GET", place.format(id_))["id"] == id_
        else:
            self.like_one_that_never_was("GET", place, id_)
        if owner in getattr(self.own, path):
            expected = {one for one, whose in self.own.entries[kind].items() if whose == owner}
            assert self.ids_listed(f"/api/{path}/{owner}/{kind}") == expected
        else:
            self.like_one_that_never_was("GET", f"/api/{path}/{{}}/{kind}", owner)

    def change_entry(self) -> None:
        place, id_, own = self.some_entry("change_entry")
        body = {"reason": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", place, id_, body)
            return
        self.expect(200, "PATCH", place.format(id_), body)
        self.own.events += 1

    def remove_entry(self) -> None:
        place, id_, own = self.some_entry("remove_entry")
        if not own:
            self.like_one_that_never_was("DELETE", place, id_)
            return
        self.expect(204, "DELETE", place.format(id_))
        self.own.events += 1
        del self.own.entries[place.split("/")[4]][id_]
