"""The words of a message, the built-in ones, and which of several languages counts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources

import orjson
from babel import Locale, UnknownLocaleError

Slot = tuple[str, str, str]
"""The key, channel and locale of words."""

LAST_RESORT = "en"
"""The language in which every message has built-in words."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says on one channel in one language; version 0 are the built-in words.

    `content_variables` says which variable stands at each place of the template that WhatsApp has approved.
    """

    channel: str
    locale: str
    body: str
    subject: str | None = None
    content_sid: str | None = None
    content_variables: Mapping[str, str] = field(default_factory=dict)
    version: int = 0


@cache
def builtin() -> Mapping[Slot, Words]:
    """Return the built-in words."""
    found = {}
    for file in resources.files("mbs.templates").joinpath("builtin").iterdir():
        locale = file.name.removesuffix(".json")
        for key, channels in orjson.loads(file.read_bytes()).items():
            for channel, words in channels.items():
                found[key, channel, locale] = Words(
                    channel=channel,
                    locale=locale,
                    subject=words.get("subject"),
                    body="\n".join(words["body"]),
                )
    return found


@lru_cache(maxsize=512)
def canonical_locale(tag: str) -> str | None:
    """Return a language tag in its usual spelling, `en-IN`; None if it names no language that is known.

    RFC 5646 section 2.1.1.
    """
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?", tag):
        return None
    language, *others = tag.lower().split("-")
    spelled = [part.title() if len(part) == 4 else part.upper() for part in others]
    try:
        Locale(language)
    except UnknownLocaleError:
        return None
    return "-".join([language, *spelled])


@lru_cache(maxsize=512)
def fallbacks(locale: str | None, usual: str) -> tuple[str, ...]:
    """Return the languages in which a message is looked for, the best first.

    The recipient's, without its last part as long as it has several (RFC 4647 section 3.4), the business's
    likewise, English.

    :param locale: the recipient's; None if it is not known.
    :param usual: the business's.
    """
    return tuple(dict.fromkeys([*_truncated(locale), *_truncated(usual), LAST_RESORT]))


def _truncated(locale: str | None) -> Iterator[str]:
    # A tag with more than language, script and region has no words of its own.
    parts = locale.split("-") if locale else []
    while parts:
        tag = canonical_locale("-".join(parts))
        if tag:
            yield tag
        parts.pop()


def best_of(own: Mapping[Slot, Words], key: str, channel: str, languages: tuple[str, ...]) -> Words:
    """Return the words that count: in each language the business's own before the built-in ones.

    :raises KeyError: if there is no such message on this channel.
    """
    for language in languages:
        words = own.get((key, channel, language)) or builtin().get((key, channel, language))
        if words:
            return words
    raise KeyError(key, channel)
