"""No route tells a foreign object from one that never was, or shows a foreign value (rules 1 and 2)."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller
from tests.factories.members import new_tenant_with
from tests.factories.objects import new_invitation, new_objects, object_of
from tests.factories.requests import acceptable
from tests.tenancy.canaries import CANARY, PHONE, business_of_canaries, questions_about
from tests.tenancy.conftest import Pair, random_id
from tests.tenancy.routes import Inspector, Route, routes, seen

MALFORMED = (
    "1",
    "not-an-id",
    "0" * 36,
    "00000000-0000-0000-0000-00000000000g",
    "%27%20OR%20true--",
    "..%2Ftenant",
)
ELSEWHERE = {"/api/auth/sso/start", "/api/auth/sso/callback"}
"""These lead to a provider and back, and read nothing of a business."""
NOT_FOR_THEM = {(400, "INVALID_REFERENCE"), (409, "NO_RESOURCE_FOR_SERVICE")}
"""How a question is refused that names what the asker has not."""
STATUSES = {
    "/api/members": "active,suspended",
    "/api/invites": "open,accepted,revoked,expired",
    "/api/bookings": "confirmed,cancelled",
    "/api/sessions": "scheduled,cancelled",
    "/api/invoices": "draft,open,paid",
    "/api/payments": "succeeded,reversed",
    "/api/notifications": "queued,permanent_failure",
    "/api/notification-logs": "queued,permanent_failure",
}

EXPANSIONS = {"/api/payments": "allocations"}
"""What a list can show beside its rows, where that is not the customer."""


@pytest.fixture(scope="module")
def with_ids(app: Flask) -> list[Route]:
    """The routes that take an id; as a list, because the routes are known only once the service stands.

    Not those that take an invitation's token: whoever holds one is let in by it, whosever it is. A preset is
    nobody's, and so is a message of the catalogue.
    """
    no_ids: tuple[tuple[str, ...], ...] = ((), ("token",), ("preset",), ("channel", "key", "locale"))
    found = [route for route in routes(app) if route.arguments not in no_ids]
    assert {route.method for route in found} >= {"GET", "PATCH", "DELETE"}
    return found


def variants(route: Route) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield how a route is asked: method, query, headers."""
    yield route.method, "", {}
    yield "OPTIONS", "", {}
    for name in sorted(route.query & {"purge", "dryRun"}):
        yield route.method, f"?{name}=true", {}
    if route.method == "GET":
        yield "HEAD", "", {}
        yield "GET", "", {"If-None-Match": '"1"'}
        yield "GET", "", {"If-None-Match": "*"}
        return
    yield route.method, "", {"If-Match": '"1"'}
    yield route.method, "", {"If-Match": '"9"'}
    yield route.method, "", {"Idempotency-Key": "never used"}


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
            for method, query, headers in variants(route):
                answers = [
                    seen(pair.ours.call(method, path + query, route.body, headers=headers))
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
            assert request.send().status_code in (200, 201, 202, 204), str(route)


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
    return business_of_canaries(app)


class TestRoutesThatRead:
    def test_show_no_foreign_value_however_they_are_asked(
        self, app: Flask, pair: Pair, canaries: Business, inspector: Inspector
    ) -> None:
        asked = questions_about(canaries)
        forbidden = [CANARY, PHONE, str(canaries.tenant_id), str(canaries.user_id), asked["reference"]]
        forbidden += inspector.all_ids(canaries.tenant_id)
        looked_at: Counter[str] = Counter()
        for route in routes(app):
            if route.method != "GET" or route.arguments or route.rule in ELSEWHERE:
                continue
            # What the route demands is of one's own, unless it is asked for.
            path, _, demanded = acceptable(pair.ours, "GET", route.template).path.partition("?")
            own = dict(parse_qsl(demanded))
            names = sorted(route.query & asked.keys() - ({"from", "to"} & own.keys()))
            for chosen in (
                [],
                *([name] for name in names),
                [n for n in names if n in ("limit", "includeTotal", "from", "to")],
            ):
                values = {**asked, "status": STATUSES.get(route.rule, asked["status"])}
                values["expand"] = EXPANSIONS.get(route.rule, asked["expand"])
                response = pair.ours.get(address(path, own, only(values, chosen)))
                # A picture is no text, but could still hold some.
                text = response.get_data().decode(errors="replace") + str(response.headers)
                assert [one for one in forbidden if one in text] == [], f"{route} {chosen}"
                if chosen and chosen[0].endswith("Id"):
                    never = pair.ours.get(address(path, own, dict.fromkeys(chosen, random_id())))
                    assert seen(response) == seen(never), f"{route} {chosen}"
                if response.status_code == 200:
                    looked_at[route.rule] += 1
                else:
                    code = (response.status_code, response.get_json()["code"])
                    assert code in NOT_FOR_THEM, f"{route} {chosen} {text}"
        assert all(looked_at[route.rule] > 0 for route in routes(app) if is_a_list(route))
        assert looked_at.total() > 80

    def test_count_only_their_own(self, app: Flask, canaries: Business) -> None:
        (ours,) = new_tenant_with(app, "counted", ("owner",))
        ours.post("/api/customers", {"name": "Ana", "email": "ana@example.com"})
        for query, total in (("", 1), ("&search=ana", 1), (f"&search={CANARY}", 0), (f"&tag={CANARY}", 0)):
            page = ours.get(f"/api/customers?includeTotal=true{query}").get_json()
            assert (len(page["data"]), page["pagination"]["total"]) == (total, total), query
        for path in ("services", "resources", "staff", "bookings", "sessions"):
            page = ours.get(f"/api/{path}?includeTotal=true").get_json()
            assert (page["data"], page["pagination"]["total"]) == ([], 0), path
        figures = ours.get("/api/dashboard/stats").get_json()
        assert (figures["totalCustomers"], figures["totalBookings"], figures["todayBookings"]) == (1, 0, 0)


def address(path: str, own: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    query = "&".join(f"{name}={value}" for name, value in {**own, **chosen}.items())
    return f"{path}?{query}" if query else path


def only(values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: values[name] for name in names}


def is_a_list(route: Route) -> bool:
    return route.method == "GET" and not route.arguments and "limit" in route.query
