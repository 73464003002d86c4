"""/api/roles: what a business composes itself."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mbs.team.models import MOST_ROLES
from mbs.team.schemas import SYSTEM_ROLES, CustomRoleView, SystemRoleView, present_custom_role
from mbs.tenants.repository import CustomRoleRepository
from tests.auth.conftest import Sql
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.teams import Deliver, code_of, compose, invite, member_of, new_email, newcomer

FRONT_DESK = {"name": "Front desk", "permissions": ["customers:read", "customers:create"]}


class TestCreating:
    def test_shows_the_role_with_its_address_and_version(self, owner: Business) -> None:
        response = owner.post("/api/roles", {**FRONT_DESK, "permissions": ["team:read", "audit:read"]})
        role = response.json or {}
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/roles/{role['id']}"
        assert response.headers["ETag"] == '"1"'
        assert role["permissions"] == ["audit:read", "team:read"]
        assert owner.get(response.headers["Location"]).json == role

    def test_refuses_a_name_that_is_taken(self, owner: Business) -> None:
        compose(owner, "team:read", name="Front Desk")
        for name in ("front  desk", "FRONT DESK", "\uff26ront Desk", "Owner", "ACCOUNTANT"):
            response = owner.post("/api/roles", {**FRONT_DESK, "name": name})
            assert code_of(response) == (409, "CONFLICT"), name

    def test_tells_nothing_of_another_business(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        compose(owner, "team:read", name="Front desk")
        other = business()
        assert other.post("/api/roles", FRONT_DESK).status_code == 201
        assert len((other.get("/api/roles").json or {})["data"]) == 1

    def test_is_safe_to_repeat(self, owner: Business) -> None:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        first, second = (owner.post("/api/roles", FRONT_DESK, headers=key) for _ in range(2))
        assert first.json == second.json
        assert owner.post("/api/roles?dryRun=true", {**FRONT_DESK, "name": "Dry"}).status_code == 201
        assert len((owner.get("/api/roles").json or {})["data"]) == 1

    def test_stops_at_the_most_there_may_be(self, owner: Business, sql: Sql) -> None:
        sql(
            "INSERT INTO roles (tenant_id, id, name, name_key, permissions) SELECT %s::uuid,"
            " gen_random_uuid(), 'R' || n, 'r' || n, '{team:read}' FROM generate_series(1, %s::int) AS n",
            owner.tenant_id,
            MOST_ROLES,
        )
        assert code_of(owner.post("/api/roles", FRONT_DESK)) == (403, "PLAN_LIMIT_REACHED")

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": ""},
            {"name": " "},
            {"name": "x" * 61},
            {"name": "a\u0007b"},
            {"name": None},
            {"permissions": []},
            {"permissions": None},
            {"permissions": "team:read"},
            {"permissions": {"team:read": True}},
            {"permissions": ["team:read", "team:read"]},
            {"key": "owner"},
        ],
    )
    def test_refuses_faulty_fields(self, owner: Business, changes: dict[str, Any]) -> None:
        assert code_of(owner.post("/api/roles", {**FRONT_DESK, **changes})) == (400, "VALIDATION_ERROR")


class TestTheList:
    def test_shows_the_five_roles_that_every_business_has(self, owner: Business) -> None:
        body = owner.get("/api/roles").json or {}
        assert body["data"] == []
        assert [one["key"] for one in body["systemRoles"]] == [
            "owner",
            "admin",
            "manager",
            "staff",
            "accountant",
        ]
        assert "team:owners" in body["systemRoles"][0]["permissions"]

    def test_is_by_name_page_by_page(self, owner: Business) -> None:
        for name in ("cleaning", "Bar", "Alpha"):
            compose(owner, "team:read", name=name)
        first = owner.get("/api/roles?limit=2&includeTotal=true").json or {}
        assert [one["name"] for one in first["data"]] == ["Alpha", "Bar"]
        assert first["pagination"]["total"] == 3
        rest = owner.get(f"/api/roles?limit=2&cursor={first['pagination']['nextCursor']}").json or {}
        assert [one["name"] for one in rest["data"]] == ["cleaning"]

    def test_is_for_those_who_see_the_team(self, owner: Business) -> None:
        assert owner.colleague("manager").get("/api/roles").status_code == 200
        assert code_of(owner.colleague("staff").get("/api/roles")) == (403, "FORBIDDEN")

    def test_shows_what_is_documented(self, owner: Business) -> None:
        role = uuid.UUID(compose(owner, "team:read"))
        with owner.database.transaction(owner.scope) as transaction:
            shown = present_custom_role(CustomRoleRepository(transaction).get(role))
        assert differences(CustomRoleView(), shown) == []
        assert [differences(SystemRoleView(), one) for one in SYSTEM_ROLES] == [[]] * 5


class TestChanging:
    def test_keeps_what_is_not_named(self, owner: Business) -> None:
        role = f"/api/roles/{compose(owner, 'team:read', name='Old')}"
        assert (owner.patch(role, {"name": "New"}).json or {})["permissions"] == ["team:read"]
        assert (owner.patch(role, {"permissions": ["audit:read"]}).json or {})["name"] == "New"
        assert owner.patch(role, {"name": "NEW"}).status_code == 200, "its own name is not taken"

    def test_is_guarded_by_its_version(self, owner: Business) -> None:
        role = f"/api/roles/{compose(owner, 'team:read')}"
        stale = {"If-Match": owner.get(role).headers["ETag"]}
        assert owner.patch(role, {"permissions": ["audit:read"]}, headers=stale).status_code == 200
        assert code_of(owner.patch(role, {"name": "X"}, headers=stale)) == (412, "PRECONDITION_FAILED")
        assert code_of(owner.delete(role, headers=stale)) == (412, "PRECONDITION_FAILED")

    def test_is_written_into_the_trail(self, owner: Business) -> None:
        id_ = compose(owner, "team:read", name="Old")
        owner.patch(f"/api/roles/{id_}", {"permissions": ["audit:read"]})
        owner.delete(f"/api/roles/{id_}")
        events = events_of(owner, id_)
        assert [event.type for event in events] == ["role.created", "role.updated", "role.removed"]
        assert events[1].data["previous"] == {"permissions": ["team:read"]}


class TestRemoving:
    def test_waits_for_its_members(self, owner: Business) -> None:
        role = compose(owner, "team:read")
        path = member_of(owner, owner.colleague("staff"))
        assert owner.patch(path, {"roleId": role}).status_code == 200
        assert owner.patch(path, {"status": "suspended"}).status_code == 200
        assert code_of(owner.delete(f"/api/roles/{role}")) == (409, "IN_USE")
        assert owner.patch(path, {"role": "staff"}).status_code == 200
        assert owner.delete(f"/api/roles/{role}").status_code == 204

    def test_waits_for_open_invitations_and_no_others(
        self, owner: Business, deliver: Deliver, sql: Sql
    ) -> None:
        role = compose(owner, "team:read")
        expired, revoked, accepted, open_ = (invite(owner, deliver, roleId=role) for _ in range(4))
        past = datetime.now(UTC) - timedelta(seconds=1)
        sql("UPDATE invitations SET expires_at = %s WHERE id = %s", past, expired.id)
        assert owner.delete(f"/api/invites/{revoked.id}").status_code == 204
        joined = owner.post(f"{accepted.path}/accept", newcomer()).json or {}
        member = (owner.get(f"/api/members?search={joined['user']['email']}").json or {})["data"][0]["id"]
        assert owner.patch(f"/api/members/{member}", {"role": "staff"}).status_code == 200
        assert code_of(owner.delete(f"/api/roles/{role}")) == (409, "IN_USE")

        assert owner.delete(f"/api/invites/{open_.id}").status_code == 204
        assert owner.delete(f"/api/roles/{role}").status_code == 204

        shown = owner.get(f"/api/invites/{accepted.id}").json or {}
        assert shown["role"] == {"key": "custom", "label": "Custom", "roleId": None}
        assert code_of(owner.post("/api/invites", {"email": new_email(), "roleId": role})) == (
            400,
            "INVALID_REFERENCE",
        )
