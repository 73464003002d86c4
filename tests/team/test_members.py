"""/api/members: who works here, and who may change that."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.team.repository import MemberRepository
from mbs.team.schemas import MemberView, present_member
from tests.auth.conftest import Sql
from tests.contract.closed_schemas import differences
from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.customers import events_of
from tests.factories.teams import code_of, compose, member_of


def read(business: Business, path: str) -> dict[str, Any]:
    response = business.get(path)
    assert response.status_code == 200, response.get_data(as_text=True)
    return dict(response.json or {})


def works(person: Caller) -> bool:
    status = person.get("/api/context").status_code
    assert status in (200, 401)
    return bool(status == 200)


class TestTheList:
    def test_shows_everybody_newest_first(self, owner: Business) -> None:
        admin, staff = owner.colleague("admin"), owner.colleague("staff")

        body = read(owner, "/api/members?includeTotal=true")

        assert [row["user"]["email"] for row in body["data"]] == [staff.email, admin.email, owner.email]
        assert body["pagination"]["total"] == 3
        first = body["data"][0]
        assert first["role"] == {"key": "staff", "label": "Staff", "roleId": None}
        assert first["status"] == "active"
        assert first["user"] == {
            "id": str(staff.user_id),
            "email": staff.email,
            "firstName": "Staff",
            "lastName": "Test",
        }

    def test_runs_over_pages(self, owner: Business) -> None:
        everybody = {owner.email, *(owner.colleague("staff").email for _ in range(4))}
        seen: list[str] = []
        path: str | None = "/api/members?limit=2&sortOrder=asc"
        while path is not None:
            body = read(owner, path)
            seen += [row["user"]["email"] for row in body["data"]]
            cursor = body["pagination"]["nextCursor"]
            path = f"/api/members?limit=2&sortOrder=asc&cursor={cursor}" if cursor else None
        assert len(seen) == 5
        assert set(seen) == everybody

    def test_is_narrowed(self, owner: Business) -> None:
        admin, staff = owner.colleague("admin"), owner.colleague("staff")
        assert owner.patch(member_of(owner, staff), {"status": "suspended"}).status_code == 200

        def found(query: str) -> set[str]:
            return {row["user"]["email"] for row in read(owner, f"/api/members?{query}")["data"]}

        assert found("status=suspended") == {staff.email}
        assert found("status=active&role=admin,owner") == {admin.email, owner.email}
        assert found("role=custom") == set()
        assert found("search=aDMIN%20test") == {admin.email}
        assert found(f"search={staff.email[:14]}") == {staff.email}
        assert found("search=%25") == set()

    @pytest.mark.parametrize("query", ["status=gone", "role=boss", "sortBy=email", "search=", "limit=0"])
    def test_refuses_what_it_does_not_know(self, owner: Business, query: str) -> None:
        assert code_of(owner.get(f"/api/members?{query}")) == (400, "VALIDATION_ERROR")

    def test_names_a_role_of_the_business_s_own(self, owner: Business) -> None:
        role = compose(owner, "customers:read", name="Front desk")
        staff = owner.colleague("staff")
        path = member_of(owner, staff)
        assert owner.patch(path, {"roleId": role}).status_code == 200

        assert read(owner, path)["role"] == {"key": "custom", "label": "Front desk", "roleId": role}

    def test_knows_only_its_own_business(self, owner: Business, business: Callable[..., Business]) -> None:
        stranger = business()
        assert [row["user"]["email"] for row in read(stranger, "/api/members")["data"]] == [stranger.email]
        assert read(stranger, f"/api/members?search={owner.email}")["data"] == []

    def test_shows_what_is_documented(self, owner: Business) -> None:
        id_ = uuid.UUID(member_of(owner, owner).rpartition("/")[2])
        with owner.database.transaction(owner.scope) as transaction:
            shown = present_member(MemberRepository(transaction).get(id_))
        assert differences(MemberView(), shown) == []

    @pytest.mark.parametrize("role", ["staff", "accountant"])
    def test_is_not_for_everybody(self, owner: Business, role: str) -> None:
        member = owner.colleague(role)
        assert code_of(member.get("/api/members")) == (403, "FORBIDDEN")
        assert code_of(member.get(member_of(owner, member))) == (403, "FORBIDDEN")


class TestAChange:
    def test_acts_on_the_next_request_of_another_process(
        self, app: Flask, environ: dict[str, str], owner: Business
    ) -> None:
        admin = owner.colleague("admin")
        other_app = create_app(Config.load(environ))
        try:
            elsewhere = Caller(other_app, token=admin.token)
            path = member_of(owner, admin)
            assert elsewhere.get("/api/events").status_code == 200

            assert owner.patch(path, {"role": "manager"}).status_code == 200
            assert code_of(elsewhere.get("/api/events")) == (403, "FORBIDDEN")
            assert elsewhere.get("/api/members").status_code == 200

            role = compose(owner, "audit:read")
            assert owner.patch(path, {"roleId": role}).status_code == 200
            assert elsewhere.get("/api/events").status_code == 200
            assert code_of(elsewhere.get("/api/members")) == (403, "FORBIDDEN")

            assert owner.patch(f"/api/roles/{role}", {"permissions": ["team:read"]}).status_code == 200
            assert code_of(elsewhere.get("/api/events")) == (403, "FORBIDDEN")
            assert elsewhere.get("/api/members").status_code == 200

            assert owner.patch(path, {"status": "suspended"}).status_code == 200
            assert code_of(elsewhere.get("/api/members")) == (401, "UNAUTHENTICATED")
        finally:
            other_app.extensions[EXTENSION].dispose()

    def test_is_written_into_the_trail(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        path = member_of(owner, staff)
        id_ = path.rpartition("/")[2]

        assert owner.patch(path, {"role": "manager", "status": "suspended"}).status_code == 200
        assert owner.patch(path, {"status": "active"}).status_code == 200
        assert owner.patch(path, {"status": "active", "role": "manager"}).status_code == 200
        assert owner.delete(path).status_code == 204

        events = events_of(owner, id_)
        assert [event.type for event in events] == [
            "member.role_changed",
            "member.suspended",
            "member.resumed",
            "member.removed",
        ]
        assert events[0].data["previous"] == {"role": "staff", "role_id": None}
        assert events[0].data["object"]["role"] == "manager"
        assert {event.actor["id"] for event in events} == {str(owner.user_id)}

    def test_is_guarded_by_its_version(self, owner: Business) -> None:
        path = member_of(owner, owner.colleague("staff"))
        tag = owner.get(path).headers["ETag"]
        assert owner.patch(path, {"role": "manager"}, headers={"If-Match": tag}).status_code == 200

        stale = {"If-Match": tag}
        for response in (
            owner.patch(path, {"role": "staff"}, headers=stale),
            owner.patch(path, {"role": "manager"}, headers=stale),
            owner.delete(path, headers=stale),
        ):
            assert code_of(response) == (412, "PRECONDITION_FAILED")
        assert read(owner, path)["role"]["key"] == "manager"
        assert owner.get(path, headers={"If-None-Match": owner.get(path).headers["ETag"]}).status_code == 304
        assert owner.delete(path, headers={"If-Match": owner.get(path).headers["ETag"]}).status_code == 204

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"role": "boss"},
            {"role": "custom"},
            {"role": None},
            {"status": "gone"},
            {"roleId": "x"},
            {"roleId": None},
            {"role": "staff", "roleId": str(uuid.uuid4())},
            {"permissions": ["audit:read"]},
            {"version": 1, "role": "staff"},
        ],
    )
    def test_takes_nothing_else(self, owner: Business, body: dict[str, Any]) -> None:
        path = member_of(owner, owner.colleague("staff"))
        before = read(owner, path)
        assert code_of(owner.patch(path, body)) == (400, "VALIDATION_ERROR")
        assert read(owner, path) == before

    def test_needs_a_fresh_proof(self, owner: Business, sql: Sql) -> None:
        path = member_of(owner, owner.colleague("staff"))
        sql(
            "UPDATE login_sessions SET authenticated_at = now() - interval '11 minutes' WHERE user_id = %s",
            owner.user_id,
        )
        for response in (
            owner.patch(path, {"role": "manager"}),
            owner.delete(path),
            owner.post("/api/roles", {"name": "New", "permissions": ["team:read"]}),
            owner.patch(f"/api/roles/{uuid.uuid4()}", {"name": "New"}),
            owner.delete(f"/api/roles/{uuid.uuid4()}"),
        ):
            assert code_of(response) == (403, "STEP_UP_REQUIRED")

    def test_that_repeats_what_is_changes_nothing(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        path = member_of(owner, staff)
        before = read(owner, path)
        response = owner.patch(path, {"role": "staff", "status": "active"})
        assert (response.status_code, response.json) == (200, before)
        assert works(staff), "their sessions stand"


class TestSuspension:
    def test_leaves_nothing(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        path = member_of(owner, staff)
        refresh = {"refreshToken": staff.refresh_token}
        login = {"email": staff.email, "password": PASSWORD, "tenantId": str(owner.tenant_id)}

        assert owner.patch(path, {"status": "suspended"}).status_code == 200

        assert code_of(staff.get("/api/context")) == (401, "UNAUTHENTICATED")
        assert code_of(staff.get("/api/auth/me")) == (401, "UNAUTHENTICATED")
        assert code_of(Caller(staff.app).post("/api/auth/refresh", refresh)) == (401, "UNAUTHENTICATED")
        assert Caller(staff.app).post("/api/auth/login", login).status_code == 403

        assert owner.patch(path, {"status": "active"}).status_code == 200
        assert not works(staff), "a session of before stays ended"
        assert code_of(Caller(staff.app).post("/api/auth/refresh", refresh)) == (401, "UNAUTHENTICATED")
        assert Caller(staff.app).post("/api/auth/login", login).status_code == 200

    def test_leaves_other_businesses_alone(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        opened = staff.post(
            "/api/tenants", {"businessName": "Own", "businessType": "spa", "countryCode": "IN"}
        )
        assert opened.status_code == 201
        login = {"email": staff.email, "password": PASSWORD, "tenantId": (opened.json or {})["id"]}
        there = Caller(staff.app).post("/api/auth/login", login).json or {}
        elsewhere = Caller(staff.app, token=there["accessToken"])

        assert owner.patch(member_of(owner, staff), {"status": "suspended"}).status_code == 200

        assert works(elsewhere)
        refusal = elsewhere.patch("/api/auth/tenants/switch", {"tenantId": str(owner.tenant_id)})
        assert code_of(refusal) == (400, "INVALID_REFERENCE")


class TestRemoval:
    def test_ends_everything_here_and_nothing_elsewhere(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        opened = staff.post(
            "/api/tenants", {"businessName": "Own", "businessType": "spa", "countryCode": "IN"}
        )
        assert opened.status_code == 201
        path = member_of(owner, staff)

        assert owner.delete(path).status_code == 204

        assert not works(staff)
        assert code_of(owner.get(path)) == (404, "NOT_FOUND")
        assert code_of(owner.delete(path)) == (404, "NOT_FOUND")
        login = Caller(staff.app).post("/api/auth/login", {"email": staff.email, "password": PASSWORD})
        assert (login.status_code, (login.json or {})["tenant"]["name"]) == (200, "Own")

    def test_ends_their_sessions_for_good(self, owner: Business, sql: Sql) -> None:
        staff = owner.colleague("staff")
        assert owner.delete(member_of(owner, staff)).status_code == 204
        sql(
            "INSERT INTO memberships (tenant_id, id, user_id, role)"
            " VALUES (%s, gen_random_uuid(), %s, 'staff')",
            owner.tenant_id,
            staff.user_id,
        )
        assert not works(staff), "whoever comes back signs in anew"

    def test_lets_an_owner_leave_who_is_not_the_last(self, owner: Business) -> None:
        other = owner.colleague("owner")
        assert other.delete(member_of(owner, other)).status_code == 204
        assert not works(other)
        assert code_of(owner.delete(member_of(owner, owner))) == (409, "LAST_OWNER")
        assert works(owner)

    def test_does_not_count_an_owner_who_cannot_sign_in(self, owner: Business, sql: Sql) -> None:
        suspended, disabled = owner.colleague("owner"), owner.colleague("owner")
        assert owner.patch(member_of(owner, suspended), {"status": "suspended"}).status_code == 200
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", disabled.user_id)
        assert code_of(owner.delete(member_of(owner, owner))) == (409, "LAST_OWNER")
