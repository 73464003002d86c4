"""Group classes over HTTP: plan, read, list, and who may."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.foundation.schemas import camel_case
from mbs.sessions.schemas import SessionView
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.catalog import create_resource, create_staff
from tests.factories.customers import events_of
from tests.factories.group_sessions import book_seat, new_class_service, plan
from tests.factories.teams import member_of


@pytest.fixture
def service(owner: Business) -> UUID:
    return new_class_service(owner, capacity=12, before=10, after=5)


class TestCreate:
    def test_shows_the_class_with_its_seats_and_local_time(self, owner: Business, service: UUID) -> None:
        staff, room = create_staff(owner)["id"], create_resource(owner)["id"]
        body = {"serviceId": str(service), "staffId": staff, "roomId": room, "notes": "Bring a mat"}
        response = owner.post("/api/sessions", {**body, "date": "2031-03-03", "startTime": "18:00"})

        found = response.get_json()
        assert response.status_code == 201, found
        assert response.headers["Location"] == f"/api/sessions/{found['id']}"
        assert response.headers["ETag"] == '"1"'
        assert set(found) == {camel_case(name) for name in SessionView().fields}
        assert found == {
            **found,
            **body,
            "tenantId": str(owner.tenant_id),
            "seriesId": None,
            "name": "Yoga",
            "status": "scheduled",
            "startAt": "2031-03-03T12:30:00Z",
            "endAt": "2031-03-03T13:30:00Z",
            "timezone": "Asia/Kolkata",
            "date": "2031-03-03",
            "startTime": "18:00",
            "endTime": "19:00",
            "capacity": 12,
            "taken": 0,
            "remaining": 12,
            "version": 1,
        }
        assert owner.get(f"/api/sessions/{found['id']}").get_json() == found

    def test_counts_the_seats_that_are_booked(self, owner: Business, service: UUID) -> None:
        found = plan(owner, service, startAt="2031-03-03T18:00:00+05:30", capacity=3, name="Yin Yoga")
        assert (found["startTime"], found["name"], found["staffId"]) == ("18:00", "Yin Yoga", None)

        book_seat(owner, found["id"], partySize=2)

        # The version is still the same, and no sign that the seats are.
        response = owner.get(f"/api/sessions/{found['id']}", headers={"If-None-Match": '"1"'})
        assert (response.status_code, response.headers.get("ETag")) == (200, None)
        found = response.get_json()
        assert (found["capacity"], found["taken"], found["remaining"]) == (3, 2, 1)

    def test_takes_people_and_rooms_with_the_buffers(self, owner: Business, service: UUID) -> None:
        staff = create_staff(owner)["id"]
        plan(owner, service, staffId=staff)
        for time, status in (("18:50", 409), ("16:55", 409), ("19:15", 201), ("16:45", 201)):
            body = {"serviceId": str(service), "staffId": staff, "date": "2031-03-03", "startTime": time}
            response = owner.post("/api/sessions", body)
            assert response.status_code == status, response.get_data(as_text=True)
            if status == 409:
                problem = response.get_json()
                assert problem["code"] == "SLOT_UNAVAILABLE"
                assert [(one["date"], one["reason"]) for one in problem["conflicts"]] == [
                    ("2031-03-03", "booked")
                ]

    def test_has_a_room_to_itself_however_many_fit(self, owner: Business, service: UUID) -> None:
        room = create_resource(owner, capacity=30)["id"]
        plan(owner, service, roomId=room)
        body = {"serviceId": str(service), "roomId": room, "date": "2031-03-03", "startTime": "18:30"}
        assert owner.post("/api/sessions", body).status_code == 409

    def test_takes_nobody_who_is_off(self, owner: Business, service: UUID) -> None:
        staff = create_staff(owner)["id"]
        off = {"startAt": "2031-03-03T00:00:00Z", "endAt": "2031-03-04T00:00:00Z"}
        made(owner, f"/api/staff/{staff}/time-off", off)
        body = {"serviceId": str(service), "staffId": staff, "date": "2031-03-03", "startTime": "18:00"}
        response = owner.post("/api/sessions", body)
        assert (response.status_code, response.get_json()["conflicts"][0]["reason"]) == (409, "time_off")

    def test_is_at_the_location_of_its_room(self, owner: Business, service: UUID) -> None:
        london = made(owner, "/api/locations", {"name": "Soho", "timezone": "Europe/London"})["id"]
        room = create_resource(owner, locationId=london)["id"]
        found = plan(owner, service, roomId=room)
        assert (found["locationId"], found["startAt"]) == (london, "2031-03-03T18:00:00Z")

    def test_tells_the_trail(self, owner: Business, service: UUID) -> None:
        found = plan(owner, service)
        (event,) = events_of(owner, found["id"])
        assert (event.type, event.object_type, event.data["previous"]) == ("session.created", "session", {})
        assert (event.data["object"]["name"], event.data["object"]["capacity"]) == ("Yoga", 12)

    def test_replays_and_rehearses(self, owner: Business, service: UUID) -> None:
        body = {"serviceId": str(service), "date": "2031-03-03", "startTime": "18:00"}
        dry = owner.post("/api/sessions?dryRun=true", body)
        assert (dry.status_code, dry.headers["Dry-Run"]) == (201, "true")
        assert listed(owner, "/api/sessions") == []
        first, second = (
            owner.post("/api/sessions", body, headers={"Idempotency-Key": "yoga"}) for _ in range(2)
        )
        assert second.headers["Idempotent-Replayed"] == "true"
        assert first.get_json() == second.get_json()


class TestIndex:
    def test_shows_what_is_to_come_by_its_start(self, owner: Business, service: UUID) -> None:
        later = plan(owner, service, startTime="20:00", date="2031-03-03")["id"]
        sooner = plan(owner, service)["id"]
        over = plan(owner, service, startAt="2020-03-03T18:00:00Z")["id"]
        cancelled = plan(owner, service)["id"]
        made(owner, f"/api/sessions/{cancelled}/cancel", None)

        def ids(query: str = "") -> list[Any]:
            return [one["id"] for one in listed(owner, f"/api/sessions{query}")]

        assert ids() == [sooner, later]
        assert ids("?sortOrder=desc") == [later, sooner]
        assert ids("?status=cancelled") == [cancelled]
        assert ids("?from=2020-03-03T18:30:00Z&to=2021-01-01T00:00:00Z") == [over]
        assert ids("?from=2031-03-03T13:30:00Z") == [later]
        assert ids("?to=2031-03-03T14:30:00Z") == [sooner]
        assert ids(f"?serviceId={uuid4()}") == ids(f"?seriesId={uuid4()}") == []
        assert ids(f"?locationId={uuid4()}") == []
        assert ids(f"?serviceId={service}") == [sooner, later]

    def test_goes_on_where_a_page_ended(self, owner: Business, service: UUID) -> None:
        ids = [plan(owner, service, date=f"2031-03-0{day}", startTime="18:00")["id"] for day in (3, 4, 5)]
        page = owner.get("/api/sessions?limit=2&includeTotal=true").get_json()
        assert ([one["id"] for one in page["data"]], page["pagination"]["total"]) == (ids[:2], 3)
        page = owner.get(f"/api/sessions?limit=2&cursor={page['pagination']['nextCursor']}").get_json()
        assert [one["id"] for one in page["data"]] == ids[2:]


class TestStaff:
    def test_see_and_complete_the_classes_that_they_give(self, owner: Business, service: UUID) -> None:
        teacher = owner.colleague("staff")
        own = create_staff(owner, memberId=member_of(owner, teacher).rpartition("/")[2])["id"]
        past = "2020-03-03T18:00:00Z"
        mine, other = plan(owner, service, staffId=own, startAt=past), plan(owner, service, startAt=past)

        assert [one["id"] for one in listed(teacher, "/api/sessions?from=2020-01-01T00:00:00Z")] == [
            mine["id"]
        ]
        assert teacher.get(f"/api/sessions/{other['id']}").status_code == 404
        assert teacher.post(f"/api/sessions/{other['id']}/complete").status_code == 404
        assert teacher.get(f"/api/sessions/{mine['id']}").status_code == 200
        assert teacher.post(f"/api/sessions/{mine['id']}/complete").status_code == 200

    def test_plan_change_and_cancel_nothing(self, owner: Business, service: UUID) -> None:
        teacher = owner.colleague("staff")
        own = create_staff(owner, memberId=member_of(owner, teacher).rpartition("/")[2])["id"]
        mine = plan(owner, service, staffId=own)["id"]
        body = {"serviceId": str(service), "date": "2031-03-03", "startTime": "18:00"}
        assert teacher.post("/api/sessions", body).status_code == 403
        assert teacher.patch(f"/api/sessions/{mine}", {"name": "Mine"}).status_code == 403
        assert teacher.post(f"/api/sessions/{mine}/cancel", {}).status_code == 403
        assert teacher.delete(f"/api/sessions/{mine}").status_code == 403


class TestAnotherBusiness:
    def test_finds_nothing(self, owner: Business, business: Callable[..., Business], service: UUID) -> None:
        id_, stranger = plan(owner, service)["id"], business()
        for path in (id_, str(uuid4())):
            assert stranger.get(f"/api/sessions/{path}").status_code == 404
            assert stranger.patch(f"/api/sessions/{path}", {"name": "Mine"}).status_code == 404
            assert stranger.delete(f"/api/sessions/{path}").status_code == 404
            assert stranger.post(f"/api/sessions/{path}/cancel", {}).status_code == 404
            assert stranger.post(f"/api/sessions/{path}/complete").status_code == 404
        assert listed(stranger, "/api/sessions") == []
        body = {"serviceId": str(service), "date": "2031-03-03", "startTime": "18:00"}
        response = stranger.post("/api/sessions", body)
        assert (response.status_code, response.get_json()["code"]) == (400, "INVALID_REFERENCE")
