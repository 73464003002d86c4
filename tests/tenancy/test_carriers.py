"""Nothing in a request moves it to another tenant: no header, field, key, cursor or tag (rules 3 to 8)."""

import logging
from typing import Any

import pytest
from flask import Flask

from mbs.foundation.logs import JsonFormatter
from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.objects import new_objects, object_of
from tests.tenancy.conftest import Pair, new_pair, random_id
from tests.tenancy.routes import Inspector, Route, routes, seen


@pytest.fixture(scope="module")
def every_route(app: Flask) -> list[Route]:
    found = list(routes(app))
    assert len(found) > 20
    return found


def own_paths(found: list[Route], business: Business) -> list[tuple[Route, str]]:
    """Return each route with its path to an object of a business."""
    objects = {name: new_objects(business, name) for name in {object_of(route.template) for route in found}}
    return [(route, route.path(**objects[object_of(route.template)])) for route in found]


class TestForeignTenantInAHeader:
    def test_is_refused_by_every_route_that_knows_its_caller(
        self, app: Flask, inspector: Inspector, every_route: list[Route]
    ) -> None:
        pair = new_pair(app)
        guarded = own_paths([route for route in every_route if route.permission != "public"], pair.ours)
        before = inspector.contents(pair.ours.tenant_id), inspector.contents(pair.theirs.tenant_id)
        for number, (route, path) in enumerate(guarded):
            odd = (random_id(), "", "1", f"{pair.ours.tenant_id},x") if number % 10 == 0 else ()
            for named in (str(pair.theirs.tenant_id), *odd):
                response = pair.ours.call(
                    route.method,
                    path,
                    route.body,
                    headers={"X-Tenant-ID": named},
                )
                assert (response.status_code, response.get_json()["code"]) == (403, "TENANT_MISMATCH"), (
                    f"{route} {named}"
                )
        assert (
            inspector.contents(pair.ours.tenant_id),
            inspector.contents(pair.theirs.tenant_id),
        ) == before

    def test_is_no_matter_when_it_is_ones_own(self, pair: Pair) -> None:
        for spelling in (str(pair.ours.tenant_id), f" {str(pair.ours.tenant_id).upper()} "):
            response = pair.ours.get("/api/tenant", headers={"X-Tenant-ID": spelling})
            assert response.get_json()["id"] == str(pair.ours.tenant_id)

    def test_does_not_count_in_a_host_name_or_any_other_header(self, pair: Pair) -> None:
        slug = pair.theirs.get("/api/tenant").get_json()["slug"]
        for headers in (
            {"Host": f"{slug}.example.com"},
            {"X-Forwarded-Host": f"{slug}.example.com"},
            {"X-Tenant": str(pair.theirs.tenant_id)},
            {"Tenant-Id": str(pair.theirs.tenant_id)},
            {"X-User-Id": str(pair.theirs.user_id)},
            {"X-Original-URL": f"/api/tenants/{pair.theirs.tenant_id}"},
            {"X-HTTP-Method-Override": "DELETE"},
        ):
            response = pair.ours.get("/api/tenant", headers=headers)
            assert response.get_json()["id"] == str(pair.ours.tenant_id), headers

    def test_is_logged_once_with_who_tried_and_without_what(self, pair: Pair) -> None:
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(JsonFormatter().format(record))  # type: ignore[method-assign]
        logger = logging.getLogger("mbs.tenant-isolation")
        logger.addHandler(handler)
        try:
            pair.ours.get("/api/tenant", headers={"X-Tenant-ID": str(pair.theirs.tenant_id)})
        finally:
            logger.removeHandler(handler)
        (line,) = lines
        assert '"category":"tenant-isolation"' in line
        assert f'"tenant_id":"{pair.ours.tenant_id}"' in line
        assert f'"user_id":"{pair.ours.user_id}"' in line
        assert str(pair.theirs.tenant_id) not in line


def by_a_provider(route: Route) -> bool:
    """Tell whether a provider calls and signs a route: nobody else gets as far as query and body."""
    return route.rule.startswith("/api/webhooks/")


class TestForeignTenantInAQuery:
    def test_is_an_unknown_parameter_on_every_route(
        self, pair: Pair, inspector: Inspector, every_route: list[Route]
    ) -> None:
        # A sign-in names the business that it is to lead to; what the provider adds of its own is overlooked.
        chosen = ("/api/auth/sso/start", "/api/auth/sso/callback")
        asked = [route for route in every_route if route.rule not in chosen and not by_a_provider(route)]
        paths = own_paths(asked, pair.ours)
        before = inspector.contents(pair.ours.tenant_id), inspector.contents(pair.theirs.tenant_id)
        for number, (route, path) in enumerate(paths):
            for name in ("tenantId", *(("tenant_id", "tenant", "X-Tenant-ID") if number % 10 == 0 else ())):
                response = pair.ours.call(route.method, f"{path}?{name}={pair.theirs.tenant_id}", route.body)
                answer = (response.status_code, response.get_json()["code"])
                assert answer == (400, "VALIDATION_ERROR"), f"{route} {name}"
        after = inspector.contents(pair.ours.tenant_id), inspector.contents(pair.theirs.tenant_id)
        assert after == before


class TestForeignTenantInABody:
    @pytest.mark.parametrize("name", ["tenantId", "tenant_id"])
    def test_is_an_unknown_field_or_a_business_one_does_not_belong_to(
        self, app: Flask, inspector: Inspector, every_route: list[Route], name: str
    ) -> None:
        pair = new_pair(app)
        with_body = [route for route in every_route if route.body is not None and not by_a_provider(route)]
        paths = own_paths(with_body, pair.ours)
        before = inspector.contents(pair.ours.tenant_id), inspector.contents(pair.theirs.tenant_id)
        for route, path in paths:
            for value in (str(pair.theirs.tenant_id), random_id()):
                response = pair.ours.call(route.method, path, {**(route.body or {}), name: value})
                assert response.status_code in (400, 401), f"{route} {response.text}"
        assert len(paths) > 30
        after = inspector.contents(pair.ours.tenant_id), inspector.contents(pair.theirs.tenant_id)
        assert after == before

    def test_is_like_one_that_never_was_where_a_tenant_is_chosen(self, pair: Pair) -> None:
        credentials = {"email": pair.ours.email, "password": PASSWORD}
        stranger = Caller(pair.ours.app)
        for answers in (
            [
                seen(pair.ours.patch("/api/auth/tenants/switch", {"tenantId": tenant}))
                for tenant in (str(pair.theirs.tenant_id), random_id())
            ],
            [
                seen(stranger.post("/api/auth/login", {**credentials, "tenantId": tenant}))
                for tenant in (str(pair.theirs.tenant_id), random_id())
            ],
        ):
            assert answers[0] == answers[1]
            assert (answers[0][0], answers[0][1]["code"]) == (400, "INVALID_REFERENCE")


class TestIdempotencyKey:
    def test_is_a_new_one_for_another_business_and_for_another_member(self, app: Flask) -> None:
        pair = new_pair(app)
        body, headers = {"name": "Bo"}, {"Idempotency-Key": "shared"}
        callers: list[Caller] = [pair.ours, pair.theirs, pair.ours.colleague("manager")]

        first = [caller.post("/api/customers", body, headers=headers) for caller in callers]
        again = [caller.post("/api/customers", body, headers=headers) for caller in callers]

        assert [response.status_code for response in first] == [201] * 3
        assert ["Idempotent-Replayed" in response.headers for response in first] == [False] * 3
        assert len({response.get_json()["id"] for response in first}) == 3
        assert ["Idempotent-Replayed" in response.headers for response in again] == [True] * 3
        assert [response.get_json() for response in again] == [response.get_json() for response in first]


class TestCursor:
    def test_of_another_business_or_with_one_letter_changed_is_refused(self, app: Flask) -> None:
        pair = new_pair(app)
        for one in (pair.ours, pair.theirs):
            one.post("/api/customers", {"name": "Bo"})
        foreign, own = (
            one.get("/api/customers?limit=1").get_json()["pagination"]["nextCursor"]
            for one in (pair.theirs, pair.ours)
        )
        assert pair.ours.get(f"/api/customers?limit=1&cursor={own}").status_code == 200
        changed = [own[:i] + ("A" if own[i] != "A" else "B") + own[i + 1 :] for i in range(len(own))]

        for cursor in (foreign, own + "A", own[:-1], "", *changed):
            response = pair.ours.get(f"/api/customers?limit=1&cursor={cursor}")
            assert response.status_code == 400, cursor

    def test_of_another_order_is_refused(self, app: Flask) -> None:
        ours = new_pair(app).ours
        ours.post("/api/customers", {"name": "Bo"})
        cursor = ours.get("/api/customers?limit=1").get_json()["pagination"]["nextCursor"]
        for order in ("sortBy=name", "sortOrder=asc", "sortBy=updatedAt"):
            assert ours.get(f"/api/customers?limit=1&cursor={cursor}&{order}").status_code == 400


class TestNaturalKeys:
    def test_that_a_business_wants_unique_are_free_for_another(self, app: Flask) -> None:
        pair = new_pair(app)
        unique = {"customers": {"uniqueEmail": True, "uniquePhone": True}}
        body: dict[str, Any] = {"name": "Cy", "email": "cy@example.com", "phone": "+919876543210"}
        for one in (pair.ours, pair.theirs):
            assert one.patch("/api/tenant/settings", unique).status_code == 200
            assert one.post("/api/customers", body).status_code == 201
        assert [one.post("/api/customers", body).status_code for one in (pair.ours, pair.theirs)] == [
            409,
            409,
        ]


class TestCredentials:
    def test_of_one_business_open_no_other(self, app: Flask) -> None:
        pair = new_pair(app)
        both = {"Authorization": f"Bearer {pair.ours.token}, Bearer {pair.theirs.token}"}
        assert pair.ours.get("/api/tenant", headers=both).status_code == 401
        refreshed = pair.ours.post(
            "/api/auth/refresh", {"refreshToken": pair.theirs.refresh_token}
        ).get_json()
        assert refreshed["tenant"]["id"] == str(pair.theirs.tenant_id)
        assert refreshed["user"]["id"] == str(pair.theirs.user_id)
