"""What a gateway of WhatsApp promises."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from mbs.mail.gateways.interface import Receipt


class WhatsAppGateway(Protocol):
    """Threads may share it."""

    def send(self, to: str, content_sid: str, variables: Mapping[str, str], id_: UUID) -> Receipt:
        """Hand a message over; it returns or raises within 20 seconds.

        :param to: a phone number as E.164 writes it.
        :param content_sid: the template that WhatsApp has approved; no other text may begin a conversation.
        :param variables: what it leaves open: `{"1": "Jane"}`.
        :param id_: the message's own, for the log: WhatsApp has no place for it.
        :raises Suppressed: if there is no provider.
        :raises Misconfigured: if the provider refuses the service itself.
        :raises Refused: if it is no use to try again.
        :raises NotTried: if the provider was away a moment ago.
        :raises Unavailable: if it may go later.
        """

    def ready(self) -> bool:
        """Tell whether it is any use to send now; what is not sent waits in its queue meanwhile."""
