"""Nobody gives, changes or takes what they lack: every role at every role, and the ways around it."""

import uuid
from collections.abc import Callable

import pytest
from flask import Flask

from mbs.tenants.models import PERMISSIONS, ROLE_PERMISSIONS, covers
from tests.factories.callers import Business, Caller, new_business
from tests.factories.teams import code_of, colleague_with, compose, member_of

MAY_ACT_ON = {
    "owner": {"owner", "admin", "manager", "staff", "accountant"},
    "admin": {"admin", "manager", "staff", "accountant"},
    "manager": set(),
    "staff": set(),
    "accountant": set(),
}
ROLES = tuple(MAY_ACT_ON)


@pytest.fixture(scope="module")
def team(app: Flask) -> dict[str, Business]:
    """One member of each role, the owner of the business among them."""
    owner = new_business(Caller(app))
    return {"owner": owner, **{role: owner.colleague(role) for role in ROLES[1:]}}


class TestEveryRole:
    @pytest.mark.parametrize("actor", ROLES)
    def test_acts_only_on_those_that_it_covers(self, team: dict[str, Business], actor: str) -> None:
        owner = team["owner"]
        for held in ROLES:
            target = owner.colleague(held)
            path = member_of(owner, target)
            changed = team[actor].patch(path, {"status": "suspended"})
            removed = team[actor].delete(path)
            if held in MAY_ACT_ON[actor]:
                assert (changed.status_code, removed.status_code) == (200, 204), held
            else:
                assert code_of(changed) == code_of(removed) == (403, "FORBIDDEN"), held
                assert (owner.get(path).json or {})["status"] == "active"

    @pytest.mark.parametrize("actor", ROLES)
    def test_gives_only_what_it_covers(self, team: dict[str, Business], actor: str) -> None:
        path = member_of(team["owner"], team["owner"].colleague("staff"))
        for given in ROLES:
            response = team[actor].patch(path, {"role": given})
            if given in MAY_ACT_ON[actor]:
                assert (response.json or {})["role"]["key"] == given
                assert team["owner"].patch(path, {"role": "staff"}).status_code == 200
            else:
                assert code_of(response) == (403, "FORBIDDEN"), given


class TestOneself:
    @pytest.mark.parametrize("role", ["owner", "admin"])
    @pytest.mark.parametrize("body", [{"role": "staff"}, {"role": "owner"}, {"status": "suspended"}])
    def test_is_changed_by_nobody(self, owner: Business, role: str, body: dict[str, str]) -> None:
        owner.colleague("owner")
        member = owner.colleague(role)
        path = member_of(owner, member)
        assert code_of(member.patch(path, body)) == (403, "FORBIDDEN")
        assert (owner.get(path).json or {})["role"]["key"] == role

    def test_is_not_changed_by_the_only_owner(self, owner: Business) -> None:
        path = member_of(owner, owner)
        assert code_of(owner.patch(path, {"role": "admin"})) == (409, "LAST_OWNER")
        assert code_of(owner.patch(path, {"status": "suspended"})) == (409, "LAST_OWNER")


class TestTheOnlyOwner:
    def test_is_out_of_an_administrator_s_reach(self, owner: Business) -> None:
        admin = owner.colleague("admin")
        path = member_of(owner, owner)
        for response in (
            admin.patch(path, {"role": "staff"}),
            admin.patch(path, {"status": "suspended"}),
            admin.delete(path),
        ):
            assert code_of(response) == (403, "FORBIDDEN")


class TestAComposedRole:
    def test_lets_its_holder_act_within_it(self, owner: Business) -> None:
        # Whoever moves staff needs what staff may do.
        theirs = ROLE_PERMISSIONS["staff"] - {"customers:read:own"}
        lead = colleague_with(owner, "team:read", "team:roles", "customers:read", *theirs)
        staff = owner.colleague("staff")
        path = member_of(owner, staff)

        assert code_of(lead.patch(path, {"role": "manager"})) == (403, "FORBIDDEN")
        assert code_of(lead.patch(path, {"role": "admin"})) == (403, "FORBIDDEN")
        assert lead.patch(path, {"roleId": compose(owner, "customers:read")}).status_code == 200
        assert code_of(lead.patch(path, {"roleId": compose(owner, "audit:read")})) == (403, "FORBIDDEN")
        assert lead.patch(path, {"role": "staff"}).status_code == 200
        assert lead.delete(path).status_code == 204

    def test_cannot_be_written_beyond_its_author(self, owner: Business) -> None:
        lead = colleague_with(owner, "team:read", "team:roles", "customers:read")
        body = {"name": "More", "permissions": ["customers:read", "customers:write"]}
        assert code_of(lead.post("/api/roles", body)) == (403, "FORBIDDEN")

        less = compose(lead, "customers:read")
        more = compose(owner, "audit:read", "customers:read")
        for role, permissions in ((less, ["audit:read"]), (more, ["customers:read"]), (more, ["audit:read"])):
            response = lead.patch(f"/api/roles/{role}", {"permissions": permissions})
            assert code_of(response) == (403, "FORBIDDEN")
        assert code_of(lead.patch(f"/api/roles/{more}", {"name": "Mine"})) == (403, "FORBIDDEN")
        assert code_of(lead.delete(f"/api/roles/{more}")) == (403, "FORBIDDEN")
        assert lead.patch(f"/api/roles/{less}", {"permissions": ["team:read"]}).status_code == 200

    def test_of_oneself_cannot_grow(self, owner: Business) -> None:
        lead = colleague_with(owner, "team:read", "team:roles")
        own = (owner.get(member_of(owner, lead)).json or {})["role"]["roleId"]
        response = lead.patch(f"/api/roles/{own}", {"permissions": ["team:read", "team:roles", "audit:read"]})
        assert code_of(response) == (403, "FORBIDDEN")
        assert code_of(lead.get("/api/events")) == (403, "FORBIDDEN")

    @pytest.mark.parametrize("permission", ["team:owners", "everything", "customers:*", "", 1, None])
    def test_holds_no_power_over_owners_and_nothing_unknown(
        self, owner: Business, permission: str | int | None
    ) -> None:
        body = {"name": "Boss", "permissions": ["team:read", permission]}
        assert code_of(owner.post("/api/roles", body)) == (400, "VALIDATION_ERROR")
        role = compose(owner, "team:read")
        assert code_of(owner.patch(f"/api/roles/{role}", {"permissions": [permission]})) == (
            400,
            "VALIDATION_ERROR",
        )

    def test_that_permits_everything_else_does_not_reach_owners(self, owner: Business) -> None:
        everything = sorted(ROLE_PERMISSIONS["admin"])
        regent = colleague_with(owner, *everything)
        path = member_of(owner, owner.colleague("owner"))
        for response in (
            regent.patch(path, {"role": "staff"}),
            regent.patch(path, {"status": "suspended"}),
            regent.delete(path),
            regent.patch(member_of(owner, owner.colleague("staff")), {"role": "owner"}),
            regent.post("/api/invites", {"email": "new@example.com", "role": "owner"}),
        ):
            assert code_of(response) == (403, "FORBIDDEN")

    def test_with_a_word_that_no_permission_has_any_more_grants_it_not(
        self, owner: Business, sql: Callable[..., object]
    ) -> None:
        member = colleague_with(owner, "team:read")
        role = (owner.get(member_of(owner, member)).json or {})["role"]["roleId"]
        sql("UPDATE roles SET permissions = ARRAY['team:read', 'audit:all'] WHERE id = %s", role)
        assert (member.get("/api/auth/me").json or {})["permissions"] == ["team:read"]
        assert owner.patch(f"/api/roles/{role}", {"name": "Renamed"}).status_code == 200


class TestForeignIds:
    def test_of_members_are_as_if_they_never_were(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        stranger = business()
        theirs = member_of(stranger, stranger.colleague("staff"))
        random = f"/api/members/{uuid.uuid4()}"
        for send in (
            lambda path: owner.get(path),
            lambda path: owner.patch(path, {"role": "manager"}),
            lambda path: owner.patch(path, {"status": "suspended"}),
            lambda path: owner.delete(path),
        ):
            foreign, nowhere = send(theirs), send(random)
            assert code_of(foreign) == code_of(nowhere) == (404, "NOT_FOUND")
            assert (foreign.json or {})["detail"] == (nowhere.json or {})["detail"]
            assert set(foreign.headers.keys()) == set(nowhere.headers.keys())
        assert (stranger.get(theirs).json or {})["status"] == "active"

    def test_of_roles_are_as_if_they_never_were(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        theirs = compose(business(), "team:read")
        path = member_of(owner, owner.colleague("staff"))
        for role in (theirs, str(uuid.uuid4())):
            for response in (
                owner.get(f"/api/roles/{role}"),
                owner.patch(f"/api/roles/{role}", {"name": "Mine"}),
                owner.delete(f"/api/roles/{role}"),
            ):
                assert code_of(response) == (404, "NOT_FOUND")
            for response in (
                owner.patch(path, {"roleId": role}),
                owner.post("/api/invites", {"email": "new@example.com", "roleId": role}),
            ):
                assert code_of(response) == (400, "INVALID_REFERENCE")
                assert (response.json or {})["errors"][0]["field"] == "roleId"
        assert (owner.get(path).json or {})["role"]["key"] == "staff"


class TestCovering:
    def test_holds_what_is_narrower(self) -> None:
        assert covers(frozenset({"customers:read"}), {"customers:read:own"})
        assert not covers(frozenset({"customers:read:own"}), {"customers:read"})
        assert covers(ROLE_PERMISSIONS["owner"], PERMISSIONS)
        assert not covers(ROLE_PERMISSIONS["admin"], ROLE_PERMISSIONS["owner"])
        assert covers(frozenset(), ())
