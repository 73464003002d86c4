"""What a token says of its bearer, and what the database says: handed between `security` and `auth`."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from mbs.foundation.scope import Scope, TenantId


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified access token says; whether the session still lives is the caller look-up's to tell."""

    user_id: UUID
    tenant_id: TenantId
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """What the database says about an identity right now."""

    role: str
    permissions: frozenset[str]
    tenant_status: str


FindCaller = Callable[[Identity, Scope], Caller | None]
"""None when session, person or membership no longer stands."""
