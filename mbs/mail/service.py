"""Sending what waits: each mail is claimed and committed first, and sent with no transaction open."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role
from mbs.foundation.sealing import InvalidToken, Sealer
from mbs.mail.gateways.interface import Gateway, Misconfigured, NotTried, Refused, Suppressed, Unavailable
from mbs.mail.models import KEPT, LEASE, PAUSES, compose
from mbs.mail.repository import MailRepository

log = logging.getLogger("mbs.job")


class DeliveryService:
    """`base_url` is what every link begins with."""

    def __init__(
        self, *, begin: Begin, clock: Clock, sealer: Sealer, gateway: Gateway, base_url: str
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._sealer = sealer
        self._gateway = gateway
        self._base_url = base_url

    def deliver_next(self) -> bool:
        """Send the mail that is due longest; tell whether there was one, and somebody to send it by.

        Whoever dies in the middle leaves the mail to another worker, a minute later: it may arrive twice and
        is never lost.
        """
        if not self._gateway.ready():
            return False
        with self._begin(Role.IDENTITY) as transaction:
            mail = MailRepository(transaction, self._sealer).claim(at=self._clock.now(), lease=LEASE)
        if mail is None:
            return False
        try:
            self._send(mail)
        except Suppressed as reason:
            self._finish(mail, "suppressed", str(reason))
        except Misconfigured as reason:
            # Not this mail's fault, and somebody waits for its link: it goes once the key has been mended.
            log.error("provider refuses the service", extra=_about(mail, "job.mail_misconfigured"))
            self._postpone(mail, str(reason))
        except Refused as reason:
            self._finish(mail, "failed", str(reason))
        except NotTried as reason:
            self._give_back(mail, reason)
        except Unavailable as reason:
            self._postpone(mail, str(reason), at_least=reason.retry_after or 0.0)
        except Exception as error:
            # A fault of a gateway, or a template that only the next release knows. The text may name anybody.
            log.exception("mail not sent", extra=_about(mail, "job.mail_faulty"))
            self._postpone(mail, type(error).__name__)
        else:
            self._finish(mail, "sent")
        return True

    def forget_old(self) -> int:
        """Remove mails of more than 30 days; return how many."""
        with self._begin(Role.IDENTITY) as transaction:
            before = self._clock.now() - KEPT
            return MailRepository(transaction, self._sealer).sweep(before=before)

    def waiting(self) -> int:
        """Return how many mails wait."""
        with self._begin(Role.IDENTITY) as transaction:
            return MailRepository(transaction, self._sealer).waiting()

    def _send(self, mail: Row[Any]) -> None:
        if mail.attempts > len(PAUSES) + 1:
            raise Refused("each attempt ended its worker")
        try:
            variables = self._sealer.open(mail.sealed)
        except InvalidToken:
            raise Refused("sealed with a secret that is gone") from None
        message = compose(mail.template, variables, base_url=self._base_url)
        self._gateway.send(replace(message, id=mail.id))

    def _finish(self, mail: Row[Any], status: str, reason: str | None = None) -> None:
        with self._begin(Role.IDENTITY) as transaction:
            mails = MailRepository(transaction, self._sealer)
            mails.finish(mail.id, status=status, at=self._clock.now(), error=reason)
        level = {"sent": logging.INFO, "suppressed": logging.WARNING}.get(status, logging.ERROR)
        log.log(level, "mail finished", extra={**_about(mail, f"job.mail_{status}"), "reason": reason})

    def _give_back(self, mail: Row[Any], reason: NotTried) -> None:
        until = self._clock.now() + timedelta(seconds=reason.retry_after or 0.0)
        with self._begin(Role.IDENTITY) as transaction:
            mails = MailRepository(transaction, self._sealer)
            mails.postpone(mail.id, attempts=mail.attempts, until=until, error=str(reason), counts=False)

    def _postpone(self, mail: Row[Any], reason: str, *, at_least: float = 0.0) -> None:
        if mail.attempts > len(PAUSES):
            self._finish(mail, "failed", reason)
            return
        until = self._clock.now() + max(PAUSES[mail.attempts - 1], timedelta(seconds=at_least))
        with self._begin(Role.IDENTITY) as transaction:
            mails = MailRepository(transaction, self._sealer)
            mails.postpone(mail.id, attempts=mail.attempts, until=until, error=reason)
        log.warning("mail postponed", extra={**_about(mail, "job.mail_postponed"), "reason": reason})


def _about(mail: Row[Any], event: str) -> dict[str, Any]:
    return {"event": event, "mail": str(mail.id), "template": mail.template, "attempts": mail.attempts}
