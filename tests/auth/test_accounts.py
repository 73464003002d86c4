"""Who am I, where do I work, and how do I leave."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.auth.conftest import Sql
from tests.auth.forgery import claims_of
from tests.factories.callers import PASSWORD, Business, Caller

OTHER_BUSINESS = {"businessName": "Asha's Gym", "businessType": "gym", "countryCode": "IN"}


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


class TestMe:
    def test_shows_the_person_their_businesses_and_their_rights(self, owner: Business) -> None:
        response = owner.get("/api/auth/me")

        body = response.get_json()
        assert (response.status_code, response.headers["ETag"]) == (200, '"1"')
        assert set(body) == {
            "id", "email", "firstName", "lastName", "emailVerified", "memberships", "permissions", "version",
        }  # fmt: skip
        assert (body["id"], body["email"], body["version"]) == (str(owner.user_id), owner.email, 1)
        assert [(one["tenant"]["id"], one["role"]) for one in body["memberships"]] == [
            (str(owner.tenant_id), "owner")
        ]

    def test_is_not_sent_twice(self, owner: Business) -> None:
        assert owner.get("/api/auth/me", headers={"If-None-Match": '"1"'}).status_code == 304

    def test_changes_the_name_once_for_each_version(self, owner: Business, sql: Sql) -> None:
        changed = owner.patch("/api/auth/me", {"firstName": "  Aśa "}, headers={"If-Match": '"1"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        assert (changed.get_json()["firstName"], changed.get_json()["lastName"]) == ("Aśa", "Rao")

        late = owner.patch("/api/auth/me", {"firstName": "Late"}, headers={"If-Match": '"1"'})
        assert code_of(late) == (412, "PRECONDITION_FAILED")
        assert owner.patch("/api/auth/me", {"lastName": "Rao-Iyer"}).headers["ETag"] == '"3"'
        assert owner.get("/api/auth/me").get_json()["firstName"] == "Aśa"
        rows = sql("SELECT data FROM events WHERE tenant_id = %s AND type = 'user.updated'", owner.tenant_id)
        assert [data for (data,) in rows] == [
            {"object": {"first_name": "Aśa"}, "previous": {"first_name": "Asha"}},
            {"object": {"last_name": "Rao-Iyer"}, "previous": {"last_name": "Rao"}},
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"firstName": None},
            {"firstName": ""},
            {"firstName": "x" * 81},
            {"email": "new@example.com"},
            {"firstName": "A", "status": "active"},
            {"firstName": "A", "version": 7},
        ],
    )
    def test_refuses_other_changes(self, resident: Business, body: dict[str, Any]) -> None:
        assert code_of(resident.patch("/api/auth/me", body)) == (400, "VALIDATION_ERROR")
        assert resident.get("/api/auth/me").get_json()["version"] == 1


class TestContext:
    @pytest.mark.parametrize("role", ["owner", "admin", "manager", "staff", "accountant"])
    def test_holds_what_a_client_needs_to_render(self, resident: Business, role: str) -> None:
        member = resident.colleague(role)
        body = member.get("/api/context").get_json()
        assert (body["user"]["email"], body["role"]) == (member.email, {"key": role, "label": role.title()})
        assert body["tenant"]["id"] == str(resident.tenant_id)
        assert body["permissions"] == member.get("/api/auth/me").get_json()["permissions"]
        assert (body["locale"], body["features"], body["limits"], body["terminology"]) == (
            "en-IN",
            {},
            {},
            {},
        )
        assert body["serverTime"].endswith("Z")


class TestLogout:
    def test_ends_this_session_and_no_other(self, owner: Business, sql: Sql) -> None:
        login = {"email": owner.email, "password": PASSWORD}
        other = Caller(owner.app).post("/api/auth/login", login).get_json()

        response = owner.post("/api/auth/logout")

        assert (response.status_code, response.get_data()) == (204, b"")
        assert owner.get("/api/auth/me").status_code == 401
        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert code_of(refreshed) == (401, "UNAUTHENTICATED")
        assert owner.post("/api/auth/logout").status_code == 401
        assert Caller(owner.app, token=other["accessToken"]).get("/api/auth/me").status_code == 200
        rows = sql(
            "SELECT object_id::text FROM events WHERE tenant_id = %s AND type = 'session.ended'",
            owner.tenant_id,
        )
        assert rows == [(claims_of(owner.token)["sid"],)]

    def test_everywhere_ends_all_of_the_person_and_none_of_others(self, owner: Business) -> None:
        second = owner.post("/api/tenants", OTHER_BUSINESS).get_json()["id"]
        login = {"email": owner.email, "password": PASSWORD}
        bodies = [
            Caller(owner.app).post("/api/auth/login", {**login, "tenantId": id_}).get_json()
            for id_ in (str(owner.tenant_id), second)
        ]
        colleague = owner.colleague("staff")

        assert owner.post("/api/auth/logout-all").status_code == 204

        assert owner.get("/api/auth/me").status_code == 401
        for body in bodies:
            assert Caller(owner.app, token=body["accessToken"]).get("/api/auth/me").status_code == 401
            token = {"refreshToken": body["refreshToken"]}
            assert Caller(owner.app).post("/api/auth/refresh", token).status_code == 401
        assert colleague.get("/api/auth/me").status_code == 200


class TestSwitch:
    def test_leaves_one_business_for_another(self, owner: Business) -> None:
        second = owner.post("/api/tenants", OTHER_BUSINESS).get_json()["id"]
        owner.post("/api/customers", {"name": "Of the salon"})

        response = owner.patch("/api/auth/tenants/switch", {"tenantId": second})

        body = response.get_json()
        assert (response.status_code, body["tenant"]["id"], body["role"]) == (200, second, "owner")
        assert claims_of(body["accessToken"])["tenant"] == second
        there = Caller(owner.app, token=body["accessToken"])
        assert there.get("/api/customers").get_json()["data"] == []
        assert there.get("/api/context").get_json()["tenant"]["id"] == second
        assert owner.get("/api/auth/me").status_code == 401
        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert refreshed.status_code == 401
        token = {"refreshToken": body["refreshToken"]}
        assert Caller(owner.app).post("/api/auth/refresh", token).get_json()["tenant"]["id"] == second

    def test_to_a_foreign_business_is_like_to_none_and_changes_nothing(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        stranger = business()
        answers = [
            owner.patch("/api/auth/tenants/switch", {"tenantId": str(id_)})
            for id_ in (stranger.tenant_id, uuid.uuid4())
        ]
        bodies = [answer.get_json() for answer in answers]
        for body in bodies:
            del body["correlationId"], body["timestamp"]
        assert bodies[0] == bodies[1]
        assert code_of(answers[0]) == (400, "INVALID_REFERENCE")
        assert owner.get("/api/auth/me").status_code == 200

    def test_is_closed_to_who_was_removed(self, owner: Business, sql: Sql) -> None:
        second = owner.post("/api/tenants", OTHER_BUSINESS).get_json()["id"]
        sql("DELETE FROM memberships WHERE tenant_id = %s", second)
        response = owner.patch("/api/auth/tenants/switch", {"tenantId": second})
        assert code_of(response) == (400, "INVALID_REFERENCE")


class TestTenantHeader:
    def test_must_be_the_credentials_own(self, resident: Business, caplog: pytest.LogCaptureFixture) -> None:
        own = str(resident.tenant_id)
        for value in (own, own.upper(), f" {own} "):
            assert resident.get("/api/auth/me", headers={"X-Tenant-ID": value}).status_code == 200
        for value in (str(uuid.uuid4()), "x", "", f"{own},{own}", own.replace("-", "")):
            response = resident.get("/api/customers", headers={"X-Tenant-ID": value})
            assert code_of(response) == (403, "TENANT_MISMATCH")
        (record, *_) = [one for one in caplog.records if one.name == "mbs.tenant-isolation"]
        assert record.levelname == "WARNING"
