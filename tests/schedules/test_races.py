"""Time off and bookings made at once: one of them sees the other. Of two first schedules one is the first."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import Business, Caller, new_business
from tests.schedules.hours import TUESDAY, made
from tests.schedules.shops import Shop

ROUNDS = 10
FIRST = datetime(2027, 3, 2, 6, tzinfo=UTC)
HOURS = 4
REFUSALS = {"OUTSIDE_HOURS", "SLOT_UNAVAILABLE"}


@pytest.fixture
def racer(wide_app: Flask) -> Business:
    """A business that is not counted, so that it may try often."""
    return new_business(Caller(wide_app))


def at_once(racer: Business, calls: Sequence[Callable[[Caller], TestResponse]]) -> list[TestResponse]:
    """Make all calls at the same moment and return their answers in the same order."""
    start = Barrier(len(calls))

    def make(call: Callable[[Caller], TestResponse]) -> TestResponse:
        caller = Caller(racer.app, token=racer.token, address=racer.address)
        start.wait()
        return call(caller)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def code(response: TestResponse) -> str:
    return str((response.json or {}).get("code", ""))


def closes(shop: Shop, owner: str, start: datetime, force: bool, caller: Caller) -> TestResponse:
    end = start + timedelta(hours=HOURS)
    body = {"startAt": start.isoformat(), "endAt": end.isoformat(), "force": force}
    return caller.post(f"{shop.owners[owner]}/time-off", body)


class TestTimeOff:
    @pytest.mark.parametrize("owner", ["person", "room of the chair", "place"])
    @pytest.mark.parametrize("force", [False, True])
    def test_and_bookings_made_at_once_see_one_another(
        self, racer: Business, owner: str, force: bool
    ) -> None:
        shop, closed = Shop(racer), 0
        for number in range(ROUNDS):
            start = FIRST + timedelta(days=number)
            wishes = [partial(shop.books, start + timedelta(hours=hour)) for hour in range(HOURS)]

            time_off, *answers = at_once(racer, [partial(closes, shop, owner, start, force), *wishes])

            made_ones = {(one.json or {})["id"] for one in answers if one.status_code == 201}
            assert {code(one) for one in answers if one.status_code != 201} <= REFUSALS
            if time_off.status_code == 201:
                closed += 1
                # Without force it is made where nothing stands, with it over all that stands in the end.
                assert {one["bookingId"] for one in (time_off.json or {})["bookings"]} == made_ones
                assert force or not made_ones
                assert code(shop.books(start, racer)) in REFUSALS
            else:
                assert (time_off.status_code, code(time_off), force) == (409, "IN_USE", False)
                assert {one["bookingId"] for one in (time_off.json or {})["details"]} <= made_ones
                assert made_ones
        assert closed == ROUNDS or not force


class TestASchedule:
    def test_is_one_however_many_give_the_first(self, racer: Business) -> None:
        for _ in range(ROUNDS // 2):
            path = f"{made(racer, 'staff')}/schedule"
            statuses = [answer.status_code for answer in at_once(racer, [partial(give_first, path)] * 6)]
            assert statuses.count(200) == 1
            assert set(statuses) <= {200, 409, 412}
            assert racer.get(path).headers["ETag"] == '"1"'


class TestAnException:
    def test_is_one_a_date_however_many_make_it(self, racer: Business) -> None:
        for _ in range(ROUNDS // 2):
            path = f"{made(racer, 'staff')}/exceptions"
            answers = at_once(racer, [partial(close_christmas, path)] * 6)
            assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]


def give_first(path: str, caller: Caller) -> TestResponse:
    return caller.call("PUT", path, {"week": TUESDAY}, headers={"If-Match": '"0"'})


def close_christmas(path: str, caller: Caller) -> TestResponse:
    return caller.post(path, {"date": "2026-12-25", "windows": []})
