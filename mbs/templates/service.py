"""Reading, replacing and trying out words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.policies import invoicing_rules
from mbs.templates.errors import TooManyLanguages
from mbs.templates.models.catalog import CATALOG, TemplateKey
from mbs.templates.models.drafts import check
from mbs.templates.models.page import Look
from mbs.templates.models.rendering import Rendered, render
from mbs.templates.models.samples import sample_values
from mbs.templates.models.words import Slot, Words, best_of, builtin, canonical_locale, fallbacks
from mbs.templates.repository import WordsRepository, own_words
from mbs.tenants.repository import TenantRepository

MOST_LANGUAGES = 30
"""In how many a business may word one message on one channel."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The words that count in one place; `version` is of that place alone, 0 before it had any."""

    slot: Slot
    words: Words
    version: int
    newest: Row[Any] | None

    @property
    def is_own(self) -> bool:
        """Whether the place itself has words of the business's own."""
        return self.newest is not None and self.newest.body is not None


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would be sent, from which words, with which values."""

    words: Words
    is_draft: bool
    values: Mapping[str, str]
    rendered: Rendered


class TemplateService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def overview(self) -> Mapping[str, Sequence[tuple[str, str, int]]]:
        """Return for each message the channel, language and version of its words, 0 for built-in ones."""
        with self._begin(read_only=True) as transaction:
            rows = WordsRepository(transaction).all_newest()
        versions = dict.fromkeys(builtin(), 0)
        versions |= {(row.key, row.channel, row.locale): row.version for row in rows if row.is_own}
        found: dict[str, list[tuple[str, str, int]]] = {key: [] for key in CATALOG}
        for (key, channel, locale), version in sorted(versions.items()):
            # A message that a later release has dropped may have words still.
            if key in found:
                found[key].append((channel, locale, version))
        return found

    def read(self, *, key: str, channel: str, locale: str) -> Standing:
        """Return the words that count for recipients of a language.

        :raises NotFound: if there is no such message, channel or language.
        """
        _, slot = _place(key, channel, locale)
        with self._begin(read_only=True) as transaction:
            return self._standing(transaction, slot, usual=TenantRepository(transaction).own().locale)

    def versions(self, *, key: str, channel: str, locale: str, request: PageRequest) -> Page:
        """Return one page of the versions of words; one without a body took them away.

        :raises NotFound: if there is no such message, channel or language.
        """
        _, slot = _place(key, channel, locale)
        with self._begin(read_only=True) as transaction:
            return WordsRepository(transaction).search(request, slot)

    def put(self, *, key: str, channel: str, locale: str, version: int | None, **words: Any) -> Standing:
        """Put words in place of those that count, as a new version.

        :param version: the newest one that the caller saw (If-Match), 0 before there was any.
        :raises NotFound: if there is no such message, channel or language.
        :raises Invalid: if they could not be sent, or name what the message does not know.
        :raises PreconditionFailed: if there is a newer version.
        :raises TooManyLanguages: if the message has words in as many as it may.
        :raises Busy: if somebody else writes the same version.
        """
        template, slot = _place(key, channel, locale)
        written = _written(slot, words)
        check(written, template)
        # What is too long with values is told now, and not to the customer who gets nothing.
        values = sample_values(template, business="Glow Studio", locale=slot[2], currency="INR")
        render(written, values, Look("Glow Studio"))
        with self._begin() as transaction:
            newest = self._append(transaction, slot, version, written)
            self._record(transaction, "template.updated", newest)
        words_now = own_words([newest])[slot]
        return Standing(slot, words_now, newest.version, newest)

    def remove(self, *, key: str, channel: str, locale: str, version: int | None) -> None:
        """Take the business's own words away, so that those count that would without them.

        :raises NotFound: if there are none.
        :raises PreconditionFailed: if there is a newer version.
        :raises Busy: if somebody else writes the same version.
        """
        _, slot = _place(key, channel, locale)
        with self._begin() as transaction:
            newest = self._append(transaction, slot, version, None)
            self._record(transaction, "template.removed", newest)

    def preview(self, *, key: str, channel: str, locale: str, **draft: Any) -> Preview:
        """Return a message with values made up, of given words or else of those that count.

        :raises NotFound: if there is no such message, channel or language.
        :raises Invalid: if the given words could not be sent, or name what the message does not know.
        """
        template, slot = _place(key, channel, locale)
        words = None
        if draft:
            words = _written(slot, draft)
            check(words, template)
        with self._begin(read_only=True) as transaction:
            tenants = TenantRepository(transaction)
            tenant, settings = tenants.own(), tenants.settings().settings
            if words is None:
                words = self._standing(transaction, slot, usual=tenant.locale).words
        values = sample_values(template, business=tenant.name, locale=words.locale, currency=tenant.currency)
        look = Look(tenant.name, invoicing_rules(settings)["brandColor"])
        return Preview(words, bool(draft), values, render(words, values, look))

    def _standing(self, transaction: Transaction, slot: Slot, *, usual: str) -> Standing:
        key, channel, locale = slot
        languages = fallbacks(locale, usual)
        rows = WordsRepository(transaction).newest([(key, channel, tag) for tag in languages])
        here = next((row for row in rows if row.locale == locale), None)
        words = best_of(own_words(rows), key, channel, languages)
        return Standing(slot, words, here.version if here is not None else 0, here)

    def _append(
        self, transaction: Transaction, slot: Slot, version: int | None, words: Words | None
    ) -> Row[Any]:
        """Write a version of words, None to take them away, behind the newest one."""
        repository = WordsRepository(transaction)
        newest = next(iter(repository.newest([slot])), None)
        if words is None and (newest is None or newest.body is None):
            raise NotFound
        last = newest.version if newest is not None else 0
        if version is not None and version != last:
            raise PreconditionFailed
        key, channel, locale = slot
        if not last and repository.languages(key, channel) >= MOST_LANGUAGES:
            raise TooManyLanguages
        row = {"id": uuid7(), "key": key, "channel": channel, "locale": locale, "version": last + 1}
        if words is not None:
            row |= {
                "subject": words.subject,
                "body": words.body,
                "content_sid": words.content_sid,
                "content_variables": dict(words.content_variables) or None,
            }
        return repository.add(row)

    def _record(self, transaction: Transaction, type_: str, newest: Row[Any]) -> None:
        slot = {"key": newest.key, "channel": newest.channel, "locale": newest.locale}
        EventRepository(transaction).append(
            type_=type_,
            object_type="template",
            # All versions of the same words are one object.
            object_id=uuid5(transaction.tenant_id, "/".join(slot.values())),
            at=self._clock.now(),
            # Which words they are is kept with the version for good.
            data={
                "object": {**slot, "version": newest.version},
                "previous": {"version": newest.version - 1},
            },
        )


def _place(key: str, channel: str, locale: str) -> tuple[TemplateKey, Slot]:
    template, tag = CATALOG.get(key), canonical_locale(locale)
    if template is None or channel not in template.channels or tag is None:
        raise NotFound
    return template, (key, channel, tag)


def _written(slot: Slot, given: Mapping[str, Any]) -> Words:
    return Words(
        channel=slot[1],
        locale=slot[2],
        subject=given.get("subject"),
        body=given["body"].replace("\r\n", "\n").replace("\r", "\n"),
        content_sid=given.get("content_sid"),
        content_variables=given.get("content_variables") or {},
    )
