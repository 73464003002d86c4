"""What a gateway promises, whoever the provider and whatever the channel is.

The text of every exception here names a reason and never an address: it goes into logs and tables.
"""

from dataclasses import dataclass
from typing import Protocol

from mbs.mail.models import Message


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider has taken a message. `message_id` is the provider's own; callbacks name it."""

    provider: str
    message_id: str | None = None


class Refused(Exception):
    """The provider will never take this message."""


class Misconfigured(Refused):
    """The provider refuses the credentials or the sender, so all messages alike."""


class Suppressed(Refused):
    """There is nobody to send messages by, and that is meant."""


class Unavailable(Exception):
    """The provider does not answer, answers nonsense, or asks to come again.

    :param retry_after: seconds that the provider asks for.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RateExceeded(Unavailable):
    """The provider is well, and gets too many messages."""


class NotTried(Unavailable):
    """The provider was not asked at all, because it was away a moment ago: no attempt is used up."""


class Gateway(Protocol):
    """Threads may share it."""

    def send(self, message: Message) -> Receipt:
        """Hand a mail over; it returns or raises within 40 seconds, before another worker may try.

        :raises Suppressed: if there is no provider.
        :raises Misconfigured: if the provider refuses the service itself.
        :raises Refused: if it is no use to try again.
        :raises NotTried: if the provider was away a moment ago.
        :raises Unavailable: if it may go later.
        """

    def ready(self) -> bool:
        """Tell whether it is any use to send now; what is not sent waits in its queue meanwhile."""
