"""Questions put to the words of one business."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Row, Text, bindparam, func, true
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from mbs.foundation.errors import Busy, MbsError
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.templates.models.tables import MessageTemplate
from mbs.templates.models.words import Slot, Words, best_of, fallbacks

SLOT = (MessageTemplate.key, MessageTemplate.channel, MessageTemplate.locale)


class WordsRepository(Repository):
    model = MessageTemplate
    columns = (
        MessageTemplate.id,
        MessageTemplate.key,
        MessageTemplate.channel,
        MessageTemplate.locale,
        MessageTemplate.version,
        MessageTemplate.subject,
        MessageTemplate.body,
        MessageTemplate.content_sid,
        MessageTemplate.content_variables,
        MessageTemplate.created_by,
        MessageTemplate.created_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {"uq__message_templates__version": Busy}

    def best(
        self, keys: Collection[tuple[str, str]], locales: Collection[str | None], *, usual: str
    ) -> Mapping[tuple[str, str, str | None], Words]:
        """Return the words that count, for each key and channel in each of some languages, in one statement.

        :param keys: pairs of key and channel.
        :param locales: of the recipients; None for those whose is not known.
        :param usual: the business's.
        :raises KeyError: if there is no such message on a channel.
        """
        chains = {locale: fallbacks(locale, usual) for locale in locales}
        languages = {tag for chain in chains.values() for tag in chain}
        own = own_words(self.newest({(*pair, tag) for pair in keys for tag in languages}))
        return {
            (key, channel, locale): best_of(own, key, channel, chain)
            for key, channel in keys
            for locale, chain in chains.items()
        }

    def newest(self, slots: Collection[Slot]) -> Sequence[Row[Any]]:
        """Return the newest version of each of some words that has one, each by one look into the index."""
        if not slots:
            return ()
        parts = zip(*slots, strict=True)
        lists = [bindparam(None, list(part), type_=ARRAY(Text)) for part in parts]
        sought = func.unnest(*lists).table_valued("key", "channel", "locale", name="sought").render_derived()
        last = (
            self.select()
            .where(*(column == sought.c[column.key] for column in SLOT))
            .order_by(MessageTemplate.version.desc())
            .limit(1)
            .lateral("last")
        )
        statement = sought.join(last, true()).select().with_only_columns(*last.c)
        return self._transaction.execute(statement).all()

    def all_newest(self) -> Sequence[Row[Any]]:
        """Return key, channel, locale and version of all words that the business has, and `is_own`."""
        statement = (
            self.select(*SLOT, MessageTemplate.version, MessageTemplate.body.is_not(None).label("is_own"))
            .ext(distinct_on(*SLOT))
            .order_by(*SLOT, MessageTemplate.version.desc())
        )
        return self._transaction.execute(statement).all()

    def languages(self, key: str, channel: str) -> int:
        """Return in how many languages there have been words of the business's own."""
        statement = self.select(func.count(MessageTemplate.locale.distinct())).where(
            MessageTemplate.key == key, MessageTemplate.channel == channel
        )
        return int(self._transaction.execute(statement).scalar_one())

    def search(self, request: PageRequest, slot: Slot) -> Page:
        """Return one page of the versions of some words."""
        same = (column == value for column, value in zip(SLOT, slot, strict=True))
        return self.page(self.select().where(*same), request)


def own_words(rows: Iterable[Row[Any]]) -> dict[Slot, Words]:
    """Return the words of newest versions; of those that were taken away, none."""
    return {(row.key, row.channel, row.locale): words_of(row) for row in rows if row.body is not None}


def words_of(row: Row[Any]) -> Words:
    """Return the words of a version that has a body."""
    return Words(
        channel=row.channel,
        locale=row.locale,
        subject=row.subject,
        body=row.body,
        content_sid=row.content_sid,
        content_variables=row.content_variables or {},
        version=row.version,
    )
