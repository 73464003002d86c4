"""The storm's third part: who works for a business and as what, whom it invites, and where it works."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from mbs.foundation.sealing import Sealer
from tests.conftest import SECRETS
from tests.factories.callers import Business, Caller, signed_in
from tests.factories.members import new_member, new_tenant_with
from tests.factories.teams import member_of, newcomer
from tests.tenancy.storm_model import Guest
from tests.tenancy.storm_of_accounts import AccountStorm

ROLES = ("staff", "manager", "accountant")
PERMISSIONS = ("customers:read", "customers:create", "settings:read")


class TeamStorm(AccountStorm):
    """Members, roles, invitations and locations."""

    actions: ClassVar[Mapping[str, int]] = {
        **AccountStorm.actions,
        "compose_role": 3,
        "look_at_role": 2,
        "change_role": 2,
        "remove_role": 2,
        "invite": 4,
        "look_at_invitation": 2,
        "revoke_invitation": 2,
        "accept_invitation": 2,
        "join_by_invitation": 1,
        "try_a_foreign_invitation": 2,
        "look_at_member": 3,
        "change_member": 4,
        "remove_member": 1,
        "open_location": 3,
        "look_at_location": 2,
        "change_location": 3,
        "close_location": 2,
    }

    def text(self) -> str:
        """Return a name that nobody else has."""
        return f"{self.own.canary} {uuid.uuid4().hex[:8]}"

    def made(self, path: str, body: Any) -> dict[str, Any]:
        """Create something; return it."""
        response = self.send("POST", path, body)
        assert response.status_code == 201, response.get_data(as_text=True)
        self.own.events += 1
        answer: dict[str, Any] = response.get_json()
        return answer

    def ids_listed(self, path: str) -> set[str]:
        return {row["id"] for row in self.send("GET", f"{path}?limit=100").get_json()["data"]}

    def some_guest(self) -> str:
        """Return the membership of somebody who may be suspended and removed."""
        if not self.own.guests:
            self.welcome(new_member(self.own.members[0], self.own.canary, "staff"))
        return self.random.choice([*self.own.guests])

    def welcome(self, person: Business) -> str:
        id_ = member_of(self.own.members[0], person).rpartition("/")[2]
        self.own.guests[id_] = Guest(person)
        return id_

    # Roles

    def compose_role(self) -> None:
        body = {"name": self.text(), "permissions": sorted(self.random.sample(PERMISSIONS, 2))}
        role = self.made("/api/roles", body)
        self.own.roles[role["id"]] = role

    def look_at_role(self) -> None:
        assert self.ids_listed("/api/roles") == set(self.own.roles)
        if (picked := self.pick("roles")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/roles/{}", id_)
            return
        assert self.send("GET", f"/api/roles/{id_}").get_json() == self.own.roles[id_]

    def change_role(self) -> None:
        if (picked := self.pick("roles")) is None:
            return
        own, id_ = picked
        body = {"name": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/roles/{}", id_, body)
            return
        response = self.send("PATCH", f"/api/roles/{id_}", body)
        assert response.status_code == 200
        self.own.events += 1
        self.own.roles[id_] = response.get_json()

    def remove_role(self) -> None:
        if (picked := self.pick("roles")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("DELETE", "/api/roles/{}", id_)
            return
        held = any(guest.role_id == id_ for guest in self.own.guests.values())
        assert self.send("DELETE", f"/api/roles/{id_}").status_code == (409 if held else 204)
        if not held:
            self.own.events += 1
            del self.own.roles[id_]

    # Invitations

    def invited(self, email: str) -> str:
        """Invite an address; return the invitation, whose token is read off its mail."""
        id_ = str(self.made("/api/invites", {"email": email, "role": "staff"})["id"])
        ((sealed,),) = self.inspector.ask(
            "SELECT sealed FROM account_mails WHERE tenant_id = %s ORDER BY created_at DESC LIMIT 1",
            self.own.id,
        )
        mail = Sealer([SECRETS["SESSION_SECRET"]]).open(sealed)
        assert mail["to"] == email
        self.own.invitations[id_], self.own.tokens[id_] = "open", mail["token"]
        return id_

    def invite(self) -> None:
        email = f"{uuid.uuid4().hex}@example.com"
        if self.maybe():
            self.invited(email)
            return
        role_id = self.random.choice([*self.foreign.roles, str(uuid.uuid4())])
        response = self.send("POST", "/api/invites", {"email": email, "roleId": role_id})
        assert (response.status_code, response.get_json()["code"]) == (400, "INVALID_REFERENCE")

    def look_at_invitation(self) -> None:
        assert self.ids_listed("/api/invites") == set(self.own.invitations)
        if (picked := self.pick("invitations")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/invites/{}", id_)
            return
        assert self.send("GET", f"/api/invites/{id_}").get_json()["status"] == self.own.invitations[id_]

    def revoke_invitation(self) -> None:
        if (picked := self.pick("invitations")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("DELETE", "/api/invites/{}", id_)
            return
        status = self.own.invitations[id_]
        response = self.send("DELETE", f"/api/invites/{id_}")
        assert response.status_code == (409 if status == "accepted" else 204)
        if status == "open":
            self.own.events += 1
            self.own.invitations[id_] = "revoked"

    def accept_invitation(self) -> None:
        email, stranger = f"{uuid.uuid4().hex}@example.com", Caller(self.application)
        id_ = self.invited(email)
        path = f"/api/auth/invites/{self.own.tokens[id_]}"
        assert self.send("GET", path, caller=stranger).get_json()["businessName"].startswith(self.own.canary)
        answer = self.send("POST", f"{path}/accept", newcomer(), caller=stranger)
        person = signed_in(self.application, email, answer)
        assert str(person.tenant_id) == self.own.id
        self.accepted(id_, person)
        assert self.send("GET", path, caller=stranger).status_code == 410

    def join_by_invitation(self) -> None:
        (person,) = new_tenant_with(self.application, self.own.canary, ("owner",))
        id_ = self.invited(person.email)
        answer = self.send("POST", f"/api/auth/invites/{self.own.tokens[id_]}/join", caller=person)
        self.accepted(id_, signed_in(self.application, person.email, answer))

    def accepted(self, id_: str, person: Business) -> None:
        # The invitation was accepted, a member joined, and a session began.
        self.own.events += 3
        self.own.invitations[id_] = "accepted"
        self.welcome(person)

    def try_a_foreign_invitation(self) -> None:
        for token in self.foreign.tokens.values():
            self.like_one_that_never_was("POST", "/api/auth/invites/{}/join", token)

    # Members

    def look_at_member(self) -> None:
        listed = self.ids_listed("/api/members")
        assert listed >= set(self.own.guests)
        assert len(listed) == len(self.own.members) + len(self.own.guests)
        if (picked := self.pick("guests")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/members/{}", id_)
            return
        guest, shown = self.own.guests[id_], self.send("GET", f"/api/members/{id_}").get_json()
        assert shown["role"]["key"] == guest.role
        assert (shown["role"]["roleId"], shown["status"]) == (guest.role_id, guest.status)

    def change_member(self) -> None:
        roles = [
            *({"role": role} for role in ROLES),
            *({"roleId": id_} for id_ in (*self.own.roles, *self.foreign.roles, str(uuid.uuid4()))),
        ]
        wanted: dict[str, str] = self.random.choice([*roles, {"status": "suspended"}, {"status": "active"}])
        if self.foreign.guests and self.maybe():
            self.like_one_that_never_was("PATCH", "/api/members/{}", min(self.foreign.guests), wanted)
            return
        id_ = self.some_guest()
        guest, response = self.own.guests[id_], self.send("PATCH", f"/api/members/{id_}", wanted)
        if "roleId" in wanted and wanted["roleId"] not in self.own.roles:
            assert (response.status_code, response.get_json()["code"]) == (400, "INVALID_REFERENCE")
            return
        assert response.status_code == 200, response.get_data(as_text=True)
        before = (guest.role, guest.role_id, guest.status)
        if "status" in wanted:
            guest.status = wanted["status"]
        else:
            guest.role, guest.role_id = wanted.get("role", "custom"), wanted.get("roleId")
        self.own.events += before != (guest.role, guest.role_id, guest.status)

    def remove_member(self) -> None:
        if self.foreign.guests and self.maybe():
            self.like_one_that_never_was("DELETE", "/api/members/{}", min(self.foreign.guests))
            return
        id_ = self.some_guest()
        person = self.own.guests.pop(id_).person
        assert self.send("DELETE", f"/api/members/{id_}").status_code == 204
        self.own.events += 1
        assert person.get("/api/context").status_code == 401

    # Locations

    def open_location(self) -> None:
        is_default = self.random.random() < 0.3
        location = self.made("/api/locations", {"name": self.text(), "isDefault": is_default})
        self.own.locations[location["id"]] = {"name": location["name"], "status": "active"}
        if is_default:
            # The one that was it before has changed, too.
            self.own.events += 1
            self.own.default_location = location["id"]

    def look_at_location(self) -> None:
        listed = self.ids_listed("/api/locations")
        active = {id_ for id_, one in self.own.locations.items() if one["status"] == "active"}
        assert len(listed - active) == 1
        if (picked := self.pick("locations")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/locations/{}", id_)
            return
        shown = self.send("GET", f"/api/locations/{id_}").get_json()
        assert self.own.locations[id_].items() <= shown.items()
        assert shown["isDefault"] is (id_ == self.own.default_location)

    def change_location(self) -> None:
        if (picked := self.pick("locations")) is None:
            return
        own, id_ = picked
        body: dict[str, Any] = {"isDefault": True} if self.maybe() else {"name": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/locations/{}", id_, body)
            return
        location, moves = self.own.locations[id_], "isDefault" in body
        refused = moves and location["status"] == "archived"
        response = self.send("PATCH", f"/api/locations/{id_}", body)
        assert response.status_code == (409 if refused else 200)
        if refused:
            return
        self.own.events += 1 + (moves and self.own.default_location != id_)
        if moves:
            self.own.default_location = id_
        else:
            location["name"] = body["name"]

    def close_location(self) -> None:
        if (picked := self.pick("locations")) is None:
            return
        own, id_ = picked
        purge = self.maybe()
        path = "/api/locations/{}" + ("?purge=true" if purge else "")
        if not own:
            self.like_one_that_never_was("DELETE", path, id_)
            return
        status, refused = self.own.locations[id_]["status"], id_ == self.own.default_location
        refused = refused or (purge and self.own.uses(id_))
        assert self.send("DELETE", path.format(id_)).status_code == (409 if refused else 204)
        if refused:
            return
        self.own.events += purge or status == "active"
        if purge:
            del self.own.locations[id_]
            self.own.forget(id_)
        else:
            self.own.locations[id_]["status"] = "archived"
