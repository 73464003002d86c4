"""What a token says of its bearer, and what the database says: handed between `security` and `auth`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from mbs.foundation.scope import Scope, TenantId


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified access token says; whether the session still lives is the caller look-up's to tell."""

    user_id: UUID
    tenant_id: TenantId
    session_id: UUID

    @property
    def subject(self) -> str:
        """Under what the limiter counts whoever holds it."""
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Caller:
    """What the database says about an identity right now."""

    role: str
    permissions: frozenset[str]
    tenant_status: str


class Question(NamedTuple):
    """A FROM item of one row, for a statement of the identity role that is sent anyway."""

    item: str
    parameters: Mapping[str, Any]


class FindCaller(Protocol):
    """The caller look-up. None when session, person or membership no longer stands."""

    def question(self, identity: Identity) -> Question:
        """Return what the limiter's statement can ask along."""

    def answer(self, row: Sequence[Any]) -> Caller | None:
        """Read the question's row."""

    def __call__(self, identity: Identity, scope: Scope) -> Caller | None:
        """Ask in a message of its own."""
