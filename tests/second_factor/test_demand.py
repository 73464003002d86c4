"""The setting `security.secondFactor`: a business that demands a second factor of those who run it."""

from collections.abc import Callable

import pytest

from tests.auth.conftest import Sql
from tests.factories.callers import Business, Caller
from tests.second_factor.enrolment import PATH, age_proof, answer, enrol, event_types, problem
from tests.sign_ins.signed_in import again, join

SETTINGS = "/api/tenant/settings"
DEMAND = {"security": {"secondFactor": "required"}}


@pytest.fixture
def strict(owner: Business) -> Business:
    """The owner of a business that demands a second factor, who has one."""
    enrol(owner)
    assert owner.patch(SETTINGS, DEMAND).status_code == 200
    return owner


class TestTheSetting:
    def test_is_off_at_first_and_can_be_switched(self, owner: Business) -> None:
        enrol(owner)
        assert (owner.get(SETTINGS).json or {})["security"] == {"secondFactor": "optional"}

        assert (owner.patch(SETTINGS, DEMAND).json or {})["security"] == {"secondFactor": "required"}
        assert event_types(owner)[0] == "tenant.settings_updated"
        off = owner.patch(SETTINGS, {"security": {"secondFactor": "optional"}})
        assert (off.json or {})["security"] == {"secondFactor": "optional"}

    def test_is_not_switched_on_by_whoever_it_would_shut_out(self, owner: Business) -> None:
        refused = owner.patch(SETTINGS, DEMAND)

        assert problem(refused, 409)["code"] == "SECOND_FACTOR_NOT_ENABLED"
        assert (owner.get(SETTINGS).json or {})["security"] == {"secondFactor": "optional"}

    @pytest.mark.parametrize("value", ["required", "optional"])
    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
    def test_needs_a_fresh_proof_either_way(
        self, strict: Business, value: str, headers: dict[str, str]
    ) -> None:
        age_proof(strict)

        refused = strict.patch(SETTINGS, {"security": {"secondFactor": value}}, headers=headers)
        assert problem(refused, 403)["code"] == "STEP_UP_REQUIRED"
        assert strict.patch(SETTINGS, {"customers": {"uniqueEmail": True}}).status_code == 200

    @pytest.mark.parametrize("value", ["off", None, True, "REQUIRED", {}])
    def test_takes_one_of_two_words(self, owner: Business, value: object) -> None:
        assert problem(owner.patch(SETTINGS, {"security": {"secondFactor": value}}), 400)

    def test_is_not_for_a_role_without_the_permission(self, owner: Business, sql: Sql) -> None:
        sql(
            "INSERT INTO roles (tenant_id, id, name, name_key, permissions) VALUES"
            " (%s, gen_random_uuid(), 'Front desk', 'front desk', '{settings:read,settings:write}')",
            owner.tenant_id,
        )
        clerk = owner.colleague("manager")
        enrol(clerk)
        sql(
            "UPDATE memberships SET role = 'custom', role_id = (SELECT id FROM roles WHERE tenant_id = %s)"
            " WHERE user_id = %s",
            owner.tenant_id,
            clerk.user_id,
        )
        assert clerk.patch(SETTINGS, {"customers": {"uniqueEmail": True}}).status_code == 200

        bodies: list[dict[str, object]] = [{**DEMAND}, {**DEMAND, "customers": {}}, {"security": {}}]
        for body in bodies:
            assert "security:write" in problem(clerk.patch(SETTINGS, body), 403)["detail"]


class TestTheDemand:
    @pytest.mark.parametrize("role", ["owner", "admin"])
    def test_stops_whoever_runs_the_business_until_they_have_one(self, strict: Business, role: str) -> None:
        colleague = strict.colleague(role)

        for refused in (colleague.get("/api/customers"), colleague.post("/api/customers", {"name": "Jane"})):
            assert problem(refused, 403)["code"] == "SECOND_FACTOR_SETUP_REQUIRED"
        assert (colleague.get(PATH).json or {})["demanded"] is True
        assert colleague.get("/api/auth/me").status_code == 200
        assert colleague.get("/api/context").status_code == 200
        enrol(colleague)
        assert colleague.get("/api/customers").status_code == 200

    @pytest.mark.parametrize("role", ["manager", "staff", "accountant"])
    def test_is_not_made_of_others(self, strict: Business, role: str) -> None:
        colleague = strict.colleague(role)

        assert colleague.get("/api/customers").status_code == 200
        assert (colleague.get(PATH).json or {})["demanded"] is False

    @pytest.mark.parametrize("permission", ["team:roles", "security:write", "apiKeys:write"])
    def test_is_made_of_a_role_of_the_business_s_own_that_may_as_much(
        self, strict: Business, permission: str
    ) -> None:
        mighty = {"name": "Office", "permissions": ["customers:read", permission]}
        meek = {"name": "Desk", "permissions": ["customers:read"]}
        asked = {}
        for role in (mighty, meek):
            colleague = strict.colleague("staff")
            (row,) = strict.get(f"/api/members?search={colleague.email}").get_json()["data"]
            role_id = strict.post("/api/roles", role).get_json()["id"]
            assert strict.patch(f"/api/members/{row['id']}", {"roleId": role_id}).status_code == 200
            asked[role["name"]] = colleague.get("/api/customers").status_code
        assert asked == {"Office": 403, "Desk": 200}

    def test_acts_on_the_next_request(self, owner: Business) -> None:
        admin = owner.colleague("admin")
        assert admin.get("/api/customers").status_code == 200
        enrol(owner)

        assert owner.patch(SETTINGS, DEMAND).status_code == 200
        assert problem(admin.get("/api/customers"), 403)["code"] == "SECOND_FACTOR_SETUP_REQUIRED"

    def test_is_not_met_by_a_secret_without_a_first_code(self, strict: Business) -> None:
        admin = strict.colleague("admin")
        assert admin.post(PATH).status_code == 201

        assert problem(admin.get("/api/customers"), 403)["code"] == "SECOND_FACTOR_SETUP_REQUIRED"

    def test_keeps_its_people_from_turning_theirs_off(self, strict: Business) -> None:
        admin = strict.colleague("admin")
        enrolment = enrol(admin)

        refused = admin.post(f"{PATH}/disable", {"code": enrolment.code()})
        assert problem(refused, 403)["code"] == "SECOND_FACTOR_DEMANDED"
        assert (admin.get(PATH).json or {})["enabled"] is True
        # The code was not used up by the refusal.
        stranger = Caller(admin.app)
        assert answer(stranger, enrolment.challenge(stranger), enrolment.at_step(0)).status_code == 200

    def test_ends_at_the_walls_of_the_business(
        self, strict: Business, business: Callable[..., Business]
    ) -> None:
        elsewhere = business()
        join(elsewhere, strict, "admin")

        assert elsewhere.get("/api/customers").status_code == 200
        there = again(elsewhere, to=strict)
        assert problem(there.get("/api/customers"), 403)["code"] == "SECOND_FACTOR_SETUP_REQUIRED"

    def test_is_there_again_for_whoever_turned_theirs_off_in_another_business(
        self, strict: Business, business: Callable[..., Business]
    ) -> None:
        elsewhere = business()
        join(elsewhere, strict, "admin")
        there = again(elsewhere, to=strict)
        enrolment = enrol(there)
        assert there.get("/api/customers").status_code == 200

        assert elsewhere.post(f"{PATH}/disable", {"code": enrolment.code()}).status_code == 204
        assert problem(there.get("/api/customers"), 403)["code"] == "SECOND_FACTOR_SETUP_REQUIRED"
