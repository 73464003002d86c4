"""What is taken, in the database: the lock before it, and the constraint behind it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.allocations.errors import SlotUnavailable
from mbs.allocations.repository import AllocationRepository
from mbs.foundation.errors import Busy
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.factories.calendars import new_booking, new_resource
from tests.factories.callers import Business

PAST = text("""
INSERT INTO allocations (id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at)
SELECT gen_random_uuid(), :booking, :resource, 'staff', 1, 1, ends_at - interval '1 hour', ends_at
FROM (SELECT CAST(:noon AS timestamptz) - n * interval '1 hour' AS ends_at
      FROM generate_series(0, 5000) AS n) AS hours
""")
SOUGHT = text("""
EXPLAIN SELECT slot_no FROM allocations WHERE tenant_id = :tenant AND resource_id = ANY(:ids)
AND state <> 'released' AND ends_at > :now AND starts_at < :now
""")

NOON = datetime(2031, 3, 4, 12, tzinfo=UTC)


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def taking(
    booking: UUID,
    resource: UUID,
    first: float,
    last: float,
    *,
    slot: int = 1,
    capacity: int = 1,
    **other: Any,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "booking_id": booking,
        "item_no": 1,
        "segment_no": 1,
        "resource_id": resource,
        "kind": "staff",
        "capacity": capacity,
        "slot_no": slot,
        "starts_at": hour(first),
        "ends_at": hour(last),
        "state": "active",
        "expires_at": None,
        **other,
    }


@pytest.fixture
def customer(owner: Business) -> str:
    made = owner.post("/api/customers", {"name": "Jane"}).json
    assert made is not None
    return str(made["id"])


def work(owner: Business, do: Callable[[AllocationRepository], Any]) -> Any:
    with owner.database.transaction(owner.scope) as transaction:
        return do(AllocationRepository(transaction))


class TestLock:
    def test_returns_resources_once_and_in_one_order(self, owner: Business) -> None:
        ids = [new_resource(owner) for _ in range(3)]
        rows = work(owner, lambda it: it.lock([ids[2], ids[0], ids[1], ids[2], uuid7()]))
        assert [row.id for row in rows] == sorted(ids)
        assert (rows[0].capacity, rows[0].bookable_capacity, rows[0].active) == (1, 1, True)

    def test_does_not_find_another_business_s(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        foreign = new_resource(business())
        assert work(owner, lambda it: it.lock([foreign])) == []

    def test_keeps_a_second_one_waiting(self, owner: Business) -> None:
        resource = new_resource(owner)
        with owner.database.transaction(owner.scope) as transaction:
            AllocationRepository(transaction).lock([resource])
            with ThreadPoolExecutor(1) as pool, pytest.raises(Busy):
                pool.submit(work, owner, lambda it: it.lock([resource])).result(timeout=10)


class TestTaken:
    def test_touches_neither_what_ends_then_nor_what_starts_then(
        self, owner: Business, customer: str
    ) -> None:
        resource, booking = new_resource(owner), new_booking(owner, customer, NOON)
        times = ((-1, 0), (0, 1), (1, 2), (2, 3))
        work(owner, lambda it: it.add_all([taking(booking, resource, *time) for time in times]))
        found = work(owner, lambda it: it.taken([resource], from_=hour(0), to=hour(2), at=NOON))
        assert [(row.starts_at, row.ends_at) for row in found] == [(hour(0), hour(1)), (hour(1), hour(2))]
        assert (found[0].booking_id, found[0].session_id, found[0].slot_no) == (booking, None, 1)

    def test_overlooks_one_booking_and_what_was_released(self, owner: Business, customer: str) -> None:
        resource = new_resource(owner, capacity=3)
        mine, other, freed = (new_booking(owner, customer, NOON) for _ in range(3))
        rows = [
            taking(one, resource, 0, 1, slot=no, capacity=3) for no, one in enumerate((mine, other, freed), 1)
        ]
        work(owner, lambda it: it.add_all(rows))
        work(owner, lambda it: it.release(booking_id=freed))
        found = work(
            owner,
            lambda it: it.taken([resource], from_=hour(0), to=hour(1), at=NOON, except_booking=mine),
        )
        assert [row.booking_id for row in found] == [other]

    def test_counts_a_hold_until_it_is_over(self, owner: Business, customer: str) -> None:
        resource, booking = new_resource(owner), new_booking(owner, customer, NOON, status="held")
        held = taking(booking, resource, 0, 1, state="held", expires_at=hour(-2))
        work(owner, lambda it: it.add_all([held]))
        for at, blocks in ((hour(-3), 1), (hour(-2), 0), (hour(5), 0)):
            with owner.database.transaction(owner.scope, read_only=True) as transaction:
                stored = AllocationRepository(transaction)
                assert len(stored.taken([resource], from_=hour(0), to=hour(1), at=at)) == blocks

    def test_reads_no_more_than_what_is_to_come(
        self, owner: Business, customer: str, server: Server, database_name: str
    ) -> None:
        resource, booking = new_resource(owner), new_booking(owner, customer, NOON)
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(PAST, {"booking": booking, "resource": resource, "noon": NOON})
        run_as_superuser(server, "ANALYZE allocations", database_name)
        with owner.database.transaction(owner.scope) as transaction:
            sought = {"tenant": owner.tenant_id, "ids": [resource], "now": NOON}
            plan = "\n".join(transaction.execute(SOUGHT, sought).scalars())
        assert "ix__allocations__resource_id" in plan
        assert "ends_at >" in plan.partition("Index Cond")[2].partition("\n")[0]


class TestHolds:
    def test_are_released_when_they_are_over_and_not_before(self, owner: Business, customer: str) -> None:
        resource, other = new_resource(owner), new_resource(owner)
        first, second = (new_booking(owner, customer, NOON, status="held") for _ in range(2))
        rows = [
            taking(first, resource, 0, 1, state="held", expires_at=hour(-2)),
            taking(first, resource, 1, 2, state="held", expires_at=hour(-2)),
            taking(second, resource, 2, 3, state="held", expires_at=hour(-1)),
            taking(first, other, 0, 1, state="held", expires_at=hour(-2)),
        ]
        work(owner, lambda it: it.add_all(rows))
        assert work(owner, lambda it: it.release_expired([resource], at=hour(-3))) == []
        assert work(owner, lambda it: it.release_expired([resource], at=hour(-2))) == [first]
        states = {row.starts_at: row.state for row in work(owner, lambda it: it.of_booking(first))[:2]}
        assert work(owner, lambda it: it.release_expired([resource], at=hour(-2))) == []
        assert "released" in states.values()
        # What the resource that nobody locked holds is left to whoever locks that.
        assert [r.state for r in work(owner, lambda it: it.of_booking(first)) if r.resource_id == other] == [
            "held"
        ]

    def test_become_what_is_taken_for_good(self, owner: Business, customer: str) -> None:
        resource, booking = new_resource(owner), new_booking(owner, customer, NOON, status="held")
        held = taking(booking, resource, 0, 1, state="held", expires_at=hour(-2))
        work(owner, lambda it: it.add_all([held]))
        work(owner, lambda it: it.activate(booking))
        assert len(work(owner, lambda it: it.taken([resource], from_=hour(0), to=hour(1), at=hour(0)))) == 1


class TestTheConstraint:
    def test_lets_no_two_have_one_slot_without_any_lock(self, owner: Business, customer: str) -> None:
        resource = new_resource(owner, capacity=2)
        booking = new_booking(owner, customer, NOON)
        work(owner, lambda it: it.add_all([taking(booking, resource, 0, 2, capacity=2)]))
        for first, last in ((0, 2), (1, 3), (-1, 1), (0.5, 1), (-1, 5)):
            overlapping = [taking(booking, resource, first, last, capacity=2)]
            with pytest.raises(SlotUnavailable), owner.database.transaction(owner.scope) as transaction:
                AllocationRepository(transaction).add_all(overlapping)
        work(owner, lambda it: it.add_all([taking(booking, resource, 1, 3, slot=2, capacity=2)]))
        work(owner, lambda it: it.add_all([taking(booking, resource, 2, 3, capacity=2)]))

    def test_knows_no_slot_beyond_the_capacity(self, owner: Business, customer: str) -> None:
        resource, booking = new_resource(owner, capacity=2), new_booking(owner, customer, NOON)
        with pytest.raises(SlotUnavailable):
            work(owner, lambda it: it.add_all([taking(booking, resource, 0, 1, slot=3, capacity=2)]))

    def test_lets_a_slot_be_taken_again_only_while_it_is_free(self, owner: Business, customer: str) -> None:
        resource = new_resource(owner)
        first, second = (new_booking(owner, customer, NOON) for _ in range(2))
        work(owner, lambda it: it.add_all([taking(first, resource, 0, 1)]))
        work(owner, lambda it: it.release(booking_id=first))
        work(owner, lambda it: it.take_again(first))
        work(owner, lambda it: it.release(booking_id=first))
        work(owner, lambda it: it.add_all([taking(second, resource, 0, 1)]))
        with pytest.raises(SlotUnavailable):
            work(owner, lambda it: it.take_again(first))

    def test_has_room_for_a_new_time_that_overlaps_the_old_one(self, owner: Business, customer: str) -> None:
        resource, booking = new_resource(owner), new_booking(owner, customer, NOON)
        work(owner, lambda it: it.add_all([taking(booking, resource, 0, 1), taking(booking, resource, 1, 2)]))

        def move(it: AllocationRepository) -> None:
            it.forget(booking_id=booking)
            it.add_all([taking(booking, resource, 0.5, 1.5), taking(booking, resource, 1.5, 2.5)])

        work(owner, move)
        assert [row.starts_at for row in work(owner, lambda it: it.of_booking(booking))] == [
            hour(0.5),
            hour(1.5),
        ]

    def test_takes_five_hundred_slots_in_one_statement(self, owner: Business, customer: str) -> None:
        resource = new_resource(owner, "room", capacity=500)
        booking = new_booking(owner, customer, NOON)
        rows = [taking(booking, resource, 0, 1, slot=no, capacity=500) for no in range(1, 501)]

        def add(it: AllocationRepository) -> int:
            it.lock([resource])
            raw = it._transaction._connection.connection.dbapi_connection
            before = raw.messages  # type: ignore[union-attr]
            it.add_all(rows)
            return int(raw.messages - before)  # type: ignore[union-attr]

        assert work(owner, add) == 1
