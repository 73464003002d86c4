"""/api/{staff,resources,locations}/{id}/time-off."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.schedules.schemas import TIME_OFF_EXAMPLE, TimeOffView, TimeOffWritten
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.schedules.hours import KINDS, add, made

NOBODY = "0198a1b2-c3d4-7000-8000-000000000001"
WEEK = {"startAt": "2026-08-02T18:30:00Z", "endAt": "2026-08-09T18:30:00Z"}


def reasons(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    return [one["reason"] for one in (response.json or {})["data"]]


@pytest.mark.parametrize("kind", KINDS)
class TestTimeOff:
    def test_is_kept_as_the_document_describes_it(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)

        response = owner.post(f"{of}/time-off", TIME_OFF_EXAMPLE)

        body = response.json
        assert body is not None
        assert (response.status_code, response.headers["ETag"]) == (201, '"1"')
        assert response.headers["Location"] == f"{of}/time-off/{body['id']}"
        id_ = of.rpartition("/")[2]
        shown = {
            **WEEK,
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "resourceId": id_ if kind != "locations" else None,
            "locationId": id_ if kind == "locations" else None,
            "reason": "Leave",
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
        }
        assert body == {**shown, "bookings": [], "bookingCount": 0}
        assert differences(TimeOffWritten(), body) == []
        read = owner.get(response.headers["Location"])
        assert (read.json, read.headers["ETag"]) == (shown, '"1"')
        assert differences(TimeOffView(), read.json) == []
        assert owner.get(f"{of}/time-off").get_json()["data"] == [shown]

    def test_changes_and_goes_for_whoever_saw_it_last(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)
        before = add(owner, f"{of}/time-off", TIME_OFF_EXAMPLE)
        path = f"{of}/time-off/{before['id']}"

        after = owner.patch(path, {"endAt": "2026-08-20T00:00:00Z", "reason": None}).json

        assert after is not None
        changed = {"endAt": "2026-08-20T00:00:00Z", "reason": None, "version": 2}
        assert after == {**before, **changed, "updatedAt": after["updatedAt"]}
        late = {"If-Match": '"1"'}
        assert owner.patch(path, {"reason": "Late"}, headers=late).status_code == 412
        assert owner.delete(path, headers=late).status_code == 412
        assert owner.get(path, headers={"If-None-Match": '"2"'}).status_code == 304
        assert owner.delete(path, headers={"If-Match": '"2"'}).status_code == 204
        assert {owner.get(path).status_code, owner.delete(path).status_code} == {404}

    def test_tells_the_trail(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)
        id_ = add(owner, f"{of}/time-off", TIME_OFF_EXAMPLE)["id"]
        owner.patch(f"{of}/time-off/{id_}", {"startAt": "2026-08-01T00:00:00Z", "force": True})
        owner.delete(f"{of}/time-off/{id_}")

        events = events_of(owner, id_)

        assert [event.type for event in events] == [
            f"time_off.{past}" for past in ("created", "updated", "deleted")
        ]
        assert [event.data["previous"].keys() for event in events] == [set(), {"starts_at"}, set()]
        assert events[2].data["object"]["version"] == 2

    def test_of_another_owner_is_not_there(
        self, owner: Business, business: Callable[..., Business], kind: str
    ) -> None:
        stranger = business()
        mine, other, foreign = made(owner, kind), made(owner, kind), made(stranger, kind)
        theirs = add(stranger, f"{foreign}/time-off", TIME_OFF_EXAMPLE)["id"]
        others = add(owner, f"{other}/time-off", TIME_OFF_EXAMPLE)["id"]
        places = [
            *(f"{mine}/time-off/{id_}" for id_ in (theirs, others, NOBODY)),
            *(f"{foreign}/time-off/{id_}" for id_ in (theirs, NOBODY)),
            f"/api/{kind}/{NOBODY}/time-off/{others}",
        ]
        for method, body in (("GET", None), ("PATCH", {"endAt": "2027-01-01T00:00:00Z"}), ("DELETE", None)):
            answers = [owner.call(method, path, body) for path in places]
            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1
        for of in (foreign, f"/api/{kind}/{NOBODY}"):
            assert owner.get(f"{of}/time-off").status_code == 404
            assert owner.post(f"{of}/time-off", TIME_OFF_EXAMPLE).status_code == 404
        assert owner.get(f"{other}/time-off/{others}").get_json()["version"] == 1


class TestInput:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"endAt": "2026-08-02T18:30:00Z"}, "endAt"),
            ({"endAt": "2026-08-02T18:29:59Z"}, "endAt"),
            ({"endAt": "2029-08-03T18:30:01Z"}, "endAt"),
            ({"startAt": "2026-02-31T10:00:00Z"}, "startAt"),
            ({"startAt": "0000-01-01T00:00:00Z"}, "startAt"),
            ({"startAt": "1899-12-31T23:59:59Z"}, "startAt"),
            ({"endAt": "2200-01-01T00:00:00Z"}, "endAt"),
            ({"startAt": "2026-08-03"}, "startAt"),
            ({"startAt": "2026-08-03T00:00:00"}, "startAt"),
            ({"startAt": 1785715200}, "startAt"),
            ({"startAt": None}, "startAt"),
            ({"reason": "x" * 501}, "reason"),
            ({"reason": "a\u0000b"}, "reason"),
            ({"force": "true"}, "force"),
            ({"force": None}, "force"),
            ({"resourceId": NOBODY}, "resourceId"),
            ({"from": "2026-08-03T00:00:00Z"}, "from"),
        ],
    )
    def test_is_refused_by_the_name_of_the_field(
        self, owner: Business, body: dict[str, Any], field: str
    ) -> None:
        path = f"{made(owner, 'staff')}/time-off"
        kept = add(owner, path, WEEK)
        for response in (owner.post(path, {**WEEK, **body}), owner.patch(f"{path}/{kept['id']}", body)):
            assert response.status_code == 400, response.get_data(as_text=True)
            assert [one["field"] for one in (response.json or {})["errors"]] == [field]
        assert [one["version"] for one in owner.get(path).get_json()["data"]] == [1]

    def test_lasts_three_years_at_most(self, owner: Business) -> None:
        path = f"{made(owner, 'staff')}/time-off"
        add(owner, path, {"startAt": "2027-01-01T00:00:00Z", "endAt": "2030-01-01T00:00:00Z"})

    def test_needs_both_ends(self, resident: Business) -> None:
        response = resident.post(f"/api/staff/{NOBODY}/time-off", {})
        assert [one["field"] for one in response.get_json()["errors"]] == ["startAt", "endAt"]

    def test_is_repeated_under_its_key_once_and_rehearsed_without_a_trace(self, owner: Business) -> None:
        path = f"{made(owner, 'staff')}/time-off"
        dry = owner.post(f"{path}?dryRun=true", WEEK)
        assert (dry.status_code, dry.headers["Dry-Run"]) == (201, "true")
        answers = [owner.post(path, WEEK, headers={"Idempotency-Key": "week"}) for _ in range(2)]
        assert answers[0].json == answers[1].json
        assert len(owner.get(path).get_json()["data"]) == 1


class TestTheList:
    @pytest.fixture
    def path(self, owner: Business) -> str:
        path = f"{made(owner, 'staff')}/time-off"
        for day in (3, 1, 2):
            span = {"startAt": f"2026-08-0{day}T00:00:00Z", "endAt": f"2026-08-0{day}T12:00:00Z"}
            add(owner, path, {**span, "reason": f"{day}"})
        return path

    def test_runs_from_the_last_in_pages(self, owner: Business, path: str) -> None:
        page = owner.get(f"{path}?limit=2&includeTotal=true")
        assert reasons(page) == ["3", "2"]
        pagination = page.get_json()["pagination"]
        assert pagination["total"] == 3
        assert reasons(owner.get(f"{path}?limit=2&cursor={pagination['nextCursor']}")) == ["1"]
        assert reasons(owner.get(f"{path}?sortOrder=asc")) == ["1", "2", "3"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("from=2026-08-02T11:59:59Z", ["3", "2"]),
            ("from=2026-08-02T12:00:00Z", ["3"]),
            ("to=2026-08-02T00:00:00Z", ["1"]),
            ("to=2026-08-02T00:00:01Z", ["2", "1"]),
            ("from=2026-08-02T05:00:00Z&to=2026-08-02T05:00:00Z", ["2"]),
        ],
    )
    def test_is_narrowed_to_what_overlaps_a_time(
        self, owner: Business, path: str, query: str, found: list[str]
    ) -> None:
        assert reasons(owner.get(f"{path}?{query}")) == found

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=2026-08-03T00:00:00Z&to=2026-08-02T00:00:00Z", "to"),
            ("from=2026-08-03", "from"),
            ("sortBy=startAt", "sortBy"),
            ("force=true", "force"),
        ],
    )
    def test_refuses_other_questions(self, resident: Business, query: str, field: str) -> None:
        response = resident.get(f"/api/staff/{NOBODY}/time-off?{query}")
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == [field]
