"""Questions put to consents, suppressions, preferences and usage; a batch of messages is one statement."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, func, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert
from uuid_utils.compat import uuid7

from mbs.consents.models import (
    Consent,
    ContactPreference,
    Preference,
    Suppression,
    Taken,
    UsageCounter,
    address_key,
    crossed_by,
)
from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.errors import MbsError, NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository

WITHOUT_END = 2**62
"""More than any business uses, and less than a bigint holds."""

Standing = tuple[UUID, str, str]
"""Customer, channel and category."""


class ConsentRepository(Repository):
    model = Consent
    columns = (
        Consent.id,
        Consent.customer_id,
        Consent.channel,
        Consent.category,
        Consent.status,
        Consent.source,
        Consent.wording,
        Consent.created_by,
        Consent.created_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "fk__consents__tenant_id__customer_id": NotFound,
    }

    def standing(self, customer_ids: Collection[UUID]) -> Mapping[Standing, str]:
        """Return what each customer last said about each channel and category: `granted` or `withdrawn`.

        Whoever never said anything about one is not in it.
        """
        if not customer_ids:
            return {}
        about = (Consent.customer_id, Consent.channel, Consent.category)
        statement = (
            self.select(*about, Consent.status)
            .where(Consent.customer_id.in_(customer_ids))
            .ext(distinct_on(*about))
            .order_by(*about, Consent.created_at.desc(), Consent.id.desc())
        )
        rows = self._transaction.execute(statement)
        return {(row.customer_id, row.channel, row.category): row.status for row in rows}

    def search(self, request: PageRequest, *, customer_id: UUID) -> Page:
        """Return one page of what a customer said."""
        return self.page(self.select().where(Consent.customer_id == customer_id), request)


class SuppressionRepository(Repository):
    model = Suppression
    columns = (
        Suppression.id,
        Suppression.channel,
        Suppression.address,
        Suppression.reason,
        Suppression.created_by,
        Suppression.created_at,
    )

    def among(self, channel_addresses: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of some channels and addresses, as they were given, are not written to."""
        keys = {pair: (pair[0], address_key(*pair)) for pair in channel_addresses}
        if not keys:
            return set()
        compared = (Suppression.channel, Suppression.address_key)
        statement = self.select(*compared).where(tuple_(*compared).in_(set(keys.values())))
        found = {(row.channel, row.address_key) for row in self._transaction.execute(statement)}
        return {pair for pair, key in keys.items() if key in found}

    def suppress(self, channel: str, address: str, reason: str) -> Row[Any] | None:
        """Write to an address no more; return the new row, or None if that was so already."""
        values = {
            "id": uuid7(),
            "channel": channel,
            "address": address,
            "address_key": address_key(channel, address),
            "reason": reason,
        }
        statement = insert(Suppression).values(values).on_conflict_do_nothing().returning(*self.columns)
        row: Row[Any] | None = self._transaction.execute(statement).one_or_none()
        return row

    def lift(self, channel: str, address: str, reasons: Collection[str]) -> Row[Any] | None:
        """Write to an address again that was suppressed for one of some reasons; return the row that went."""
        statement = (
            self.delete()
            .where(
                Suppression.channel == channel,
                Suppression.address_key == address_key(channel, address),
                Suppression.reason.in_(reasons),
            )
            .returning(*self.columns)
        )
        row: Row[Any] | None = self._transaction.execute(statement).one_or_none()
        return row

    def of(self, channel: str, address: str) -> Row[Any] | None:
        """Return what says that an address is not written to; None if nothing does."""
        statement = self.select().where(
            Suppression.channel == channel, Suppression.address_key == address_key(channel, address)
        )
        row: Row[Any] | None = self._transaction.execute(statement).one_or_none()
        return row

    def search(
        self,
        request: PageRequest,
        *,
        channel: str | None = None,
        reason: Collection[str] = (),
        address: str | None = None,
    ) -> Page:
        """Return one page of addresses; every filter narrows.

        :param address: in the spelling of either channel.
        """
        statement = self.select()
        if channel is not None:
            statement = statement.where(Suppression.channel == channel)
        if reason:
            statement = statement.where(Suppression.reason.in_(reason))
        if address is not None:
            keys = {address_key("email", address), address_key("whatsapp", address)}
            statement = statement.where(Suppression.address_key.in_(keys))
        return self.page(statement, request)


class PreferenceRepository(Repository):
    model = ContactPreference
    columns = (
        ContactPreference.customer_id,
        ContactPreference.timezone,
        ContactPreference.locale,
        ContactPreference.version,
        ContactPreference.created_at,
        ContactPreference.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "fk__contact_preferences__tenant_id__customer_id": NotFound,
    }

    def of(self, customer_ids: Collection[UUID]) -> Mapping[UUID, Preference]:
        """Return what some customers want; whoever never said is not in it."""
        if not customer_ids:
            return {}
        table = ContactPreference
        statement = self.select(table.customer_id, table.timezone, table.locale)
        rows = self._transaction.execute(statement.where(table.customer_id.in_(customer_ids)))
        return {row.customer_id: Preference(row.timezone, row.locale) for row in rows}

    def find(self, customer_id: UUID) -> Row[Any] | None:
        """Return what one customer wants, with its version; None if they never said."""
        statement = self.select().where(ContactPreference.customer_id == customer_id)
        row: Row[Any] | None = self._transaction.execute(statement).one_or_none()
        return row

    def put(self, customer_id: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Replace what one customer wants.

        :param version: the version the caller saw, 0 where nothing was said, or None to replace anything.
        :raises NotFound: if there is no such customer.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        changed = {**values, "version": ContactPreference.version + 1, "updated_at": func.now()}
        if version:
            here = ContactPreference.customer_id == customer_id
            seen = ContactPreference.version == version
            row = self._write(
                self.update().where(here, seen).values(changed).returning(*self.columns)
            ).one_or_none()
        else:
            new = insert(ContactPreference).values({**values, "customer_id": customer_id})
            if version is None:
                new = new.on_conflict_do_update(
                    index_elements=["tenant_id", "customer_id"], set_=changed, where=self._own()
                )
            else:
                new = new.on_conflict_do_nothing()
            row = self._write(new.returning(*self.columns)).one_or_none()
        if row is None:
            raise PreconditionFailed
        return row


class UsageRepository(Repository):
    model = UsageCounter
    columns = (UsageCounter.metric, UsageCounter.month, UsageCounter.used)

    def take(self, metric: str, month: date, n: int, most: int | None) -> Taken:
        """Count a use in the transaction of that use, up to what the plan allows; twins wait for each other.

        :param month: its first day, in UTC.
        :param n: how many are to be used, from 1.
        :param most: what the plan allows in a month; None: there is no end to it.
        """
        end = WITHOUT_END if most is None else most
        first = min(n, end)
        left = func.least(n, func.greatest(end - UsageCounter.used, 0))
        statement = (
            insert(UsageCounter)
            .values(metric=metric, month=month, used=first, granted=first)
            .on_conflict_do_update(
                index_elements=["tenant_id", "metric", "month"],
                set_={"used": UsageCounter.used + left, "granted": left},
                where=self._own(),
            )
            .returning(UsageCounter.used, UsageCounter.granted)
        )
        row = self._transaction.execute(statement).one()
        return Taken(row.granted, crossed_by(row.granted, used=row.used, most=most))

    def used(self, month: date) -> Mapping[str, int]:
        """Return what is used of each metric in a month; what never was is not in it."""
        rows = self._transaction.execute(self.select().where(UsageCounter.month == month))
        return {row.metric: row.used for row in rows}


def record_consent(transaction: Transaction, *, at: datetime, **values: Any) -> Row[Any]:
    """Write down what a customer said, and tell the trail.

    :param values: customer_id, channel, category, status, source, and the wording that was agreed to or None.
    :raises NotFound: if there is no such customer.
    """
    consent = ConsentRepository(transaction).add({**values, "id": uuid7()})
    EventRepository(transaction).append(
        type_=f"customer.consent_{consent.status}",
        object_type="customer",
        object_id=consent.customer_id,
        at=at,
        data={"object": consent._asdict(), "previous": {}},
    )
    return consent


def record_suppression(transaction: Transaction, type_: str, suppression: Row[Any], *, at: datetime) -> None:
    """Tell the trail of an address that is or is no longer suppressed.

    :param type_: suppression.added or suppression.removed.
    """
    EventRepository(transaction).append(
        type_=type_,
        object_type="suppression",
        object_id=suppression.id,
        at=at,
        data={"object": suppression._asdict(), "previous": {}},
    )
