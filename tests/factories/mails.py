"""The queue of mails, delivered to a list instead of mailboxes."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask

from mbs.config import Config
from mbs.foundation.db import Database
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.limits import NoLimits
from mbs.mail.gateways.interface import Gateway, Receipt
from mbs.mail.models import Message
from mbs.mail.service import DeliveryService
from mbs.parts import Parts
from mbs.wiring import delivery_service


@dataclass
class Mailbox:
    """A gateway that keeps what it is given; `failures` are raised first, one a mail."""

    messages: list[Message] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def send(self, message: Message) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)
        return Receipt("mailbox")

    def ready(self) -> bool:
        return True

    def to(self, address: str) -> list[Message]:
        return [message for message in self.messages if message.to == address]


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def delivery(
    environ: dict[str, str], database: Database, gateway: Gateway, clock: SetClock | None = None
) -> DeliveryService:
    """Return a worker's service over a database."""
    parts = Parts.of(Config.load(environ), database=database, throttle=NoLimits())
    service = delivery_service(parts, gateway=gateway)
    if clock is not None:
        service._clock = clock
    return service


def delivered(app: Flask, environ: dict[str, str]) -> Mailbox:
    """Deliver all that waits in an application's database."""
    mailbox = Mailbox()
    service = delivery(environ, app.extensions[EXTENSION], mailbox)
    while service.deliver_next():
        pass
    return mailbox


def token_in(message: Message) -> str:
    """Return the token that a mail's link carries."""
    found = re.search(r"#token=([A-Za-z0-9_-]+)$", message.text, re.MULTILINE)
    assert found is not None, message.text
    return found[1]
