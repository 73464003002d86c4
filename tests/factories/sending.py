"""Workers that send messages to lists, instead of people."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock, SystemClock
from mbs.foundation.db import Database
from mbs.foundation.scope import Scope
from mbs.mail.gateways.interface import Receipt
from mbs.mail.models import Message
from mbs.notifications.service.sending import Gateways, SendingService


@dataclass
class Outbox:
    """A gateway of both channels that keeps what it is given.

    `failures` are raised first, one a message; `during` is called with each message.
    """

    messages: list[Any] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    during: Callable[[Any], None] = lambda message: None
    is_ready: bool = True

    def send(
        self,
        message: Any,
        content_sid: str | None = None,
        variables: Mapping[str, str] | None = None,
        id_: UUID | None = None,
    ) -> Receipt:
        if not isinstance(message, Message):
            message = (message, content_sid, variables, id_)
        self.during(message)
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)
        return Receipt("recorded", f"m-{len(self.messages)}")

    def ready(self) -> bool:
        return self.is_ready

    @property
    def ids(self) -> list[UUID | None]:
        return [one.id if isinstance(one, Message) else one[3] for one in self.messages]


def sending(
    database: Database,
    email: Any,
    whatsapp: Any = None,
    *,
    clock: Clock | None = None,
    configured: Collection[str] = ("email", "whatsapp"),
    **options: Any,
) -> SendingService:
    """Return a worker's service over a database."""
    return SendingService(
        begin=partial(database.transaction, Scope(correlation_id="worker")),
        clock=clock or SystemClock(),
        gateways=Gateways(email=email, whatsapp=whatsapp or email, configured=configured),
        **options,
    )
