"""The service works, and keeps tenants apart, whatever kind of login it was given (ADR 0003)."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tests.factories.callers import PASSWORD, Business, Caller, new_business
from tests.tenancy.conftest import Service, random_id


@pytest.fixture
def register(service: Service) -> Callable[[], Business]:
    return lambda: new_business(Caller(service.app))


def isolation(service: Service) -> dict[str, Any]:
    body = Caller(service.app).get("/health/ready").get_json()
    (check,) = (check for check in body["checks"] if check["name"] == "tenant_isolation")
    return {**check, "ready": body["ready"]}


class TestEveryLogin:
    def test_serves_a_business_from_its_registration_to_its_trail(
        self, service: Service, register: Callable[[], Business]
    ) -> None:
        owner = register()
        login = Caller(service.app).post("/api/auth/login", {"email": owner.email, "password": PASSWORD})
        assert login.status_code == 200
        caller = Caller(service.app, token=login.get_json()["accessToken"])

        created = caller.post("/api/customers", {"name": "Ana"})
        place = f"/api/customers/{created.get_json()['id']}"
        answers = [
            created,
            caller.patch(place, {"notes": "Prefers mornings"}, headers={"If-Match": created.headers["ETag"]}),
            caller.get(place),
            caller.delete(place),
            caller.get("/api/customers?status=archived"),
            caller.get("/api/context"),
            caller.get("/api/events?objectType=customer"),
        ]

        assert [answer.status_code for answer in answers] == [201, 200, 200, 204, 200, 200, 200]
        assert answers[2].get_json()["notes"] == "Prefers mornings"
        assert [row["name"] for row in answers[4].get_json()["data"]] == ["Ana"]
        assert answers[5].get_json()["tenant"]["id"] == str(owner.tenant_id)
        assert [row["type"] for row in answers[6].get_json()["data"]] == [
            "customer.created",
            "customer.updated",
            "customer.archived",
        ]

    def test_keeps_two_businesses_apart(self, register: Callable[[], Business]) -> None:
        ours, theirs = register(), register()
        foreign = theirs.post("/api/customers", {"name": "Canary"}).get_json()
        event = theirs.get("/api/events?objectType=customer").get_json()["data"][0]

        for path in (f"/api/customers/{foreign['id']}", f"/api/events/{event['id']}"):
            assert ours.get(path).status_code == 404
        assert ours.patch(f"/api/customers/{foreign['id']}", {"name": "Mine"}).status_code == 404
        assert ours.delete(f"/api/customers/{foreign['id']}").status_code == 404
        listed = ours.get("/api/customers?includeTotal=true&status=active,archived").get_json()
        assert (listed["data"], listed["pagination"]["total"]) == ([], 0)
        assert "Canary" not in ours.get("/api/events").get_data(as_text=True)
        kept = theirs.get(f"/api/customers/{foreign['id']}").get_json()
        assert (kept["name"], kept["version"]) == ("Canary", 1)

    def test_is_ready_and_says_what_to_do_better(self, service: Service) -> None:
        check = isolation(service)

        assert (check["ready"], check["status"]) == (True, "ok")
        if service.warning is None:
            assert "message" not in check
        else:
            assert check["message"].startswith(service.warning)
            assert "NOINHERIT" in check["message"]

    def test_is_bound_by_the_rows_of_one_tenant_without_the_programs_filters(
        self, service: Service, register: Callable[[], Business]
    ) -> None:
        ours, theirs = register(), register()
        theirs.post("/api/customers", {"name": "Canary"})
        seen = []
        with closing(psycopg2.connect(service.url)) as connection, connection.cursor() as cursor:
            for tenant in (str(ours.tenant_id), str(theirs.tenant_id), random_id(), ""):
                cursor.execute("SELECT set_config('role', 'mbs_tenant', true)")
                cursor.execute("SELECT set_config('app.tenant_id', %s, true)", (tenant,))
                cursor.execute("SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM tenants)")
                seen.append(cursor.fetchone())
                connection.rollback()

        assert seen == [(0, 1), (1, 1), (0, 0), (0, 0)]
