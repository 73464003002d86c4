"""What `mbs worker` does: its jobs, each made of a room's service."""

from collections.abc import Callable
from dataclasses import dataclass

from mbs.events.schemas import present_event
from mbs.foundation.scope import Scope
from mbs.mail.gateways.interface import Gateway
from mbs.notifications.service.following import NotificationFollower
from mbs.notifications.service.sending import Gateways, SendingService
from mbs.outbox.models import Follower
from mbs.outbox.service import FollowingService
from mbs.parts import Parts, mail_gateway, mail_providers, own_origins, whatsapp_gateway
from mbs.printing.service import PrintQueueService
from mbs.webhooks.gateways import Receivers
from mbs.webhooks.service.delivering import WebhookDeliveryService
from mbs.webhooks.service.following import WebhookFollower
from mbs.wiring import delivery_service


def nothing() -> None:
    """Do what a job has to do that has nothing to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. `next_one` does what waits longest, and tells whether anything did.

    `promote` looks for what has become due; `tidy` removes what is old; `close` ends what is in hand.
    """

    name: str
    next_one: Callable[[], bool]
    waiting: Callable[[], int]
    promote: Callable[[], object] = nothing
    tidy: Callable[[], object] = nothing
    close: Callable[[], object] = nothing


def jobs_of(parts: Parts) -> list[Job]:
    """Return all that a worker does; what sets off other work stands before it."""
    begin, clock = parts.begin(Scope(correlation_id="worker")), parts.clock
    email = mail_gateway(parts.config)
    mails, messages = delivery_service(parts, gateway=email), sending_service(parts, email=email)
    following = FollowingService(begin=begin, clock=clock, followers=followers_of(parts))
    webhooks = webhook_delivery_service(parts)
    prints = PrintQueueService(begin=begin, clock=clock)
    return [
        Job("mails", mails.deliver_next, mails.waiting, tidy=mails.forget_old),
        Job("event batches", following.follow_next, following.waiting),
        Job("failed events", following.retry_next, following.failing),
        Job(
            "messages",
            messages.send_next,
            messages.waiting,
            messages.promote,
            messages.tidy,
            messages.close,
        ),
        Job(
            "webhooks",
            webhooks.deliver_next,
            webhooks.waiting,
            webhooks.promote,
            webhooks.tidy,
            webhooks.close,
        ),
        Job("documents", prints.print_next, prints.waiting),
    ]


def followers_of(parts: Parts) -> list[Follower]:
    """Return what is done about events."""
    base_url = own_origins(parts.config)[0]
    return [
        Follower("notifications", NotificationFollower(clock=parts.clock, base_url=base_url).handle),
        Follower(WebhookFollower.name, WebhookFollower().handle),
    ]


def sending_service(parts: Parts, *, email: Gateway) -> SendingService:
    """Return what `mbs worker` sends messages with.

    :param email: who carries mails, those about accounts too: one knows for all who is away.
    """
    config = parts.config
    # A developer's screen is a provider like any other; a deployment without one has nobody.
    by = {"email": bool(mail_providers(config)), "whatsapp": config.twilio_account_sid is not None}
    configured = frozenset(name for name, known in by.items() if known or not config.is_deployed)
    return SendingService(
        begin=parts.begin(Scope(correlation_id="worker")),
        clock=parts.clock,
        gateways=Gateways(email=email, whatsapp=whatsapp_gateway(config), configured=configured),
    )


def webhook_delivery_service(parts: Parts) -> WebhookDeliveryService:
    """Return what `mbs worker` empties the queue of webhooks with."""
    return WebhookDeliveryService(
        begin=parts.begin(Scope(correlation_id="worker")),
        clock=parts.clock,
        sealer=parts.sealer,
        receiver=Receivers(clock=parts.clock, allow_private=parts.config.webhooks_allow_private),
        present=present_event,
    )
