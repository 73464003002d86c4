"""Tables for spreadsheets."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbs.foundation.csv_tables import FORMULA, answer_table, neutralized, written


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


class TestNeutralized:
    @pytest.mark.parametrize(
        "text", ["=1+1", "+91 98765 43210", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1"]
    )
    def test_puts_an_apostrophe_in_front_of_what_begins_like_a_formula(self, text: str) -> None:
        assert neutralized(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "Jane", "1-2", "a=b", "'=1", " plain"])
    def test_leaves_other_texts_alone(self, text: str) -> None:
        assert neutralized(text) == text


class TestWritten:
    def test_quotes_what_must_be_and_ends_lines_as_the_standard_says(self) -> None:
        text = written(("name", "amount"), [('Jane "J", Ltd', Decimal("-12.50")), ("two\nlines", None)])

        assert text == 'name,amount\r\n"Jane ""J"", Ltd",-12.50\r\n"two\nlines",\r\n'

    def test_keeps_numbers_and_days_of_the_program_as_they_are(self) -> None:
        text = written(("a", "b", "c"), [(Decimal("-0.01"), -3, date(2026, 3, 1))])

        assert text.splitlines()[1] == "-0.01,-3,2026-03-01"

    @given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
    def test_is_read_back_as_it_was_written_but_for_formulas(self, rows: list[list[str]]) -> None:
        found = read(written(("a", "b"), rows))

        assert found == [["a", "b"], *([neutralized(cell) for cell in row] for row in rows)]
        assert not any(cell.startswith(FORMULA) for row in found for cell in row)


class TestAnswerTable:
    def test_is_a_file_to_save(self) -> None:
        response = answer_table("revenue-2026-03-01", ("a",), [("₹",)])

        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="revenue-2026-03-01.csv"'
        assert response.get_data() == "a\r\n₹\r\n".encode()
