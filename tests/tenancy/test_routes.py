"""No route tells a foreign object from one that never was, or shows a foreign value (rules 1 and 2)."""

import secrets
from typing import Any

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller, new_business
from tests.factories.members import new_tenant_with
from tests.factories.objects import new_invitation, new_objects, object_of
from tests.factories.requests import acceptable
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
ELSEWHERE = {"/api/auth/sso/start", "/api/auth/sso/callback"}
"""These lead to a provider and back, and read nothing of a business."""
STATUSES = {"/api/members": "active,suspended", "/api/invites": "open,accepted,revoked,expired"}


@pytest.fixture(scope="module")
def with_ids(app: Flask) -> list[Route]:
    """The routes that take an id; as a list, because the routes are known only once the service stands.

    Not those that take an invitation's token: whoever holds one is let in by it, whosever it is.
    """
    found = [route for route in routes(app) if route.arguments and route.arguments != ("token",)]
    assert {route.method for route in found} >= {"GET", "PATCH", "DELETE"}
    return found


def queries(route: Route) -> list[str]:
    return ["", *(f"?{name}=true" for name in sorted(route.query & {"purge", "dryRun"}))]


class TestRoutesWithAnId:
    def test_answer_for_a_foreign_one_as_for_one_that_never_was(
        self, app: Flask, pair: Pair, inspector: Inspector, with_ids: list[Route]
    ) -> None:
        named = {object_of(route.template) for route in with_ids}
        objects = {name: new_objects(pair.theirs, name) for name in named}
        before = inspector.contents(pair.theirs.tenant_id), inspector.contents(pair.ours.tenant_id)
        for route in with_ids:
            foreign = route.path(**objects[object_of(route.template)])
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

    def test_find_no_foreign_part_of_their_own(self, pair: Pair, with_ids: list[Route]) -> None:
        for route in with_ids:
            if len(route.arguments) < 2:
                continue
            own, foreign = (new_objects(one, route.template) for one in (pair.ours, pair.theirs))
            for name in route.arguments:
                answers = [
                    seen(pair.ours.call(route.method, route.path(**{**own, name: id_}), route.body))
                    for id_ in (foreign[name], random_id())
                ]
                assert answers[0] == answers[1], f"{route} {name}"
                assert answers[0][0] == 404, f"{route} {name}"

    def test_answer_for_no_id_at_all_as_for_one_that_never_was(
        self, pair: Pair, with_ids: list[Route]
    ) -> None:
        for route in with_ids:
            never = route.path(**{name: random_id() for name in route.arguments})
            expected = seen(pair.ours.call(route.method, never, route.body))
            for text in MALFORMED:
                path = route.path(**dict.fromkeys(route.arguments, text))
                assert seen(pair.ours.call(route.method, path, route.body)) == expected, f"{route} {text}"

    def test_serve_their_own(self, app: Flask, with_ids: list[Route]) -> None:
        """What shows that the requests above failed for the id alone."""
        for route in with_ids:
            (ours,) = new_tenant_with(app, "served", ("owner",))
            request = acceptable(ours, route.method, route.template, route.body)
            assert request.send().status_code in (200, 201, 204), str(route)


class TestInvitationsByTheirToken:
    def test_are_not_there_for_somebody_with_another_address(self, pair: Pair) -> None:
        path = "/api/auth/invites/{}/join"
        for token in (new_invitation(pair.theirs)[1], new_invitation(pair.ours)[1]):
            answers = [seen(pair.ours.post(path.format(one))) for one in (token, secrets.token_urlsafe(32))]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404

    def test_show_of_their_business_its_name_alone(
        self, app: Flask, pair: Pair, inspector: Inspector
    ) -> None:
        token = new_invitation(pair.theirs)[1]
        shown = Caller(app).get(f"/api/auth/invites/{token}").get_data(as_text=True)
        hidden = [str(pair.theirs.tenant_id), str(pair.theirs.user_id), pair.theirs.email]
        assert [one for one in (*hidden, *inspector.all_ids(pair.theirs.tenant_id)) if one in shown] == []


class TestReferencesInABody:
    def test_to_a_foreign_role_are_like_those_to_none(self, pair: Pair, inspector: Inspector) -> None:
        member = new_objects(pair.ours, "/api/members/{member_id}")["member_id"]
        foreign = new_objects(pair.theirs, "/api/roles/{role_id}")["role_id"]
        before = inspector.contents(pair.ours.tenant_id)
        for method, path, body in (
            ("POST", "/api/invites", {"email": f"{random_id()}@example.com"}),
            ("PATCH", f"/api/members/{member}", {}),
        ):
            answers = [
                seen(pair.ours.call(method, path, {**body, "roleId": id_})) for id_ in (foreign, random_id())
            ]
            assert answers[0] == answers[1]
            assert (answers[0][0], answers[0][1]["code"]) == (400, "INVALID_REFERENCE")
        assert inspector.contents(pair.ours.tenant_id) == before


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
    for place, body in (
        ("/api/customers", {"name": f"{CANARY} Bo"}),
        ("/api/roles", {"name": CANARY, "permissions": ["customers:read"]}),
        ("/api/invites", {"email": f"{CANARY}-{random_id()}@example.com", "role": "staff"}),
        ("/api/api-keys", {"name": CANARY, "scopes": ["customers:read"]}),
        (
            "/api/locations",
            {"name": CANARY, "taxRegistration": CANARY, "country": "FR", "address": customer["address"]},
        ),
    ):
        assert theirs.post(place, body, headers=traced).status_code == 201, place
    return theirs


class TestRoutesThatRead:
    def test_show_no_foreign_value_however_they_are_asked(
        self, app: Flask, pair: Pair, canaries: Business, inspector: Inspector
    ) -> None:
        forbidden = [CANARY, "9812345678", str(canaries.tenant_id), str(canaries.user_id)]
        forbidden += inspector.all_ids(canaries.tenant_id)
        customer = canaries.get("/api/customers").get_json()["data"][0]["id"]
        asked = {
            "search": CANARY,
            "email": f"{CANARY}@example.com",
            "phone": "%2B919812345678",
            "tag": CANARY,
            "objectId": customer,
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
            if route.method != "GET" or route.arguments or route.rule in ELSEWHERE:
                continue
            names = sorted(route.query & asked.keys())
            for chosen in (
                [],
                *([name] for name in names),
                [n for n in names if n in ("limit", "includeTotal")],
            ):
                values = {**asked, "status": STATUSES.get(route.rule, asked["status"])}
                query = "&".join(f"{name}={values[name]}" for name in chosen)
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
