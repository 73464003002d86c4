"""The chain of events: gapless and whole whatever happens, and in one transaction with its change."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from mbs.customers.repository import CustomerRepository
from mbs.customers.service import CustomerService
from mbs.events.repository import EventRepository
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Database
from mbs.foundation.scope import Scope
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.events.chains import broken_at
from tests.events.conftest import WRITERS, Feed
from tests.factories.callers import Business

EACH = 20


def customers(database: Database, scope: Scope) -> CustomerService:
    return CustomerService(begin=partial(database.transaction, scope), clock=SystemClock(), only_of=None)


class TestChain:
    def test_is_gapless_and_whole_under_sixteen_writers_of_two_businesses(
        self, business: Callable[..., Business], wide: Database, feed: Feed
    ) -> None:
        both = business(), business()

        def write(writer: int) -> None:
            service = customers(wide, both[writer % 2].scope)
            for number in range(EACH):
                service.create(name=f"Customer {writer}-{number}", kind="person")

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, range(WRITERS)))

        for one in both:
            events = feed(one)
            created = [event for event in events if event["type"] == "customer.created"]
            assert len(created) == WRITERS * EACH // 2
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert {event["tenantId"] for event in events} == {str(one.tenant_id)}
            assert broken_at(events) is None

    def test_covers_text_of_any_script_and_every_kind_of_change(self, owner: Business, feed: Feed) -> None:
        body = {
            "name": 'Zoë "Q" \\ Ānanda 🌸',
            "email": "zoe@example.com",
            "phone": "+919812345678",
            "address": {"line1": "१२ MG Road", "country": "IN"},
            "tags": ["vip", "é"],
            "notes": "tab\there\nand a second line / slash </script>",
        }
        created = owner.post("/api/customers", body)
        place = f"/api/customers/{created.get_json()['id']}"
        assert owner.patch(place, {"notes": None, "tags": []}).status_code == 200
        assert owner.delete(place).status_code == 204
        assert owner.delete(f"{place}?purge=true").status_code == 204
        assert owner.patch("/api/tenant", {"name": "Näme"}).status_code == 200
        assert owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}}).status_code == 200
        assert owner.patch("/api/auth/me", {"firstName": "Āsha"}).status_code == 200

        events = feed(owner)
        assert [event["type"] for event in events] == [
            "tenant.created",
            "customer.created",
            "customer.updated",
            "customer.archived",
            "customer.purged",
            "tenant.updated",
            "tenant.settings_updated",
            "user.updated",
        ]
        assert broken_at(events) is None

    def test_holds_after_data_was_erased(
        self, owner: Business, feed: Feed, server: Server, database_name: str
    ) -> None:
        for name in ("Ana", "Bo", "Cy"):
            owner.post("/api/customers", {"name": name})
        of_ours = f"WHERE tenant_id = '{owner.tenant_id}'"
        run_as_superuser(server, f"UPDATE events SET data = NULL {of_ours} AND seq = 2", database_name)

        events = feed(owner)
        assert events[1]["data"] is None
        assert broken_at(events) is None
        (entry,) = owner.get(f"/api/audit-logs?objectId={events[1]['objectId']}").get_json()["data"]
        assert (entry["action"], entry["changed"]) == ("customer.created", [])

    @pytest.mark.parametrize(
        ("tampering", "place"),
        [
            ("UPDATE events SET data = jsonb_set(data, '{object,name}', '\"Eve\"') {ours} AND seq = 2", 2),
            ("UPDATE events SET type = 'customer.updated' {ours} AND seq = 3", 3),
            ("UPDATE events SET at = at + interval '1 microsecond' {ours} AND seq = 2", 2),
            ("UPDATE events SET actor = jsonb_set(actor, '{id}', 'null') {ours} AND seq = 4", 4),
            ("DELETE FROM events {ours} AND seq = 3", 3),
            ("UPDATE events SET hash = prev_hash {ours} AND seq = 2", 2),
        ],
    )
    def test_breaks_where_a_superuser_tampered_with_it(
        self, owner: Business, feed: Feed, server: Server, database_name: str, tampering: str, place: int
    ) -> None:
        for name in ("Ana", "Bo", "Cy"):
            owner.post("/api/customers", {"name": name})
        assert broken_at(feed(owner)) is None
        ours = f"WHERE tenant_id = '{owner.tenant_id}'"
        run_as_superuser(server, tampering.replace("{ours}", ours), database_name)
        assert broken_at(feed(owner)) == place


class TestEventAndChange:
    def test_are_both_gone_when_the_transaction_fails_behind_them(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch, feed: Feed
    ) -> None:
        before = feed(owner)
        append = EventRepository.append

        def append_and_fail(self: EventRepository, **values: Any) -> int:
            append(self, **values)
            raise OSError("the process fails here")

        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "append", append_and_fail)
            assert owner.post("/api/customers", {"name": "Ana"}).status_code == 500
        assert owner.get("/api/customers?includeTotal=true").get_json()["pagination"]["total"] == 0
        assert feed(owner) == before

        assert owner.post("/api/customers", {"name": "Bo"}).status_code == 201
        events = feed(owner)
        assert [event["seq"] for event in events] == list(range(1, len(before) + 2))
        assert broken_at(events) is None

    def test_are_both_there_or_neither_for_each_of_many_that_fail_at_random(
        self, owner: Business, wide: Database, feed: Feed
    ) -> None:
        def write(number: int) -> None:
            try:
                with wide.transaction(owner.scope) as transaction:
                    service = customers(wide, replace(owner.scope, open_transaction=transaction))
                    service.create(name=f"Customer {number}", kind="person")
                    if number % 3 == 0:
                        raise KeyError(number)
            except KeyError:
                pass

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(60)))

        events = [event for event in feed(owner) if event["objectType"] == "customer"]
        with wide.transaction(owner.scope) as transaction:
            rows = transaction.execute(CustomerRepository(transaction).select()).all()
        assert {event["objectId"] for event in events} == {str(row.id) for row in rows}
        assert len(rows) == 40
        assert broken_at(feed(owner)) is None

    def test_leave_no_event_where_nothing_changed(self, owner: Business, feed: Feed) -> None:
        place = f"/api/customers/{owner.post('/api/customers', {'name': 'Ana'}).get_json()['id']}"
        owner.delete(place)
        before = feed(owner)
        assert owner.delete(place).status_code == 204
        assert owner.patch(place, {"name": "Bo"}, headers={"If-Match": '"77"'}).status_code == 412
        assert owner.patch(place, {"name": ""}).status_code == 400
        assert owner.post("/api/customers?dryRun=true", {"name": "Cy"}).status_code == 201
        assert feed(owner) == before

    def test_name_who_did_it_and_in_which_request(self, owner: Business, feed: Feed) -> None:
        headers = {"X-Correlation-Id": "request-7"}
        customer = owner.post("/api/customers", {"name": "Ana"}, headers=headers).get_json()
        owner.patch(f"/api/customers/{customer['id']}", {"name": "Bo"}, headers=headers)

        *_, created, updated = feed(owner)

        actor = {"type": "user", "id": str(owner.user_id), "correlationId": "request-7"}
        assert (created["actor"], created["objectId"]) == (actor, customer["id"])
        assert (created["data"]["object"]["name"], created["data"]["previous"]) == ("Ana", {})
        assert (updated["data"]["object"]["name"], updated["data"]["previous"]) == ("Bo", {"name": "Ana"})
