"""What a service may ask of the rate limiter without speaking HTTP."""

from typing import Protocol


class Throttle(Protocol):
    """Slows guessing at one account, and mails to one mailbox.

    Known and unknown accounts are alike; nobody is locked out for good.
    """

    def admit(self, account: str) -> None:
        """Count an attempt.

        :raises RateLimited: if there were too many.
        """

    def succeeded(self, account: str) -> None:
        """Forget the attempts, because the right password came."""

    def warns(self, account: str) -> bool:
        """Count a warning about attempts; tell whether it may go: once in 24 hours for each account."""

    def spares(self, mailbox: str) -> bool:
        """Count a mail that somebody causes; tell whether it may go: three an hour for each mailbox."""
