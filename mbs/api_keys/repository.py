"""Questions put to the API keys of one business; and the one that a request with a key asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_

from mbs.api_keys.models import SCOPES, ApiKey
from mbs.foundation.addresses import household
from mbs.foundation.caller import Caller, KeyIdentity, Question
from mbs.foundation.db import Database, Role
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.foundation.scope import Scope

CALLER = "find_api_key(%(business)s, %(prefix)s, %(digest)s) AS caller"
FIND_API_KEY = "SELECT * FROM find_api_key(%(business)s, %(prefix)s, %(digest)s)"
"""A function of migration 0019."""

TOUCH = """
UPDATE api_keys SET last_used_at = now(), last_used_address = %(address)s
WHERE tenant_id = %(business)s AND prefix = %(prefix)s
RETURNING id
"""


class ApiKeyRepository(Repository):
    """The keys of one business. Nobody here can read a digest: the tenant role may not."""

    model = ApiKey
    columns = (
        ApiKey.id,
        ApiKey.name,
        ApiKey.prefix,
        ApiKey.scopes,
        ApiKey.created_by,
        ApiKey.expires_at,
        ApiKey.last_used_at,
        ApiKey.last_used_address,
        ApiKey.revoked_at,
        ApiKey.version,
        ApiKey.created_at,
        ApiKey.updated_at,
    )

    def in_force(self, at: datetime) -> int:
        """Count the keys that are neither revoked nor expired."""
        statement = self.select(func.count(ApiKey.id)).where(
            ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at)
        )
        return int(self._transaction.execute(statement).scalar_one())

    def search(self, request: PageRequest) -> Page:
        """Return one page of keys, those that are no longer in force too."""
        return self.page(self.select(), request)


class ApiKeyFinder:
    """Finds out on every request whose key it brings, so that a revocation acts on the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def question(self, credential: KeyIdentity) -> Question:
        parameters = {
            "business": str(credential.tenant_id),
            "prefix": credential.prefix,
            "digest": credential.digest,
        }
        return Question(CALLER, parameters)

    def answer(self, credential: KeyIdentity, row: Sequence[Any]) -> Caller | None:
        key_id, scopes, tenant_status, stale = row
        if key_id is None:
            return None
        return Caller(
            actor_id=UUID(str(key_id)),
            actor_type="api_key",
            permissions=SCOPES.intersection(scopes),
            tenant_status=tenant_status,
            stale=stale,
        )

    def __call__(self, credential: KeyIdentity, scope: Scope) -> Caller | None:
        parameters = self.question(credential).parameters
        (row,) = self._database.statement(Role.IDENTITY, FIND_API_KEY, parameters, scope=scope)
        return self.answer(credential, row)

    def touch(self, credential: KeyIdentity, scope: Scope, address: str) -> None:
        """Note that the key was used, and from where."""
        parameters = {
            "business": str(credential.tenant_id),
            "prefix": credential.prefix,
            "address": household(address),
        }
        self._database.statement(Role.IDENTITY, TOUCH, parameters, scope=scope)
