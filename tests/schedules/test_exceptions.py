"""/api/{staff,resources,locations}/{id}/exceptions."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.schedules.schemas import EXCEPTION_EXAMPLE, ScheduleExceptionView
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.schedules.hours import KINDS, add, made

NOBODY = "0198a1b2-c3d4-7000-8000-000000000001"


@pytest.fixture
def address(owner: Business) -> str:
    """The exceptions of somebody who works for the owner."""
    return f"{made(owner, 'staff')}/exceptions"


def dates(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    return [one["date"] for one in (response.json or {})["data"]]


@pytest.mark.parametrize("kind", KINDS)
class TestAnException:
    def test_is_kept_as_the_document_describes_it(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)

        response = owner.post(f"{of}/exceptions", EXCEPTION_EXAMPLE)

        body = response.json
        assert body is not None
        assert (response.status_code, response.headers["ETag"]) == (201, '"1"')
        assert response.headers["Location"] == f"{of}/exceptions/{body['id']}"
        id_ = of.rpartition("/")[2]
        assert body == {
            **EXCEPTION_EXAMPLE,
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "resourceId": id_ if kind != "locations" else None,
            "locationId": id_ if kind == "locations" else None,
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
        }
        assert differences(ScheduleExceptionView(), body) == []
        read = owner.get(response.headers["Location"])
        assert (read.json, read.headers["ETag"]) == (body, '"1"')
        assert owner.get(f"{of}/exceptions").get_json()["data"] == [body]

    def test_is_one_a_date(self, owner: Business, kind: str) -> None:
        of, other = made(owner, kind), made(owner, kind)
        christmas = {"date": "2026-12-25", "windows": []}
        add(owner, f"{of}/exceptions", christmas)
        boxing = add(owner, f"{of}/exceptions", {**christmas, "date": "2026-12-26"})
        add(owner, f"{other}/exceptions", christmas)

        for again in (
            owner.post(f"{of}/exceptions", {**christmas, "windows": [["10:00", "14:00"]]}),
            owner.patch(f"{of}/exceptions/{boxing['id']}", {"date": "2026-12-25"}),
        ):
            assert (again.status_code, (again.json or {})["code"]) == (409, "CONFLICT")
            assert "for this date" in (again.json or {})["detail"]
        assert dates(owner.get(f"{of}/exceptions")) == ["2026-12-25", "2026-12-26"]

    def test_changes_and_goes_for_whoever_saw_it_last(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)
        before = add(owner, f"{of}/exceptions", EXCEPTION_EXAMPLE)
        path = f"{of}/exceptions/{before['id']}"

        after = owner.patch(path, {"windows": [["22:00", "02:00"], ["10:00", "14:00"]], "reason": None}).json

        assert after is not None
        changed = {"windows": [["10:00", "14:00"], ["22:00", "02:00"]], "reason": None, "version": 2}
        assert after == {**before, **changed, "updatedAt": after["updatedAt"]}
        late = {"If-Match": '"1"'}
        assert owner.patch(path, {"reason": "Late"}, headers=late).status_code == 412
        assert owner.delete(path, headers=late).status_code == 412
        assert owner.get(path, headers={"If-None-Match": '"2"'}).status_code == 304
        assert owner.delete(path, headers={"If-Match": '"2"'}).status_code == 204
        assert {owner.get(path).status_code, owner.delete(path).status_code} == {404}
        # The date is free again.
        add(owner, f"{of}/exceptions", EXCEPTION_EXAMPLE)

    def test_tells_the_trail(self, owner: Business, kind: str) -> None:
        of = made(owner, kind)
        id_ = add(owner, f"{of}/exceptions", EXCEPTION_EXAMPLE)["id"]
        owner.patch(f"{of}/exceptions/{id_}", {"date": "2026-12-24", "reason": "Christmas"})
        owner.delete(f"{of}/exceptions/{id_}")

        events = events_of(owner, id_)

        assert [event.type for event in events] == [
            f"schedule_exception.{past}" for past in ("created", "updated", "deleted")
        ]
        assert [event.data["object"]["on_date"] for event in events] == ["2026-12-25", *["2026-12-24"] * 2]
        assert [event.data["previous"] for event in events] == [{}, {"on_date": "2026-12-25"}, {}]

    def test_of_another_owner_is_not_there(
        self, owner: Business, business: Callable[..., Business], kind: str
    ) -> None:
        stranger = business()
        mine, other, foreign = made(owner, kind), made(owner, kind), made(stranger, kind)
        theirs = add(stranger, f"{foreign}/exceptions", EXCEPTION_EXAMPLE)["id"]
        others = add(owner, f"{other}/exceptions", EXCEPTION_EXAMPLE)["id"]
        places = [
            *(f"{mine}/exceptions/{id_}" for id_ in (theirs, others, NOBODY)),
            *(f"{foreign}/exceptions/{id_}" for id_ in (theirs, NOBODY)),
            f"/api/{kind}/{NOBODY}/exceptions/{others}",
        ]
        for method, body in (("GET", None), ("PATCH", {"reason": "Mine"}), ("DELETE", None)):
            answers = [owner.call(method, path, body) for path in places]
            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1
        for of in (foreign, f"/api/{kind}/{NOBODY}"):
            assert owner.get(f"{of}/exceptions").status_code == 404
            assert owner.post(f"{of}/exceptions", EXCEPTION_EXAMPLE).status_code == 404
        assert owner.get(f"{other}/exceptions/{others}").get_json()["version"] == 1


class TestInput:
    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({"date": "2026-02-31"}, ["date"]),
            ({"date": "31/02/2026"}, ["date"]),
            ({"date": "0000-01-01"}, ["date"]),
            ({"date": "1899-12-31"}, ["date"]),
            ({"date": "2200-01-01"}, ["date"]),
            ({"date": "2026-12-25T00:00:00Z"}, ["date"]),
            ({"date": "2026-W52-5"}, ["date"]),
            ({"date": "٢٠٢٦-١٢-٢٥"}, ["date"]),
            ({"date": 20261225}, ["date"]),
            ({"date": None}, ["date"]),
            ({"windows": [["10:00", "14:00"], ["13:00", "15:00"]]}, ["windows.1"]),
            ({"windows": [["14:00", "13:00"], ["15:00", "16:00"]]}, ["windows.1"]),
            ({"windows": [["10:00", "25:00"]]}, ["windows.0.1"]),
            ({"windows": [["10:00", "14:00"]] * 21}, ["windows"]),
            ({"windows": None}, ["windows"]),
            ({"reason": ""}, ["reason"]),
            ({"reason": "x" * 501}, ["reason"]),
            ({"weekday": "mon"}, ["weekday"]),
            ({"version": 1, "id": NOBODY}, ["version", "id"]),
        ],
    )
    def test_is_refused_by_the_name_of_the_field(
        self, resident: Business, body: dict[str, Any], fields: list[str]
    ) -> None:
        path = f"/api/staff/{NOBODY}/exceptions"
        sent = [resident.post(path, {**EXCEPTION_EXAMPLE, **body})]
        sent.append(resident.patch(f"{path}/{NOBODY}", body))
        for response in sent:
            assert (response.status_code, (response.json or {})["code"]) == (400, "VALIDATION_ERROR")
            assert sorted(one["field"] for one in (response.json or {})["errors"]) == sorted(fields)

    def test_needs_a_date_and_windows_even_if_none(self, resident: Business) -> None:
        response = resident.post(f"/api/staff/{NOBODY}/exceptions", {})
        assert [one["field"] for one in response.get_json()["errors"]] == ["date", "windows"]
        assert resident.patch(f"/api/staff/{NOBODY}/exceptions/{NOBODY}", {}).status_code == 400

    def test_is_repeated_under_its_key_once_and_rehearsed_without_a_trace(
        self, owner: Business, address: str
    ) -> None:
        dry = owner.post(f"{address}?dryRun=true", EXCEPTION_EXAMPLE)
        assert (dry.status_code, dry.headers["Dry-Run"]) == (201, "true")
        key = {"Idempotency-Key": "christmas"}
        answers = [owner.post(address, EXCEPTION_EXAMPLE, headers=key) for _ in range(2)]
        assert answers[0].json == answers[1].json
        assert dates(owner.get(address)) == ["2026-12-25"]


class TestTheList:
    def test_runs_by_date_in_pages(self, owner: Business, address: str) -> None:
        for day in (3, 1, 5, 2, 4):
            add(owner, address, {"date": f"2026-12-0{day}", "windows": []})
        found, cursor = [], ""
        for _ in range(3):
            page = owner.get(f"{address}?limit=2&includeTotal=true{cursor}")
            found.append(dates(page))
            assert page.get_json()["pagination"]["total"] == 5
            cursor = f"&cursor={page.get_json()['pagination']['nextCursor']}"
        assert found == [["2026-12-01", "2026-12-02"], ["2026-12-03", "2026-12-04"], ["2026-12-05"]]
        assert dates(owner.get(f"{address}?limit=2&sortOrder=desc")) == ["2026-12-05", "2026-12-04"]

    @pytest.mark.parametrize(
        ("query", "days"),
        [
            ("from=2026-12-02", [2, 3]),
            ("to=2026-12-02", [1, 2]),
            ("from=2026-12-02&to=2026-12-02", [2]),
            ("from=2026-12-04", []),
        ],
    )
    def test_is_narrowed_to_dates_both_included(
        self, owner: Business, address: str, query: str, days: list[int]
    ) -> None:
        for day in (1, 2, 3):
            add(owner, address, {"date": f"2026-12-0{day}", "windows": []})
        assert dates(owner.get(f"{address}?{query}")) == [f"2026-12-0{day}" for day in days]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=2026-12-02&to=2026-12-01", "to"),
            ("from=2026-02-31", "from"),
            ("to=0000-01-01", "to"),
            ("sortBy=reason", "sortBy"),
            ("date=2026-12-25", "date"),
        ],
    )
    def test_refuses_other_questions(self, resident: Business, query: str, field: str) -> None:
        response = resident.get(f"/api/staff/{NOBODY}/exceptions?{query}")
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == [field]

    def test_takes_no_cursor_of_another_owner(self, owner: Business, address: str) -> None:
        for day in (1, 2):
            add(owner, address, {"date": f"2026-12-0{day}", "windows": []})
        cursor = owner.get(f"{address}?limit=1").get_json()["pagination"]["nextCursor"]
        other = owner.get(f"{made(owner, 'staff')}/exceptions?limit=1&cursor={cursor}")
        assert (other.status_code, other.get_json()["code"]) == (400, "INVALID_CURSOR")
