"""Questions put to the words of one business."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row

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
        statement = (
            self.select()
            .distinct(*SLOT)
            .where(
                MessageTemplate.key.in_({key for key, _ in keys}),
                MessageTemplate.channel.in_({channel for _, channel in keys}),
                MessageTemplate.locale.in_({tag for chain in chains.values() for tag in chain}),
            )
            .order_by(*SLOT, MessageTemplate.version.desc())
        )
        own = own_words(self._transaction.execute(statement).all())
        return {
            (key, channel, locale): best_of(own, key, channel, chain)
            for key, channel in keys
            for locale, chain in chains.items()
        }


def own_words(rows: Collection[Row[Any]]) -> dict[Slot, Words]:
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
