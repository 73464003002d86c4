"""Which of two reports about a message counts, in whatever order they come."""

from itertools import permutations

import pytest

from mbs.notifications.models.states import OPEN, RANK, moves_up
from mbs.notifications.models.tables import STATUSES

REPORTED = ("sent", "delivered", "read", "permanent_failure")


class TestTheStates:
    def test_each_have_a_rank(self) -> None:
        assert set(RANK) == set(STATUSES)

    def test_are_open_as_long_as_a_message_may_be_given_up(self) -> None:
        assert set(OPEN) < set(STATUSES)
        # What a worker has in hand is its own.
        assert "sending" not in OPEN


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
                status = reported
        assert status == "delivered"

    @pytest.mark.parametrize("status", ["suppressed", "cancelled", "expired", "technical_failure"])
    @pytest.mark.parametrize("reported", REPORTED)
    def test_says_nothing_of_what_nobody_sent(self, status: str, reported: str) -> None:
        assert not moves_up(status, reported)

    @pytest.mark.parametrize("status", ["queued", "scheduled"])
    def test_of_failure_keeps_nothing_from_going_out_anew(self, status: str) -> None:
        assert not moves_up(status, "permanent_failure")
        assert moves_up(status, "delivered")

    @pytest.mark.parametrize("reported", REPORTED)
    def test_that_comes_twice_changes_nothing(self, reported: str) -> None:
        assert not moves_up(reported, reported)
