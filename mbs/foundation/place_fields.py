"""The fields of the wire that name places: postal addresses, and the world's lists of countries and such."""

from collections.abc import Callable
from functools import partial
from typing import Any

from babel import Locale, UnknownLocaleError
from marshmallow import ValidationError, fields

from mbs.foundation import territories
from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Text


class Listed(fields.String):
    """One word of a list of the world's, which is read when it is first needed."""

    def __init__(self, words: Callable[[], frozenset[str]], message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words, self.message = words, message

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.words():
            raise ValidationError(self.message)
        return value

    def describe(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Document the words."""
        return {"enum": [*sorted(self.words()), *([None] if self.allow_none else [])]}


country = partial(
    Listed, territories.countries, "Must be the two capital letters of a country (ISO 3166-1), like IN."
)
currency = partial(
    Listed, territories.currencies, "Must be the three capital letters of a currency (ISO 4217), like INR."
)
timezone = partial(
    Listed, territories.timezones, "Must be a time zone of the tz database, like Asia/Kolkata."
)


class LanguageTag(Text):
    """A language as it is written somewhere, in the usual spelling of its tag (BCP 47): `hi`, `en-IN`."""

    def __init__(self, **kwargs: Any) -> None:
        example = {"example": "en-IN", **kwargs.pop("metadata", {})}
        pattern = "[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
        super().__init__(minimum=2, maximum=12, pattern=pattern, metadata=example, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        tag = super()._deserialize(value, attr, data, **kwargs)
        try:
            return str(Locale.parse(tag, sep="-")).replace("_", "-")
        except (ValueError, UnknownLocaleError):
            raise ValidationError("Must be a language that is written somewhere, like hi or en-IN.") from None


class Address(WireSchema):
    line1 = Text(maximum=200)
    line2 = Text(maximum=200)
    city = Text(maximum=100)
    region = Text(maximum=100)
    postal_code = Text(maximum=20)
    country = Text(maximum=2, minimum=2, pattern="[A-Z]{2}", metadata={"example": "IN"})


class AddressOrLine(fields.Nested):
    """An address, or one line of text, which becomes its `line1`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Address, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        address = super()._deserialize({"line1": value} if isinstance(value, str) else value, *args, **kwargs)
        return Address().dump(address)

    def describe(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Document both forms."""
        shapes = properties.pop("anyOf", None) or [{"$ref": properties.pop("$ref")}]
        line = Address().fields["line1"].metadata
        return {"anyOf": [*shapes, {"type": "string", **line}]}


class AddressView(WireSchema):
    line1 = fields.String()
    line2 = fields.String()
    city = fields.String()
    region = fields.String()
    postal_code = fields.String()
    country = fields.String()
