"""Series of classes: all or none, at the same local time on either side of a change of the clocks."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.catalog import create_staff
from tests.factories.customers import events_of
from tests.factories.group_sessions import new_class_service
from tests.factories.teams import code_of

EVENING = {"days": ["mon", "wed"], "startTime": "18:00", "from": "2031-03-03", "count": 4}


def series(owner: Business, **values: Any) -> dict[str, Any]:
    return made(
        owner, "/api/session-series", {"serviceId": str(new_class_service(owner)), **EVENING, **values}
    )


class TestASeries:
    def test_meets_on_its_days_until_there_are_enough(self, owner: Business) -> None:
        staff = create_staff(owner)["id"]
        body = {"serviceId": str(new_class_service(owner)), **EVENING, "staffId": staff, "capacity": 8}
        response = owner.post("/api/session-series", {**body, "name": "Evening Yoga"})

        found = response.get_json()
        assert response.status_code == 201, found
        assert response.headers["Location"] == f"/api/sessions?seriesId={found['seriesId']}"
        days = ["2031-03-03", "2031-03-05", "2031-03-10", "2031-03-12"]
        assert [one["date"] for one in found["sessions"]] == days
        assert {one["startTime"] for one in found["sessions"]} == {"18:00"}
        for one in found["sessions"]:
            assert (one["seriesId"], one["staffId"]) == (found["seriesId"], staff)
            assert (one["name"], one["capacity"], one["remaining"]) == ("Evening Yoga", 8, 8)
            assert [event.type for event in events_of(owner, one["id"])] == ["session.created"]
        assert listed(owner, response.headers["Location"]) == found["sessions"]

    def test_meets_until_a_date_and_on_it(self, owner: Business) -> None:
        body = {"days": ["sun", "sun", "fri"], "startTime": "07:00", "from": "2031-03-07"}
        values = {"serviceId": str(new_class_service(owner)), **body, "until": "2031-03-16"}
        found = made(owner, "/api/session-series", values)["sessions"]
        assert [one["date"] for one in found] == ["2031-03-07", "2031-03-09", "2031-03-14", "2031-03-16"]

    @pytest.mark.parametrize(
        ("zone", "country", "from_", "utc"),
        [
            # Clocks go forward on 10 March 2030 in New York and back on 3 November.
            ("America/New_York", "US", "2030-03-09", ["23:00", "22:00"]),
            ("America/New_York", "US", "2030-11-02", ["22:00", "23:00"]),
            # In Sydney they go back on 7 April 2030 and forward on 6 October.
            ("Australia/Sydney", "AU", "2030-04-06", ["07:00", "08:00"]),
            ("Australia/Sydney", "AU", "2030-10-05", ["08:00", "07:00"]),
            ("Asia/Kolkata", "IN", "2030-03-09", ["12:30", "12:30"]),
        ],
    )
    def test_stays_at_its_time_of_day_when_clocks_change(
        self, business: Callable[..., Business], zone: str, country: str, from_: str, utc: list[str]
    ) -> None:
        owner = business(countryCode=country, timezone=zone)
        found = series(owner, **{"days": ["sat", "sun"], "from": from_, "count": 2})["sessions"]
        assert [one["startAt"][11:16] for one in found] == utc
        assert {(one["startTime"], one["endTime"], one["timezone"]) for one in found} == {
            ("18:00", "19:00", zone)
        }

    def test_names_the_dates_on_which_clocks_leap_over_its_time(
        self, business: Callable[..., Business]
    ) -> None:
        owner = business(countryCode="US", timezone="America/New_York")
        body = {"days": ["sun"], "startTime": "02:30", "from": "2030-03-03", "count": 3}
        response = owner.post("/api/session-series", {"serviceId": str(new_class_service(owner)), **body})
        assert code_of(response) == (400, "NONEXISTENT_LOCAL_TIME")
        assert "2030-03-10" in response.get_json()["detail"]
        assert listed(owner, "/api/sessions") == []

    def test_is_planned_whole_or_not_at_all(self, owner: Business) -> None:
        staff, service = create_staff(owner)["id"], str(new_class_service(owner))
        body = {"serviceId": service, **EVENING, "staffId": staff}
        day = {"serviceId": service, "staffId": staff, "date": "2031-03-10", "startTime": "17:30"}
        blocking = made(owner, "/api/sessions", day)
        off = {"startAt": "2031-03-11T20:00:00Z", "endAt": "2031-03-12T20:00:00Z"}
        made(owner, f"/api/staff/{staff}/time-off", off)

        response = owner.post("/api/session-series", body)

        assert code_of(response) == (409, "SLOT_UNAVAILABLE")
        assert response.get_json()["conflicts"] == [
            {"date": "2031-03-10", "startAt": "2031-03-10T12:30:00Z", "reason": "booked"},
            {"date": "2031-03-12", "startAt": "2031-03-12T12:30:00Z", "reason": "time_off"},
        ]
        assert [one["id"] for one in listed(owner, "/api/sessions")] == [blocking["id"]]
        assert len(made(owner, "/api/session-series", {**body, "count": 2})["sessions"]) == 2


class TestItsLength:
    def test_is_at_most_200(self, owner: Business) -> None:
        every = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "startTime": "06:00"}
        service, staff = str(new_class_service(owner)), create_staff(owner)["id"]
        body = {"serviceId": service, **every, "from": "2031-01-01", "staffId": staff}
        response = owner.post("/api/session-series", {**body, "until": "2031-07-20"})
        assert code_of(response) == (400, "VALIDATION_ERROR")
        assert [fault["field"] for fault in response.get_json()["errors"]] == ["until"]
        assert len(made(owner, "/api/session-series", {**body, "until": "2031-07-19"})["sessions"]) == 200

    def test_is_at_least_one(self, owner: Business) -> None:
        body = {"serviceId": str(new_class_service(owner)), "days": ["mon"], "startTime": "18:00"}
        response = owner.post("/api/session-series", {**body, "from": "2031-03-04", "until": "2031-03-09"})
        assert code_of(response) == (400, "VALIDATION_ERROR")
        assert [fault["field"] for fault in response.get_json()["errors"]] == ["days"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"count": 201}, "count"),
            ({"count": 0}, "count"),
            ({"until": "2031-04-01"}, "until"),
            ({"count": None}, "count"),
            ({"until": "2031-03-02", "count": ...}, "until"),
            ({"until": "2031-02-31", "count": ...}, "until"),
            ({"from": "0000-01-01"}, "from"),
            ({"from": ...}, "from"),
            ({"days": []}, "days"),
            ({"days": ["monday"]}, "days.0"),
            ({"days": ["mon"] * 8}, "days"),
            ({"startTime": "24:00"}, "startTime"),
            ({"startTime": "6pm"}, "startTime"),
            ({"capacity": 10**9}, "capacity"),
            ({"capacity": 0}, "capacity"),
            ({"seriesId": "x"}, "seriesId"),
        ],
    )
    def test_and_all_else_is_asked_for_properly(
        self, resident: Business, change: dict[str, Any], field: str
    ) -> None:
        body = {"serviceId": "0190a6f2-7c3e-7000-8000-000000000002", **EVENING, **change}
        body = {name: value for name, value in body.items() if value is not ...}
        response = resident.post("/api/session-series", body)
        assert response.status_code == 400, response.get_data(as_text=True)
        assert field in [fault["field"] for fault in response.get_json()["errors"]]
