"""Which state may follow which, and which of two reports counts."""

from itertools import permutations

import pytest

from mbs.notifications.models.states import DONE, NEXT, OPEN, RANK, moves_up
from mbs.notifications.models.tables import STATUSES

REPORTED = ("sent", "delivered", "read", "permanent_failure")


class TestTheStates:
    def test_are_those_of_the_table(self) -> None:
        assert set(NEXT) == set(RANK) == set(STATUSES) == {*OPEN, "sending", *DONE}
        assert {status for following in NEXT.values() for status in following} <= set(STATUSES)

    def test_lead_from_the_queue_to_every_other(self) -> None:
        reached, waiting = set[str](), ["queued"]
        while waiting:
            status = waiting.pop()
            if status not in reached:
                reached.add(status)
                waiting += NEXT[status]
        assert reached == set(STATUSES)

    @pytest.mark.parametrize("status", ["read", "technical_failure", "suppressed", "expired"])
    def test_of_which_some_are_the_end(self, status: str) -> None:
        assert not NEXT[status]

    def test_lose_nothing_that_a_worker_died_over(self) -> None:
        assert "queued" in NEXT["sending"]


class TestAReport:
    @pytest.mark.parametrize("order", list(permutations(REPORTED)), ids=" ".join)
    def test_leads_to_the_same_state_in_every_order(self, order: tuple[str, ...]) -> None:
        status = "sending"
        for reported in order:
            if moves_up(status, reported):
                status = reported
        assert status == "read"

    @pytest.mark.parametrize("order", list(permutations(REPORTED[:2] + REPORTED[3:])), ids=" ".join)
    def test_of_delivery_beats_one_of_failure(self, order: tuple[str, ...]) -> None:
        status = "sent"
        for reported in order:
            if moves_up(status, reported):
                assert reported in NEXT[status], (status, reported)
                status = reported
        assert status == "delivered"

    @pytest.mark.parametrize("status", ["suppressed", "cancelled", "expired", "technical_failure"])
    @pytest.mark.parametrize("reported", REPORTED)
    def test_says_nothing_of_what_nobody_sent(self, status: str, reported: str) -> None:
        assert not moves_up(status, reported)

    @pytest.mark.parametrize("reported", REPORTED)
    def test_that_comes_twice_changes_nothing(self, reported: str) -> None:
        assert not moves_up(reported, reported)
