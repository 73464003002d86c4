"""The storm's last part: keys, sessions, second factors, passwords, addresses and identities."""

import uuid
from collections.abc import Mapping
from typing import ClassVar

import pyotp

from mbs.accounts.models import CHANGE_EMAIL, RESET_PASSWORD, VERIFY_EMAIL
from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.members import new_member, sign_in
from tests.factories.objects import new_identity
from tests.factories.requests import one_time_token, ticket
from tests.tenancy.storm_of_messages import MessageStorm

NEW_PASSWORD = "four yellow bicycles"


class WholeStorm(MessageStorm):
    """Every route of the service that takes data."""

    actions: ClassVar[Mapping[str, int]] = {
        **MessageStorm.actions,
        "make_key": 3,
        "look_at_key": 2,
        "rename_key": 2,
        "use_key": 3,
        "revoke_key": 2,
        "sign_in_elsewhere": 2,
        "look_at_sessions": 3,
        "end_a_session": 2,
        "end_other_sessions": 1,
        "look_at_members_sessions": 2,
        "end_members_sessions": 3,
        "step_up": 1,
        "set_up_second_factor": 1,
        "forget_password": 1,
        "change_password": 1,
        "verify_address": 2,
        "move_address": 2,
        "link_identity": 2,
        "unlink_identity": 2,
        "sign_in_at_a_provider": 2,
    }

    def newcomer(self) -> Business:
        """Return a new member, who signs in and out without harm to the storm."""
        person = new_member(self.own.members[0], self.own.canary, "staff")
        self.welcome(person)
        return person

    # Keys

    def make_key(self) -> None:
        body = {"name": self.text(), "scopes": self.random.choice((["customers:read"], ["settings:read"]))}
        key = self.made("/api/api-keys", body)
        self.own.keys[key["id"]] = {**body, "text": key["key"], "revoked": False}

    def look_at_key(self) -> None:
        assert self.ids_listed("/api/api-keys") == set(self.own.keys)
        if (picked := self.pick("keys")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/api-keys/{}", id_)
            return
        shown = self.expect(200, "GET", f"/api/api-keys/{id_}")
        assert shown["name"] == self.own.keys[id_]["name"]
        assert (shown["revokedAt"] is not None) is self.own.keys[id_]["revoked"]

    def rename_key(self) -> None:
        if (picked := self.pick("keys")) is None:
            return
        own, id_ = picked
        body = {"name": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/api-keys/{}", id_, body)
            return
        self.expect(200, "PATCH", f"/api/api-keys/{id_}", body)
        self.own.keys[id_]["name"] = body["name"]
        self.own.events += 1

    def use_key(self) -> None:
        if not self.own.keys:
            return
        key = self.random.choice([*self.own.keys.values()])
        program = Caller(self.application, token=key["text"])
        response = self.send("GET", "/api/customers?status=active,archived&limit=100", caller=program)
        wanted = 401 if key["revoked"] else 200 if "customers:read" in key["scopes"] else 403
        assert response.status_code == wanted
        if wanted == 200:
            assert {row["id"] for row in response.get_json()["data"]} == set(self.own.customers)

    def revoke_key(self) -> None:
        if (picked := self.pick("keys")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("DELETE", "/api/api-keys/{}", id_)
            return
        self.expect(204, "DELETE", f"/api/api-keys/{id_}")
        self.own.events += not self.own.keys[id_]["revoked"]
        self.own.keys[id_]["revoked"] = True

    # Sessions

    def sign_in_elsewhere(self) -> None:
        member = self.member
        elsewhere = sign_in(self.application, member.tenant_id, member.user_id, member.email)
        rows = self.expect(200, "GET", "/api/auth/sessions", caller=elsewhere)["data"]
        self.own.sessions += [row["id"] for row in rows if row["current"]]

    def look_at_sessions(self) -> None:
        rows = self.expect(200, "GET", "/api/auth/sessions")["data"]
        assert [row["current"] for row in rows].count(True) == 1

    def end_a_session(self) -> None:
        if self.foreign.sessions:
            foreign = self.random.choice(self.foreign.sessions)
            self.like_one_that_never_was("DELETE", "/api/auth/sessions/{}", foreign)
        self.sign_in_elsewhere()
        self.expect(204, "DELETE", f"/api/auth/sessions/{self.own.sessions[-1]}")
        self.own.events += 1

    def end_other_sessions(self) -> None:
        self.expect(204, "POST", "/api/auth/sessions/revoke-others")
        self.own.events += 1
        assert len(self.expect(200, "GET", "/api/auth/sessions")["data"]) == 1

    def look_at_members_sessions(self) -> None:
        if (picked := self.pick("guests")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/members/{}/sessions", id_)
            return
        rows = self.expect(200, "GET", f"/api/members/{id_}/sessions")["data"]
        self.own.sessions += [row["id"] for row in rows if row["id"] not in self.own.sessions]

    def end_members_sessions(self) -> None:
        if self.foreign.guests and self.maybe():
            self.like_one_that_never_was("DELETE", "/api/members/{}/sessions", min(self.foreign.guests))
            return
        id_ = self.welcome(new_member(self.own.members[0], self.own.canary, "staff"))
        if self.maybe():
            (row,) = self.expect(200, "GET", f"/api/members/{id_}/sessions")["data"]
            path = f"/api/members/{id_}/sessions/{{}}"
            for foreign in self.foreign.sessions[:1]:
                self.like_one_that_never_was("DELETE", path, foreign)
            self.expect(204, "DELETE", path.format(row["id"]))
        else:
            self.expect(204, "DELETE", f"/api/members/{id_}/sessions")
        self.own.events += 1
        assert self.own.guests[id_].person.get("/api/context").status_code == 401

    def step_up(self) -> None:
        right = self.maybe()
        body = {"password": PASSWORD if right else "five silent harbors"}
        self.expect(200 if right else 401, "POST", "/api/auth/step-up", body)
        self.own.events += right

    # Second factors

    def set_up_second_factor(self) -> None:
        person, place = self.newcomer(), "/api/auth/second-factor"
        secret = self.expect(201, "POST", place, caller=person)["secret"]
        code = {"code": pyotp.TOTP(secret).now()}
        self.expect(200, "POST", f"{place}/confirm", code, caller=person)
        codes = self.expect(200, "POST", f"{place}/recovery-codes", caller=person)["recoveryCodes"]
        assert self.expect(200, "GET", place, caller=person)["enabled"] is True
        credentials = {"email": person.email, "password": PASSWORD}
        stranger = Caller(self.application)
        challenge = self.expect(401, "POST", "/api/auth/login", credentials, caller=stranger)["challenge"]
        answer = {"challenge": challenge, "code": codes[0]}
        signed_in = self.expect(200, "POST", "/api/auth/login/second-factor", answer, caller=stranger)
        assert signed_in["tenant"]["id"] == self.own.id
        self.expect(204, "POST", f"{place}/disable", {"code": codes[1]}, caller=person)
        # Turned on, renewed, signed in with, turned off.
        self.own.events += 4

    # Passwords and addresses

    def forget_password(self) -> None:
        person, stranger = self.newcomer(), Caller(self.application)
        known, unknown = person.email, f"{uuid.uuid4().hex}@example.com"
        answers = [
            self.expect(202, "POST", "/api/auth/forgot-password", {"email": email}, caller=stranger)
            for email in (known, unknown)
        ]
        assert answers[0] == answers[1]
        body = {"token": one_time_token(person, RESET_PASSWORD), "password": NEW_PASSWORD}
        for status in (204, 400):
            self.expect(status, "POST", "/api/auth/reset-password", body, caller=stranger)
        assert person.get("/api/context").status_code == 401

    def change_password(self) -> None:
        person = self.newcomer()
        body = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
        for status in (204, 401):
            self.expect(status, "POST", "/api/auth/change-password", body, caller=person)
        self.own.events += 1

    def verify_address(self) -> None:
        person, stranger = self.newcomer(), Caller(self.application)
        self.expect(202, "POST", "/api/auth/verify-email/send", caller=person)
        body = {"token": one_time_token(person, VERIFY_EMAIL)}
        for status in (204, 400):
            self.expect(status, "POST", "/api/auth/verify-email", body, caller=stranger)

    def move_address(self) -> None:
        # What the other business's people are called is no secret to whoever asks for it: nothing is said.
        person, stranger = self.newcomer(), Caller(self.application)
        email = self.random.choice((self.foreign.members[0].email, f"{uuid.uuid4().hex}@example.com"))
        self.expect(202, "POST", "/api/auth/change-email", {"email": email}, caller=person)
        self.own.events += 1
        body = {"token": one_time_token(person, CHANGE_EMAIL)}
        for status in (204, 400):
            self.expect(status, "POST", "/api/auth/change-email/confirm", body, caller=stranger)

    # Identities at a provider, of which there is none here

    def link_identity(self) -> None:
        new_identity(self.member)
        rows = self.expect(200, "GET", "/api/auth/sso/identities")["data"]
        self.own.identities = sorted({*self.own.identities, *(row["id"] for row in rows)})

    def unlink_identity(self) -> None:
        for foreign in self.foreign.identities[:1]:
            self.like_one_that_never_was("DELETE", "/api/auth/sso/identities/{}", foreign)
        self.link_identity()
        (id_, *_) = (row["id"] for row in self.expect(200, "GET", "/api/auth/sso/identities")["data"])
        self.expect(204, "DELETE", f"/api/auth/sso/identities/{id_}")
        self.own.identities.remove(id_)
        self.own.events += 1

    def sign_in_at_a_provider(self) -> None:
        stranger, stolen = Caller(self.application), {"ticket": ticket("another browser")}
        business = {"businessName": "Di", "businessType": "salon", "countryCode": "IN"}
        assert self.expect(200, "GET", "/api/auth/sso", caller=stranger) == {"enabled": False}
        self.expect(404, "GET", "/api/auth/sso/start", caller=stranger)
        self.expect(404, "GET", "/api/auth/sso/callback?code=x&state=x", caller=stranger)
        self.expect(401, "POST", "/api/auth/sso/register", {**stolen, **business}, caller=stranger)
        joining = {**stolen, "invitation": next(iter(self.own.tokens.values()), "none")}
        self.expect(401, "POST", "/api/auth/sso/join", joining, caller=stranger)
        self.expect(401, "POST", "/api/auth/sso/link", stolen)
