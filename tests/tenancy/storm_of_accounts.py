"""The storm's second part: trail, profile, signing in and out."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.factories.callers import PASSWORD, Caller
from tests.factories.members import sign_in
from tests.tenancy.storm import NAMES, Storm


class AccountStorm(Storm):
    """What people do with their account and their business."""

    actions: ClassVar[Mapping[str, int]] = {
        "create": 12,
        "read": 8,
        "change": 8,
        "remove": 5,
        "search": 7,
        "page_with_a_foreign_cursor": 2,
        "follow_events": 6,
        "read_event": 6,
        "ask_for_a_history": 4,
        "profile": 4,
        "settings": 2,
        "account": 4,
        "open_another_business": 2,
        "switch": 3,
        "refresh": 3,
        "log_in": 1,
        "log_out": 2,
        "register_somebody_known": 1,
    }

    # The trail

    def follow_events(self) -> None:
        own, after, limit = self.own, self.random.randint(0, 40), self.random.randint(1, 100)
        page = self.send("GET", f"/api/events?after={after}&limit={limit}").get_json()
        expected = range(after + 1, min(own.events, after + limit) + 1)
        assert [row["seq"] for row in page["data"]] == list(expected)
        assert {row["tenantId"] for row in page["data"]} <= {own.id}
        own.event_ids += [row["id"] for row in page["data"] if row["id"] not in own.event_ids]

    def read_event(self) -> None:
        if (picked := self.pick("event_ids")) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/events/{}", id_)
            return
        assert self.send("GET", f"/api/events/{id_}").get_json()["id"] == id_

    def ask_for_a_history(self) -> None:
        path = self.random.choice(("events", "audit-logs"))
        if (picked := self.pick()) is not None:
            own, id_ = picked
            rows = self.send("GET", f"/api/{path}?objectId={id_}").get_json()["data"]
            assert bool(rows) == own
        someone = self.random.choice(self.foreign.members).user_id
        assert self.send("GET", f"/api/{path}?actorId={someone}").get_json()["data"] == []

    # The business

    def profile(self) -> None:
        own, body = self.own, {"name": f"{self.own.canary} {self.random.choice(NAMES)}"}
        if self.maybe():
            stray = {"tenantId": self.foreign.id} if self.maybe() else {}
            response = self.send("PATCH", "/api/tenant", {**body, **stray})
            assert response.status_code == (400 if stray else 200)
            own.events += not stray
        assert self.send("GET", "/api/tenant").get_json()["id"] == own.id

    def settings(self) -> None:
        wanted = self.maybe()
        body = {"customers": {"uniquePhone": wanted}}
        assert self.send("PATCH", "/api/tenant/settings", body).status_code == 200
        self.own.events += 1
        answer = self.send("GET", "/api/tenant/settings").get_json()
        assert answer["customers"]["uniquePhone"] == wanted

    def open_another_business(self) -> None:
        body = {"businessName": f"{self.own.canary} too", "businessType": "spa", "countryCode": "IN"}
        response = self.send("POST", "/api/tenants", body)
        assert response.status_code == 201
        assert response.get_json()["id"] != self.own.id

    # Accounts and sessions

    def account(self) -> None:
        if self.maybe():
            body = {"firstName": f"{self.own.canary} {self.random.choice(NAMES)}"}
            assert self.send("PATCH", "/api/auth/me", body).status_code == 200
            self.own.events += 1
        context = self.send("GET", "/api/context").get_json()
        me = self.send("GET", "/api/auth/me").get_json()
        assert context["tenant"]["id"] == self.own.id
        assert context["user"]["id"] == me["id"] == str(self.member.user_id)
        assert self.foreign.id not in {row["tenant"]["id"] for row in me["memberships"]}

    def switch(self) -> None:
        own, id_ = self.business()
        response = self.send("PATCH", "/api/auth/tenants/switch", {"tenantId": id_})
        assert response.status_code == (200 if own else 400)
        if own:
            self.hold(response.get_json())
            # One session ended, another began.
            self.own.events += 2

    def refresh(self) -> None:
        path = self.random.choice(("/api/auth/refresh", "/api/auth/token/refresh"))
        # The other business's access token comes along, and decides nothing.
        caller = Caller(self.application, token=self.foreign.members[0].token)
        response = self.send("POST", path, {"refreshToken": self.member.refresh_token}, caller=caller)
        assert response.status_code == 200
        self.hold(response.get_json())

    def log_in(self) -> None:
        own, id_ = self.business()
        body = {"email": self.member.email, "password": PASSWORD, "tenantId": id_}
        response = self.send("POST", "/api/auth/login", body, caller=Caller(self.application))
        assert response.status_code == (200 if own else 400)
        if own:
            self.hold(response.get_json())
            self.own.events += 1

    def log_out(self) -> None:
        member, path = self.member, self.random.choice(("/api/auth/logout", "/api/auth/logout-all"))
        assert self.send("POST", path).status_code == 204
        self.own.events += 1
        assert self.send("GET", "/api/context").status_code == 401
        self.own.members[self.who[1]] = sign_in(
            self.application, member.tenant_id, member.user_id, member.email
        )

    def register_somebody_known(self) -> None:
        body = {
            "email": self.foreign.members[0].email,
            "password": PASSWORD,
            "firstName": "Di",
            "lastName": "Di",
            "businessName": "Di",
            "businessType": "salon",
            "countryCode": "IN",
        }
        response = self.send("POST", "/api/auth/register", body, caller=Caller(self.application))
        assert response.status_code == 409

    def business(self) -> tuple[bool, str]:
        """Choose a business to name: whether it is the member's own, and its id."""
        whose = self.random.choice((self.own.id, self.foreign.id, str(uuid.uuid4())))
        return whose == self.own.id, whose

    def hold(self, answer: dict[str, Any]) -> None:
        """Go on with the tokens of an answer."""
        assert answer["tenant"]["id"] == self.own.id
        assert answer["user"]["id"] == str(self.member.user_id)
        self.member.token, self.member.refresh_token = answer["accessToken"], answer["refreshToken"]
