"""The fields of the wire: each takes what it says and nothing that merely resembles it.

marshmallow's own Integer takes `1.9` and `"١٢"`, its Decimal rounds, its String keeps control
characters. Rooms use the fields below for input; tests/architecture forbids the bare ones.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields, validate

from mbs.foundation.json_input import UNSTORABLE
from mbs.foundation.keys import folded

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters but TAB, LF and CR, which belong to notes of several lines."""

INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What an identifier must not hold: white space, controls, zero-width and bidirectional marks."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)", re.ASCII
)

DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _not_blank(controls: str) -> str:
    return rf"^[^{controls}]*[^{controls}\s][^{controls}]*$"


_NOT_BLANK = {
    False: _not_blank(r"\u0000-\u001f\u007f-\u009f\u2028\u2029"),
    True: _not_blank(r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029"),
}
"""What a text looks like, for the API's document (ECMA 262), by whether it may have several lines."""


LONGEST_SPELLING = 4
"""A character of NFC is at most so many in the decomposed form in which some keyboards send it."""

LONGEST_RUN_OF_MARKS = 30
"""The limit of the Stream-Safe Text Format (Unicode Standard Annex 15, section 13)."""


def _has_long_run_of_marks(text: str) -> bool:
    if text.isascii():
        return False
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > LONGEST_RUN_OF_MARKS:
            return True
    return False


def _from_text(field: fields.Field[Any]) -> bool:
    return bool(getattr(field.root, "from_text", False))


class Text(fields.String):
    """Text of 1 to `maximum` code points in NFC, without control characters; white space at the ends is cut.

    `lines=True` allows line breaks and tabs; `pattern` is one that the whole text must match.
    """

    def __init__(
        self,
        *,
        maximum: int,
        minimum: int = 1,
        lines: bool = False,
        pattern: str | None = None,
        **kwargs: Any,
    ) -> None:
        shape = _NOT_BLANK[lines] if pattern is None else f"^{pattern}$"
        metadata = {
            "minLength": minimum,
            "maxLength": maximum,
            "pattern": shape,
            **kwargs.pop("metadata", {}),
        }
        super().__init__(metadata=metadata, **kwargs)
        self.minimum, self.maximum, self.lines = minimum, maximum, lines
        self.pattern = re.compile(pattern, re.ASCII) if pattern is not None else None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be a text.")
        if CONTROLS.search(value) or (not self.lines and re.search(r"[\t\r\n]", value)):
            raise ValidationError("Must not hold control characters.")
        # Before normalizing, whose time grows with the square of a run of combining marks.
        if len(value) > LONGEST_SPELLING * self.maximum or _has_long_run_of_marks(value):
            raise ValidationError(f"Must have {self.minimum} to {self.maximum} characters.")
        text = unicodedata.normalize("NFC", value).strip()
        if not self.minimum <= len(text) <= self.maximum:
            raise ValidationError(f"Must have {self.minimum} to {self.maximum} characters.")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise ValidationError(f"Must look like {self.metadata.get('example', self.pattern.pattern)}.")
        if not text.isascii() and len(folded(text)) > 2 * self.maximum:
            raise ValidationError("Must not hold so many characters that stand for whole words.")
        return text


class Secret(fields.String):
    """A password or token: length bounded, otherwise taken as it is, and never shown in a message."""

    def __init__(self, *, maximum: int, **kwargs: Any) -> None:
        metadata = {"maxLength": maximum, "minLength": 1, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **{"load_only": True, **kwargs})
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be a text.")
        if UNSTORABLE.search(value):
            raise ValidationError("Must not hold NUL characters.")
        if not 1 <= len(value) <= self.maximum:
            raise ValidationError(f"Must have 1 to {self.maximum} characters.")
        return value


class Int(fields.Integer):
    """A whole number between two bounds; in a query string, plain ASCII digits."""

    def __init__(self, *, minimum: int, maximum: int, **kwargs: Any) -> None:
        metadata = {"minimum": minimum, "maximum": maximum, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _from_text(self) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.minimum <= value <= self.maximum:
            raise ValidationError(f"Must be a whole number from {self.minimum} to {self.maximum}.")
        return value


class Flag(fields.Boolean):
    """`true` or `false`, and nothing that merely resembles them; in a query string, those two words."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if _from_text(self) and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class Instant(fields.DateTime):
    """An instant of RFC 3339, offset at most 14 hours, between the years 1900 and 2200; UTC in Python."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not INSTANT.fullmatch(value):
            raise ValidationError("Must be an instant with an offset, like 2026-03-01T04:30:00Z.")
        try:
            instant = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValidationError("There is no such date or time.") from None
        # Compared before converting: near year 1 and 9999 the conversion itself overflows.
        if not EARLIEST - timedelta(days=1) <= instant <= LATEST + timedelta(days=1):
            raise ValidationError("Must lie between the years 1900 and 2200.")
        instant = instant.astimezone(UTC)
        if not EARLIEST <= instant < LATEST:
            raise ValidationError("Must lie between the years 1900 and 2200.")
        return instant


class Day(fields.Date):
    """A date of the calendar, `2026-03-01`, between the years 1900 and 2199."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"examples": ["2026-03-01"], **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not DATE.fullmatch(value):
            raise ValidationError("Must be a date, like 2026-03-01.")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such date.") from None
        if not EARLIEST.date() <= day < LATEST.date():
            raise ValidationError("Must lie between the years 1900 and 2200.")
        return day


class Id(fields.UUID):
    """The id of an object, a UUID in its usual spelling."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if not isinstance(value, str) or len(value) != 36:
            raise ValidationError("Must be an id.")
        try:
            return UUID(value)
        except ValueError:
            raise ValidationError("Must be an id.") from None


class EmailAddress(fields.Email):
    """An e-mail address as typed, at most 254 characters, well-formed (no DNS look-up)."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"maxLength": 254, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)
        self.validators = [v for v in self.validators if not isinstance(v, validate.Email)]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or len(value) > 254:
            raise ValidationError("Must be an e-mail address.")
        address = value.strip(" ")
        if INVISIBLE.search(address):
            raise ValidationError("Must be an e-mail address.")
        try:
            validate_email(unicodedata.normalize("NFKC", address), check_deliverability=False)
        except EmailNotValidError:
            raise ValidationError("Must be an e-mail address.") from None
        return address


class PhoneNumber(fields.String):
    """A phone number in international form (`+91 98765 43210`), kept as E.164 (`+919876543210`)."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "phone", "maxLength": 32, "examples": ["+91 98765 43210"]}
        super().__init__(metadata={**metadata, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        message = "Must be a phone number with its country code, like +919876543210."
        if not isinstance(value, str) or not re.fullmatch(r"\+[0-9 ().-]{5,31}", value):
            raise ValidationError(message)
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            raise ValidationError(message) from None
        if not phonenumbers.is_possible_number(number):
            raise ValidationError(message)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Choice(fields.String):
    """One word of a closed list."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        super().__init__(metadata={"enum": list(words), **kwargs.pop("metadata", {})}, **kwargs)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValidationError(f"Must be one of: {', '.join(self.words)}.")
        return value


class Choices(fields.String):
    """A query parameter that names one or more words of a closed list: `status=active,archived`."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        pattern = "|".join(words)
        metadata = {"pattern": f"^({pattern})(,({pattern}))*$", "maxLength": 500}
        default = kwargs.get("load_default")
        if default:
            metadata["default"] = ",".join(default)
        elif default is not None:
            # No words are no text that the pattern allows, so they are not documented as the default.
            kwargs["load_default"] = list
        metadata |= kwargs.pop("metadata", {})
        super().__init__(metadata=metadata, **kwargs)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:  # type: ignore[override]
        chosen = value.split(",") if isinstance(value, str) else []
        if not chosen or not set(chosen) <= set(self.words):
            raise ValidationError(f"Must be one or more of: {', '.join(self.words)}; separated by commas.")
        return sorted(set(chosen))


MOST_TAGS = 20


class Tags(fields.List[Any]):
    """Up to 20 different words of at most 40 characters; a repeated one counts once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Text(maximum=40), validate=validate.Length(max=MOST_TAGS), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))
