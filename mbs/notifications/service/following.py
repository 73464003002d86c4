"""From events to messages: what each sets off at once, and what is planned or given up with its object."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.consents.repository import ConsentRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Transaction
from mbs.foundation.policies import notification_rules
from mbs.notifications.models.composing import Composer, Facts, Message, Plan
from mbs.notifications.models.rules import FAILED, INVOICE_ISSUED, INVOICE_SENT, TWICE, Rule
from mbs.notifications.models.scheduling import digest_at
from mbs.notifications.models.told import Told
from mbs.notifications.models.variables import Writer
from mbs.notifications.repository.facts import FactsRepository
from mbs.notifications.repository.planning import PlanningRepository, TrailRepository

TWINS = {INVOICE_ISSUED.key: INVOICE_SENT.key, INVOICE_SENT.key: INVOICE_ISSUED.key}
OPT_IN = ("whatsapp", "transactional")
DAY = timedelta(days=1)


class NotificationFollower:
    """Writes the messages of a batch of events of one business, with as many statements for 1 as for 100."""

    def __init__(self, *, clock: Clock, base_url: str) -> None:
        """:param base_url: of the pages on which customers look after what is theirs; "": there are none."""
        self._clock = clock
        self._base_url = base_url.rstrip("/")

    def handle(self, transaction: Transaction, events: Sequence[Row[Any]]) -> None:
        """Write what events set off; what was written before stays as it is.

        One whose data was erased sets off nothing.
        """
        told = [told for event in events if (told := Told.of(event)) is not None]
        if told:
            _Batch(transaction, told, at=self._clock.now(), pages=self._base_url).follow()


class _Batch:
    def __init__(self, transaction: Transaction, told: Sequence[Told], *, at: datetime, pages: str) -> None:
        self._transaction = transaction
        self._told = told
        self._at = at
        self._facts = FactsRepository(transaction)
        self._planning = PlanningRepository(transaction)
        # Of each object the last event that concerns it: a reminder that was due before that comes too late.
        self._touched: dict[str, dict[UUID, Told]] = {"booking": {}, "invoice": {}}
        self._composer = self._compose(pages)

    def follow(self) -> None:
        at_once: list[Message] = []
        digests: list[tuple[Told, Rule]] = []
        for told in self._told:
            for rule in self._composer.set_off(told):
                if rule.digest:
                    digests.append((told, rule))
                else:
                    at_once += self._composer.messages(told, rule)
        self._planning.write(self._without_twins(at_once))
        plans = self._plans()
        objects = [id_ for ids in self._touched.values() for id_ in ids]
        keys = [key for plan in plans for key in plan.keys]
        self._planning.give_up(objects, keep=keys, at=self._at)
        planned = [message for plan in plans for message in plan.messages]
        planned += self._digests(digests)
        # Of two that are the same the later one counts; one statement writes no row twice.
        self._planning.plan(list({one["dedupe_key"]: one for one in planned}.values()))

    def _compose(self, pages: str) -> Composer:
        business = self._facts.business()
        rules = notification_rules(business.settings)
        for told in self._told:
            self._touch("booking", _known(told.booking_id), told)
            self._touch("invoice", told.document_ids, told)
        moved = {told.moved_customer_id: told for told in self._told if told.moved_customer_id is not None}
        for one in self._planning.objects_of(_known(*moved)):
            self._touch(one.object_type, [one.object_id], moved[one.customer_id])
        facts = Facts(
            self._facts.bookings(self._touched["booking"]),
            self._facts.documents(self._touched["invoice"]),
            self._facts.payments(_known(*(told.payment_id for told in self._told))),
        )
        return Composer(
            business=business,
            rules=rules,
            welcome=self._welcome(facts) if "whatsapp" in rules["channels"] else (),
            facts=facts,
            writer=Writer(business.name, pages),
            at=self._at,
        )

    def _touch(self, kind: str, ids: Iterable[UUID], told: Told) -> None:
        for id_ in ids:
            self._touched[kind][id_] = told

    def _welcome(self, facts: Facts) -> set[UUID]:
        reachable = {row.customer_id for known in facts for row in known.values() if row.phone}
        standing = ConsentRepository(self._transaction).standing(reachable)
        return {id_ for id_ in reachable if standing.get((id_, *OPT_IN)) == "granted"}

    def _plans(self) -> Sequence[Plan]:
        known = self._composer.facts
        return [
            *(
                self._composer.booking_plan(id_, told)
                for id_, told in self._touched["booking"].items()
                if id_ in known.bookings
            ),
            *(
                self._composer.invoice_plan(id_, told)
                for id_, told in self._touched["invoice"].items()
                if id_ in known.documents and known.documents[id_].type == "invoice"
            ),
        ]

    def _without_twins(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Leave out what tells a customer a second time of an invoice that was just issued, or just sent."""
        invoices = {one["object_id"] for one in messages if one["rule"] in TWINS}
        since = self._at - TWICE
        when = {told.id: told.at for told in self._told}
        heard = {
            (row.object_id, row.rule, row.recipient_digest): self._at
            for row in self._planning.recent(invoices, rules=TWINS, since=since)
        }
        kept = []
        for one in messages:
            said, address = when[one["event_id"]], one["recipient_digest"]
            if one["rule"] in TWINS:
                before = heard.get((one["object_id"], TWINS[one["rule"]], address))
                if before is not None and said - before <= TWICE:
                    continue
                heard[one["object_id"], one["rule"], address] = said
            kept.append(one)
        return kept

    def _digests(self, news: Sequence[tuple[Told, Rule]]) -> Sequence[Message]:
        if not news:
            return ()
        owners, made = self._facts.owners(), list[Message]()
        hour, timezone = self._composer.rules["digestHour"], self._composer.business.timezone
        counts: dict[datetime, int] = {}
        for told, rule in news:
            due_at = digest_at(told.at, hour=hour, timezone=timezone)
            if rule is FAILED and due_at not in counts:
                counts[due_at] = self._count(rule, due_at)
            count = counts.get(due_at, 1)
            made += self._composer.digest(told, rule, owners, due_at=due_at, count=count)
        return made

    def _count(self, rule: Rule, due_at: datetime) -> int:
        # Counted in the trail, so that events that are followed twice count once.
        trail = TrailRepository(self._transaction)
        return trail.count(rule.key, after=due_at - DAY, until=due_at)


def _known(*ids: UUID | None) -> list[UUID]:
    return [id_ for id_ in ids if id_ is not None]
