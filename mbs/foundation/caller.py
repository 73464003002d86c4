"""What a credential says of its bearer, and what the database says: between `security` and the rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol
from uuid import UUID

from mbs.foundation.scope import ActorType, Scope, TenantId


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified access token or session cookie says; the caller look-up tells if the session lives.

    `kind` is that of the session: `token`, or `browser` for one that a cookie carries. `signed` tells that
    nobody can make one up.
    """

    user_id: UUID
    tenant_id: TenantId
    session_id: UUID
    kind: str = "token"
    signed: ClassVar[bool] = True

    @property
    def subject(self) -> str:
        """Under what the limiter counts whoever holds it."""
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """What a well-formed API key says of itself; the caller look-up tells whether there is such a key."""

    tenant_id: TenantId
    prefix: str
    digest: str
    signed: ClassVar[bool] = False

    @property
    def subject(self) -> str:
        # The whole key: whoever knows its prefix alone cannot use up what its holder may call.
        return f"key:{self.digest}"


Credential = Identity | KeyIdentity


@dataclass(frozen=True, slots=True)
class Caller:
    """What the database says about a credential right now.

    `seconds_since_proof`: since the person showed a password or the like; None for a program.
    `second_factor` is whether they have one; `second_factor_demanded` is whether the business demands it.
    `stale`: the time of last use should be noted again.
    """

    actor_id: UUID
    permissions: frozenset[str]
    tenant_status: str
    actor_type: ActorType = "user"
    role: str | None = None
    seconds_since_proof: float | None = None
    second_factor: bool = False
    second_factor_demanded: bool = False
    stale: bool = False


class Question(NamedTuple):
    """A FROM item of one row, for a statement of the identity role that is sent anyway."""

    item: str
    parameters: Mapping[str, Any]


class FindCaller(Protocol):
    """The caller look-up for one kind of credential. None when what it names no longer stands."""

    def question(self, credential: Any) -> Question:
        """Return what the limiter's statement can ask along."""

    def answer(self, credential: Any, row: Sequence[Any]) -> Caller | None:
        """Read the question's row."""

    def __call__(self, credential: Any, scope: Scope) -> Caller | None:
        """Ask in a message of its own."""

    def touch(self, credential: Any, scope: Scope, address: str) -> None:
        """Note that the credential was used just now, and from where."""
