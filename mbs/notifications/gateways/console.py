"""What stands in where WhatsApp is not configured: a developer's screen, or nobody."""

import sys
from collections.abc import Mapping
from typing import TextIO
from uuid import UUID

from mbs.mail.gateways.interface import Receipt, Suppressed


class ConsoleWhatsApp:
    """Shows messages to a developer."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def send(self, to: str, content_sid: str, variables: Mapping[str, str], id_: UUID) -> Receipt:
        """Write which template goes to whom, with what in it."""
        said = "".join(f"  {number}: {value!r}\n" for number, value in variables.items())
        self._stream.write(f"-------- WhatsApp to {to!r}: template {content_sid}\n{said}")
        self._stream.flush()
        return Receipt("console")

    def ready(self) -> bool:
        """Always: the screen is there."""
        return True


class NoWhatsApp:
    """What a deployment without Twilio has: messages end here."""

    def send(self, to: str, content_sid: str, variables: Mapping[str, str], id_: UUID) -> Receipt:
        """Send nothing.

        :raises Suppressed: always.
        """
        raise Suppressed("no provider is configured")

    def ready(self) -> bool:
        """Always: to say at once that there is nobody."""
        return True
