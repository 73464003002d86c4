"""What members of a business may see, what acts on their next request, and who belongs to two of them."""

from typing import Any

import pytest
from flask import Flask

from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.members import new_tenant_with, sign_in
from tests.tenancy.conftest import new_pair, random_id
from tests.tenancy.routes import Inspector, seen


@pytest.fixture
def shop(app: Flask) -> list[Business]:
    """Owner, two staff and an accountant of one new business."""
    return new_tenant_with(app, "shop", ("owner", "staff", "staff", "accountant"))


def customer_of(caller: Business, name: str, **more: Any) -> str:
    response = caller.post("/api/customers", {"name": name, **more})
    assert response.status_code == 201
    return str(response.get_json()["id"])


class TestStaff:
    def test_see_and_count_only_the_customers_they_made(self, shop: list[Business]) -> None:
        owner, ana, bo, _ = shop
        own = customer_of(ana, "Cy Own")
        for one in (owner, bo):
            customer_of(one, "Cy Foreign")

        for query in ("", "&search=cy", "&status=active,archived", "&sortBy=name", "&search=foreign"):
            page = ana.get(f"/api/customers?includeTotal=true{query}").get_json()
            expected = [] if "foreign" in query else [own]
            assert [row["id"] for row in page["data"]] == expected, query
            assert page["pagination"]["total"] == len(expected), query
        assert owner.get("/api/customers?includeTotal=true").get_json()["pagination"]["total"] == 3

    def test_find_a_colleagues_customer_like_one_that_never_was(self, shop: list[Business]) -> None:
        _, ana, bo, _ = shop
        answers = [seen(ana.get(f"/api/customers/{id_}")) for id_ in (customer_of(bo, "Cy"), random_id())]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert ana.get(f"/api/customers/{customer_of(ana, 'Di')}").status_code == 200

    def test_learn_of_no_colleagues_customer_through_a_likeness_or_a_cursor(
        self, shop: list[Business]
    ) -> None:
        owner, ana, *_ = shop
        body = {"name": "Cy", "email": "cy@example.com"}
        first, second = customer_of(owner, **body), customer_of(owner, **body)
        assert ana.post("/api/customers", body).get_json()["possibleDuplicates"] == []
        cursor = owner.get("/api/customers?limit=1").get_json()["pagination"]["nextCursor"]
        assert ana.get(f"/api/customers?cursor={cursor}").get_json()["data"] == []
        assert {first, second} <= {row["id"] for row in owner.get("/api/customers").get_json()["data"]}

    def test_may_not_change_remove_or_audit(self, shop: list[Business]) -> None:
        _, ana, *_ = shop
        own = f"/api/customers/{customer_of(ana, 'Cy')}"
        for method, path, body in (
            ("PATCH", own, {"name": "Di"}),
            ("DELETE", own, None),
            ("DELETE", f"{own}?purge=true", None),
            ("PATCH", f"/api/customers/{random_id()}", {"name": "Di"}),
            ("GET", "/api/events", None),
            ("GET", "/api/audit-logs", None),
            ("GET", "/api/tenant", None),
            ("PATCH", "/api/tenant/settings", {"customers": {"uniqueEmail": True}}),
        ):
            response = ana.call(method, path, body)
            assert (response.status_code, response.get_json()["code"]) == (403, "FORBIDDEN"), (method, path)
        assert ana.get(own).get_json()["version"] == 1


class TestAccountant:
    def test_reads_everything_but_the_trail_and_writes_nothing(self, shop: list[Business]) -> None:
        owner, *_, accountant = shop
        customer = f"/api/customers/{customer_of(owner, 'Cy')}"
        for path, status in (
            (customer, 200),
            ("/api/tenant", 200),
            ("/api/events", 403),
            ("/api/audit-logs", 403),
        ):
            assert accountant.get(path).status_code == status
        assert accountant.post("/api/customers", {"name": "Di"}).status_code == 403
        assert accountant.patch(customer, {"name": "Di"}).status_code == 403


STOPPED = {
    "a suspended membership": "UPDATE memberships SET status = 'suspended' WHERE user_id = %(user)s",
    "a removed membership": "DELETE FROM memberships WHERE user_id = %(user)s",
    "a disabled account": "UPDATE users SET status = 'disabled' WHERE id = %(user)s",
    "a revoked session": "UPDATE login_sessions SET revoked_at = now() WHERE user_id = %(user)s",
    "an idle session": "UPDATE login_sessions SET idle_until = now() WHERE user_id = %(user)s",
    "an old session": "UPDATE login_sessions SET absolute_until = now() WHERE user_id = %(user)s",
}


class TestNextRequest:
    @pytest.mark.parametrize("change", STOPPED)
    def test_and_refresh_are_refused_after(
        self, shop: list[Business], inspector: Inspector, change: str
    ) -> None:
        owner, ana, *_ = shop
        assert ana.get("/api/customers").status_code == 200
        inspector.ask(STOPPED[change].replace("%(user)s", "%s"), str(ana.user_id))
        for method, path, body in (
            ("GET", "/api/customers", None),
            ("POST", "/api/customers", {"name": "Cy"}),
            ("GET", "/api/context", None),
            ("PATCH", "/api/auth/me", {"firstName": "Ana"}),
            ("POST", "/api/auth/refresh", {"refreshToken": ana.refresh_token}),
        ):
            assert ana.call(method, path, body).status_code == 401, path
        assert owner.get("/api/customers").status_code == 200

    def test_reads_but_writes_nothing_while_the_business_is_suspended(
        self, shop: list[Business], inspector: Inspector
    ) -> None:
        owner = shop[0]
        customer = f"/api/customers/{customer_of(owner, 'Cy')}"
        inspector.ask("UPDATE tenants SET status = 'suspended' WHERE id = %s", str(owner.tenant_id))
        before = inspector.contents(owner.tenant_id)
        for method, path, body in (
            ("POST", "/api/customers", {"name": "Di"}),
            ("PATCH", customer, {"name": "Di"}),
            ("DELETE", customer, None),
            ("PATCH", "/api/tenant", {"name": "Di"}),
            ("PATCH", "/api/tenant/settings", {"customers": {"uniqueEmail": True}}),
        ):
            response = owner.call(method, path, body, headers={"Idempotency-Key": path})
            assert (response.status_code, response.get_json()["code"]) == (403, "TENANT_SUSPENDED"), path
        assert owner.get(customer).status_code == 200
        assert inspector.contents(owner.tenant_id) == before

        inspector.ask("UPDATE tenants SET status = 'active' WHERE id = %s", str(owner.tenant_id))
        assert owner.patch(customer, {"name": "Di"}).status_code == 200

    def test_has_the_role_of_now(self, shop: list[Business], inspector: Inspector) -> None:
        owner, ana, *_ = shop
        customer = f"/api/customers/{customer_of(owner, 'Cy')}"
        for role, reads, audits in (("manager", 200, 403), ("admin", 200, 200), ("staff", 404, 403)):
            inspector.ask("UPDATE memberships SET role = %s WHERE user_id = %s", role, str(ana.user_id))
            assert ana.get(customer).status_code == reads
            assert ana.get("/api/events").status_code == audits


class TestSomebodyOfTwoBusinesses:
    @pytest.fixture
    def both(self, app: Flask) -> tuple[Business, Business]:
        """One person, signed in to two businesses of their own."""
        (first,) = new_tenant_with(app, "first", ("owner",))
        opened = first.post(
            "/api/tenants", {"businessName": "second", "businessType": "spa", "countryCode": "IN"}
        ).get_json()
        return first, sign_in(app, opened["id"], first.user_id, first.email)

    def test_sees_in_each_what_belongs_to_it(self, both: tuple[Business, Business]) -> None:
        first, second = both
        ids = [customer_of(one, "Cy", email="cy@example.com") for one in both]
        for one, own, foreign in ((first, ids[0], ids[1]), (second, ids[1], ids[0])):
            assert [row["id"] for row in one.get("/api/customers").get_json()["data"]] == [own]
            assert one.get(f"/api/customers/{foreign}").status_code == 404
            assert foreign not in one.get("/api/events").get_data(as_text=True)
            other = second if one is first else first
            named = one.get("/api/tenant", headers={"X-Tenant-ID": str(other.tenant_id)})
            assert (named.status_code, named.get_json()["code"]) == (403, "TENANT_MISMATCH")

    def test_takes_no_key_or_cursor_from_one_to_the_other(self, both: tuple[Business, Business]) -> None:
        first, second = both
        for one in both:
            customer_of(one, "Cy")
        answers = [
            one.post("/api/customers", {"name": "Di"}, headers={"Idempotency-Key": "mine"}) for one in both
        ]
        assert ["Idempotent-Replayed" in answer.headers for answer in answers] == [False, False]
        cursor = first.get("/api/customers?limit=1").get_json()["pagination"]["nextCursor"]
        assert second.get(f"/api/customers?limit=1&cursor={cursor}").status_code == 400

    def test_loses_one_without_the_other(self, both: tuple[Business, Business], inspector: Inspector) -> None:
        first, second = both
        inspector.ask(
            "UPDATE memberships SET status = 'suspended' WHERE user_id = %s AND tenant_id = %s",
            str(first.user_id),
            str(first.tenant_id),
        )
        assert first.get("/api/customers").status_code == 401
        assert second.get("/api/customers").status_code == 200
        me = second.get("/api/auth/me").get_json()
        assert [row["tenant"]["id"] for row in me["memberships"]] == [str(second.tenant_id)]
        switched = second.patch("/api/auth/tenants/switch", {"tenantId": str(first.tenant_id)})
        assert (switched.status_code, switched.get_json()["code"]) == (400, "INVALID_REFERENCE")

    def test_leaves_one_trail_without_a_word_of_the_other(self, both: tuple[Business, Business]) -> None:
        first, second = both
        assert second.patch("/api/auth/me", {"lastName": "Kanarienvogel"}).status_code == 200
        trail = first.get("/api/events").get_data(as_text=True)
        assert "Kanarienvogel" not in trail
        assert str(second.tenant_id) not in trail
        # How many sessions there are elsewhere is the other business's matter too.
        assert second.post("/api/auth/logout-all").status_code == 204
        again = sign_in(second.app, second.tenant_id, second.user_id, second.email)
        (event,) = again.get("/api/events?types=session.ended").get_json()["data"]
        assert event["data"] == {"object": {"reason": "logged_out_everywhere"}, "previous": {}}
        assert first.get("/api/context").status_code == 401


class TestLogin:
    def test_of_one_business_names_no_other(self, app: Flask) -> None:
        pair = new_pair(app)
        response = Caller(app).post("/api/auth/login", {"email": pair.ours.email, "password": PASSWORD})
        assert str(pair.theirs.tenant_id) not in response.get_data(as_text=True)
        assert response.get_json()["tenant"]["id"] == str(pair.ours.tenant_id)
