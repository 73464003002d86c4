"""Bookings, holds, moves, cancellations, time off and capacities, in any order, against a model of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.factories.callers import Caller, new_business
from tests.factories.catalog import create_resource, create_service, create_staff
from tests.factories.salons import Salon, day, new_salon, wire
from tests.reservations.test_holds import let_pass

pytestmark = pytest.mark.slow

HALF_HOURS = st.integers(0, 23)
HALF = timedelta(minutes=30)

STORED = text("""
SELECT resource_id::text, slot_no, starts_at, ends_at FROM allocations
WHERE tenant_id = :tenant AND resource_id = ANY(CAST(:ids AS uuid[])) AND state <> 'released'
AND (expires_at IS NULL OR expires_at > now())
""")

Slot = tuple[str, int, datetime, datetime]


@dataclass
class Known:
    """A booking as the model knows it; `slots` are what it takes."""

    made: dict[str, Any]
    service: str
    party: int
    slots: set[Slot]
    held: bool


@dataclass
class Service:
    """`kinds` are whose resources it takes; times in half-hours, the buffer behind it in minutes."""

    id: str
    kinds: tuple[str, ...]
    length: int
    buffer: int


@dataclass
class Calendar:
    """What ought to be: capacities, time off of the room, and bookings."""

    capacity: int = 3
    off: list[tuple[datetime, datetime]] = field(default_factory=list)
    bookings: list[Known] = field(default_factory=list)

    def taken(self, but: Known | None = None) -> set[Slot]:
        return set().union(*(one.slots for one in self.bookings if one is not but))


def overlaps(slot: Slot, start: datetime, end: datetime) -> bool:
    return slot[2] < end and slot[3] > start


class Machine(RuleBasedStateMachine):
    salon: ClassVar[Salon]

    @initialize()
    def open(self) -> None:
        owner = self.salon.owner
        self.model = Calendar()
        self.room = create_resource(owner, "room", capacity=3)["id"]
        self.person = create_staff(owner)["id"]
        both = [self.room, self.person]
        self.services = {
            "desk": self.offer("desk", ("room",), 2, 0, [self.room]),
            "lesson": self.offer("lesson", ("room", "staff"), 3, 15, both),
        }

    def offer(self, name: str, kinds: tuple[str, ...], length: int, buffer: int, doing: list[str]) -> Service:
        body = {"duration": 30 * length, "bufferAfter": buffer, "maxCapacity": 3}
        made = create_service(self.salon.owner, name=name, resources=doing, **body)
        return Service(made["id"], kinds, length, buffer)

    # What the model says

    def fits(self, service: Service, start: datetime, party: int, but: Known | None = None) -> bool:
        end = start + service.length * HALF
        last = end + timedelta(minutes=service.buffer)
        taken = [slot for slot in self.model.taken(but) if overlaps(slot, start, last)]
        free = self.model.capacity - len({slot[1] for slot in taken if slot[0] == self.room})
        wanted = party if self.model.capacity > 1 else 1
        alone = "staff" not in service.kinds or not any(slot[0] == self.person for slot in taken)
        there = not any(first < last and to > start for first, to in self.model.off)
        return free >= wanted and alone and there

    def learn(self, known: Known, made: dict[str, Any], service: Service) -> None:
        """Note what a booking takes now; none of it may be another's."""
        start = datetime.fromisoformat(made["startAt"])
        last = datetime.fromisoformat(made["endAt"]) + timedelta(minutes=service.buffer)
        slots = {(one["resourceId"], one["slotNo"], start, last) for one in made["resources"]}
        for slot in slots:
            same = [one for one in self.model.taken(known) if one[:2] == slot[:2]]
            assert not any(overlaps(one, start, last) for one in same)
        known.made, known.slots = made, slots

    # What happens

    @rule(
        name=st.sampled_from(["desk", "lesson"]),
        at=HALF_HOURS,
        party=st.sampled_from([1, 1, 1, 2, 3]),
        held=st.booleans(),
    )
    def book(self, name: str, at: int, party: int, held: bool) -> None:
        service, start = self.services[name], day(20, 6) + at * HALF
        hold: dict[str, Any] = {"hold": {"minutes": 60}} if held else {}
        response = self.salon.post(serviceId=service.id, startAt=wire(start), partySize=party, **hold)
        assert response.status_code == (201 if self.fits(service, start, party) else 409), response.get_json()
        if response.status_code == 201:
            known = Known({}, name, party, set(), held)
            self.learn(known, response.get_json(), service)
            self.model.bookings.append(known)

    @precondition(lambda self: self.model.bookings)
    @rule(data=st.data(), by=st.integers(-4, 4))
    def move(self, data: st.DataObject, by: int) -> None:
        known = self.drawn(data)
        start = datetime.fromisoformat(known.made["startAt"]) + by * HALF
        service = self.services[known.service]
        response = self.salon.move(known.made, startAt=wire(start))
        expected = by == 0 or self.fits(service, start, known.party, known)
        assert response.status_code == (200 if expected else 409), response.get_json()
        if expected:
            self.learn(known, response.get_json(), service)

    @precondition(lambda self: self.model.bookings)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        known = self.drawn(data)
        if known.held:
            let_pass(self.salon, known.made)
            path = f"/api/bookings/{known.made['id']}/convert"
            assert self.salon.owner.post(path).status_code == 409
        else:
            path = f"/api/bookings/{known.made['id']}/cancel"
            assert self.salon.owner.post(path, {}).status_code == 200
        self.model.bookings.remove(known)

    @precondition(lambda self: any(one.held for one in self.model.bookings))
    @rule(data=st.data())
    def convert(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from([one for one in self.model.bookings if one.held]))
        response = self.salon.owner.post(f"/api/bookings/{known.made['id']}/convert")
        assert response.status_code == 200, response.get_json()
        known.made, known.held = response.get_json(), False

    @rule(capacity=st.sampled_from([1, 2, 3, 3, 4, 4]))
    def give_the_room(self, capacity: int) -> None:
        needed = max((slot[1] for slot in self.model.taken() if slot[0] == self.room), default=1)
        body = {"capacity": capacity, "bookableCapacity": capacity}
        response = self.salon.owner.patch(f"/api/resources/{self.room}", body)
        assert response.status_code == (200 if capacity >= needed else 409), response.get_json()
        if response.status_code == 200:
            self.model.capacity = capacity

    @rule(at=st.integers(0, 96), force=st.booleans())
    def close_the_room(self, at: int, force: bool) -> None:
        start = day(20, 6) + at * HALF
        end = start + HALF
        busy = any(slot[0] == self.room and overlaps(slot, start, end) for slot in self.model.taken())
        body = {"startAt": wire(start), "endAt": wire(end), "force": force}
        response = self.salon.owner.post(f"/api/resources/{self.room}/time-off", body)
        assert response.status_code == (409 if busy and not force else 201), response.get_json()
        if response.status_code == 201:
            self.model.off.append((start, end))

    def drawn(self, data: st.DataObject) -> Known:
        return data.draw(st.sampled_from(self.model.bookings))

    @invariant()
    def nothing_is_lost_and_nothing_collides(self) -> None:
        if not hasattr(self, "model"):
            return
        owner = self.salon.owner
        sought = {"tenant": owner.tenant_id, "ids": [self.room, self.person]}
        with owner.database.transaction(owner.scope) as transaction:
            stored = [tuple(row) for row in transaction.execute(STORED, sought)]
        assert len(stored) == len(set(stored))
        assert set(stored) == self.model.taken()


@pytest.fixture(scope="module")
def salon(environ: dict[str, str]) -> Iterator[Salon]:
    app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true", "LOG_LEVEL": "error"}))
    yield new_salon(new_business(Caller(app)))
    app.extensions[EXTENSION].dispose()


class TestTheCalendar:
    def test_stays_what_the_model_says_whatever_happens(self, salon: Salon) -> None:
        Machine.salon = salon
        bounds = settings(
            max_examples=35,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        run_machine(Machine, settings=bounds)
