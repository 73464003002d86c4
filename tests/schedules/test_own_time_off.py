"""Who may only write time off of their own: the person of the staff who they are."""

from typing import Any

import pytest

from tests.factories.callers import Business
from tests.factories.teams import colleague_with, member_of
from tests.schedules.hours import add, made

WEEK = {"startAt": "2026-08-03T00:00:00Z", "endAt": "2026-08-10T00:00:00Z"}


def person_of(owner: Business, colleague: Business, kind: str = "staff") -> str:
    """Make a colleague somebody whose time can be booked; return that person's address."""
    member = member_of(owner, colleague).rpartition("/")[2]
    id_ = made(owner, "staff", memberId=member).rpartition("/")[2]
    return f"/api/{kind}/{id_}"


def written(caller: Business, address: str, time_off: str) -> set[int]:
    """Return the statuses of everything that writes time off."""
    path = f"{address}/time-off"
    return {
        caller.post(path, WEEK).status_code,
        caller.patch(f"{path}/{time_off}", {"reason": "Mine"}).status_code,
        caller.delete(f"{path}/{time_off}").status_code,
    }


class TestStaff:
    @pytest.mark.parametrize("kind", ["staff", "resources"])
    def test_write_their_own(self, owner: Business, kind: str) -> None:
        staff = owner.colleague("staff")
        path = f"{person_of(owner, staff, kind)}/time-off"
        made_one: Any = add(staff, path, WEEK)
        assert staff.patch(f"{path}/{made_one['id']}", {"reason": "Leave"}).status_code == 200
        assert staff.delete(f"{path}/{made_one['id']}").status_code == 204

    def test_find_nobody_else_s_to_write_but_read_them(self, owner: Business) -> None:
        staff, other = owner.colleague("staff"), owner.colleague("staff")
        person_of(owner, staff)
        addresses = [person_of(owner, other), made(owner, "staff"), made(owner, "resources")]
        for address in addresses:
            time_off = add(owner, f"{address}/time-off", WEEK)["id"]
            assert written(staff, address, time_off) == {404}
            shown = staff.get(f"{address}/time-off/{time_off}")
            assert (shown.status_code, (shown.json or {})["version"]) == (200, 1)

    def test_close_no_place(self, owner: Business) -> None:
        place = made(owner, "locations")
        time_off = add(owner, f"{place}/time-off", WEEK)["id"]
        assert written(owner.colleague("staff"), place, time_off) == {403}
        assert written(owner.colleague("manager"), place, time_off) == {403}

    def test_are_none_without_a_person(self, owner: Business) -> None:
        address = made(owner, "staff")
        assert written(owner.colleague("staff"), address, "0198a1b2-c3d4-7000-8000-000000000001") == {404}


class TestOthers:
    def test_write_everybody_s_who_may(self, owner: Business) -> None:
        manager, address = owner.colleague("manager"), person_of(owner, owner.colleague("staff"))
        path = f"{address}/time-off"
        id_ = add(manager, path, WEEK)["id"]
        assert manager.patch(f"{path}/{id_}", {"reason": "Leave"}).status_code == 200
        assert manager.delete(f"{path}/{id_}").status_code == 204

    def test_are_refused_who_may_not(self, owner: Business) -> None:
        address = person_of(owner, owner.colleague("staff"))
        time_off = add(owner, f"{address}/time-off", WEEK)["id"]
        accountant = owner.colleague("accountant")
        assert written(accountant, address, time_off) == {403}
        assert accountant.get(f"{address}/time-off").status_code == 200

    def test_close_a_place_by_its_settings_alone(self, owner: Business) -> None:
        place = made(owner, "locations")
        janitor = colleague_with(owner, "settings:read", "settings:write")
        id_ = add(janitor, f"{place}/time-off", WEEK)["id"]
        assert janitor.delete(f"{place}/time-off/{id_}").status_code == 204
        address = made(owner, "staff")
        assert written(janitor, address, id_) == {403}
