"""`Idempotency-Key` (IETF draft idempotency-key-header): one effect, however often the request comes."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.events.repository import EventRepository
from tests.contract.operations import Operation, operations
from tests.contract.stored_rows import Query, row_counts
from tests.factories.callers import Business, Caller
from tests.factories.members import new_tenant_with
from tests.factories.requests import acceptable

PATH = "/api/customers"


def post(caller: Caller, key: str, name: str = "Jane", path: str = PATH) -> TestResponse:
    return caller.post(path, {"name": name}, headers={"Idempotency-Key": key})


def code(response: TestResponse) -> Any:
    assert response.json is not None
    return response.json["code"]


def customers(business: Business) -> int:
    page = business.get("/api/customers?includeTotal=true").json
    assert page is not None
    total: int = page["pagination"]["total"]
    return total


REPLAYABLE = [
    one
    for one in operations()
    if "Idempotency-Key" in {parameter["name"] for parameter in one.parameters("header")}
]

EVENTS = {
    # The example's is issued at once.
    "POST /api/bookings/{booking_id}/invoice": 2,
    # The invoice that is paid by it, or open again, has one of its own; so has what leaves it.
    "POST /api/payments": 2,
    "POST /api/payments/{payment_id}/allocations": 2,
    "POST /api/payments/{payment_id}/refunds": 3,
    "POST /api/payments/{payment_id}/reverse": 2,
    # The invoice is credited, and by that paid.
    "POST /api/invoices/{invoice_id}/credit-notes": 3,
    # The location that is no longer the default has an event of its own, as has a booking that is confirmed.
    "PATCH /api/locations/{location_id}": 2,
    "POST /api/sessions/{session_id}/waitlist/{entry_id}/accept": 2,
    # One for each class.
    "POST /api/session-series": 34,
}
"""How many events those have that have more than one."""

MANY_EVENTS = {"POST /api/seed/{preset}"}


@pytest.mark.parametrize("operation", REPLAYABLE, ids=lambda operation: operation.name)
class TestEveryOperationThatTakesAKey:
    def test_has_one_effect(self, app: Flask, query: Query, operation: Operation) -> None:
        (owner,) = new_tenant_with(app, "replay", ("owner",))
        request = acceptable(owner, operation.method, operation.path, operation.example)
        counted = "SELECT count(*) FROM events WHERE tenant_id = %s"
        ((before,),) = query(counted, str(owner.tenant_id))

        first, between, again = (
            owner.call(request.method, request.path, request.body, headers={"Idempotency-Key": "k"}),
            query(counted, str(owner.tenant_id)),
            owner.call(request.method, request.path, request.body, headers={"Idempotency-Key": "k"}),
        )

        assert first.status_code in (200, 201), first.get_data(as_text=True)
        assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert query(counted, str(owner.tenant_id)) == between
        ((after,),) = between
        if operation.name not in MANY_EVENTS:
            assert after - before == EVENTS.get(operation.name, 1)

    def test_has_none_when_it_is_a_rehearsal(self, app: Flask, query: Query, operation: Operation) -> None:
        (owner,) = new_tenant_with(app, "rehearsal", ("owner",))
        request = acceptable(owner, operation.method, operation.path, operation.example)
        before = row_counts(query)

        response = owner.call(
            request.method, f"{request.path}?dryRun=true", request.body, headers={"Idempotency-Key": "k"}
        )

        assert response.status_code in (200, 201), response.get_data(as_text=True)
        assert row_counts(query) == before


class TestASecretThatIsShownOnce:
    def test_is_not_kept_for_a_replay(self, owner: Business, query: Query) -> None:
        body = {"name": "Web shop", "scopes": ["customers:read"]}
        keys = [
            owner.post("/api/api-keys", body, headers={"Idempotency-Key": "k"}).get_json()["key"]
            for _ in range(2)
        ]
        assert keys[0] != keys[1]
        kept = "SELECT count(*) FROM idempotency_keys WHERE tenant_id = %s"
        assert query(kept, str(owner.tenant_id)) == [(0,)]


class TestAReplay:
    def test_is_the_first_answer_again(self, owner: Business) -> None:
        first, again = post(owner, "k"), post(owner, "k")

        assert (again.status_code, again.get_data()) == (first.status_code, first.get_data()) != (200, b"")
        for name in ("Content-Type", "ETag", "Location"):
            assert again.headers[name] == first.headers[name]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert customers(owner) == 1

    def test_is_its_own_request_in_the_log(self, owner: Business) -> None:
        first, again = post(owner, "k"), post(owner, "k")

        assert first.headers["X-Correlation-Id"] != again.headers["X-Correlation-Id"]

    def test_of_a_change_does_not_change_again(self, owner: Business) -> None:
        path = post(owner, "create").headers["Location"]
        headers = {"Idempotency-Key": "k", "If-Match": '"1"'}

        first = owner.patch(path, {"name": "Zoe"}, headers=headers)
        again = owner.patch(path, {"name": "Zoe"}, headers=headers)

        assert (first.status_code, again.status_code) == (200, 200)
        assert (again.headers["ETag"], again.get_data()) == ('"2"', first.get_data())

    def test_asks_for_permission_anew(self, owner: Business, query: Query) -> None:
        staff = owner.colleague("staff")
        assert post(staff, "k").status_code == 201
        query("UPDATE memberships SET role = 'accountant' WHERE user_id = %s", str(staff.user_id))

        assert post(staff, "k").status_code == 403

    def test_knows_the_key_with_and_without_quotes(self, owner: Business) -> None:
        post(owner, "k")

        assert post(owner, '"k"').headers["Idempotent-Replayed"] == "true"
        assert post(owner, "  k ").headers["Idempotent-Replayed"] == "true"


class TestAReusedKey:
    def test_is_refused_with_another_body_route_or_query(self, owner: Business) -> None:
        path = post(owner, "k").headers["Location"]

        other_route = owner.patch(path, {"name": "Jane"}, headers={"Idempotency-Key": "k"})
        for response in (post(owner, "k", "Joe"), other_route, post(owner, "k", path=f"{PATH}?dryRun=false")):
            assert response.status_code == 422
            assert code(response) == "IDEMPOTENCY_KEY_REUSED"
        assert customers(owner) == 1

    def test_belongs_to_one_person_of_one_business(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        for caller in (owner, owner.colleague("manager"), business()):
            response = post(caller, "k")
            assert (response.status_code, response.headers.get("Idempotent-Replayed")) == (201, None)

    def test_is_free_again_after_its_day(self, owner: Business, query: Query) -> None:
        post(owner, "k")
        expired = "UPDATE idempotency_keys SET expires_at = now() - interval '1 s' WHERE tenant_id = %s"
        query(expired, str(owner.tenant_id))

        assert post(owner, "k", "Joe").status_code == 201
        again = post(owner, "k", "Joe")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.json is not None
        assert again.json["name"] == "Joe"

    def test_is_kept_for_a_day(self, owner: Business, query: Query) -> None:
        post(owner, "k")

        hours = "SELECT round(extract(epoch FROM expires_at - now()) / 3600) FROM idempotency_keys"
        assert query(f"{hours} WHERE tenant_id = %s", str(owner.tenant_id)) == [(24,)]


class TestAKey:
    @pytest.mark.parametrize("key", ["", " ", '""', "a" * 256, "ключ", "a\tb", "a\x7fb", "k\u00e9"])
    def test_is_1_to_255_printable_characters(self, owner: Business, key: str) -> None:
        header = key.encode().decode("latin-1")
        response = post(owner, header)

        assert response.status_code == 400
        assert response.json is not None
        assert [fault["field"] for fault in response.json["errors"]] == ["Idempotency-Key"]
        assert customers(owner) == 0

    @pytest.mark.parametrize("key", ["a", "a" * 255, "0191-b: {x} 'y'; DROP TABLE customers --", '"', "%00"])
    def test_may_hold_anything_printable(self, owner: Business, key: str) -> None:
        assert post(owner, key).status_code == 201
        assert post(owner, key).headers["Idempotent-Replayed"] == "true"


class TestARefusal:
    def test_is_not_kept(self, owner: Business, query: Query) -> None:
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})
        email = {"name": "Jane", "email": "jane@example.com"}
        created = owner.post(PATH, email).headers["Location"]
        headers = {"Idempotency-Key": "k"}

        assert owner.post(PATH, {"name": ""}, headers=headers).status_code == 400
        assert owner.post(PATH, email, headers=headers).status_code == 409
        stale = owner.patch(created, {"name": "Zoe"}, headers={**headers, "If-Match": '"9"'})
        assert stale.status_code == 412
        kept = "SELECT count(*) FROM idempotency_keys WHERE tenant_id = %s"
        assert query(kept, str(owner.tenant_id)) == [(0,)]
        owner.delete(f"{created}?purge=true")
        retried = owner.post(PATH, email, headers=headers)
        assert (retried.status_code, retried.headers.get("Idempotent-Replayed")) == (201, None)

    def test_takes_key_and_effect_with_it_at_the_very_end(
        self, owner: Business, query: Query, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> int:
            raise RuntimeError("the last statement before the commit")

        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "append", fail)
            assert post(owner, "k").status_code == 500

        for table in ("customers", "idempotency_keys"):
            counted = f"SELECT count(*) FROM {table} WHERE tenant_id = %s"
            assert query(counted, str(owner.tenant_id)) == [(0,)]
        assert post(owner, "k").status_code == 201

    def test_of_a_backend_that_was_killed_leaves_neither_key_nor_effect(
        self, owner: Business, query: Query, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        append = EventRepository.append

        def kill(self: EventRepository, **kwargs: Any) -> None:
            (pid,) = self._transaction._connection.exec_driver_sql("SELECT pg_backend_pid()").one()
            query("SELECT pg_terminate_backend(%s)", pid)
            append(self, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "append", kill)
            lost = post(owner, "k")
            assert (lost.status_code, lost.headers["Retry-After"]) == (503, "2")

        assert customers(owner) == 0
        retried = post(owner, "k")
        assert (retried.status_code, retried.headers.get("Idempotent-Replayed")) == (201, None)


class TestFiftyAtOnce:
    def test_have_one_effect(self, owner: Business, wide_app: Flask) -> None:
        with ThreadPoolExecutor(50) as threads:
            responses = list(threads.map(lambda _: post(Caller(wide_app, token=owner.token), "k"), range(50)))

        outcomes = Counter(
            (response.status_code, response.headers.get("Idempotent-Replayed")) for response in responses
        )
        assert outcomes.pop((201, None)) == 1
        assert set(outcomes) <= {(201, "true"), (409, None)}
        for response in responses:
            if response.status_code == 409:
                assert (code(response), response.headers["Retry-After"]) == ("BUSY", "1")
        assert len({response.headers.get("Location") for response in responses} - {None}) == 1
        assert customers(owner) == 1

    def test_with_one_version_change_once(self, owner: Business, wide_app: Flask) -> None:
        path = post(owner, "k").headers["Location"]

        def change(number: int) -> int:
            caller = Caller(wide_app, token=owner.token)
            return caller.patch(path, {"name": f"Name {number}"}, headers={"If-Match": '"1"'}).status_code

        with ThreadPoolExecutor(50) as threads:
            outcomes = Counter(threads.map(change, range(50)))

        assert outcomes == {200: 1, 412: 49}
        assert owner.get(path).headers["ETag"] == '"2"'

    def test_without_a_version_change_one_after_the_other(self, owner: Business, wide_app: Flask) -> None:
        path = post(owner, "k").headers["Location"]

        def change(number: int) -> int:
            return Caller(wide_app, token=owner.token).patch(path, {"name": f"Name {number}"}).status_code

        with ThreadPoolExecutor(20) as threads:
            outcomes = Counter(threads.map(change, range(20)))

        assert outcomes == {200: 20}
        assert owner.get(path).headers["ETag"] == '"21"'
