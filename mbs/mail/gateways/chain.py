"""Several providers of which the first that is there carries a mail."""

from collections.abc import Sequence

from mbs.mail.gateways.interface import Gateway, Misconfigured, NotTried, RateExceeded, Receipt, Unavailable
from mbs.mail.models import Message


class GatewayChain:
    """The earlier ones go first."""

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        self._gateways = tuple(gateways)

    def send(self, message: Message) -> Receipt:
        """Hand a mail to the first provider that takes it; see `interface.Gateway`.

        One that refuses the mail has judged it for all; one that asks to be given less is not circumvented.
        """
        failures: list[Misconfigured | Unavailable] = []
        for gateway in self._gateways:
            try:
                return gateway.send(message)
            except RateExceeded:
                raise
            except (Misconfigured, Unavailable) as failure:
                failures.append(failure)
        raise worst(failures)

    def ready(self) -> bool:
        """Tell whether one of them may be asked now."""
        return any(gateway.ready() for gateway in self._gateways)


def worst(failures: Sequence[Misconfigured | Unavailable]) -> Misconfigured | Unavailable:
    """Return what the failures of all providers come to: while one may yet take the mail, it is not lost."""
    tried = [one for one in failures if isinstance(one, Unavailable) and not isinstance(one, NotTried)]
    if tried:
        return tried[0]
    if all(isinstance(one, Misconfigured) for one in failures):
        return failures[0]
    if all(isinstance(one, NotTried) for one in failures):
        return min(failures, key=lambda one: one.retry_after or 0.0)  # type: ignore[union-attr]
    return Unavailable("; ".join(map(str, failures)))
