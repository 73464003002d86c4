"""One cheap request must not cost much: time grows with the input's length, memory with its size."""

import time
import tracemalloc
from collections.abc import Callable

import pytest
from marshmallow import ValidationError

from mbs.foundation import json_input
from mbs.foundation.errors import InvalidJson
from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Text

LONG = json_input.MAXIMUM_BYTES
SECONDS = 2.0
"""A quadratic scan of these texts takes minutes."""


class Form(WireSchema):
    name = Text(maximum=200)
    notes = Text(maximum=10_000, lines=True)


def seconds_of(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


class TestParse:
    @pytest.mark.parametrize(
        "text",
        [
            b'"' + b'\\"' * (LONG // 2 - 1),
            b'"' * LONG,
            b"[" + b"[]," * (LONG // 3 - 1) + b"[]]",
            b"[" + b"1," * (LONG // 2 - 2) + b"1]",
            b"[" * LONG,
            b'{"a":' * (LONG // 5),
        ],
        ids=["open string", "quotes", "lists", "numbers", "brackets", "objects"],
    )
    def test_refuses_a_hostile_text_in_linear_time(self, text: bytes) -> None:
        def refuse() -> None:
            with pytest.raises(InvalidJson):
                json_input.parse(text)

        assert seconds_of(refuse) < SECONDS

    def test_does_not_copy_a_long_name_for_every_value_below_it(self) -> None:
        text = b'{"' + b"k" * 500_000 + b'":[' + b"0," * 9000 + b"0]}"
        tracemalloc.start()
        try:
            json_input.parse(text)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 30_000_000

    def test_refuses_a_fraction_beyond_arithmetic(self) -> None:
        with pytest.raises(InvalidJson):
            json_input.parse(b'{"amount":1e99999999999999999999}')


class TestText:
    @pytest.mark.parametrize("field", ["name", "notes"])
    @pytest.mark.parametrize("marks", [40, 5000, 250_000])
    def test_refuses_runs_of_combining_marks_before_normalizing_them(self, field: str, marks: int) -> None:
        def refuse() -> None:
            with pytest.raises(ValidationError):
                Form().load({field: "a" + "\u0300" * marks + "\u0316" * marks})

        assert seconds_of(refuse) < SECONDS

    def test_refuses_characters_that_stand_for_many(self) -> None:
        with pytest.raises(ValidationError):
            Form().load({"name": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 200})

    @pytest.mark.parametrize("name", ["नमस्ते" * 30, "Việt Nam " * 20, "straße" * 30, "각" * 200])
    def test_takes_honest_names_of_full_length_in_any_spelling(self, name: str) -> None:
        assert Form().load({"name": name})["name"]
