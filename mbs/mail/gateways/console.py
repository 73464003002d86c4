"""What stands in where no provider is configured: a developer's screen, or nobody."""

import sys
from typing import TextIO

from mbs.mail.gateways.http import refuse_forgery
from mbs.mail.gateways.interface import Receipt, Suppressed
from mbs.mail.models import Message


class ConsoleGateway:
    """Shows mails to a developer, who follows the links by hand."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def send(self, message: Message) -> Receipt:
        """Write a mail as text; see `interface.Gateway`."""
        refuse_forgery(message)
        head = f"-------- mail to {message.to}: {message.subject}"
        self._stream.write(f"{head}\n{message.text.rstrip()}\n{'-' * len(head)}\n")
        self._stream.flush()
        return Receipt("console")

    def ready(self) -> bool:
        """Always: the screen is there."""
        return True


class NoGateway:
    """What a deployment without a provider has: mails end here."""

    def send(self, message: Message) -> Receipt:
        """Send nothing.

        :raises Suppressed: always.
        """
        raise Suppressed("no provider is configured")

    def ready(self) -> bool:
        """Always: to say at once that there is nobody."""
        return True
