"""What customers answer on WhatsApp that says whether they want more of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mbs.receipts.models.forms import Form
from mbs.receipts.models.reports import Report

STOP = frozenset({"STOP", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START = frozenset({"START"})
PREFIX = "whatsapp:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `phone` is the number, as E.164; `wording` is what was written."""

    sid: str
    phone: str
    wants: Literal["stop", "start"]
    wording: str


def reply_of(form: Form) -> Reply | None:
    """Return what an incoming message asks for; None for anything but one of the words alone."""
    sid, sender = form.first("MessageSid", "SmsSid"), form.first("From")
    wording = form.first("Body").strip()
    word = wording.upper()
    if not sid or len(sid) > 64 or not sender.startswith(PREFIX) or word not in STOP | START:
        return None
    wants: Literal["stop", "start"] = "stop" if word in STOP else "start"
    return Reply(sid=sid, phone=sender.removeprefix(PREFIX).strip(), wants=wants, wording=wording)


def report_of(reply: Reply, *, at: datetime) -> Report:
    """Return the report as which an answer is kept, beside the last message before it."""
    return Report(
        provider="twilio",
        report=f"{reply.sid}:received",
        status=reply.wants,
        at=at,
        message_id=None,
        detail=reply.wording,
    )
