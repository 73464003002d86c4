"""The storm's fourth part: what can be booked, and who does it."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.tenancy.storm_of_teams import TeamStorm


class CalendarStorm(TeamStorm):
    """Services and resources."""

    actions: ClassVar[Mapping[str, int]] = {
        **TeamStorm.actions,
        "make_service": 2,
        "look_at_services": 3,
        "change_service": 3,
        "remove_service": 2,
        "assign": 3,
        "make_resource": 4,
        "look_at_resources": 4,
        "change_resource": 4,
        "remove_resource": 4,
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.turns: Counter[str] = Counter()

    def turn(self, action: str, of: tuple[Any, ...]) -> Any:
        """Return each of some choices in turn, so that all have theirs."""
        self.turns[action] += 1
        return of[self.turns[action] % len(of)]

    def pick_or_make(self, of: str, make: Callable[[], str]) -> tuple[bool, str]:
        """Choose as `pick` does, and make what is missing."""
        return self.pick(of) or (True, make())

    def refused_reference(self, method: str, path: str, body: Any) -> None:
        """Send what names something that the business does not have."""
        refusal = self.expect(400, method, path, body)
        assert refusal["code"] == "INVALID_REFERENCE", refusal

    def foreign_one(self, of: str) -> str:
        return self.random.choice([*getattr(self.foreign, of), str(uuid.uuid4())])

    # Services

    def new_service(self, **more: Any) -> str:
        body = {"name": self.text(), "price": "10.00", "duration": 60, **more}
        service = self.made("/api/services", body)
        self.own.services[service["id"]] = service
        self.own.assigned[service["id"]] = set()
        return str(service["id"])

    def make_service(self) -> None:
        self.new_service()

    def look_at_services(self) -> None:
        active = {id_ for id_, one in self.own.services.items() if one["isActive"]}
        assert self.ids_listed("/api/services") == active
        for query in (f"search={self.foreign.canary}", f"staffId={self.foreign_one('staff')}"):
            assert self.expect(200, "GET", f"/api/services?{query}")["data"] == []
        own, id_ = self.pick_or_make("services", self.new_service)
        if not own:
            self.like_one_that_never_was("GET", "/api/services/{}", id_)
            self.like_one_that_never_was("GET", "/api/services/{}/resources", id_)
            return
        assert self.expect(200, "GET", f"/api/services/{id_}") == self.own.services[id_]
        rows = self.expect(200, "GET", f"/api/services/{id_}/resources")["resources"]
        assert {row["resourceId"] for row in rows} == self.own.assigned[id_]

    def change_service(self) -> None:
        own, id_ = self.pick_or_make("services", self.new_service)
        body = {"name": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/services/{}", id_, body)
            return
        self.own.services[id_] = self.expect(200, "PATCH", f"/api/services/{id_}", body)
        self.own.events += 1

    def remove_service(self) -> None:
        own, id_ = self.pick_or_make("services", self.new_service)
        self.archive_or_purge("services", "/api/services/{}", own, id_)

    def archive_or_purge(self, of: str, path: str, own: bool, id_: str) -> None:
        purge = self.maybe()
        path += "?purge=true" if purge else ""
        if not own:
            self.like_one_that_never_was("DELETE", path, id_)
            return
        kept, found = purge and self.own.uses(id_), getattr(self.own, of)
        self.expect(409 if kept else 204, "DELETE", path.format(id_))
        if kept:
            return
        self.own.events += purge or found[id_]["isActive"]
        if purge:
            del found[id_]
            self.own.forget(id_)
        else:
            found[id_] = self.expect(200, "GET", path.format(id_))
            assert found[id_]["isActive"] is False

    def assign(self) -> None:
        own, id_ = self.pick_or_make("services", self.new_service)
        wanted = self.random.sample([*self.own.staff], min(2, len(self.own.staff)))
        stolen = self.maybe()
        named = [*wanted, self.foreign_one("resources")] if stolen else wanted
        body = {"resources": [{"resourceId": one} for one in named]}
        if not own:
            self.like_one_that_never_was("PUT", "/api/services/{}/resources", id_, body)
        elif stolen:
            self.refused_reference("PUT", f"/api/services/{id_}/resources", body)
        else:
            self.give(id_, wanted)

    def give(self, service_id: str, resources: list[str]) -> None:
        """Assign resources to a service."""
        body = {"resources": [{"resourceId": one} for one in resources]}
        self.expect(200, "PUT", f"/api/services/{service_id}/resources", body)
        self.own.events += 1
        self.own.assigned[service_id] = set(resources)
        self.own.services[service_id] = self.expect(200, "GET", f"/api/services/{service_id}")

    # Resources

    def new_staff(self) -> str:
        return self.new_resource("staff")

    def new_resource(self, path: str = "resources") -> str:
        body = {"name": self.text(), **({"kind": "room"} if path == "resources" else {})}
        resource = self.made(f"/api/{path}", body)
        self.own.resources[resource["id"]] = resource
        return str(resource["id"])

    def make_resource(self) -> None:
        path = self.turn("make_resource", ("staff", "resources"))
        field, of = self.random.choice(
            (("locationId", "locations"), ("parentId", "resources"), ("memberId", "guests"))
        )
        kind = {"kind": "staff"} if path == "resources" else {}
        if self.maybe():
            stolen = {"name": self.text(), field: self.foreign_one(of), **kind}
            self.refused_reference("POST", f"/api/{path}", stolen)
        self.new_resource(path)

    def look_at_resources(self) -> None:
        path = self.turn("look_at_resources", ("staff", "resources"))
        active = {id_ for id_, one in getattr(self.own, path).items() if one["isActive"]}
        assert self.ids_listed(f"/api/{path}") == active
        for field, of in (("serviceId", "services"), ("locationId", "locations")):
            query = f"{field}={self.foreign_one(of)}"
            assert self.expect(200, "GET", f"/api/{path}?{query}")["data"] == []
        own, id_ = self.pick_or_make(path, lambda: self.new_resource(path))
        if not own:
            self.like_one_that_never_was("GET", f"/api/{path}/{{}}", id_)
            return
        assert self.expect(200, "GET", f"/api/{path}/{id_}") == self.own.resources[id_]

    def change_resource(self) -> None:
        path = self.turn("change_resource", ("staff", "resources"))
        own, id_ = self.pick_or_make(path, lambda: self.new_resource(path))
        field, of = self.random.choice((("locationId", "locations"), ("parentId", "resources")))
        stolen = {field: self.foreign_one(of)}
        if not own:
            self.like_one_that_never_was("PATCH", f"/api/{path}/{{}}", id_, stolen)
            return
        self.refused_reference("PATCH", f"/api/{path}/{id_}", stolen)
        self.own.resources[id_] = self.expect(200, "PATCH", f"/api/{path}/{id_}", {"name": self.text()})
        self.own.events += 1

    def remove_resource(self) -> None:
        path = self.turn("remove_resource", ("staff", "resources"))
        own, id_ = self.pick_or_make(path, lambda: self.new_resource(path))
        self.archive_or_purge("resources", f"/api/{path}/{{}}", own, id_)
