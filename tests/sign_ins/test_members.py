"""/api/members/{id}/sessions: what administrators may do to the sessions of members."""

import uuid
from collections.abc import Callable

import pytest

from tests.auth.conftest import Sql
from tests.factories.callers import Business
from tests.second_factor.enrolment import age_proof, event_types, problem
from tests.sign_ins.signed_in import again, browser_of, current, data, is_signed_in, join, membership


def path(member_id: uuid.UUID, session_id: str = "") -> str:
    return f"/api/members/{member_id}/sessions" + (f"/{session_id}" if session_id else "")


class TestAnAdministrator:
    def test_sees_where_a_member_is_signed_in(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        browser = browser_of(staff)

        shown = data(owner.get(path(membership(staff))))
        assert [one["id"] for one in shown] == [current(browser), current(staff)]
        assert [one["current"] for one in shown] == [False, False]
        assert shown[0]["device"] == "Firefox on Linux"

    def test_ends_one_session(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        lost = again(staff)

        assert owner.delete(path(membership(staff), current(lost))).status_code == 204
        assert (is_signed_in(lost), is_signed_in(staff)) == (False, True)
        assert event_types(owner)[0] == "member.sessions_ended"

    def test_ends_all_of_them(self, owner: Business) -> None:
        staff, bystander = owner.colleague("staff"), owner.colleague("staff")
        others = [again(staff), browser_of(staff)]

        assert owner.delete(path(membership(staff))).status_code == 204
        assert [is_signed_in(one) for one in (staff, *others)] == [False] * 3
        assert is_signed_in(owner)
        assert is_signed_in(bystander)
        assert data(owner.get(path(membership(staff)))) == []

    def test_reaches_no_session_in_another_business(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        staff, elsewhere = owner.colleague("staff"), business()
        join(staff, elsewhere, "staff")
        there, here, member_id = again(staff, to=elsewhere), staff, membership(staff)

        assert [one["id"] for one in data(owner.get(path(member_id)))] == [current(here)]
        refused = owner.delete(path(member_id, current(there)))
        assert problem(refused, 404)
        assert owner.delete(path(member_id)).status_code == 204
        assert (is_signed_in(here), is_signed_in(there)) == (False, True)

    def test_reaches_no_member_of_another_business(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        elsewhere = business()
        stranger = elsewhere.colleague("staff")
        member_id, session_id = membership(stranger), current(stranger)

        for answer in (
            owner.get(path(member_id)),
            owner.delete(path(member_id)),
            owner.delete(path(member_id, session_id)),
            owner.delete(path(membership(owner), session_id)),
            owner.get(path(uuid.uuid4())),
        ):
            assert problem(answer, 404)["detail"] == "There is nothing at this address."
        assert is_signed_in(stranger)

    def test_who_is_no_owner_may_not_touch_one(self, owner: Business) -> None:
        admin = owner.colleague("admin")
        member_id = membership(owner)

        for answer in (
            admin.get(path(member_id)),
            admin.delete(path(member_id)),
            admin.delete(path(member_id, current(owner))),
        ):
            assert "team:owners" in problem(answer, 403)["detail"]
        assert is_signed_in(owner)

    def test_may_touch_another_administrator(self, owner: Business) -> None:
        admin, other = owner.colleague("admin"), owner.colleague("admin")

        assert admin.delete(path(membership(other))).status_code == 204
        assert not is_signed_in(other)

    def test_needs_a_fresh_proof(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        member_id = membership(staff)
        age_proof(owner)

        for answer in (owner.get(path(member_id)), owner.delete(path(member_id))):
            assert problem(answer, 403)["code"] == "STEP_UP_REQUIRED"
        assert is_signed_in(staff)

    def test_of_a_suspended_business_reads_only(self, owner: Business, sql: Sql) -> None:
        staff = owner.colleague("staff")
        member_id = membership(staff)
        sql("UPDATE tenants SET status = 'suspended' WHERE id = %s", owner.tenant_id)

        assert len(data(owner.get(path(member_id)))) == 1
        assert problem(owner.delete(path(member_id)), 403)["code"] == "TENANT_SUSPENDED"


class TestAMember:
    @pytest.mark.parametrize("role", ["manager", "staff", "accountant"])
    def test_without_the_permission_is_refused(self, owner: Business, role: str) -> None:
        member, colleague = owner.colleague(role), owner.colleague("staff")

        refused = member.delete(path(membership(colleague)))
        assert "security:write" in problem(refused, 403)["detail"]
        assert is_signed_in(colleague)
