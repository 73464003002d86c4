"""The feed for programs and the log for people: complete, in order, narrowed, and not for everyone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from mbs.customers.service import CustomerService
from mbs.events.service import EventService
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Database
from tests.factories.callers import Business

WRITERS, EACH = 8, 25


class TestFeed:
    def test_misses_nothing_while_many_write(self, owner: Business, wide: Database) -> None:
        """A reader goes on behind the last `seq` it saw: nothing may appear before that later on."""
        begin = partial(wide.transaction, owner.scope)
        feed = EventService(begin=begin)
        written = threading.Event()

        def write(writer: int) -> None:
            service = CustomerService(begin=begin, clock=SystemClock(), only_of=None)
            for number in range(EACH):
                service.create(name=f"Customer {writer}-{number}", kind="person")

        def poll() -> list[int]:
            seen: list[int] = []
            while True:
                last = written.is_set()
                rows, more = feed.feed(after=seen[-1] if seen else 0, limit=7)
                seen += [row.seq for row in rows]
                if last and not rows and not more:
                    return seen

        with ThreadPoolExecutor(WRITERS + 3) as pool:
            readers = [pool.submit(poll) for _ in range(3)]
            for writer in [pool.submit(write, number) for number in range(WRITERS)]:
                writer.result()
            written.set()
            for reader in readers:
                assert reader.result() == list(range(1, WRITERS * EACH + 2))

    def test_goes_on_with_after_and_with_the_cursor_alike(self, owner: Business) -> None:
        for name in ("Ana", "Bo", "Cy", "Di"):
            owner.post("/api/customers", {"name": name})
        first = owner.get("/api/events?limit=2").get_json()
        assert [row["seq"] for row in first["data"]] == [1, 2]
        assert first["pagination"]["hasMore"] is True
        cursor = first["pagination"]["nextCursor"]
        by_cursor = owner.get(f"/api/events?limit=2&cursor={cursor}").get_json()
        by_seq = owner.get("/api/events?limit=2&after=2").get_json()
        assert [row["seq"] for row in by_cursor["data"]] == [3, 4]
        assert by_cursor == by_seq
        last = owner.get("/api/events?after=4").get_json()
        assert [row["seq"] for row in last["data"]] == [5]
        assert (last["pagination"]["hasMore"], last["pagination"]["nextCursor"]) == (False, None)
        assert owner.get("/api/events?after=5").get_json()["data"] == []

    def test_is_narrowed_by_every_filter(self, owner: Business) -> None:
        admin = owner.colleague("admin")
        ana = owner.post("/api/customers", {"name": "Ana"}).get_json()["id"]
        bo = admin.post("/api/customers", {"name": "Bo"}).get_json()["id"]
        admin.patch(f"/api/customers/{ana}", {"name": "Anna"})

        def found(query: str) -> list[tuple[str, str]]:
            rows = owner.get(f"/api/events?{query}").get_json()["data"]
            return [(row["type"], row["objectId"]) for row in rows if row["objectType"] == "customer"]

        created, updated = ("customer.created", ana), ("customer.updated", ana)
        assert found(f"objectId={ana}") == [created, updated]
        assert found("objectType=customer") == [created, ("customer.created", bo), updated]
        assert found("types=customer.updated") == [updated]
        assert found("types=customer.updated,customer.created") == [
            created,
            ("customer.created", bo),
            updated,
        ]
        assert found(f"actorId={admin.user_id}") == [("customer.created", bo), updated]
        assert found(f"actorId={admin.user_id}&objectId={ana}&types=customer.updated") == [updated]
        assert found("types=no.such") == []

    @pytest.mark.parametrize(
        "query",
        [
            "after=-1",
            "after=x",
            "cursor=x",
            "cursor=-1",
            "limit=0",
            "types=nonsense",
            "objectId=1",
            "from=today",
        ],
    )
    def test_refuses_what_it_does_not_understand(self, owner: Business, query: str) -> None:
        assert owner.get(f"/api/events?{query}").status_code == 400

    def test_gives_one_event_by_its_id(self, owner: Business) -> None:
        (event,) = owner.get("/api/events").get_json()["data"]
        assert owner.get(f"/api/events/{event['id']}").get_json() == event


class TestAuditLog:
    def test_tells_who_changed_what_newest_first(self, owner: Business) -> None:
        id_ = owner.post("/api/customers", {"name": "Ana", "notes": "x"}).get_json()["id"]
        owner.patch(f"/api/customers/{id_}", {"name": "Bo", "notes": None})
        entries = owner.get(f"/api/audit-logs?objectId={id_}").get_json()["data"]
        assert [(entry["action"], entry["summary"], entry["changed"]) for entry in entries] == [
            ("customer.updated", "Customer updated", ["name", "notes"]),
            ("customer.created", "Customer created", []),
        ]
        assert {entry["actor"]["id"] for entry in entries} == {str(owner.user_id)}

    def test_is_paged_back_to_the_beginning(self, owner: Business) -> None:
        for number in range(6):
            owner.post("/api/customers", {"name": f"Customer {number}"})
        seen, query = [], "limit=3"
        while True:
            page = owner.get(f"/api/audit-logs?{query}").get_json()
            seen += [entry["seq"] for entry in page["data"]]
            if not page["pagination"]["hasMore"]:
                break
            query = f"limit=3&cursor={page['pagination']['nextCursor']}"
        assert seen == [7, 6, 5, 4, 3, 2, 1]

    def test_is_narrowed_to_a_time(self, owner: Business) -> None:
        owner.post("/api/customers", {"name": "Ana"})
        now = datetime.now(UTC)
        past, future = (
            (now + shift).strftime("%Y-%m-%dT%H:%M:%SZ") for shift in (-timedelta(1), timedelta(1))
        )
        assert len(owner.get(f"/api/audit-logs?from={past}&to={future}").get_json()["data"]) == 2
        assert owner.get(f"/api/audit-logs?from={future}").get_json()["data"] == []
        assert owner.get(f"/api/audit-logs?to={past}").get_json()["data"] == []


class TestTrail:
    @pytest.mark.parametrize(
        ("role", "status"), [("admin", 200), ("manager", 403), ("staff", 403), ("accountant", 403)]
    )
    def test_is_read_by_owner_and_admin_only(self, owner: Business, role: str, status: int) -> None:
        member = owner.colleague(role)
        (event, *_) = owner.get("/api/events").get_json()["data"]
        for path in ("/api/events", f"/api/events/{event['id']}", "/api/audit-logs"):
            assert member.get(path).status_code == status

    def test_takes_no_change_over_http(self, owner: Business) -> None:
        (event,) = owner.get("/api/events").get_json()["data"]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in ("/api/events", f"/api/events/{event['id']}", "/api/audit-logs"):
                assert owner.call(method, path, {"type": "x.y"}).status_code == 405
