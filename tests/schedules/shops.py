"""A shop whose bookings its hours decide over."""

from datetime import datetime
from typing import Any

from werkzeug.test import TestResponse

from tests.factories.callers import Business, Caller
from tests.schedules.hours import made


class Shop:
    """A service of somebody with a chair, at a place of its own; each is what somebody may close."""

    def __init__(self, owner: Business) -> None:
        self.owner = owner
        place = made(owner, "locations")
        here = {"locationId": place.rpartition("/")[2]}
        room = made(owner, "resources", **here)
        chair = made(owner, "resources", kind="equipment", parentId=room.rpartition("/")[2], **here)
        person = made(owner, "staff", **here)
        self.owners = {"person": person, "room of the chair": room, "place": place}
        self.service = self.new("/api/services", name="Cut", duration=60, price="100.00")
        assigned = [{"resourceId": one.rpartition("/")[2]} for one in (chair, person)]
        path = f"/api/services/{self.service}/resources"
        assert owner.call("PUT", path, {"resources": assigned}).status_code == 200
        self.customer = self.new("/api/customers", name="Jane")

    def new(self, path: str, **body: Any) -> str:
        response = self.owner.post(path, body)
        assert response.status_code == 201, response.get_data(as_text=True)
        return str((response.json or {})["id"])

    def books(self, start: datetime, caller: Caller) -> TestResponse:
        wish = {"customerId": self.customer, "serviceId": self.service, "startAt": start.isoformat()}
        return caller.post("/api/bookings", wish)
