"""Second factors under two transactions at once: the second one waits, and then sees what the first did."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Role
from mbs.foundation.sealing import Sealer
from mbs.second_factor.models import new_recovery_codes
from mbs.second_factor.repository import SecondFactorRepository
from tests.auth.conftest import Sql
from tests.conftest import SECRETS
from tests.factories.callers import Business
from tests.second_factor.enrolment import Enrolment, enrol

Work = Callable[[SecondFactorRepository, Enrolment], Any]

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def enrolled(owner: Business) -> Enrolment:
    return enrol(owner)


def in_turn(enrolled: Enrolment, sql: Sql, first: Work, second: Work) -> tuple[Any, Any]:
    """Commit the first piece of work when the second one waits for it; return what both gave."""
    person, outcome = enrolled.person, []

    def run_second() -> None:
        with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
            outcome.append(second(repository(transaction), enrolled))

    thread = threading.Thread(target=run_second, daemon=True)
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        done = first(repository(transaction), enrolled)
        thread.start()
        deadline = time.monotonic() + 0.8
        while sql(WAITING) == [(0,)] and time.monotonic() < deadline:
            time.sleep(0.01)
    thread.join(10)
    return done, outcome[0]


def repository(transaction: Any) -> SecondFactorRepository:
    return SecondFactorRepository(transaction, Sealer([SECRETS["SESSION_SECRET"]]))


def accept(code: str) -> Work:
    return lambda factors, enrolled: factors.accept(enrolled.person.user_id, code, at=SystemClock().now())


def renew(factors: SecondFactorRepository, enrolled: Enrolment) -> bool:
    return factors.replace_recovery_codes(enrolled.person.user_id, new_recovery_codes())


def remove(factors: SecondFactorRepository, enrolled: Enrolment) -> bool:
    return factors.remove(enrolled.person.user_id)


def codes_left(enrolled: Enrolment, sql: Sql) -> int:
    statement = "SELECT count(*) FROM recovery_codes WHERE user_id = %s"
    return int(sql(statement, enrolled.person.user_id)[0][0])


class TestACode:
    def test_shown_twice_at_once_is_right_once(self, enrolled: Enrolment, sql: Sql) -> None:
        code = enrolled.code()
        assert in_turn(enrolled, sql, accept(code), accept(code)) == (True, False)

    def test_for_recovery_shown_twice_at_once_is_right_once(self, enrolled: Enrolment, sql: Sql) -> None:
        code = enrolled.recovery_codes[0]
        assert in_turn(enrolled, sql, accept(code), accept(code)) == (True, False)


class TestRecoveryCodes:
    def test_are_not_made_for_a_factor_that_is_going(self, enrolled: Enrolment, sql: Sql) -> None:
        assert in_turn(enrolled, sql, remove, renew) == (True, False)
        assert codes_left(enrolled, sql) == 0

    def test_go_with_a_factor_even_when_just_made(self, enrolled: Enrolment, sql: Sql) -> None:
        assert in_turn(enrolled, sql, renew, remove) == (True, True)
        assert codes_left(enrolled, sql) == 0
