"""Who is asking, for which tenant, within which time: one frozen value per request or command."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NewType
from uuid import UUID

from mbs.foundation.errors import Unavailable

if TYPE_CHECKING:
    from mbs.foundation.db import Transaction

TenantId = NewType("TenantId", UUID)
"""A tenant id that came from a verified credential. Only the security hook and commands make one."""

ActorType = Literal["user", "api_key", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything a transaction must know about its origin.

    `deadline` is an instant of `time.monotonic()`; `open_transaction` is the transaction which an
    idempotent or dry-run request has already opened and which its service therefore joins.
    `seconds_since_proof` is how long ago the person proved who they are; None where no person acts.
    `second_factor` is whether they have one; `second_factor_demanded` is whether the tenant demands it.
    """

    correlation_id: str = ""
    tenant_id: TenantId | None = None
    actor_id: UUID | None = None
    actor_type: ActorType = "user"
    session_id: UUID | None = None
    role: str | None = None
    permissions: frozenset[str] = frozenset()
    tenant_status: str | None = None
    seconds_since_proof: float | None = None
    second_factor: bool = False
    second_factor_demanded: bool = False
    deadline: float | None = None
    open_transaction: "Transaction | None" = None

    @property
    def is_program(self) -> bool:
        """Whether a program acts, with an API key: for customers, and bound by the rules for them."""
        return self.actor_type == "api_key"

    def may(self, permission: str) -> bool:
        return permission in self.permissions


def actor_of(scope: Scope) -> UUID:
    """Return who is acting.

    :raises RuntimeError: if nobody is, which is a programming error: the view lets strangers in.
    """
    if scope.actor_id is None:
        raise RuntimeError("this scope has no actor")
    return scope.actor_id


def tenant_of(scope: Scope) -> TenantId:
    """Return the scope's tenant.

    :raises RuntimeError: if it has none, which is a programming error.
    """
    if scope.tenant_id is None:
        raise RuntimeError("this scope has no tenant")
    return scope.tenant_id


def refuse_late(scope: Scope) -> None:
    """Send nothing more for a request whose time is up: waiting for it in vain would cost a sound connection.

    :raises Unavailable: if the scope's deadline has passed.
    """
    if scope.deadline is not None and time.monotonic() > scope.deadline:
        raise Unavailable("The request took too long; try again.")
