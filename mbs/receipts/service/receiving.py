"""The doors of the providers: who proves nothing changes nothing; whoever does is listened to once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from mbs.foundation import json_input
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.errors import Busy, Unavailable
from mbs.receipts.errors import SignatureRefused
from mbs.receipts.gateways import WRONG, ResendSignature, SendGridSignature, TwilioSignature
from mbs.receipts.models.forms import Form
from mbs.receipts.models.replies import reply_of
from mbs.receipts.models.reports import resend_report, sendgrid_reports, twilio_report
from mbs.receipts.service.answering import Answering
from mbs.receipts.service.recording import Recorder

log = logging.getLogger("mbs.security")

Header = Callable[[str], str | None]
"""Returns what a request's header of a name says."""

MOST_VALUES = 100_000
"""In the events of one request, which SendGrid makes as large as 768 kB."""


class ReceiptService:
    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        twilio: TwilioSignature,
        sendgrid: SendGridSignature,
        resend: ResendSignature,
    ) -> None:
        self._clock = clock
        self._twilio = twilio
        self._sendgrid = sendgrid
        self._resend = resend
        self._recorder = Recorder(begin=begin, clock=clock)
        self._answering = Answering(begin=begin, clock=clock)

    def twilio_status(self, *, target: str, body: bytes, header: Header) -> None:
        """Take what became of a WhatsApp message.

        :param target: path and query, as they were asked for.
        :raises SignatureRefused: if it is not Twilio's.
        :raises Unavailable: if it could not be applied; Twilio may send it again.
        """
        form = self._form(target, body, header)
        asked = parse_qs(target.partition("?")[2])
        report = twilio_report(form, ours=asked.get("id", [""])[0], now=self._clock.now())
        with _asking_again():
            self._recorder.record([report] if report is not None else [])

    def twilio_inbound(self, *, target: str, body: bytes, header: Header) -> None:
        """Take what a customer writes. STOP and START change something; the rest is for nobody.

        :param target: path and query, as they were asked for.
        :raises SignatureRefused: if it is not Twilio's.
        :raises Unavailable: if it could not be applied; Twilio may send it again.
        """
        reply = reply_of(self._form(target, body, header))
        if reply is not None:
            with _asking_again():
                self._answering.apply(reply)

    def sendgrid_events(self, *, body: bytes, header: Header) -> None:
        """Take what became of mails: a list of events.

        :raises SignatureRefused: if it is not SendGrid's, or too old.
        :raises InvalidJson: if it is not JSON.
        :raises Unavailable: if it could not be applied; SendGrid sends it again.
        """
        now = self._clock.now()
        fault = self._sendgrid.fault(
            body,
            signature=header("X-Twilio-Email-Event-Webhook-Signature"),
            timestamp=header("X-Twilio-Email-Event-Webhook-Timestamp"),
            now=now,
        )
        _refuse("sendgrid", fault)
        reports = list(sendgrid_reports(json_input.parse(body, most=MOST_VALUES), now=now))
        with _asking_again():
            self._recorder.record(reports)

    def resend_event(self, *, body: bytes, header: Header) -> None:
        """Take what became of a mail.

        :raises SignatureRefused: if it is not Resend's, or too old.
        :raises InvalidJson: if it is not JSON.
        :raises Unavailable: if it could not be applied; Resend sends it again.
        """
        now, id_ = self._clock.now(), header("svix-id")
        fault = self._resend.fault(
            body,
            id_=id_,
            signatures=header("svix-signature"),
            timestamp=header("svix-timestamp"),
            now=now,
        )
        _refuse("resend", fault)
        report = resend_report(id_ or "", json_input.parse(body), now=now)
        with _asking_again():
            self._recorder.record([report] if report is not None else [])

    def _form(self, target: str, body: bytes, header: Header) -> Form:
        try:
            form = Form.parse(body)
        except ValueError:
            _refuse("twilio", WRONG)
            raise
        _refuse("twilio", self._twilio.fault(target, form, header("X-Twilio-Signature")))
        return form


def _refuse(provider: str, fault: str | None) -> None:
    if fault is not None:
        log.warning(
            "provider's signature refused",
            extra={"event": "security.signature_refused", "provider": provider, "fault": fault},
        )
        raise SignatureRefused


@contextmanager
def _asking_again() -> Iterator[None]:
    # Providers repeat after a 5xx, and take a 409 for an answer.
    try:
        yield
    except Busy as error:
        raise Unavailable("Another report is being applied; send this one again.") from error
