"""A provider that is away is left alone, asked once in a while, and used again when it answers."""

import threading
from contextlib import suppress

import pytest
import requests

from mbs.mail.gateways.breaker import FAILURES, LONGEST_PAUSE, PAUSE, TRIAL, Breaker
from mbs.mail.gateways.interface import Misconfigured, NotTried, RateExceeded, Refused, Unavailable


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(clock: Seconds) -> Breaker:
    return Breaker("post", now=clock)


def ask(breaker: Breaker, error: Exception | None = None) -> None:
    with breaker.asking():
        if error is not None:
            raise error


def fail(breaker: Breaker, times: int, error: Exception | None = None) -> None:
    for _ in range(times):
        with pytest.raises(Unavailable):
            ask(breaker, error or Unavailable("503"))


class TestBreaker:
    def test_opens_after_five_failures_in_a_row(self, breaker: Breaker, clock: Seconds) -> None:
        fail(breaker, FAILURES - 1)
        ask(breaker)
        fail(breaker, FAILURES - 1)
        assert breaker.ready()
        fail(breaker, 1, requests.ConnectTimeout())
        assert not breaker.ready()
        with pytest.raises(NotTried) as raised:
            ask(breaker)
        assert raised.value.retry_after == PAUSE
        clock.now += PAUSE
        assert breaker.ready()

    def test_counts_a_refused_message_as_an_answer(self, breaker: Breaker) -> None:
        fail(breaker, FAILURES - 1)
        with pytest.raises(Refused):
            ask(breaker, Refused("no such mailbox"))
        fail(breaker, FAILURES - 1)
        assert breaker.ready()

    def test_lets_one_caller_alone_try(self, breaker: Breaker, clock: Seconds) -> None:
        fail(breaker, FAILURES)
        clock.now += PAUSE
        with breaker.asking():
            assert not breaker.ready()
            with pytest.raises(NotTried):
                ask(breaker)
        ask(breaker)
        assert breaker.ready()

    def test_is_tried_every_half_minute_so_that_what_waits_goes_soon(
        self, breaker: Breaker, clock: Seconds
    ) -> None:
        fail(breaker, FAILURES)
        pauses = []
        for _ in range(6):
            started = clock.now
            while not breaker.ready():
                clock.now += 1
            pauses.append(clock.now - started)
            fail(breaker, 1)
        assert pauses == [PAUSE] * 6

    def test_learns_nothing_from_those_who_were_on_their_way(self, breaker: Breaker, clock: Seconds) -> None:
        late = [breaker.asking() for _ in range(4)]
        for one in late:
            one.__enter__()
        fail(breaker, FAILURES)
        for one in late:
            with suppress(Unavailable):
                error = Unavailable("503")
                one.__exit__(type(error), error, None)
        clock.now += PAUSE
        assert breaker.ready()

    def test_opens_at_once_for_five_minutes_when_the_service_is_refused(
        self, breaker: Breaker, clock: Seconds
    ) -> None:
        with pytest.raises(Misconfigured):
            ask(breaker, Misconfigured("401"))
        clock.now += LONGEST_PAUSE - 1
        assert not breaker.ready()
        clock.now += 1
        assert breaker.ready()

    def test_waits_as_long_as_the_provider_asks(self, breaker: Breaker, clock: Seconds) -> None:
        fail(breaker, FAILURES, RateExceeded("429", retry_after=90))
        clock.now += 89
        assert not breaker.ready()
        clock.now += 1
        assert breaker.ready()

    def test_outlives_a_trial_of_which_nobody_tells(self, breaker: Breaker, clock: Seconds) -> None:
        fail(breaker, FAILURES)
        clock.now += PAUSE
        with pytest.raises(ZeroDivisionError):
            ask(breaker, ZeroDivisionError())
        assert not breaker.ready()
        clock.now += TRIAL
        ask(breaker)

    def test_admits_one_of_many_threads(self, breaker: Breaker, clock: Seconds) -> None:
        fail(breaker, FAILURES)
        clock.now += PAUSE
        barrier, asked = threading.Barrier(8), []
        told = threading.Event()

        def work() -> None:
            barrier.wait(10)
            with suppress(NotTried), breaker.asking():
                asked.append(1)
                told.wait(10)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        while sum(thread.is_alive() for thread in threads) > 1:
            pass
        told.set()
        for thread in threads:
            thread.join(10)
        assert asked == [1]
