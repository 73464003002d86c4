"""What availability reads, and that each question is one statement."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.availability.models.hours import Week
from mbs.availability.models.offer import Offer
from mbs.availability.repository import AvailabilityRepository
from mbs.foundation.errors import InvalidReference
from tests.availability.worlds import World, at, week
from tests.factories.callers import Business

TUESDAY = "2026-03-03"


@pytest.fixture
def world(owner: Business) -> World:
    return World(owner)


class TestOffer:
    def test_holds_the_service_and_who_can_do_it(self, world: World) -> None:
        asha = world.resource(name="Asha", tags=["senior"])
        ravi = world.resource(name="Ravi")
        gone = world.resource(name="Uma", active=False)
        chair = world.resource("equipment", "Chair")
        service = world.service(asha, gone, chair, policy={"slotIntervalMin": 20}, buffer_after_min=10)
        world.assign(service, ravi, price=Decimal("1200.50"), duration_min=75)
        offer = self.read(world, service)
        assert [one.name for one in offer.candidates] == ["Asha", "Chair", "Ravi"]
        assert offer.needed_kinds == ("staff", "equipment")
        first, _, other = offer.candidates
        assert (first.tags, first.timezone, first.location_id) == (
            {"senior"},
            "Asia/Kolkata",
            world.location,
        )
        assert (offer.price_of(first), offer.duration(first)) == (Decimal("999.0000"), 60)
        assert (offer.price_of(other), offer.duration(other)) == (Decimal("1200.5000"), 75)
        assert (offer.slot_interval_min, offer.policy["minNoticeMin"]) == (20, 60)

    def test_needs_a_kind_of_which_all_are_inactive(self, world: World) -> None:
        service = world.service(world.resource(), world.resource("room", "Room", active=False))
        offer = self.read(world, service)
        assert offer.needed_kinds == ("staff", "room")
        assert offer.of_kind("room") == []

    def test_is_narrowed_to_whom_and_where_is_wanted(self, world: World) -> None:
        annex = world.place()
        asha, ravi = world.resource(name="Asha"), world.resource(name="Ravi", location_id=annex)
        chair = world.resource("equipment", "Chair")
        service = world.service(asha, ravi, chair)
        assert self.names(world, service, staff_id=asha) == ["Asha", "Chair"]
        assert self.names(world, service, location_id=annex) == ["Ravi"]
        assert self.names(world, service, resource_id=chair) == ["Asha", "Chair", "Ravi"]

    def test_of_another_business_is_none(self, world: World, business: Callable[..., Business]) -> None:
        other = World(business())
        theirs, staff = other.service(other.resource()), other.resource(name="Uma")
        mine = world.service(world.resource())
        for field, asked in {
            "serviceId": {"service_id": theirs},
            "staffId": {"staff_id": staff},
            "resourceId": {"resource_id": staff},
            "locationId": {"location_id": other.location},
        }.items():
            with pytest.raises(InvalidReference) as caught:
                self.read(world, asked.pop("service_id", mine), **asked)
            assert [fault.field for fault in caught.value.errors] == [field]

    def test_by_a_chair_is_nobody_s(self, world: World) -> None:
        chair = world.resource("equipment", "Chair")
        with pytest.raises(InvalidReference):
            self.read(world, world.service(chair), staff_id=chair)

    def read(self, world: World, service: UUID, **asked: Any) -> Offer:
        with world.owner.database.transaction(world.owner.scope, read_only=True) as transaction:
            return AvailabilityRepository(transaction).offer(service, **asked)

    def names(self, world: World, service: UUID, **asked: UUID) -> list[str]:
        return [one.name for one in self.read(world, service, **asked).candidates]


class TestHours:
    def test_are_those_of_people_places_and_what_they_belong_to(self, world: World) -> None:
        room = world.resource("room", "Salon")
        asha = world.resource(parent_id=room)
        service = world.service(asha)
        world.schedule(asha, week(("10:00", "14:00")), "Europe/London")
        world.schedule(world.location, week(("09:00", "20:00")))
        world.exception(asha, TUESDAY, ("12:00", "13:00"))
        world.exception(world.location, TUESDAY)
        world.exception(asha, "2026-04-03")
        world.time_off(room, f"{TUESDAY}T06:00:00.500+00:00", f"{TUESDAY}T07:00:00.500+00:00")
        world.time_off(asha, "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
        with world.owner.database.transaction(world.owner.scope, read_only=True) as transaction:
            repository = AvailabilityRepository(transaction)
            offer = repository.offer(service)
            start, end = at(f"{TUESDAY}T00:00:00+00:00"), at(f"{TUESDAY}T23:59:00+00:00")
            hours = repository.hours(offer.candidates, start, end)
        assert hours.weeks[asha] == Week("Europe/London", week(("10:00", "14:00")))
        assert hours.weeks[world.location].timezone is None
        assert hours.exceptions == {
            asha: {start.date(): [[720, 780]]},
            world.location: {start.date(): []},
        }
        second = int(at(f"{TUESDAY}T06:00:00+00:00").timestamp())
        assert hours.time_off == {room: [(second, second + 3601)]}
        assert hours.off(offer.candidates[0]) == [(second, second + 3601)]
        assert uuid4() not in hours.weeks
