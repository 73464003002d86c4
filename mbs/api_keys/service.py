"""Giving out and taking back API keys."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.api_keys.errors import TooManyKeys
from mbs.api_keys.models import MOST_KEYS
from mbs.api_keys.repository import ApiKeyRepository
from mbs.events.repository import EventRepository
from mbs.foundation import api_key_format
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Forbidden, Invalid
from mbs.foundation.pages import Page, PageRequest
from mbs.tenants.repository import TenantRepository

log = logging.getLogger("mbs.security")

TOLD = ("id", "name", "prefix", "scopes", "created_by", "expires_at", "revoked_at", "version")
"""What the trail tells of a key."""


class ApiKeyService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        held: Collection[str],
        expires_at: datetime | None = None,
    ) -> tuple[Row[Any], str]:
        """Make a key; return it with its text, which is kept nowhere.

        :param held: the permissions of whoever makes it.
        :raises Forbidden: if the key is to be allowed what its maker is not.
        :raises Invalid: if it is to expire in the past.
        :raises TooManyKeys: if as many keys are in force as one business may have.
        """
        now = self._clock.now()
        lacking = sorted(set(scopes) - set(held))
        if lacking:
            raise Forbidden(f"A key may do no more than whoever makes it; you lack {', '.join(lacking)}.")
        if expires_at is not None and expires_at <= now:
            raise Invalid(errors=[FieldFault("expiresAt", "invalid", "Must lie in the future.")])
        with self._begin() as transaction:
            # Those who make keys at the same time wait here for each other, or one more would slip in.
            TenantRepository(transaction).settings(lock=True)
            keys = ApiKeyRepository(transaction)
            if keys.in_force(now) >= MOST_KEYS:
                raise TooManyKeys
            made = api_key_format.generate(transaction.tenant_id)
            key = keys.add(
                {
                    "id": uuid7(),
                    "name": name,
                    "prefix": made.prefix,
                    "digest": made.digest,
                    "scopes": list(scopes),
                    "expires_at": expires_at,
                }
            )
            self._record(transaction, "api_key.created", key, {})
        log.info("API key made", extra={"event": "security.api_key_created", "api_key": str(key.id)})
        return key, made.text

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a key.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return ApiKeyRepository(transaction).get(id_)

    def search(self, *, request: PageRequest) -> Page:
        """Return one page of keys."""
        with self._begin(read_only=True) as transaction:
            return ApiKeyRepository(transaction).search(request)

    def rename(self, *, id_: UUID, name: str, version: int | None) -> Row[Any]:
        """Give a key another name.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            keys = ApiKeyRepository(transaction)
            before = keys.get(id_)
            key = keys.change(id_, {"name": name}, version=version)
            self._record(transaction, "api_key.updated", key, {"name": before.name})
        return key

    def revoke(self, *, id_: UUID, version: int | None) -> None:
        """End a key for good: its next request is refused. Revoking a revoked one changes nothing.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            keys = ApiKeyRepository(transaction)
            if keys.get(id_).revoked_at is not None:
                return
            key = keys.change(id_, {"revoked_at": self._clock.now()}, version=version)
            self._record(transaction, "api_key.revoked", key, {"revoked_at": None})
        log.info("API key revoked", extra={"event": "security.api_key_revoked", "api_key": str(id_)})

    def _record(
        self, transaction: Transaction, type_: str, key: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="api_key",
            object_id=key.id,
            at=self._clock.now(),
            data={"object": {name: getattr(key, name) for name in TOLD}, "previous": previous},
        )
