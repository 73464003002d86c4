"""What all providers have in common: what their answers mean, and what they are never given."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests

from mbs.mail.gateways.interface import Misconfigured, RateExceeded, Refused, Unavailable
from mbs.mail.models import Message, harmless

LONGEST_RETRY_AFTER = 4 * 3600.0
ADDRESS = re.compile(r"[^\s@<>(),;:\"\\]{1,64}@[^\s@<>(),;:\"\\]{1,255}")
PASSING = frozenset({408, 409, 425})
"""Client errors (RFC 9110) that are over when somebody asks again."""

CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
MESSAGE_ID = re.compile(r"[!-~]{1,255}")


def refuse_forgery(message: Message) -> None:
    """Refuse a mail whose parts could be more than one header, or more than one address.

    :raises Refused: if an address, name or subject holds a control character, or an address is none.
    """
    for name, address in (("to", message.to), ("reply_to", message.reply_to)):
        if address is not None and (has_controls(address) or not ADDRESS.fullmatch(address)):
            raise Refused(f"{name} is not an address")
    lines = {"subject": message.subject, "sender_name": message.sender_name or ""}
    lines |= {f"attachments.{n}": one.filename for n, one in enumerate(message.attachments)}
    for name, line in lines.items():
        if has_controls(line):
            raise Refused(f"{name} holds a control character")


def has_controls(text: str) -> bool:
    """Tell whether a text holds a control character or a separator of lines."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


def shown_name(name: str) -> str:
    """Return a sender's name as it may stand before an address: it is none itself, and closes no quotes."""
    return re.sub(r'["\\<>]', "", harmless(name)).strip()


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return an answer's JSON object; an empty one if it is anything else."""
    try:
        said = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def message_id_of(said: object) -> str | None:
    """Return what a provider calls a message; None if it is no name that one would give, or could be kept."""
    return said if isinstance(said, str) and MESSAGE_ID.fullmatch(said) else None


def raise_for(provider: str, response: requests.Response, code: object) -> None:
    """Raise what an answer means that is not the one of a success.

    :param code: what the provider calls the error; None if the answer does not look like the provider's, for
        then it is somebody's between, and tells nothing about the message.
    :raises Misconfigured: for 401 and 403.
    :raises RateExceeded: for 429.
    :raises Refused: for the other client errors, of which no repetition makes anything else.
    :raises Unavailable: for all the rest.
    """
    status, after = response.status_code, retry_after(response.headers)
    text = str(code) if code is not None and CODE.fullmatch(str(code)) else "without a code"
    reason = f"{provider} answered {status} {text}"
    if status == 429:
        raise RateExceeded(reason, retry_after=after)
    if code is not None and status in (401, 403):
        raise Misconfigured(reason)
    if code is not None and 400 <= status < 500 and status not in PASSING:
        raise Refused(reason)
    raise Unavailable(reason, retry_after=after)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait, at most four hours (RFC 9110 section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        seconds = float(text)
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
