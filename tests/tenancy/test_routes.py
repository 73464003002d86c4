"""No route tells a foreign object from one that never was, or shows a foreign value (rules 1 and 2)."""

from typing import Any

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller, new_business
from tests.tenancy.conftest import Pair, new_pair, random_id
from tests.tenancy.routes import Inspector, Route, routes, seen

MALFORMED = (
    "1",
    "not-an-id",
    "0" * 36,
    "00000000-0000-0000-0000-00000000000g",
    "%27%20OR%20true--",
    "..%2Ftenant",
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"If-Match": '"1"'},
    {"If-Match": '"9"'},
    {"If-None-Match": '"1"'},
    {"If-None-Match": "*"},
    {"Idempotency-Key": "never used"},
)
CANARY = "kanarienvogel"


@pytest.fixture(scope="module")
def with_ids(app: Flask) -> list[Route]:
    """The routes that take an id; as a list, because the routes are known only once the service stands."""
    found = [route for route in routes(app) if route.arguments]
    assert {route.method for route in found} >= {"GET", "PATCH", "DELETE"}
    return found


def queries(route: Route) -> list[str]:
    return ["", *(f"?{name}=true" for name in sorted(route.query & {"purge", "dryRun"}))]


class TestRoutesWithAnId:
    def test_answer_for_a_foreign_one_as_for_one_that_never_was(
        self, app: Flask, pair: Pair, inspector: Inspector, with_ids: list[Route]
    ) -> None:
        before = inspector.contents(pair.theirs.tenant_id), inspector.contents(pair.ours.tenant_id)
        for route in with_ids:
            foreign = route.path(**inspector.ids(route.arguments, pair.theirs.tenant_id))
            never = route.path(**{name: random_id() for name in route.arguments})
            for method in (route.method, "OPTIONS", *(["HEAD"] if route.method == "GET" else [])):
                for headers in HEADERS:
                    for query in queries(route):
                        options: dict[str, Any] = {"headers": headers}
                        answers = [
                            seen(pair.ours.call(method, path + query, route.body, **options))
                            for path in (foreign, never)
                        ]
                        assert answers[0] == answers[1], f"{method} {route.rule}{query} {headers}"
                        assert answers[0][0] == 404 or method == "OPTIONS", f"{route} {headers}"
        after = inspector.contents(pair.theirs.tenant_id), inspector.contents(pair.ours.tenant_id)
        assert after == before

    def test_answer_for_no_id_at_all_as_for_one_that_never_was(
        self, pair: Pair, with_ids: list[Route]
    ) -> None:
        for route in with_ids:
            never = route.path(**{name: random_id() for name in route.arguments})
            expected = seen(pair.ours.call(route.method, never, route.body))
            for text in MALFORMED:
                path = route.path(**dict.fromkeys(route.arguments, text))
                assert seen(pair.ours.call(route.method, path, route.body)) == expected, f"{route} {text}"

    def test_serve_their_own(self, app: Flask, inspector: Inspector, with_ids: list[Route]) -> None:
        """What shows that the requests above failed for the id alone."""
        for route in with_ids:
            ours = new_pair(app).ours
            path = route.path(**inspector.ids(route.arguments, ours.tenant_id))
            assert ours.call(route.method, path, route.body).status_code in (200, 204), str(route)


@pytest.fixture(scope="module")
def canaries(app: Flask) -> Business:
    """A business that holds the canary in every text that its people can write."""
    theirs = new_business(
        Caller(app),
        businessName=f"{CANARY} Ltd",
        firstName=CANARY,
        lastName=CANARY,
        email=f"{CANARY}-{random_id()}@example.com",
    )
    customer = {
        "name": f"{CANARY} Ana",
        "email": f"{CANARY}@example.com",
        "phone": "+919812345678",
        "address": {"line1": CANARY, "city": CANARY, "region": CANARY, "postalCode": CANARY, "country": "IN"},
        "taxId": CANARY,
        "tags": [CANARY],
        "notes": CANARY,
    }
    traced = {"X-Correlation-Id": CANARY}
    created = theirs.post("/api/customers", customer, headers=traced)
    assert created.status_code == 201
    place = f"/api/customers/{created.get_json()['id']}"
    assert theirs.patch(place, {"notes": f"{CANARY} twice"}, headers=traced).status_code == 200
    assert theirs.post("/api/customers", {"name": f"{CANARY} Bo"}, headers=traced).status_code == 201
    return theirs


class TestRoutesThatRead:
    def test_show_no_foreign_value_however_they_are_asked(
        self, app: Flask, pair: Pair, canaries: Business, inspector: Inspector
    ) -> None:
        forbidden = [CANARY, "9812345678", str(canaries.tenant_id), str(canaries.user_id)]
        forbidden += inspector.all_ids(canaries.tenant_id)
        customer = inspector.ids(("customer_id",), canaries.tenant_id)["customer_id"]
        asked = {
            "search": CANARY,
            "email": f"{CANARY}@example.com",
            "phone": "%2B919812345678",
            "tag": CANARY,
            "objectId": str(customer),
            "actorId": str(canaries.user_id),
            "objectType": "customer",
            "types": "customer.created,tenant.created",
            "after": "0",
            "includeTotal": "true",
            "status": "active,archived",
            "limit": "100",
        }
        looked_at = 0
        for route in routes(app):
            if route.method != "GET" or route.arguments:
                continue
            names = sorted(route.query & asked.keys())
            for chosen in (
                [],
                *([name] for name in names),
                [n for n in names if n in ("limit", "includeTotal")],
            ):
                query = "&".join(f"{name}={asked[name]}" for name in chosen)
                response = pair.ours.get(f"{route.rule}?{query}" if query else route.rule)
                assert response.status_code == 200, f"{route} {query} {response.text}"
                text = response.get_data(as_text=True) + str(response.headers)
                assert [one for one in forbidden if one in text] == [], f"{route} {query}"
                looked_at += 1
        assert looked_at > 20

    def test_count_only_their_own(self, app: Flask, canaries: Business) -> None:
        ours = new_pair(app).ours
        for query, total in (("", 1), ("&search=ana", 1), (f"&search={CANARY}", 0), (f"&tag={CANARY}", 0)):
            page = ours.get(f"/api/customers?includeTotal=true{query}").get_json()
            assert (len(page["data"]), page["pagination"]["total"]) == (total, total), query

    def test_hint_at_no_foreign_duplicate(self, app: Flask, canaries: Business) -> None:
        ours = new_pair(app).ours
        body = {"name": f"{CANARY} Ana", "email": f"{CANARY}@example.com", "phone": "+919812345678"}
        created = ours.post("/api/customers", body)
        assert (created.status_code, created.get_json()["possibleDuplicates"]) == (201, [])
