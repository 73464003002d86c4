"""Words on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Text
from mbs.templates.models.catalog import CATALOG, CHANNELS, SOMETIMES

SORTS: Mapping[str, str] = {"version": "version"}
MOST_PLACES = 12

EXAMPLE = {
    "subject": "See you soon, {{customer}}",
    "body": "Hello {{customer}},\n\nyour {{service}} is on {{startLocal}}.\n\n{{business}}",
}

SUBJECT = {"description": "Of a mail. It may name variables, but not those that may be missing."}
BODY = {
    "description": "Plain text with variables like `{{customer}}`; nothing in it is evaluated. An empty line"
    " parts paragraphs. A line that names a variable without a value is left out, where it may be missing."
}
CONTENT_SID = {
    "description": "The template that WhatsApp has approved (Twilio); without one nothing is sent there.",
    "example": "HX0123456789abcdef0123456789abcdef",
}

ContentVariables = WireSchema.from_dict(
    {str(place): Text(maximum=40, pattern="[a-zA-Z]{1,40}") for place in range(1, MOST_PLACES + 1)},
    name="ContentVariables",
)
"""Which variable stands at each place of an approved template: `{"1": "customer"}`."""


class PutWords(WireSchema):
    subject = Text(maximum=200, allow_none=True, metadata=SUBJECT)
    body = Text(maximum=10_000, lines=True, required=True, metadata=BODY)
    content_sid = Text(maximum=34, pattern="H[XY][0-9a-f]{32}", allow_none=True, metadata=CONTENT_SID)
    content_variables = fields.Nested(ContentVariables, allow_none=True)


class PreviewWords(PutWords):
    """Words to try out; none of them: those that count."""

    optional = True

    body = Text(maximum=10_000, lines=True, metadata=BODY)


class VersionQuery(PageQuery):
    sort_by = Choice(*SORTS, load_default="version")
    sort_order = Choice("asc", "desc", load_default="desc")


class WordsSummary(WireSchema):
    channel = fields.String(required=True, metadata={"enum": list(CHANNELS)})
    locale = fields.String(required=True)
    source = fields.String(required=True, metadata={"enum": ["own", "builtin"]})
    version = fields.Integer(required=True)


class TemplateSummary(WireSchema):
    key = fields.String(required=True, metadata={"enum": list(CATALOG)})
    audience = fields.String(required=True, metadata={"enum": ["customer", "staff", "owner"]})
    channels = fields.List(fields.String(), required=True)
    variables = fields.List(fields.String(), required=True)
    optional_variables = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Those that a message may have no value for."},
    )
    words = fields.List(
        fields.Nested(WordsSummary),
        required=True,
        metadata={"description": "Whose words count, by channel and language; others fall back to these."},
    )


TemplatePage = page_schema("TemplatePage", TemplateSummary)


class WordsView(WireSchema):
    key = fields.String(required=True)
    channel = fields.String(required=True)
    locale = fields.String(required=True)
    source = fields.String(required=True, metadata={"enum": ["own", "builtin"]})
    words_locale = fields.String(
        required=True, metadata={"description": "The language whose words count here, by way of fallback."}
    )
    subject = fields.String(required=True, allow_none=True)
    body = fields.String(required=True)
    content_sid = fields.String(required=True, allow_none=True)
    content_variables = fields.Dict(required=True)
    variables = fields.List(fields.String(), required=True)
    version = fields.Integer(
        required=True, metadata={"description": "Of the words of this very language; 0 before it had any."}
    )


class VersionView(WireSchema):
    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    subject = fields.String(required=True, allow_none=True)
    body = fields.String(required=True, allow_none=True, metadata={"description": "Null: taken away."})
    content_sid = fields.String(required=True, allow_none=True)
    content_variables = fields.Dict(required=True)
    created_by = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)


VersionPage = page_schema("TemplateVersionPage", VersionView)


class PreviewView(WireSchema):
    source = fields.String(required=True, metadata={"enum": ["draft", "own", "builtin"]})
    words_locale = fields.String(required=True)
    subject = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    html = fields.String(required=True, allow_none=True, metadata={"description": "Of mails."})
    content_sid = fields.String(required=True, allow_none=True)
    content_variables = fields.Dict(required=True, metadata={"description": "With their values."})
    values = fields.Dict(required=True, metadata={"description": "What the variables were taken to be."})


def present_summary(key: str, words: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Return a message of the catalogue as `TemplateSummary` describes it."""
    template = CATALOG[key]
    return {
        "key": key,
        "audience": template.audience,
        "channels": list(template.channels),
        "variables": list(template.variables),
        "optionalVariables": [name for name in template.variables if name in SOMETIMES],
        "words": [
            {"channel": channel, "locale": locale, "source": _source(version), "version": version}
            for channel, locale, version in words
        ],
    }


def present(standing: Any) -> dict[str, Any]:
    """Return the words that count in a place as `WordsView` describes them."""
    key, channel, locale = standing.slot
    words = standing.words
    return {
        "key": key,
        "channel": channel,
        "locale": locale,
        "source": _source(words.version),
        "wordsLocale": words.locale,
        "subject": words.subject,
        "body": words.body,
        "contentSid": words.content_sid,
        "contentVariables": words.content_variables,
        "variables": list(CATALOG[key].variables),
        "version": standing.version,
    }


def present_version(row: Any) -> dict[str, Any]:
    """Return a version of words as `VersionView` describes it."""
    return {
        "id": row.id,
        "version": row.version,
        "subject": row.subject,
        "body": row.body,
        "contentSid": row.content_sid,
        "contentVariables": row.content_variables or {},
        "createdBy": row.created_by,
        "createdAt": row.created_at,
    }


def present_preview(preview: Any) -> dict[str, Any]:
    """Return a message that was tried out as `PreviewView` describes it."""
    rendered = preview.rendered
    return {
        "source": "draft" if preview.is_draft else _source(preview.words.version),
        "wordsLocale": preview.words.locale,
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
        "contentSid": preview.words.content_sid,
        "contentVariables": rendered.content_variables,
        "values": preview.values,
    }


def _source(version: int) -> str:
    return "own" if version else "builtin"
