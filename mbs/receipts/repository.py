"""Keeps reports, each once, and reads what customers said before they answered."""

from collections.abc import Collection, Iterable, Mapping
from typing import cast
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import distinct_on, insert
from uuid_utils.compat import uuid7

from mbs.consents.models import Consent
from mbs.foundation.repository import Repository
from mbs.receipts.models.reports import Report
from mbs.receipts.models.tables import MessageReceipt

About = tuple[UUID, str]
"""Customer and category."""

Standing = tuple[str, str]
"""Status and source of what was said."""


class ReceiptRepository(Repository):
    model = MessageReceipt

    def keep(self, reports: Iterable[tuple[UUID, Report]]) -> set[str]:
        """Keep reports beside their messages; return the names of those that had not come before.

        :param reports: of one provider, each with the id of its message.
        """
        rows = [
            {
                "id": uuid7(),
                "notification_id": id_,
                "provider": report.provider,
                "report": report.report,
                "status": report.status,
                "detail": report.detail,
                "at": report.at,
            }
            # In one order: of two requests with the same events one waits for the other, and not both.
            for id_, report in sorted(reports, key=lambda one: one[1].report)
        ]
        if not rows:
            return set()
        # Of the table, and the rows apart: to compile a statement of 1,600 rows takes longer than to send it.
        statement = insert(cast(Table, MessageReceipt.__table__)).on_conflict_do_nothing()
        kept = self._transaction.execute(statement.returning(MessageReceipt.report), rows)
        return set(kept.scalars())


class StandingRepository(Repository):
    """What customers said last, and how they said it."""

    model = Consent

    def last(self, customer_ids: Collection[UUID], channel: str) -> Mapping[About, Standing]:
        """Return what each customer last said about one channel."""
        about = (Consent.customer_id, Consent.category)
        statement = (
            self.select(*about, Consent.status, Consent.source)
            .where(Consent.customer_id.in_(customer_ids), Consent.channel == channel)
            .ext(distinct_on(*about))
            .order_by(*about, Consent.created_at.desc(), Consent.id.desc())
        )
        rows = self._transaction.execute(statement)
        return {(row.customer_id, row.category): (row.status, row.source) for row in rows}
