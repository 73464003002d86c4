"""/api/invites: what a business does with its invitations."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Role
from mbs.foundation.errors import Forbidden
from mbs.foundation.sealing import Sealer, digest
from mbs.invitations.models import MOST_PER_BUSINESS
from mbs.invitations.repository import InvitationRepository
from mbs.invitations.schemas import InvitationView, present
from mbs.invitations.service import InvitationService
from mbs.tenants.models import ROLE_PERMISSIONS
from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.contract.closed_schemas import differences
from tests.factories.callers import PASSWORD, Business, Caller, new_business
from tests.factories.customers import events_of
from tests.factories.teams import (
    Deliver,
    Invited,
    code_of,
    colleague_with,
    compose,
    invite,
    new_email,
    newcomer,
)
from tests.second_factor.enrolment import age_proof

Shown = dict[str, Any]


def shown(business: Business, invitation: Invited) -> Shown:
    response = business.get(f"/api/invites/{invitation.id}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return dict(response.json or {})


class TestInviting:
    def test_needs_a_fresh_proof_as_giving_a_role_does(self, owner: Business) -> None:
        body = {"email": new_email(), "role": "owner"}
        age_proof(owner)
        assert code_of(owner.post("/api/invites", body)) == (403, "STEP_UP_REQUIRED")
        assert owner.post("/api/auth/step-up", {"password": PASSWORD}).status_code == 200
        assert owner.post("/api/invites", body).status_code == 201

    def test_sends_a_link_and_shows_no_token(self, owner: Business, deliver: Deliver) -> None:
        email = new_email()
        response = owner.post("/api/invites", {"email": email, "role": "manager"})
        body = response.json or {}

        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/invites/{body['id']}"
        assert body["email"] == email
        assert body["role"] == {"key": "manager", "label": "Manager", "roleId": None}
        assert body["status"] == "open"
        assert body["invitedBy"] == str(owner.user_id)
        lifetime = datetime.fromisoformat(body["expiresAt"]) - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < lifetime <= timedelta(days=7)
        (message,) = deliver().to(email)
        assert "Asha Rao" in message.subject
        assert "Asha's Salon" in message.subject
        found = re.search(r"/invitation#token=([A-Za-z0-9_-]{43})$", message.text, re.MULTILINE)
        assert found is not None
        for answer in (response, owner.get("/api/invites"), owner.get(response.headers["Location"])):
            assert found[1] not in answer.get_data(as_text=True)
            assert digest(found[1]) not in answer.get_data(as_text=True)

    def test_answers_alike_whether_there_is_an_account_or_not(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        body = {"role": "staff"}
        addresses = business().email, new_email()
        responses = [owner.post("/api/invites", {**body, "email": email}) for email in addresses]
        first, second = (
            {name: value for name, value in (one.json or {}).items() if name not in VARYING}
            for one in responses
        )
        assert first == second
        assert set(responses[0].headers.keys()) == set(responses[1].headers.keys())
        assert [one.status_code for one in responses] == [201, 201]

    def test_refuses_who_belongs_already_however_they_are_spelt(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        suspended = owner.colleague("staff")
        local, _, domain = staff.email.partition("@")
        for email in (staff.email, staff.email.upper(), f"{local}@\uff25xample.com", f" {local}@{domain} "):
            response = owner.post("/api/invites", {"email": email, "role": "admin"})
            assert code_of(response) == (409, "ALREADY_MEMBER"), email
        path = f"/api/members?search={suspended.email}"
        member = (owner.get(path).json or {})["data"][0]["id"]
        assert owner.patch(f"/api/members/{member}", {"status": "suspended"}).status_code == 200
        again = owner.post("/api/invites", {"email": suspended.email, "role": "staff"})
        assert code_of(again) == (409, "ALREADY_MEMBER")

    def test_is_not_for_who_was_removed_meanwhile(self, owner: Business) -> None:
        scope = replace(owner.scope, actor_id=uuid.uuid4(), permissions=ROLE_PERMISSIONS["owner"])
        begin = partial(owner.database.transaction, scope)
        service = InvitationService(begin=begin, clock=SystemClock(), sealer=Sealer(["secret"]))
        with pytest.raises(Forbidden):
            service.invite(email=new_email(), role="staff")
        assert (owner.get("/api/invites").json or {})["data"] == []

    def test_again_replaces_what_was_not_answered(self, owner: Business, deliver: Deliver) -> None:
        first = invite(owner, deliver, role="manager")
        second = invite(owner, deliver, first.email.upper(), role="staff")

        assert shown(owner, first)["status"] == "revoked"
        assert shown(owner, second)["status"] == "open"
        assert code_of(owner.get(first.path)) == (410, "INVITATION_SPENT")
        assert (owner.get(second.path).json or {})["role"]["key"] == "staff"
        types = [event.type for event in events_of(owner, first.id)]
        assert types == ["invitation.created", "invitation.revoked"]

    def test_is_safe_to_repeat(self, owner: Business, deliver: Deliver) -> None:
        email, key = new_email(), {"Idempotency-Key": uuid.uuid4().hex}
        body = {"email": email, "role": "staff"}
        first, second = (owner.post("/api/invites", body, headers=key) for _ in range(2))
        assert first.json == second.json
        assert len(deliver().to(email)) == 1
        assert owner.post("/api/invites?dryRun=true", {**body, "email": new_email()}).status_code == 201
        assert len((owner.get("/api/invites").json or {})["data"]) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {"email": "ravi@example.com"},
            {"role": "staff"},
            {"email": "ravi", "role": "staff"},
            {"email": "ravi@example.com", "role": "boss"},
            {"email": "ravi@example.com", "role": "custom"},
            {"email": "ravi@example.com", "roleId": "x"},
            {"email": "ravi@example.com", "role": "staff", "roleId": str(uuid.uuid4())},
            {"email": "ravi@example.com\nBcc: all@example.com", "role": "staff"},
            {"email": "ravi@example.com", "role": "staff", "expiresAt": "2099-01-01T00:00:00Z"},
            {"email": ["ravi@example.com"], "role": "staff"},
        ],
    )
    def test_refuses_faulty_fields(self, owner: Business, body: dict[str, Any]) -> None:
        assert code_of(owner.post("/api/invites", body)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        ("role", "given"),
        [
            ("owner", {"owner", "admin", "manager", "staff", "accountant"}),
            ("admin", {"admin", "manager", "staff", "accountant"}),
            ("manager", set()),
            ("staff", set()),
            ("accountant", set()),
        ],
    )
    def test_gives_only_what_one_holds(self, owner: Business, role: str, given: set[str]) -> None:
        inviter = owner if role == "owner" else owner.colleague(role)
        for wanted in ("owner", "admin", "manager", "staff", "accountant"):
            response = inviter.post("/api/invites", {"email": new_email(), "role": wanted})
            assert code_of(response) == ((201, None) if wanted in given else (403, "FORBIDDEN")), wanted

    def test_gives_no_composed_role_that_holds_more(self, owner: Business) -> None:
        inviter = colleague_with(owner, "team:read", "team:invite", "customers:read")
        within, beyond = compose(owner, "customers:read:own"), compose(owner, "customers:read", "audit:read")
        body = {"email": new_email(), "roleId": within}
        assert inviter.post("/api/invites", body).status_code == 201
        assert code_of(inviter.post("/api/invites", {**body, "roleId": beyond})) == (403, "FORBIDDEN")
        assert code_of(inviter.post("/api/invites", {**body, "roleId": ""})) == (400, "VALIDATION_ERROR")


VARYING = {"id", "email", "expiresAt", "createdAt"}


class TestLimits:
    def test_spare_an_address(self, owner: Business, business: Callable[..., Business], sql: Sql) -> None:
        email = new_email()
        body = {"email": email, "role": "staff"}
        statuses = [owner.post("/api/invites", body).status_code for _ in range(3)]
        assert statuses == [201] * 3
        refused = owner.post("/api/invites", {**body, "email": email.upper()})
        assert code_of(refused) == (429, "RATE_LIMITED")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
        assert business().post("/api/invites", body).status_code == 201, "another business's own"

        sql("UPDATE invitations SET created_at = now() - interval '61 minutes' WHERE email = %s", email)
        assert owner.post("/api/invites", body).status_code == 201

    def test_spare_the_world(self, owner: Business, sql: Sql) -> None:
        sql(
            "INSERT INTO invitations (tenant_id, id, email, email_key, role, digest, invited_by, expires_at,"
            " revoked_at) SELECT %s::uuid, gen_random_uuid(), n || '@x.io', n || '@x.io', 'staff', n,"
            " %s::uuid, now(), now() FROM generate_series(1, %s::int) AS n",
            owner.tenant_id,
            owner.user_id,
            MOST_PER_BUSINESS,
        )
        refused = owner.post("/api/invites", {"email": new_email(), "role": "staff"})
        assert code_of(refused) == (403, "PLAN_LIMIT_REACHED")
        sql(
            "UPDATE invitations SET created_at = now() - interval '25 hours' WHERE tenant_id = %s",
            owner.tenant_id,
        )
        assert owner.post("/api/invites", {"email": new_email(), "role": "staff"}).status_code == 201

    def test_hold_against_parallel_requests(self, wide_app: Flask) -> None:
        owner = new_business(Caller(wide_app))
        body = {"email": new_email(), "role": "staff"}
        codes = together(8, lambda _: code_of(owner.post("/api/invites", body)))
        assert set(codes) <= {(201, None), (429, "RATE_LIMITED"), (409, "BUSY")}
        assert codes.count((201, None)) == 3
        assert len((owner.get("/api/invites?status=open").json or {})["data"]) == 1


class TestTheList:
    def test_tells_what_became_of_each(self, owner: Business, deliver: Deliver, sql: Sql) -> None:
        made = {status: invite(owner, deliver) for status in ("open", "accepted", "revoked", "expired")}
        assert owner.delete(f"/api/invites/{made['revoked'].id}").status_code == 204
        assert Caller(owner.app).post(f"{made['accepted'].path}/accept", newcomer()).status_code == 200
        sql("UPDATE invitations SET expires_at = now() WHERE id = %s", made["expired"].id)

        for status, invitation in made.items():
            listed = (owner.get(f"/api/invites?status={status}").json or {})["data"]
            assert [row["id"] for row in listed] == [invitation.id]
            assert listed[0]["status"] == shown(owner, invitation)["status"] == status
        both = owner.get("/api/invites?status=open,expired&includeTotal=true").json or {}
        assert both["pagination"]["total"] == 2
        everything = (owner.get("/api/invites").json or {})["data"]
        assert [row["id"] for row in everything] == [made[status].id for status in list(made)[::-1]]

    def test_is_for_those_who_see_the_team(self, owner: Business, deliver: Deliver) -> None:
        path = f"/api/invites/{invite(owner, deliver).id}"
        manager, staff = owner.colleague("manager"), owner.colleague("staff")
        assert manager.get(path).status_code == 200
        assert code_of(manager.delete(path)) == (403, "FORBIDDEN")
        for response in (staff.get("/api/invites"), staff.get(path), staff.delete(path)):
            assert code_of(response) == (403, "FORBIDDEN")

    def test_shows_what_is_documented(self, owner: Business, deliver: Deliver) -> None:
        id_ = uuid.UUID(invite(owner, deliver).id)
        with owner.database.transaction(owner.scope) as transaction:
            view = present(InvitationRepository(transaction).get(id_), datetime.now(UTC))
        assert differences(InvitationView(), view) == []


class TestRevoking:
    def test_makes_the_link_worthless(self, owner: Business, deliver: Deliver) -> None:
        invitation = invite(owner, deliver)
        assert owner.delete(f"/api/invites/{invitation.id}").status_code == 204
        assert owner.delete(f"/api/invites/{invitation.id}").status_code == 204
        assert code_of(owner.get(invitation.path)) == (410, "INVITATION_SPENT")
        refused = Caller(owner.app).post(f"{invitation.path}/accept", newcomer())
        assert code_of(refused) == (410, "INVITATION_SPENT")
        types = [event.type for event in events_of(owner, invitation.id)]
        assert types == ["invitation.created", "invitation.revoked"]

    def test_comes_too_late_for_one_that_was_accepted(self, owner: Business, deliver: Deliver) -> None:
        invitation = invite(owner, deliver)
        assert Caller(owner.app).post(f"{invitation.path}/accept", newcomer()).status_code == 200
        assert code_of(owner.delete(f"/api/invites/{invitation.id}")) == (409, "CONFLICT")

    def test_happens_when_their_address_s_member_is_removed(
        self, owner: Business, deliver: Deliver, sql: Sql
    ) -> None:
        staff = owner.colleague("staff")
        before = invite(owner, deliver)
        sql("UPDATE users SET email = %s WHERE id = %s", before.email, staff.user_id)
        member = (owner.get(f"/api/members?search={before.email}").json or {})["data"][0]["id"]
        assert owner.delete(f"/api/members/{member}").status_code == 204
        assert shown(owner, before)["status"] == "revoked"


class TestForeignIds:
    def test_are_as_if_they_never_were(
        self, owner: Business, business: Callable[..., Business], deliver: Deliver
    ) -> None:
        theirs = invite(business(), deliver)
        for id_ in (theirs.id, str(uuid.uuid4())):
            assert code_of(owner.get(f"/api/invites/{id_}")) == (404, "NOT_FOUND")
            assert code_of(owner.delete(f"/api/invites/{id_}")) == (404, "NOT_FOUND")
        assert owner.get(theirs.path).status_code == 200


class TestSecrets:
    def test_are_not_in_the_database(self, owner: Business, deliver: Deliver, sql: Sql) -> None:
        token = invite(owner, deliver).token
        for table in ("invitations", "account_mails", "events", "idempotency_keys"):
            assert sql(f"SELECT 1 FROM {table} AS t WHERE strpos(t::text, %s) > 0", token) == [], table
        found = sql("SELECT 1 FROM events AS t WHERE strpos(t::text, %s) > 0", digest(token))
        assert found == [], "the digest would let whoever reads the trail recognize the token"

    def test_cannot_be_replayed_from_a_dump(self, owner: Business, deliver: Deliver, sql: Sql) -> None:
        invitation = invite(owner, deliver)
        ((kept,),) = sql("SELECT digest FROM invitations WHERE id = %s", invitation.id)
        assert code_of(owner.get(f"/api/auth/invites/{kept}")) == (404, "NOT_FOUND")
        assert code_of(owner.get(f"/api/auth/invites/{invitation.id}")) == (404, "NOT_FOUND")

    def test_are_not_for_the_tenant_role(self, owner: Business, deliver: Deliver) -> None:
        invite(owner, deliver)
        with owner.database.transaction(owner.scope) as transaction:
            statement = InvitationRepository.model.__table__.select()
            with pytest.raises(Exception, match="permission denied"):
                transaction.execute(statement)
            assert transaction.role is Role.TENANT

    def test_leave_no_trace_in_the_log(
        self, owner: Business, deliver: Deliver, capfd: pytest.CaptureFixture[str]
    ) -> None:
        invitation = invite(owner, deliver)
        owner.get(invitation.path)
        Caller(owner.app).post(f"{invitation.path}/accept", newcomer())
        written = "".join(capfd.readouterr())
        assert "/api/auth/invites/" in written
        assert invitation.token not in written
