"""What reports do: each is kept once, and moves its message up, whatever order they come in."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.consents.repository import SuppressionRepository, record_suppression
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.scope import TenantId
from mbs.notifications.models.states import RANK
from mbs.notifications.repository.queue import QueueRepository
from mbs.notifications.repository.receipts import SUPERSEDED, MessageFinder, Move, ReportedRepository
from mbs.receipts.models.reports import Report
from mbs.receipts.repository import ReceiptRepository

Found = Sequence[tuple[UUID, Report]]
"""Reports, each with the id of its message."""


class Recorder:
    """Applies the reports of one request: a transaction for each business of whose messages they speak."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def record(self, reports: Collection[Report]) -> None:
        """Keep and apply reports of one provider; those that came before, or speak of no message, do nothing.

        Where a business's part fails, those before it stay: their reports are known when all come again.
        """
        for tenant_id, found in self._by_tenant(reports).items():
            with self._begin(Role.IDENTITY) as transaction:
                transaction.enter_tenant(tenant_id)
                self._apply(transaction, found)

    def _by_tenant(self, reports: Collection[Report]) -> Mapping[TenantId, Found]:
        if not reports:
            return {}
        message_ids = {report.message_id for report in reports if report.message_id is not None}
        ids = {report.notification_id for report in reports if report.notification_id is not None}
        (provider,) = {report.provider for report in reports}
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            rows = MessageFinder(transaction).reported(provider, message_ids=message_ids, ids=ids)
        named = {row.provider_message_id: row for row in rows} | {row.id: row for row in rows}
        result: dict[TenantId, list[tuple[UUID, Report]]] = defaultdict(list)
        for report in reports:
            row = named.get(report.message_id or report.notification_id) or named.get(report.notification_id)
            if row is not None:
                result[TenantId(row.tenant_id)].append((row.id, report))
        return result

    def _apply(self, transaction: Transaction, found: Found) -> None:
        now = self._clock.now()
        messages = ReportedRepository(transaction)
        held = messages.lock({id_ for id_, _ in found})
        found = [(id_, report) for id_, report in found if id_ in held]
        fresh = ReceiptRepository(transaction).keep(found)
        found = [(id_, report) for id_, report in found if report.report in fresh]
        _suppress(transaction, found, held, at=now)
        moved = {
            status: messages.move_up(status, _moves(found, status), at=now)
            for status in sorted(SUPERSEDED, key=RANK.__getitem__)
        }
        arrived = {*moved["delivered"], *moved["read"]}
        failed = set(moved["permanent_failure"]) - arrived
        instead = [id_ for id_ in sorted(failed) if held[id_].fallback_channels]
        if instead:
            QueueRepository(transaction).fall_back(instead, at=now)
        needless = [
            id_
            for id_ in sorted(arrived)
            if held[id_].status == "permanent_failure" and held[id_].fallback_channels
        ]
        if needless:
            messages.call_back(needless, at=now)


def _moves(found: Found, status: str) -> Collection[Move]:
    moves: dict[UUID, Move] = {}
    for id_, report in found:
        if report.becomes == status and (id_ not in moves or report.at < moves[id_].at):
            moves[id_] = Move(
                id=id_,
                at=report.at,
                provider=report.provider,
                provider_message_id=report.message_id,
                reason=report.reason,
            )
    return moves.values()


def _suppress(transaction: Transaction, found: Found, held: Mapping[UUID, Row[Any]], *, at: datetime) -> None:
    reasons = {
        (held[id_].channel, held[id_].recipient): report.suppresses
        for id_, report in found
        if report.suppresses
    }
    for (channel, recipient), reason in sorted(reasons.items()):
        added = SuppressionRepository(transaction).suppress(channel, recipient, reason)
        if added is not None:
            record_suppression(transaction, "suppression.added", added, at=at)
