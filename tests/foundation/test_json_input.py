"""The one door for JSON. What it refuses over HTTP is in tests/contract/hostile_corpus.py."""

import contextlib
import json
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbs.foundation.errors import InvalidJson
from mbs.foundation.json_input import MAXIMUM_DEPTH, MAXIMUM_NODES, parse
from tests.contract.hostile_corpus import MALFORMED

NOT_AN_OBJECT = {"a list", "a text", "a number", "null", "true"}
"""Good JSON, which the parser takes and the API's bodies refuse."""

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)


def field_of(data: bytes) -> str:
    with pytest.raises(InvalidJson) as refused:
        parse(data)
    ((field, code),) = [(fault.field, fault.code) for fault in refused.value.errors]
    assert code == "invalid_json"
    return field


class TestParse:
    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(VALUES)
    def test_takes_what_other_programs_write(self, value: object) -> None:
        assert parse(json.dumps(value).encode()) == value
        assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value

    @pytest.mark.parametrize("name", sorted(set(MALFORMED) - NOT_AN_OBJECT))
    def test_refuses(self, name: str) -> None:
        field_of(MALFORMED[name])

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(st.binary(max_size=40) | st.text('[]{}",:\\u0d8\x00 -.e1', max_size=40).map(str.encode))
    def test_raises_nothing_but_its_own_refusal(self, data: bytes) -> None:
        with contextlib.suppress(InvalidJson):
            parse(data)

    def test_reads_fractions_exactly(self) -> None:
        assert parse(b'{"a":0.1,"b":1.10,"c":1e2}') == {
            "a": Decimal("0.1"),
            "b": Decimal("1.10"),
            "c": Decimal("1e2"),
        }

    def test_takes_integers_of_64_bits(self) -> None:
        assert parse(b"[9223372036854775807,-9223372036854775807,0,-0]") == [2**63 - 1, 1 - 2**63, 0, 0]

    def test_takes_16_levels(self) -> None:
        assert parse(b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH)
        field_of(b"[" * (MAXIMUM_DEPTH + 1) + b"]" * (MAXIMUM_DEPTH + 1))

    def test_does_not_count_brackets_in_text(self) -> None:
        text = '[[[[[[[[[[[[[[[[[[[[ \\" {{{{{{{{{{{{{{{{{{{{'

        assert parse(json.dumps([text]).encode()) == [text]

    def test_takes_10_000_values(self) -> None:
        # The list itself is one of them.
        assert parse(b"[" + b",".join([b"1"] * (MAXIMUM_NODES - 1)) + b"]")
        field_of(b"[" + b",".join([b"1"] * MAXIMUM_NODES) + b"]")

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            (b'{"a":{"b":[1,"\\u0000"]}}', "a.b.1"),
            (b'{"a":{"\\u0000":1}}', "a"),
            (b'["\\ud800"]', "0"),
            (b'{"name":1,"name":2}', "name"),
            (b'{"a\\ud800":1,"a\\ud800":2}', "a\N{REPLACEMENT CHARACTER}"),
            (b"[NaN]", "body"),
            (b"", "body"),
        ],
    )
    def test_names_the_place(self, data: bytes, field: str) -> None:
        assert field_of(data) == field

    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 1_000_000,
            b'{"a":' * 200_000,
            b'"' + b"\\" * 1_000_001,
            b"9" * 1_000_000,
            b"[" + b'"x",' * 250_000 + b"1]",
            b'{"a":"' + b"\\u00e9" * 160_000 + b'"}',
            b" " * 1_000_000,
        ],
    )
    def test_decides_within_a_second_about_a_full_body(self, data: bytes) -> None:
        began = time.perf_counter()
        with contextlib.suppress(InvalidJson):
            parse(data)
        assert time.perf_counter() - began < 1
