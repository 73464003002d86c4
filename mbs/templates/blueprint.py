"""/api/notification-templates."""

from typing import Any

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.http import answer, answer_page, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.pages import Page
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.templates.schemas import (
    EXAMPLE,
    SORTS,
    PreviewView,
    PreviewWords,
    PutWords,
    TemplatePage,
    VersionPage,
    VersionQuery,
    WordsView,
    present,
    present_preview,
    present_summary,
    present_version,
)
from mbs.templates.service import TemplateService

blueprint = Blueprint(
    "templates",
    __name__,
    url_prefix="/api/notification-templates",
    description="What messages say, on each channel in each language.",
)

WORDS = "/<key>/<channel>/<locale>"


@blueprint.get("")
@requires("notifications:read")
@blueprint.response(200, TemplatePage)
def index() -> Response:
    """List all messages: what their words may name, and whose words count; on one page."""
    rows = [present_summary(key, words) for key, words in resolve(TemplateService).overview().items()]
    return answer_page(Page(rows, len(rows), None, len(rows)), lambda row: row, order="")


@blueprint.get(WORDS)
@requires("notifications:read")
@conditional
@blueprint.response(200, WordsView)
def read(key: str, channel: str, locale: str) -> Response:
    """Read the words that recipients of a language get.

    The business's own words have an `ETag`. Where others count, built-in ones or those of another language,
    there is none, for they may change by themselves; `version` then still is what `If-Match` takes.
    """
    standing = resolve(TemplateService).read(key=key, channel=channel, locale=locale)
    return answer(present(standing), version=standing.version if standing.is_own else None)


@blueprint.put(WORDS)
@requires("templates:write")
@conditional
@blueprint.arguments(PutWords, example=EXAMPLE)
@blueprint.response(200, WordsView)
@replayable
def replace(body: dict[str, Any], key: str, channel: str, locale: str) -> Response:
    """Put your words in place of those that count, as a new version.

    Messages that wait take them too; those that were sent keep what they said. `If-Match: "0"` demands that
    there have been none yet.
    """
    standing = resolve(TemplateService).put(
        key=key, channel=channel, locale=locale, version=expected_version(), **body
    )
    return answer(present(standing), version=standing.version)


@blueprint.delete(WORDS)
@requires("templates:write")
@conditional
@blueprint.response(204)
def remove(key: str, channel: str, locale: str) -> Response:
    """Take your words away; those count again that would without them."""
    resolve(TemplateService).remove(key=key, channel=channel, locale=locale, version=expected_version())
    return no_content()


@blueprint.get(f"{WORDS}/versions")
@requires("notifications:read")
@blueprint.arguments(VersionQuery, location="query")
@blueprint.response(200, VersionPage)
def versions(query: dict[str, Any], key: str, channel: str, locale: str) -> Response:
    """List the versions of your words, the newest first unless `sortOrder` says otherwise.

    One without a `body` took them away.
    """
    request, order = page_request(query, f"template-versions:{key}:{channel}:{locale}", SORTS)
    page = resolve(TemplateService).versions(key=key, channel=channel, locale=locale, request=request)
    return answer_page(page, present_version, order=order)


@blueprint.post(f"{WORDS}/preview")
@requires("notifications:read")
@blueprint.arguments(PreviewWords, example=EXAMPLE)
@blueprint.response(200, PreviewView)
def preview(body: dict[str, Any], key: str, channel: str, locale: str) -> Response:
    """Show what a message would say, with values made up: in the given words, or in those that count."""
    if body and "body" not in body:
        raise Invalid(errors=[FieldFault("body", "required", "Must be given with the other words.")])
    rendered = resolve(TemplateService).preview(key=key, channel=channel, locale=locale, **body)
    return answer(present_preview(rendered))
