"""How long a search may take, while nobody else is given a slot of all those people."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from mbs.availability.models.hours import Hours, Week
from mbs.availability.models.offer import Candidate, Offer
from mbs.foundation.policies import BOOKING_POLICY
from mbs.reservations.models.places import Ground, Search
from mbs.reservations.models.wishes import At, Wish
from mbs.schedules.models import DAYS

OPEN = datetime(2030, 3, 4, 9, tzinfo=UTC)
PLACE = uuid4()
SECONDS = 3.0


def offer(people: int, assignment: str) -> Offer:
    return Offer(
        service_id=uuid4(),
        name="Haircut",
        mode="appointment",
        active=True,
        price=Decimal(1),
        currency="INR",
        price_unit="booking",
        duration_min=1,
        buffer_before_min=0,
        buffer_after_min=0,
        slot_interval_min=5,
        segments=(),
        max_capacity=1,
        policy={**BOOKING_POLICY, "assignment": assignment},
        timezone="UTC",
        locations={PLACE: "UTC"},
        kinds=("staff",),
        candidates=[
            Candidate(id=uuid4(), kind="staff", name=str(number), location_id=PLACE, timezone="UTC")
            for number in range(people)
        ],
    )


def ground(them: Offer) -> Ground:
    slots: dict[UUID, int] = {one.id: 1 for one in them.candidates}
    week = Week(None, dict.fromkeys(DAYS, ((540, 1020),)))
    hours = Hours(OPEN - timedelta(days=2), OPEN + timedelta(days=2), weeks=dict.fromkeys(slots, week))
    return Ground(hours=hours, taken={}, open=slots, capacity=slots)


class TestASearch:
    @pytest.mark.parametrize("assignment", ["first_free", "least_busy"])
    def test_gives_up_where_one_of_many_services_has_no_place(self, assignment: str) -> None:
        them = offer(200, assignment)
        starts = [OPEN] * 19 + [OPEN + timedelta(hours=11)]
        search = Search(ground=ground(them), party_size=1)
        began = time.process_time()
        assert search.run([Wish(offer=them, when=At(start)) for start in starts]) is None
        assert time.process_time() - began < SECONDS

    @pytest.mark.parametrize("assignment", ["first_free", "least_busy"])
    def test_finds_twenty_people_among_two_hundred(self, assignment: str) -> None:
        them = offer(200, assignment)
        search = Search(ground=ground(them), party_size=1)
        found = search.run([Wish(offer=them, when=At(OPEN))] * 20)
        assert found is not None
        assert len({place.lead.id for place in found}) == 20
