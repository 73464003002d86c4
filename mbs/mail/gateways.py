"""Who carries mails out of the house: one interface, whoever the provider is."""

import sys
from typing import Protocol, TextIO

from mbs.mail.models import Message


class Refused(Exception):
    """The provider will never take this mail. The text names the reason, never the address."""


class Suppressed(Refused):
    """There is nobody to send mails by, and that is meant."""


class Unavailable(Exception):
    """The provider does not answer, or asks to come again. The text names the reason, never the address."""


class Gateway(Protocol):
    def send(self, message: Message) -> None:
        """Hand a mail over; it must return or raise within 20 seconds, well before another worker may try.

        :raises Refused: if it is no use to try again.
        :raises Unavailable: if it may go later.
        """


class ConsoleGateway:
    """Shows mails to a developer, who follows the links by hand."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def send(self, message: Message) -> None:
        """Write a mail as text."""
        head = f"-------- mail to {message.to}: {message.subject}"
        self._stream.write(f"{head}\n{message.text}{'-' * len(head)}\n")
        self._stream.flush()


class NoGateway:
    """What a deployment without a provider has: mails end here."""

    def send(self, message: Message) -> None:
        """Send nothing.

        :raises Suppressed: always.
        """
        raise Suppressed("no provider is configured")
