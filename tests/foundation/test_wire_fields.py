"""The fields of the wire: each takes what it says, and nothing that merely resembles it."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from marshmallow import ValidationError, fields

from mbs.foundation.schemas import MergePatch, QuerySchema, WireSchema
from mbs.foundation.wire_fields import (
    Choice,
    Choices,
    Day,
    EmailAddress,
    Flag,
    Id,
    Instant,
    Int,
    PhoneNumber,
    Text,
)
from tests.contract.hostile_corpus import NOT_A_NUMBER, NOT_AN_INSTANT

REFUSED = object()
ID = "0198c5a2-7b1e-7c3a-9f00-3d2b8a6e4c11"


def load(field: fields.Field[Any], value: object, base: type[WireSchema] = WireSchema) -> object:
    schema = base.from_dict({"some_field": field})()
    try:
        return schema.load({"someField": value})["some_field"]
    except ValidationError as error:
        return REFUSED if list(error.messages) == ["someField"] else error


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (" a b ", "a b"),
            ("e\u0301", "\u00e9"),
            ("\N{PILE OF POO}" * 5, "\N{PILE OF POO}" * 5),
            ("a" * 6, REFUSED),
            ("", REFUSED),
            ("\u00a0", REFUSED),
            ("a\nb", REFUSED),
            ("a\x9bb", REFUSED),
            ("a\u2029b", REFUSED),
            ("\udfff", REFUSED),
            (1, REFUSED),
            (None, REFUSED),
            (b"a", REFUSED),
        ],
    )
    def test_is_one_line_in_its_normal_form(self, value: object, text: object) -> None:
        assert load(Text(maximum=5), value) == text

    def test_may_have_lines(self) -> None:
        assert load(Text(maximum=9, lines=True), "a\r\n\tb") == "a\r\n\tb"
        assert load(Text(maximum=9, lines=True), "a\x0bb") is REFUSED

    def test_may_have_a_pattern(self) -> None:
        word = Text(maximum=5, pattern="[a-z]+")
        assert (load(word, "abc"), load(word, "ab1"), load(word, "äb")) == ("abc", REFUSED, REFUSED)


class TestInt:
    @pytest.mark.parametrize("value", ["5", 5.0, 1.9, True, None, [5], 0, 11, 2**70, "٥"])
    def test_takes_nothing_but_whole_numbers_in_its_range(self, value: object) -> None:
        assert load(Int(minimum=1, maximum=10), value) is REFUSED

    def test_reads_digits_from_a_query(self) -> None:
        number = Int(minimum=-5, maximum=10)
        assert (load(number, "7", QuerySchema), load(number, "-5", QuerySchema)) == (7, -5)

    @pytest.mark.parametrize("value", [one for one in NOT_A_NUMBER if one not in ("0", "-1")])
    def test_reads_nothing_else_from_a_query(self, value: str) -> None:
        assert load(Int(minimum=-5, maximum=10), value, QuerySchema) is REFUSED


class TestFlag:
    @pytest.mark.parametrize("value", [0, 1, "yes", "True", "TRUE", "on", "1", None, [True]])
    @pytest.mark.parametrize("base", [WireSchema, QuerySchema])
    def test_takes_nothing_that_resembles_it(self, value: object, base: type[WireSchema]) -> None:
        assert load(Flag(), value, base) is REFUSED

    def test_is_a_word_in_a_query_only(self) -> None:
        assert (load(Flag(), True), load(Flag(), "true")) == (True, REFUSED)
        assert (load(Flag(), "true", QuerySchema), load(Flag(), "false", QuerySchema)) == (True, False)


class TestInstant:
    @pytest.mark.parametrize(
        ("value", "instant"),
        [
            ("2026-03-01T04:30:00Z", datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
            ("2026-03-01T10:00:00+05:30", datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
            ("2026-03-01t04:30:00.5z", datetime(2026, 3, 1, 4, 30, 0, 500_000, UTC)),
            ("2024-02-29T23:59:59-14:00", datetime(2024, 3, 1, 13, 59, 59, tzinfo=UTC)),
            ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
            ("1900-01-01T13:59:59+14:00", REFUSED),
            ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
            ("2199-12-31T23:59:59-00:01", REFUSED),
        ],
    )
    def test_is_kept_in_utc(self, value: str, instant: object) -> None:
        assert load(Instant(), value) == instant

    @pytest.mark.parametrize(
        "value", [*NOT_AN_INSTANT, 0, None, "2026-03-01T04:30:00Z\n", "2026-03-01T04:30Z"]
    )
    def test_takes_nothing_that_resembles_it(self, value: object) -> None:
        assert load(Instant(), value) is REFUSED


class TestDay:
    @pytest.mark.parametrize("value", ["1900-01-01", "2024-02-29", "2199-12-31"])
    def test_is_a_date_of_the_calendar(self, value: str) -> None:
        assert load(Day(), value) == date.fromisoformat(value)

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "0000-01-01",
                "0001-01-01",
                "1899-12-31",
                "2200-01-01",
                "2026-02-29",
                "2026-02-31",
                "2026-13-01",
            ),
            *("20260301", "2026-W09-7", "2026-3-1", "2026-03-01\n", "2026-03-01T00:00:00Z", "٢٠٢٦-٠٣-٠١"),
            *("today", "", 20260301, None),
        ],
    )
    def test_takes_nothing_that_resembles_it(self, value: object) -> None:
        assert load(Day(), value) is REFUSED


class TestId:
    def test_is_a_uuid_in_its_usual_spelling(self) -> None:
        assert load(Id(), ID) == load(Id(), ID.upper()) == UUID(ID)

    @pytest.mark.parametrize(
        "value",
        [ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", ID[:-1], f"{ID} ", "", 17, None, UUID(ID)],
    )
    def test_is_nothing_else(self, value: object) -> None:
        assert load(Id(), value) is REFUSED


class TestEmailAddress:
    @pytest.mark.parametrize(
        "address", ["Jane.O'Neil+x@Example.co.in", "иван@пошта.укр", "a@xn--exmple-cua.com"]
    )
    def test_is_kept_as_typed(self, address: str) -> None:
        assert load(EmailAddress(), f" {address} ") == address

    @pytest.mark.parametrize(
        "address",
        [
            "a@b",
            "a b@example.com",
            "a\u202e@example.com",
            "a@example.com\r\n",
            "a@[127.0.0.1]",
            '"a b"@x.com',
            1,
        ],
    )
    def test_is_one_that_mail_can_reach(self, address: object) -> None:
        assert load(EmailAddress(), address) is REFUSED


class TestPhoneNumber:
    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("+91 98765 43210", "+919876543210"),
            ("+49 (30) 123-456", "+4930123456"),
            ("+1.202.555.0143", "+12025550143"),
            ("98765 43210", REFUSED),
            ("0091 98765 43210", REFUSED),
            ("+91 98765 43210 ext. 5", REFUSED),
            ("+999 123456789", REFUSED),
            ("+9198", REFUSED),
            ("+91\n9876543210", REFUSED),
        ],
    )
    def test_is_kept_as_e164(self, value: str, number: object) -> None:
        assert load(PhoneNumber(), value) == number


class TestChoices:
    def test_is_one_word_of_the_list(self) -> None:
        assert (load(Choice("a", "b"), "a"), load(Choice("a", "b"), "c")) == ("a", REFUSED)
        assert load(Choice("a", "b"), ["a"]) is REFUSED

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("a", ["a"]),
            ("b,a,b", ["a", "b"]),
            ("", REFUSED),
            ("a,", REFUSED),
            ("a, b", REFUSED),
            (["a"], REFUSED),
        ],
    )
    def test_are_some_words_of_it(self, value: object, words: object) -> None:
        assert load(Choices("a", "b"), value, QuerySchema) == words


class TestWireSchema:
    def test_speaks_camel_case_and_takes_no_unknown_field(self) -> None:
        schema = WireSchema.from_dict({"postal_code": Text(maximum=5)})()

        assert schema.load({"postalCode": "1"}) == {"postal_code": "1"}
        for name in ("postal_code", "PostalCode", "x"):
            with pytest.raises(ValidationError):
                schema.load({name: "1"})

    def test_of_a_patch_names_a_field(self) -> None:
        schema = MergePatch.from_dict({"name": Text(maximum=5, allow_none=True)})()

        assert schema.load({"name": None}) == {"name": None}
        with pytest.raises(ValidationError):
            schema.load({})
