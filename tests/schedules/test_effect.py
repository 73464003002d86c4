"""What hours are for: bookings are made in them alone."""

from datetime import datetime

import pytest

from tests.factories.callers import Business
from tests.schedules.hours import add
from tests.schedules.shops import Shop

TUESDAY, WEDNESDAY = "2027-03-02", "2027-03-03"
ADDRESSES = ("person", "place")


@pytest.fixture
def shop(owner: Business) -> Shop:
    """One in India."""
    return Shop(owner)


def booked(shop: Shop, day: str, *clocks: str) -> list[bool]:
    """Tell for each of some local times whether an hour from then on can be booked."""
    found = []
    for clock in clocks:
        response = shop.books(datetime.fromisoformat(f"{day}T{clock}:00+05:30"), shop.owner)
        code = (response.json or {}).get("code")
        assert (response.status_code, code) in ((201, None), (409, "OUTSIDE_HOURS"))
        found.append(code is None)
    return found


def give(shop: Shop, address: str, week: dict[str, list[list[str]]], timezone: str | None = None) -> None:
    body = {"week": week, "timezone": timezone}
    response = shop.owner.call("PUT", f"{shop.owners[address]}/schedule", body)
    assert response.status_code == 200, response.get_data(as_text=True)


@pytest.mark.parametrize("address", ADDRESSES)
class TestHours:
    def test_of_a_week_are_kept_to(self, shop: Shop, address: str) -> None:
        give(shop, address, {"tue": [["10:00", "14:00"], ["22:00", "02:00"]]})
        clocks = ("09:30", "10:00", "13:00", "13:30", "23:30")
        assert booked(shop, TUESDAY, *clocks) == [False, True, True, False, True]
        assert booked(shop, WEDNESDAY, "01:00", "02:00", "10:00") == [True, False, False]

    def test_are_those_of_their_own_time_zone(self, shop: Shop, address: str) -> None:
        give(shop, address, {"tue": [["10:00", "11:00"]]}, timezone="Asia/Dubai")
        assert booked(shop, TUESDAY, "10:00", "11:30") == [False, True]

    def test_that_were_removed_bind_no_longer(self, shop: Shop, address: str) -> None:
        give(shop, address, {})
        assert booked(shop, TUESDAY, "10:00") == [False]
        assert shop.owner.delete(f"{shop.owners[address]}/schedule").status_code == 204
        assert booked(shop, TUESDAY, "10:00") == [True]

    def test_of_a_date_replace_those_of_its_weekday(self, shop: Shop, address: str) -> None:
        give(shop, address, {"tue": [["10:00", "14:00"]]})
        exception = {"date": TUESDAY, "windows": [["16:00", "17:00"]]}
        path = f"{shop.owners[address]}/exceptions"
        id_ = add(shop.owner, path, exception)["id"]
        assert booked(shop, TUESDAY, "10:00", "16:00") == [False, True]
        assert shop.owner.delete(f"{path}/{id_}").status_code == 204
        assert booked(shop, TUESDAY, "10:00") == [True]

    def test_hold_no_time_off(self, shop: Shop, address: str) -> None:
        off = {"startAt": f"{TUESDAY}T10:30:00+05:30", "endAt": f"{TUESDAY}T11:00:00+05:30"}
        path = f"{shop.owners[address]}/time-off"
        id_ = add(shop.owner, path, off)["id"]
        assert booked(shop, TUESDAY, "09:00", "10:00", "11:00") == [True, False, True]
        assert shop.owner.delete(f"{path}/{id_}").status_code == 204
        assert booked(shop, TUESDAY, "10:00") == [True]


class TestWhoWorksSomewhere:
    def test_works_when_both_are_open(self, shop: Shop) -> None:
        give(shop, "place", {"tue": [["10:00", "14:00"]]})
        give(shop, "person", {"tue": [["12:00", "18:00"]]})
        assert booked(shop, TUESDAY, "11:00", "12:00", "14:00") == [False, True, False]
