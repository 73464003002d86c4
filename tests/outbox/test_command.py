"""`mbs outbox`: what could not be handled is shown, and tried again when an operator says so."""

import json
from datetime import timedelta
from typing import Any

import pytest

from mbs.operations import outbox as command
from mbs.outbox.models import PAUSES
from tests.factories.mails import SetClock
from tests.operations.commands import run
from tests.outbox.conftest import Following, Open, Sql, poisoned_at


@pytest.fixture
def failures(
    following: Following,
    open_business: Open,
    outbox_url: str,
    sql: Sql,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two events that failed, of a follower that is mended now: the first is dead."""
    monkeypatch.setenv("DATABASE_URL", outbox_url)
    monkeypatch.setenv("APP_ENV", "test")
    for _ in range(2):
        open_business(events=1)
    broken = following(poisoned_at(1))
    broken.follow_next()
    for pause in PAUSES:
        clock.ahead += pause
        assert broken.retry_next()
    broken.follow_next()
    assert sql("SELECT status, attempts FROM event_failures ORDER BY status") == [
        ("dead", 8),
        ("retrying", 1),
    ]


@pytest.mark.usefixtures("failures")
class TestList:
    def test_shows_what_failed_and_where(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(command, "list") == 0
        shown = capsys.readouterr()
        first, second = shown.out.splitlines()
        assert [line.split()[1:4] for line in (first, second)] == [
            ["retrying", "1", "notes"],
            ["dead", "8", "notes"],
        ]
        assert "salon-" in first
        assert "DataError at service.py:" in first
        assert shown.err == "2 failed events\n"

    def test_shows_the_dead_alone_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(command, "list", "--dead", "--json") == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        (failure,) = document["failures"]
        assert (failure["status"], failure["attempts"], failure["follower"]) == ("dead", 8, "notes")
        assert document["more"] is False


@pytest.mark.usefixtures("failures")
class TestRetry:
    def test_lets_the_worker_handle_the_dead(
        self, following: Following, sql: Sql, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(command, "retry", "--dead") == 0
        assert capsys.readouterr().out == "1 failed events of 1 businesses are tried again\n"
        mended = following()
        assert mended.retry_next()
        assert sql("SELECT seq FROM effects") == [(1,)]
        assert sql("SELECT status, attempts FROM event_failures") == [("retrying", 1)]

    def test_gives_those_that_wait_their_turn_at_once(
        self, following: Following, sql: Sql, clock: SetClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clock.ahead = timedelta(seconds=1)
        assert run(command, "retry", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {"retried": 2, "businesses": 2}
        mended = following()
        assert [mended.retry_next() for _ in range(3)] == [True, True, False]
        assert sql("SELECT 1 FROM event_failures") == []

    def test_lets_it_fail_as_often_as_at_first(self, following: Following, sql: Sql, clock: SetClock) -> None:
        assert run(command, "retry", "--dead") == 0
        broken = following(poisoned_at(1))
        assert broken.retry_next()
        assert ("retrying", 1) in sql("SELECT status, attempts FROM event_failures")
        assert sql("SELECT 1 FROM event_failures WHERE status = 'dead'") == []
