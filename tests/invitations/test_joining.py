"""/api/auth/invites: joining a business with the token of a mail, once, and as nobody else."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation import passwords
from mbs.invitations.schemas import ShownInvitation
from mbs.tenants.models import ROLE_PERMISSIONS
from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.auth.test_login import CountingHasher
from tests.contract.closed_schemas import differences
from tests.factories.browsers import Browser
from tests.factories.callers import PASSWORD, Business, Caller, new_business, signed_in
from tests.factories.customers import events_of
from tests.factories.teams import (
    Deliver,
    Invited,
    code_of,
    colleague_with,
    compose,
    invite,
    member_of,
    newcomer,
)
from tests.second_factor.enrolment import Enrolment, enrol

SPENT = (410, "INVITATION_SPENT")
UNKNOWN = (404, "NOT_FOUND")


@pytest.fixture
def invitation(owner: Business, deliver: Deliver) -> Invited:
    return invite(owner, deliver)


def accept(app: Flask, invitation: Invited, **body: Any) -> TestResponse:
    return Caller(app).post(f"{invitation.path}/accept", body)


def token_of(path_token: str) -> Invited:
    return Invited("", "", path_token)


class TestShowing:
    def test_tells_the_holder_what_it_is(self, owner: Business, invitation: Invited, caller: Caller) -> None:
        shown = caller.get(invitation.path).json or {}
        assert shown.pop("expiresAt")
        assert shown == {
            "businessName": "Asha's Salon",
            "role": {"key": "staff", "label": "Staff", "roleId": None},
            "email": invitation.email,
            "hasAccount": False,
        }
        assert differences(ShownInvitation(), {**shown, "expiresAt": "2026-01-01T00:00:00Z"}) == []

    def test_tells_whether_to_sign_in(
        self, owner: Business, business: Callable[..., Business], deliver: Deliver, caller: Caller
    ) -> None:
        known = invite(owner, deliver, business().email.upper())
        assert (caller.get(known.path).json or {})["hasAccount"] is True

    @pytest.mark.parametrize("token", ["0" * 43, "x", "x" * 2000, "%00", "..%2f", "\u2603", "'%20OR%20''='"])
    def test_knows_no_other_token(self, caller: Caller, token: str) -> None:
        assert caller.get(f"/api/auth/invites/{token}").status_code in (400, 404)

    def test_takes_no_part_of_a_token(self, invitation: Invited, caller: Caller) -> None:
        for token in (invitation.token[:-1], invitation.token + "A", invitation.token.swapcase()):
            assert code_of(caller.get(f"/api/auth/invites/{token}")) == UNKNOWN


class TestANewPerson:
    def test_is_signed_in_as_a_member_in_the_role_of_the_invitation(
        self, owner: Business, deliver: Deliver, sql: Sql
    ) -> None:
        invitation = invite(owner, deliver, role="accountant")
        response = accept(owner.app, invitation, **newcomer())
        person = signed_in(owner.app, invitation.email, response)
        body = response.json or {}

        assert response.status_code == 200
        assert person.tenant_id == owner.tenant_id
        assert (body["role"], body["user"]["email"]) == ("accountant", invitation.email)
        assert body["permissions"] == sorted(ROLE_PERMISSIONS["accountant"])
        me = person.get("/api/auth/me").json or {}
        assert me["emailVerified"] is True, "the token came by mail"
        assert me["permissions"] == body["permissions"]
        assert sql("SELECT method, kind FROM login_sessions WHERE user_id = %s", person.user_id) == [
            ("invitation", "token")
        ]
        login = {"email": invitation.email, "password": newcomer()["password"]}
        assert Caller(owner.app).post("/api/auth/login", login).status_code == 200
        assert code_of(accept(owner.app, invitation, **newcomer())) == SPENT
        assert code_of(Caller(owner.app).get(invitation.path)) == SPENT

    def test_is_written_into_the_trail_as_the_one_who_acted(
        self, owner: Business, invitation: Invited
    ) -> None:
        person = signed_in(owner.app, invitation.email, accept(owner.app, invitation, **newcomer()))
        *_, accepted = events_of(owner, invitation.id)
        (joined,) = events_of(owner, member_of(owner, person).rpartition("/")[2])
        assert (accepted.type, joined.type) == ("invitation.accepted", "member.joined")
        assert accepted.actor["id"] == joined.actor["id"] == str(person.user_id)
        assert joined.data["object"]["role"] == "staff"
        assert (owner.get("/api/events?types=session.started").json or {})["data"]

    def test_gets_a_role_that_the_business_composed(self, owner: Business, deliver: Deliver) -> None:
        role = compose(owner, "customers:read", name="Front desk")
        invitation = invite(owner, deliver, roleId=role)
        shown = Caller(owner.app).get(invitation.path).json or {}
        assert shown["role"] == {"key": "custom", "label": "Front desk", "roleId": role}
        body = accept(owner.app, invitation, **newcomer()).json or {}
        assert (body["role"], body["permissions"]) == ("custom", ["customers:read"])

    def test_signs_in_with_a_browser(self, owner: Business, invitation: Invited) -> None:
        browser = Browser(owner.app)
        body = newcomer(session="browser")
        foreign = browser.call(
            "POST", f"{invitation.path}/accept", body, headers={"Origin": "https://evil.example"}
        )
        assert code_of(foreign) == (403, "CSRF_REFUSED")
        response = browser.call("POST", f"{invitation.path}/accept", body)
        assert response.status_code == 200
        assert "accessToken" not in (response.json or {})
        assert "__Host-mbs_session=" in response.headers["Set-Cookie"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"password": "short"},
            {"password": "x" * 129 + "y"},
            {"password": "passwordpassword"},
            {"password": "seven quiet\u0000lanterns"},
            {"password": "asha's salon 1"},
            {"lastName": None},
            {"firstName": ""},
            {"role": "owner"},
            {"email": "other@example.com"},
            {"tenantId": "x"},
        ],
    )
    def test_must_say_it_right(self, owner: Business, invitation: Invited, changes: dict[str, Any]) -> None:
        response = accept(owner.app, invitation, **newcomer(**changes))
        assert response.status_code == 400
        assert Caller(owner.app).get(invitation.path).status_code == 200, "nothing is lost"

    def test_names_both_names_or_none(self, owner: Business, invitation: Invited) -> None:
        body = newcomer()
        del body["lastName"]
        faults = (accept(owner.app, invitation, **body).json or {})["errors"]
        assert [(one["field"], one["code"]) for one in faults] == [("lastName", "required")]
        neither = accept(owner.app, invitation, password=body["password"])
        faults = (neither.json or {})["errors"]
        assert neither.status_code == 400
        assert [(one["field"], one["code"]) for one in faults] == [
            ("firstName", "required"),
            ("lastName", "required"),
        ]

    def test_cannot_take_over_an_address_that_has_an_account(
        self, owner: Business, business: Callable[..., Business], deliver: Deliver
    ) -> None:
        known = business()
        invitation = invite(owner, deliver, known.email)
        assert code_of(accept(owner.app, invitation, **newcomer())) == (409, "EMAIL_ALREADY_EXISTS")
        login = {"email": known.email, "password": newcomer()["password"]}
        assert Caller(owner.app).post("/api/auth/login", login).status_code == 401


class TestWhoHasAnAccount:
    @pytest.fixture
    def known(self, business: Callable[..., Business]) -> Business:
        return business(businessName="Their own")

    @pytest.fixture
    def for_known(self, owner: Business, known: Business, deliver: Deliver) -> Invited:
        return invite(owner, deliver, known.email)

    def test_joins_with_its_password(
        self, owner: Business, known: Business, for_known: Invited, sql: Sql
    ) -> None:
        body = accept(owner.app, for_known, password=PASSWORD).json or {}
        assert body["tenant"]["id"] == str(owner.tenant_id)
        assert body["user"]["id"] == str(known.user_id)
        assert body["role"] == "staff"
        assert len((known.get("/api/auth/me").json or {})["memberships"]) == 2
        ((verified,),) = sql("SELECT email_verified_at IS NOT NULL FROM users WHERE id = %s", known.user_id)
        assert verified is True

    def test_needs_its_password(self, owner: Business, for_known: Invited) -> None:
        response = accept(owner.app, for_known, password="another long password")
        assert code_of(response) == (401, "INVALID_CREDENTIALS")
        assert Caller(owner.app).get(for_known.path).status_code == 200

    def test_does_not_join_by_a_password_that_was_changed_meanwhile(
        self, known: Business, for_known: Invited, monkeypatch: pytest.MonkeyPatch, sql: Sql
    ) -> None:
        real = passwords.verify

        def verify_then_change(password: str, stored: str | None) -> bool:
            monkeypatch.setattr(passwords, "verify", real)
            right = real(password, stored)
            body = {"currentPassword": PASSWORD, "newPassword": "four yellow bicycles"}
            assert known.post("/api/auth/change-password", body).status_code == 204
            return right

        monkeypatch.setattr(passwords, "verify", verify_then_change)
        response = accept(known.app, for_known, password=PASSWORD)
        assert code_of(response) == (401, "INVALID_CREDENTIALS")
        standing = "SELECT count(*) FROM login_sessions WHERE user_id = %s AND revoked_at IS NULL"
        assert sql(standing, known.user_id) == [(1,)], "that of whoever changed it"

    def test_does_not_join_while_disabled(
        self, owner: Business, known: Business, for_known: Invited, sql: Sql
    ) -> None:
        sql("UPDATE users SET status = 'disabled' WHERE id = %s", known.user_id)
        response = accept(owner.app, for_known, password=PASSWORD)
        assert code_of(response) == (401, "INVALID_CREDENTIALS")
        assert code_of(known.post(f"{for_known.path}/join")) == (401, "UNAUTHENTICATED")

    def test_is_slowed_down_like_a_login(self, owner: Business, for_known: Invited) -> None:
        codes = [code_of(accept(owner.app, for_known, password=f"wrong password {n}")) for n in range(11)]
        assert codes == [(401, "INVALID_CREDENTIALS")] * 10 + [(429, "RATE_LIMITED")]

    def test_is_counted_by_address_like_a_login(self, owner: Business, for_known: Invited) -> None:
        caller = Caller(owner.app)
        codes = [
            code_of(caller.post(f"{for_known.path}/accept", {"password": f"wrong password {n}"}))
            for n in range(6)
        ]
        assert codes[5] == (429, "RATE_LIMITED")

    def test_joins_signed_in(self, owner: Business, known: Business, for_known: Invited, sql: Sql) -> None:
        sql(
            "UPDATE login_sessions SET authenticated_at = now() - interval '1 hour' WHERE user_id = %s",
            known.user_id,
        )
        response = known.post(f"{for_known.path}/join")
        there = signed_in(owner.app, known.email, response)
        assert there.tenant_id == owner.tenant_id
        assert there.get("/api/context").status_code == 200
        stale = there.patch("/api/auth/me", {"firstName": "Asha"})
        assert stale.status_code == 200
        ((seconds,),) = sql(
            "SELECT extract(epoch FROM now() - authenticated_at)::int FROM login_sessions"
            " WHERE user_id = %s AND tenant_id = %s",
            known.user_id,
            owner.tenant_id,
        )
        assert seconds >= 3600, "joining proves nothing: what is sensitive asks for a new proof"

    def test_joins_signed_in_with_a_browser(
        self, owner: Business, known: Business, for_known: Invited
    ) -> None:
        browser = Browser(owner.app)
        assert browser.log_in(known.email).status_code == 200
        before = browser.cookie
        no_token = browser.call("POST", f"{for_known.path}/join", headers={"X-CSRF-Token": None})
        assert code_of(no_token) == (403, "CSRF_REFUSED")
        response = browser.call("POST", f"{for_known.path}/join")
        assert response.status_code == 200
        assert (response.json or {})["tenant"]["id"] == str(owner.tenant_id)
        assert "__Host-mbs_session=" in response.headers["Set-Cookie"]
        browser.cookie = before
        assert browser.call("GET", "/api/auth/me").status_code == 401, "one session follows the other"

    def test_with_another_address_finds_nothing(
        self, owner: Business, business: Callable[..., Business], for_known: Invited
    ) -> None:
        other, nowhere = business(), token_of(secrets.token_urlsafe(32))
        refusals = [other.post(f"{one.path}/join") for one in (for_known, nowhere)]
        details = [
            {**(one.json or {}), "instance": "", "correlationId": "", "timestamp": ""} for one in refusals
        ]
        assert [code_of(one) for one in refusals] == [UNKNOWN] * 2
        assert details[0] == details[1]
        assert set(refusals[0].headers.keys()) == set(refusals[1].headers.keys())
        assert owner.delete(f"/api/invites/{for_known.id}").status_code == 204
        assert code_of(other.post(f"{for_known.path}/join")) == UNKNOWN, "spent is none of their business"

    def test_with_a_new_address_no_longer_fits(
        self, owner: Business, known: Business, for_known: Invited, sql: Sql
    ) -> None:
        sql(
            "UPDATE users SET email = 'new-' || email, email_key = 'new-' || email_key WHERE id = %s",
            known.user_id,
        )
        assert code_of(known.post(f"{for_known.path}/join")) == UNKNOWN
        assert accept(owner.app, for_known, password=PASSWORD).status_code == 400, "asks for a name"

    def test_who_is_a_member_stays_what_they_are(
        self, owner: Business, known: Business, for_known: Invited, sql: Sql
    ) -> None:
        sql(
            "INSERT INTO memberships (tenant_id, id, user_id, role, status)"
            " VALUES (%s, gen_random_uuid(), %s, 'staff', 'suspended')",
            owner.tenant_id,
            known.user_id,
        )
        assert code_of(accept(owner.app, for_known, password=PASSWORD)) == (409, "ALREADY_MEMBER")
        assert code_of(known.post(f"{for_known.path}/join")) == (409, "ALREADY_MEMBER")
        kept = sql("SELECT status FROM memberships WHERE user_id = %s ORDER BY created_at", known.user_id)
        assert kept == [("active",), ("suspended",)]

    def test_an_api_key_joins_nothing(self, owner: Business, for_known: Invited) -> None:
        body = {"name": "Shop", "scopes": ["customers:read"]}
        made = owner.post("/api/api-keys", body)
        assert made.status_code == 201, made.get_data(as_text=True)
        key = Caller(owner.app, token=(made.json or {})["key"])
        assert code_of(key.post(f"{for_known.path}/join")) == (403, "FORBIDDEN")

    def test_nobody_joins_without_a_session(self, owner: Business, for_known: Invited) -> None:
        assert code_of(Caller(owner.app).post(f"{for_known.path}/join")) == (401, "UNAUTHENTICATED")


class TestTheSecondFactor:
    def test_is_still_to_be_shown(
        self, owner: Business, business: Callable[..., Business], deliver: Deliver
    ) -> None:
        known: Enrolment = enrol(business())
        invitation = invite(owner, deliver, known.person.email)

        wrong = accept(owner.app, invitation, password="another long password")
        assert code_of(wrong) == (401, "INVALID_CREDENTIALS")
        response = accept(owner.app, invitation, password=PASSWORD)
        assert code_of(response) == (401, "SECOND_FACTOR_REQUIRED")
        assert "accessToken" not in (response.json or {})
        challenge = {"challenge": (response.json or {})["challenge"], "code": known.code()}
        finished = Caller(owner.app).post("/api/auth/login/second-factor", challenge)

        assert finished.status_code == 200, finished.get_data(as_text=True)
        assert (finished.json or {})["tenant"]["id"] == str(owner.tenant_id)
        assert code_of(accept(owner.app, invitation, password=PASSWORD)) == SPENT

    def test_that_the_business_demands_is_set_up_next(
        self, owner: Business, deliver: Deliver, sql: Sql
    ) -> None:
        invitation = invite(owner, deliver, role="admin")
        sql(
            """UPDATE tenants SET settings = '{"security": {"secondFactor": "required"}}' WHERE id = %s""",
            owner.tenant_id,
        )
        person = signed_in(owner.app, invitation.email, accept(owner.app, invitation, **newcomer()))
        assert code_of(person.get("/api/members")) == (403, "SECOND_FACTOR_SETUP_REQUIRED")
        assert person.get("/api/auth/me").status_code == 200


class TestAnInvitation:
    @pytest.mark.parametrize("change", ["expires_at = now()", "revoked_at = now()", "accepted_at = now()"])
    def test_that_is_over_is_gone(self, owner: Business, invitation: Invited, sql: Sql, change: str) -> None:
        sql(f"UPDATE invitations SET {change} WHERE id = %s", invitation.id)
        for response in (
            owner.get(invitation.path),
            accept(owner.app, invitation, **newcomer()),
            accept(owner.app, invitation, password=PASSWORD),
        ):
            assert code_of(response) == SPENT
            assert invitation.email not in response.get_data(as_text=True)
            assert "Asha" not in response.get_data(as_text=True)

    def test_to_a_role_that_is_gone_is_gone(self, owner: Business, deliver: Deliver, sql: Sql) -> None:
        invitation = invite(owner, deliver, roleId=compose(owner, "team:read"))
        sql("DELETE FROM roles WHERE tenant_id = %s", owner.tenant_id)
        assert code_of(accept(owner.app, invitation, **newcomer())) == SPENT

    def test_to_a_business_that_is_closed_is_gone(
        self, owner: Business, invitation: Invited, sql: Sql
    ) -> None:
        sql("UPDATE tenants SET status = 'suspended' WHERE id = %s", owner.tenant_id)
        assert code_of(accept(owner.app, invitation, **newcomer())) == (403, "TENANT_SUSPENDED")
        sql("UPDATE tenants SET status = 'closed' WHERE id = %s", owner.tenant_id)
        assert code_of(accept(owner.app, invitation, **newcomer())) == SPENT
        sql("UPDATE tenants SET status = 'active' WHERE id = %s", owner.tenant_id)
        assert accept(owner.app, invitation, **newcomer()).status_code == 200

    @pytest.mark.parametrize("change", [{"status": "suspended"}, {"role": "manager"}, None])
    def test_of_somebody_who_may_no_longer_give_its_role_is_gone(
        self, owner: Business, deliver: Deliver, change: dict[str, str] | None
    ) -> None:
        admin = owner.colleague("admin")
        invitation = invite(admin, deliver, role="admin")
        path = member_of(owner, admin)
        assert (owner.patch(path, change) if change else owner.delete(path)).status_code in (200, 204)
        for response in (Caller(owner.app).get(invitation.path), accept(owner.app, invitation, **newcomer())):
            assert code_of(response) == SPENT

    def test_gives_what_the_inviters_own_role_still_may(self, owner: Business, deliver: Deliver) -> None:
        inviter = colleague_with(owner, "team:invite", "team:read", "customers:read", "customers:create")
        wide = invite(inviter, deliver, roleId=compose(owner, "customers:read", "customers:create"))
        narrow = invite(inviter, deliver, roleId=compose(owner, "customers:read"))
        held = (owner.get(member_of(owner, inviter)).json or {})["role"]["roleId"]
        fewer = {"permissions": ["team:invite", "customers:read"]}
        assert owner.patch(f"/api/roles/{held}", fewer).status_code == 200
        assert code_of(accept(owner.app, wide, **newcomer())) == SPENT
        assert accept(owner.app, narrow, **newcomer()).status_code == 200

    def test_is_no_other_credential(self, owner: Business, invitation: Invited) -> None:
        bearer = Caller(owner.app, token=invitation.token)
        assert code_of(bearer.get("/api/context")) == (401, "UNAUTHENTICATED")
        refresh = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": invitation.token})
        assert refresh.status_code == 401
        for token in (owner.token, owner.refresh_token):
            assert code_of(Caller(owner.app).get(f"/api/auth/invites/{token}")) == UNKNOWN


class TestArgon2:
    def test_is_computed_once_whatever_comes(
        self,
        owner: Business,
        business: Callable[..., Business],
        deliver: Deliver,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        known = business()
        invitations = [
            invite(owner, deliver),
            invite(owner, deliver, known.email),
            token_of(secrets.token_urlsafe(32)),
        ]
        spent = invite(owner, deliver)
        assert owner.delete(f"/api/invites/{spent.id}").status_code == 204
        counting = CountingHasher(passwords._hasher)
        monkeypatch.setattr(passwords, "_hasher", counting)
        # The first comes last: it joins.
        for body in ({"password": "wrong but long enough"}, {"password": PASSWORD}, newcomer()):
            for one in (*invitations, spent):
                before = counting.verified + counting.hashed
                response = accept(owner.app, one, **body)
                assert counting.verified + counting.hashed == before + 1, (one, body, code_of(response))


@pytest.mark.slow
class TestTwenty:
    def test_at_once_accept_once(self, wide_app: Flask, deliver: Deliver, sql: Sql) -> None:
        owner = new_business(Caller(wide_app))
        for _ in range(3):
            invitation = invite(owner, deliver)
            responses = self.twenty(wide_app, invitation, newcomer())
            assert sorted(responses)[0] == (200, None)
            # 503: more passwords at once than the cores can hash.
            assert {one for one in responses[1:] if one[0] != 503} <= {SPENT, (409, "EMAIL_ALREADY_EXISTS")}
            assert responses.count((200, None)) == 1
            found = sql("SELECT count(*) FROM users WHERE email = %s", invitation.email)
            assert found == [(1,)]

    def test_at_once_join_once(self, wide_app: Flask, deliver: Deliver, sql: Sql) -> None:
        owner, known = (new_business(Caller(wide_app)) for _ in range(2))
        invitation = invite(owner, deliver, known.email)
        codes = together(20, lambda _: code_of(known.post(f"{invitation.path}/join")))
        assert codes.count((200, None)) == 1
        assert set(codes) <= {(200, None), SPENT, (409, "BUSY")}
        memberships = sql(
            "SELECT count(*) FROM memberships WHERE user_id = %s AND tenant_id = %s",
            known.user_id,
            owner.tenant_id,
        )
        assert memberships == [(1,)]

    def test_at_once_lose_to_a_revocation_or_win(self, wide_app: Flask, deliver: Deliver) -> None:
        owner, known = (new_business(Caller(wide_app)) for _ in range(2))
        invitation = invite(owner, deliver, known.email)
        joined, revoked = together(
            2,
            lambda number: code_of(
                known.post(f"{invitation.path}/join")
                if number == 0
                else owner.delete(f"/api/invites/{invitation.id}")
            ),
        )
        assert (joined, revoked) in (((200, None), (409, "CONFLICT")), (SPENT, (204, None)))

    def twenty(self, app: Flask, invitation: Invited, body: dict[str, Any]) -> list[tuple[int, str | None]]:
        return sorted(together(20, lambda _: code_of(accept(app, invitation, **body))))
