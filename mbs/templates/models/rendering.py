"""From words and values to what is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mbs.templates.errors import Unrenderable
from mbs.templates.models.catalog import SOMETIMES
from mbs.templates.models.page import Line, Look, marked_up, page
from mbs.templates.models.placeholders import fill, named
from mbs.templates.models.words import Words

MOST_OF_WHATSAPP = 1024
"""Characters of a template's body with its values (Meta, message templates)."""

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What no value needs: control characters, and those that turn the direction of what stands behind them."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it is sent; mails have a subject and a page, WhatsApp has content variables."""

    text: str
    subject: str | None = None
    html: str | None = None
    content_variables: Mapping[str, str] = field(default_factory=dict)


def render(words: Words, values: Mapping[str, Any], look: Look) -> Rendered:
    """Return a message.

    A line that names a variable of `SOMETIMES` without a value is left out.

    :param values: of the variables by their names; blank is missing.
    :raises Unrenderable: if another value is missing, no text remains, or WhatsApp takes no text so long.
    """
    given = {name: shown for name, value in values.items() if (shown := _clean(value))}
    lines = _lines(words.body, given)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.text for line in lines)).strip("\n")
    if words.channel == "whatsapp":
        if len(text) > MOST_OF_WHATSAPP:
            raise Unrenderable.longer_than(MOST_OF_WHATSAPP)
        places = {
            place: fill(f"{{{{{name}}}}}", _on_one_line(given, {name}))
            for place, name in words.content_variables.items()
        }
        return Rendered(text=text, content_variables=places)
    asked = words.subject or ""
    subject = fill(asked, _on_one_line(given, named(asked)))
    return Rendered(text=text, subject=subject, html=page(lines, subject, words.locale, look))


def _lines(body: str, given: Mapping[str, str]) -> list[Line]:
    lines: list[Line] = []
    left_out: set[str] = set()
    missing = named(body) - given.keys()
    if missing - SOMETIMES:
        raise Unrenderable.without(missing - SOMETIMES)
    for line in body.splitlines():
        if missing and (absent := named(line) & missing):
            left_out |= absent
            continue
        # A value may have several lines too.
        lines += map(Line, fill(line, given).split("\n"), marked_up(line, given).split("\n"))
    if not any(line.text.strip() for line in lines):
        raise Unrenderable.without(left_out)
    return lines


def _on_one_line(given: Mapping[str, str], names: set[str]) -> dict[str, str]:
    """Return values without line breaks, of which neither a mail's header nor Twilio takes any."""
    if names - given.keys():
        raise Unrenderable.without(names - given.keys())
    return {name: " ".join(given[name].split()) for name in names}


def _clean(value: Any) -> str:
    if value is None:
        return ""
    return CONTROLS.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n")).strip()
