"""What a customer's STOP and START do, in every business that has written to the number."""

from mbs.consents.models import CATEGORIES
from mbs.consents.repository import SuppressionRepository, record_consent, record_suppression
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.notifications.models.recipients import digest_of
from mbs.notifications.repository.receipts import MessageFinder, ReportedRepository
from mbs.receipts.models.replies import Reply, report_of
from mbs.receipts.repository import ReceiptRepository, StandingRepository

CHANNEL = "whatsapp"


class Answering:
    """Applies one answer: a transaction for each business, so that none waits for another's."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def apply(self, reply: Reply) -> None:
        """Withdraw consent, or give back what such an answer has withdrawn; once, however often it comes."""
        recipient = digest_of(CHANNEL, reply.phone)
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            tenant_ids = MessageFinder(transaction).written_to(recipient)
        for tenant_id in tenant_ids:
            with self._begin(Role.IDENTITY) as transaction:
                transaction.enter_tenant(tenant_id)
                self._apply(transaction, reply, recipient)

    def _apply(self, transaction: Transaction, reply: Reply, recipient: str) -> None:
        messages = ReportedRepository(transaction)
        latest = messages.lock_latest_to(recipient)
        if latest is None:
            return
        # Read behind the lock: of two answers the one that is applied last is the one said last.
        now = self._clock.now()
        if not ReceiptRepository(transaction).keep([(latest, report_of(reply, at=now))]):
            return
        customer_ids = messages.customers_of(recipient)
        last = StandingRepository(transaction).last(customer_ids, CHANNEL)
        suppressions = SuppressionRepository(transaction)
        if reply.wants == "stop":
            row, change = suppressions.suppress(CHANNEL, reply.phone, "unsubscribed"), "suppression.added"
            said = [
                (id_, category)
                for id_ in customer_ids
                for category in CATEGORIES
                # Marketing that nobody asked for is not withdrawn: START would allow it.
                if (category == "transactional" or (id_, category) in last)
                and last.get((id_, category), ("granted",))[0] == "granted"
            ]
        else:
            row, change = suppressions.lift(CHANNEL, reply.phone, ("unsubscribed",)), "suppression.removed"
            said = [about for about, standing in last.items() if standing == ("withdrawn", "reply")]
        if row is not None:
            record_suppression(transaction, change, row, at=now)
        for customer_id, category in sorted(said):
            record_consent(
                transaction,
                at=now,
                customer_id=customer_id,
                channel=CHANNEL,
                category=category,
                status="withdrawn" if reply.wants == "stop" else "granted",
                source="reply",
                wording=reply.wording,
                created_at=now,
            )
