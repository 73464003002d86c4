"""The page of a mail: one fixed layout, made of lines of text, that mail programs show alike.

Plain blocks with their style beside them; no scripts, no style sheets, nothing that is loaded from elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from babel import Locale, UnknownLocaleError

from mbs.templates.models.placeholders import PLACEHOLDER

WEB = re.compile(r"https?://[^\s<>\"]+")
COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
DEFAULT_COLOR = "#1F3A5F"
FONTS = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

PAGE = """\
<!DOCTYPE html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{subject}</title>
</head>
<body style="margin:0;padding:0;background:#F3F4F6;">
<div lang="{language}" dir="{direction}" style="max-width:600px;margin:0 auto;padding:24px 12px;\
font-family:{fonts};font-size:16px;line-height:1.5;color:#1F2937;text-align:{side};">
<div style="padding:18px 24px;background:{color};color:{ink};font-size:18px;font-weight:bold;\
overflow-wrap:break-word;">{business}</div>
<div style="padding:16px 24px;background:#FFFFFF;overflow-wrap:break-word;">
{paragraphs}
</div>
</div>
</body>
</html>
"""
PARAGRAPH = '<p style="margin:8px 0 16px;">{}</p>'
VALUE = "<bdi>{}</bdi>"
"""Whatever way a value is written in, it leaves the words around it where they are (HTML, `bdi`)."""

LINK = '<a href="{0}" style="color:#1D4ED8;text-decoration:underline;">{0}</a>'


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Look:
    """Who writes, and in which color, #RRGGBB; None: the usual one."""

    business: str
    color: str | None = None


def page(lines: Sequence[Line], subject: str, locale: str, look: Look) -> str:
    """Return the page of a mail. An empty line parts paragraphs."""
    direction = writing_direction(locale)
    color = look.color if look.color and COLOR.fullmatch(look.color) else DEFAULT_COLOR
    return PAGE.format(
        language=escape(locale),
        direction=direction,
        side="right" if direction == "rtl" else "left",
        subject=escape(subject),
        business=escape(look.business),
        color=color,
        ink=readable_on(color),
        fonts=FONTS,
        paragraphs="\n".join(_paragraphs(lines)),
    )


def marked_up(line: str, values: Mapping[str, str]) -> str:
    """Return a line of words with its values as HTML, in one pass. Only the value of an address is a link."""

    def shown(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        is_link = match.group(1).endswith("Url") and WEB.fullmatch(value)
        if is_link:
            return LINK.format(escape(value))
        # Each line by itself, for a page's lines are parted afterwards.
        return "\n".join(VALUE.format(line) if line else "" for line in escape(value).split("\n"))

    # Escaping leaves the placeholders as they are.
    return PLACEHOLDER.sub(shown, escape(line))


@lru_cache(maxsize=512)
def writing_direction(locale: str) -> str:
    """Return `rtl` for languages that are written from right to left, else `ltr`."""
    try:
        order = Locale.parse(locale, sep="-").character_order
    except (UnknownLocaleError, ValueError):
        return "ltr"
    return "rtl" if order == "right-to-left" else "ltr"


def readable_on(color: str) -> str:
    """Return black or white, whichever stands out more from a color (WCAG 2.2, relative luminance)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#FFFFFF"


def _paragraphs(lines: Sequence[Line]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.text.strip():
            paragraphs[-1].append(line.html)
        else:
            paragraphs.append([])
    return [PARAGRAPH.format("<br>\n".join(paragraph)) for paragraph in paragraphs if paragraph]
