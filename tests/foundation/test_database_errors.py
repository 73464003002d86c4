"""What PostgreSQL's refusals mean to a caller, with refusals that PostgreSQL itself utters."""

from collections.abc import Callable

import psycopg2
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mbs.foundation.database_errors import sqlstate, translate, violated_constraint
from mbs.foundation.errors import Busy, Conflict, Invalid, InvalidReference, NotFound, Unavailable
from mbs.operations.embedded_postgres import Server
from tests.factories.log_lines import Lines

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'hunter2' USING ERRCODE = '{code}', CONSTRAINT = 'uq__x'; END $$"


@pytest.fixture(scope="module")
def refusal(server: Server) -> Callable[[str], psycopg2.Error]:
    """Return a function that makes PostgreSQL refuse with an SQLSTATE, and gives the driver's error."""
    connection = psycopg2.connect(server.url("postgres"))
    connection.autocommit = True

    def refuse(code: str) -> psycopg2.Error:
        with connection.cursor() as cursor, pytest.raises(psycopg2.Error) as refused:
            cursor.execute(RAISE.format(code=code))
        assert refused.value.pgcode == code
        return refused.value

    return refuse


MEANINGS = {
    "40001": Busy,
    "40P01": Busy,
    "55P03": Busy,
    "23503": InvalidReference,
    "23505": Conflict,
    "23P01": Conflict,
    "23514": Invalid,
    "22001": Invalid,
    "22003": Invalid,
    "22021": Invalid,
    "22P02": Invalid,
    "25006": Unavailable,
    "57014": Unavailable,
    "57P01": Unavailable,
    "57P03": Unavailable,
    "08006": Unavailable,
    "53100": Unavailable,
    "53200": Unavailable,
    "53300": Unavailable,
    "58030": Unavailable,
    "XX000": Unavailable,
}


class TestTranslate:
    @pytest.mark.parametrize("code", MEANINGS)
    def test_says_what_the_caller_can_act_on(
        self, refusal: Callable[[str], psycopg2.Error], code: str
    ) -> None:
        error = refusal(code)
        for wrapped in (error, DBAPIError.instance("SELECT 1", {}, error, psycopg2.Error)):
            translated = translate(wrapped)
            assert type(translated) is MEANINGS[code]
            assert "hunter2" not in str(translated)

    @pytest.mark.parametrize("code", ["42501", "42P01", "42703", "23502", "0A000", "25P02", "P0001"])
    def test_leaves_our_own_faults_as_they_are(
        self, refusal: Callable[[str], psycopg2.Error], log_lines: Lines, code: str
    ) -> None:
        error = refusal(code)

        assert translate(error) is error
        (line,) = log_lines()
        assert (line["level"], line["event"], line["sqlstate"]) == ("critical", "database.refused", code)
        assert "hunter2" not in str(line)

    def test_tells_us_of_a_value_that_validation_let_through(
        self, refusal: Callable[[str], psycopg2.Error], log_lines: Lines
    ) -> None:
        translate(refusal("22003"))

        assert [(line["level"], line["event"]) for line in log_lines()] == [
            ("error", "database.value_refused")
        ]

    @pytest.mark.parametrize(
        "error",
        [
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            psycopg2.InterfaceError("connection already closed"),
            PoolTimeout("QueuePool limit reached"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_takes_a_broken_connection_for_an_absent_database(self, error: Exception) -> None:
        assert type(translate(error)) is Unavailable

    def test_does_not_take_a_bug_for_an_absent_database(self) -> None:
        for error in (psycopg2.ProgrammingError("can't adapt type"), ValueError("NUL")):
            assert translate(error) is error

    def test_leaves_facts_as_they_are(self) -> None:
        fact = NotFound()
        assert translate(fact) is fact


class TestDiagnosis:
    def test_reads_code_and_constraint(self, refusal: Callable[[str], psycopg2.Error]) -> None:
        error = DBAPIError.instance("INSERT", {}, refusal("23505"), psycopg2.Error)

        assert (sqlstate(error), violated_constraint(error)) == ("23505", "uq__x")

    def test_of_another_error_is_empty(self) -> None:
        assert (sqlstate(KeyError()), violated_constraint(KeyError())) == ("", "")
