"""What is to be done with messages whose turn it is, in the order of domain 6: the first objection counts.

A batch costs as many statements as one message does.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.consents.models import month_of
from mbs.consents.repository import ConsentRepository, SuppressionRepository, UsageRepository
from mbs.foundation.db import Transaction
from mbs.foundation.policies import invoicing_rules, notification_rules
from mbs.mail.models import Message
from mbs.notifications.models.attempts import LEASE, MOST_ATTEMPTS
from mbs.notifications.models.quiet_hours import rest
from mbs.notifications.models.rules import RULES
from mbs.notifications.repository.eligibility import EligibilityRepository
from mbs.notifications.repository.queue import QueueRepository
from mbs.templates.errors import Unrenderable
from mbs.templates.models.catalog import CATALOG
from mbs.templates.models.page import Look
from mbs.templates.models.rendering import Rendered, render
from mbs.templates.models.words import Words
from mbs.templates.repository import WordsRepository
from mbs.tenants.models import METRIC_OF, limits_of

log = logging.getLogger("mbs.job")

Decision = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """A template that WhatsApp has approved, and what stands at its places."""

    to: str
    content_sid: str
    variables: Mapping[str, str]
    id: UUID


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that may go, and which attempt it is."""

    id: UUID
    rule: str
    channel: str
    attempts: int
    content: Message | Content


@dataclass(frozen=True, slots=True)
class Threshold:
    """That the use of something has gone past a part of what the plan allows, in percent."""

    metric: str
    used: int
    limit: int
    percent: int


@dataclass(slots=True)
class Batch:
    """What was decided; each message is either in `outgoing` or rests, or has come to its end."""

    outgoing: list[Outgoing] = field(default_factory=list)
    ended: list[tuple[Row[Any], Decision]] = field(default_factory=list)
    crossed: list[Threshold] = field(default_factory=list)


class Deciding:
    """Decides about the messages that one transaction has claimed; `configured` are channels with a provider.

    :param rows: of one business, from `QueueRepository.claim`.
    """

    def __init__(
        self, transaction: Transaction, rows: Sequence[Row[Any]], *, at: datetime, configured: Collection[str]
    ) -> None:
        self._transaction = transaction
        self._rows = rows
        self._at = at
        self._configured = configured
        self._decisions: dict[UUID, Decision] = {}
        self._starts: dict[UUID, datetime | None] = {}
        self._words: dict[UUID, tuple[Words, Rendered]] = {}
        self._queue = QueueRepository(transaction)
        self._sender = self._queue.sender()
        self._rules = notification_rules(self._sender.settings)

    def decide(self) -> Batch:
        """Decide about all of them, and write it down."""
        self._exhausted()
        self._outdated()
        self._unwelcome()
        self._suppressed()
        self._at_night()
        self._rendered()
        self._without_provider()
        crossed = self._within_plan()
        going = self._left()
        for row in going:
            words, rendered = self._words[row.id]
            self._decisions[row.id] = {
                "status": "sending",
                "due_at": self._at + LEASE,
                "subject": rendered.subject,
                "body": rendered.text,
                "template_version": words.version,
            }
        written = [{"id": id_, **decision} for id_, decision in self._decisions.items()]
        self._queue.decide(written, at=self._at)
        return Batch(
            outgoing=[self._outgoing(row) for row in going],
            ended=[
                (row, decision)
                for row in self._rows
                if (decision := self._decisions[row.id])["status"] not in ("sending", "scheduled")
            ],
            crossed=crossed,
        )

    def _left(self) -> list[Row[Any]]:
        return [row for row in self._rows if row.id not in self._decisions]

    def _end(self, row: Row[Any], status: str, reason: str | None = None, **values: Any) -> None:
        self._decisions[row.id] = {"status": status, "reason": reason, **values}

    def _exhausted(self) -> None:
        for row in self._left():
            if row.attempts >= MOST_ATTEMPTS:
                # None of them told how it ended: each took its worker along.
                self._end(row, "technical_failure", "attempts_lost")

    def _outdated(self) -> None:
        # A sample is about nothing.
        asked = [row for row in self._left() if row.audience != "test"]
        verdicts = EligibilityRepository(self._transaction).still_due(
            asked, at=self._at, switches=self._rules["rules"]
        )
        for row in asked:
            verdict = verdicts[row.id]
            self._starts[row.id] = verdict.starts_at
            if verdict.status is not None:
                self._end(row, verdict.status, verdict.reason)

    def _unwelcome(self) -> None:
        asked = {row.customer_id for row in self._left() if row.customer_id and row.audience == "customer"}
        standing = ConsentRepository(self._transaction).standing(asked)
        for row in self._left():
            if row.audience == "customer":
                said = standing.get((row.customer_id, row.channel, row.category))
                implied = row.channel == "email" and row.category == "transactional"
                if said != "granted" and not (implied and said is None):
                    self._end(row, "suppressed", "no_consent")

    def _suppressed(self) -> None:
        asked = {(row.channel, row.recipient) for row in self._left()}
        suppressed = SuppressionRepository(self._transaction).among(asked)
        for row in self._left():
            if (row.channel, row.recipient) in suppressed:
                self._end(row, "suppressed", "suppressed_address")

    def _at_night(self) -> None:
        for row in self._left():
            if row.audience == "customer":
                with self._alone(row):
                    self._rest(row)

    def _rest(self, row: Row[Any]) -> None:
        found = rest(
            self._at,
            hours=self._rules["quietHours"],
            timezone=row.timezone,
            category=row.category,
            starts_at=self._starts[row.id],
            expires_at=row.expires_at,
        )
        if found.status != "queued":
            self._end(row, found.status, due_at=found.until)

    def _rendered(self) -> None:
        wanted = {(_template(row), row.channel): row for row in self._left()}
        known = {pair for pair in wanted if pair[0] in CATALOG and pair[1] in CATALOG[pair[0]].channels}
        locales = {row.locale for row in self._left()}
        usual = self._sender.locale
        best = WordsRepository(self._transaction).best(known, locales, usual=usual) if known else {}
        look = Look(self._name(), invoicing_rules(self._sender.settings)["brandColor"])
        for row in self._left():
            words = best.get((_template(row), row.channel, row.locale))
            if words is None:
                self._end(row, "technical_failure", "no_template")
            elif row.channel == "whatsapp" and words.content_sid is None:
                self._end(row, "suppressed", "no_content_template")
            else:
                self._render(row, words, look)

    def _render(self, row: Row[Any], words: Words, look: Look) -> None:
        with self._alone(row):
            self._words[row.id] = words, render(words, {"business": look.business, **row.variables}, look)

    @contextmanager
    def _alone(self, row: Row[Any]) -> Iterator[None]:
        """End a message that cannot be dealt with; those beside it go on."""
        try:
            yield
        except Unrenderable:
            self._end(row, "technical_failure", "unrenderable")
        except Exception as error:
            about = {"event": "job.message_faulty", "notification": str(row.id), "rule": row.rule}
            log.exception("message cannot be dealt with", extra=about)
            self._end(row, "technical_failure", type(error).__name__)

    def _without_provider(self) -> None:
        for row in self._left():
            if row.channel not in self._configured:
                self._end(row, "suppressed", "provider_not_configured")

    def _within_plan(self) -> list[Threshold]:
        # Last, so that nothing is counted that does not go; and each message once, however often it is tried.
        limits, crossed = limits_of(self._sender.plan), []
        month = month_of(self._at)
        for channel, metric in METRIC_OF.items():
            fresh = [row for row in self._left() if row.channel == channel and row.template_version is None]
            if not fresh:
                continue
            most = limits[metric]
            taken = UsageRepository(self._transaction).take(metric, month, len(fresh), most)
            for row in fresh[taken.granted :]:
                self._end(row, "suppressed", "plan_limit")
            if taken.crossed:
                used = UsageRepository(self._transaction).used(month)[metric]
                crossed += [Threshold(metric, used, most or 0, percent) for percent in taken.crossed]
        return crossed

    def _name(self) -> str:
        return str(self._rules["senderName"] or self._sender.name)

    def _outgoing(self, row: Row[Any]) -> Outgoing:
        words, rendered = self._words[row.id]
        content: Message | Content
        if row.channel == "email":
            content = Message(
                row.recipient,
                rendered.subject or "",
                rendered.text,
                html=rendered.html,
                sender_name=self._name(),
                reply_to=self._rules["replyTo"],
                id=row.id,
            )
        else:
            assert words.content_sid is not None
            content = Content(row.recipient, words.content_sid, rendered.content_variables, row.id)
        return Outgoing(row.id, row.rule, row.channel, row.attempts + 1, content)


def _template(row: Row[Any]) -> str:
    rule = RULES.get(row.rule)
    # A sample is of a template itself.
    return row.rule if rule is None else rule.words
