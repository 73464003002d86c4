"""What belongs to messages for each id that a path of the API can name."""

import uuid
from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business

TEMPLATES = "/api/notification-templates"
WORDS = {"subject": "See you soon, {{customer}}", "body": "{{service}}, {{startLocal}}\n\n{{business}}"}


def suppression(owner: Business) -> dict[str, str]:
    body = {"channel": "email", "address": f"{uuid.uuid4().hex}@example.com"}
    return {"suppression_id": made(owner, "/api/suppressions", body)["id"]}


def words(owner: Business) -> dict[str, str]:
    made(owner, f"{TEMPLATES}/booking.confirmed/email/en", WORDS, "PUT")
    return {"key": "booking.confirmed", "channel": "email", "locale": "en"}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/suppressions/{suppression_id}": suppression,
    f"{TEMPLATES}/{{key}}/{{channel}}/{{locale}}": words,
}
