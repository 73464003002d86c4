"""/api/api-keys."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.api_keys.models import SORTS
from mbs.api_keys.schemas import (
    EXAMPLE,
    ApiKeyCreated,
    ApiKeyPage,
    ApiKeyQuery,
    ApiKeyView,
    ChangeApiKey,
    CreateApiKey,
    present,
)
from mbs.api_keys.service import ApiKeyService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint("api_keys", __name__, url_prefix="/api/api-keys", description="Your programs' keys.")


@blueprint.get("")
@requires("apiKeys:write")
@blueprint.arguments(ApiKeyQuery, location="query")
@blueprint.response(200, ApiKeyPage)
def index(query: dict[str, Any]) -> Response:
    """List API keys, revoked and expired ones too, the newest first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "api-keys", SORTS)
    page = resolve(ApiKeyService).search(request=request)
    return answer_page(page, present, order=order)


# Not replayable: the answer would be kept with the Idempotency-Key, and a copy of the database hold the key.
@blueprint.post("")
@requires("apiKeys:write", fresh=True)
@blueprint.arguments(CreateApiKey, example=EXAMPLE)
@blueprint.response(201, ApiKeyCreated)
def create(body: dict[str, Any]) -> Response:
    """Make an API key.

    `key` is shown in this answer and never again; if the answer is lost, revoke the key and make another.
    `scopes` are permissions that you have; those of the team, security, billing and keys cannot be given.
    """
    key, text = resolve(ApiKeyService).create(held=current_scope().permissions, **body)
    view = {**present(key), "key": text}
    return answer(view, 201, version=key.version, location=f"/api/api-keys/{key.id}")


# No entity tag: the time of last use changes without the version.
@blueprint.get("/<id:key_id>")
@requires("apiKeys:write")
@blueprint.response(200, ApiKeyView)
def read(key_id: UUID) -> Response:
    """Read an API key."""
    return answer(present(resolve(ApiKeyService).read(id_=key_id)))


@blueprint.patch("/<id:key_id>")
@requires("apiKeys:write")
@conditional
@blueprint.arguments(ChangeApiKey, example={"name": "Web shop"})
@blueprint.response(200, ApiKeyView)
@replayable
def update(body: dict[str, Any], key_id: UUID) -> Response:
    """Rename an API key. What a key may do never changes: make another one."""
    key = resolve(ApiKeyService).rename(id_=key_id, version=expected_version(), **body)
    return answer(present(key), version=key.version)


@blueprint.delete("/<id:key_id>")
@requires("apiKeys:write")
@conditional
@blueprint.response(204)
def remove(key_id: UUID) -> Response:
    """Revoke an API key for good; its next request is refused."""
    resolve(ApiKeyService).revoke(id_=key_id, version=expected_version())
    return no_content()
