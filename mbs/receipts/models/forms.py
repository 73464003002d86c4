"""Forms as Twilio sends them: a name may stand more than once, and the signature covers every value."""

from typing import Self
from urllib.parse import parse_qsl

MOST_FIELDS = 200
"""Several times what Twilio sends: who has no signature should not make the service sort 300,000 names."""


class Form(dict[str, list[str]]):
    """Fields by name, each with its values in the order in which they came."""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Return the fields of an application/x-www-form-urlencoded body.

        :raises ValueError: if it is not UTF-8, or has more than 200 fields.
        """
        form = cls()
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        return form

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field; Twilio's library asks by this name."""
        return self.get(name, [])

    def first(self, *names: str) -> str:
        """Return the first value of the first of some fields that says anything, else an empty text."""
        return next((value for name in names for value in self.getlist(name) if value), "")
