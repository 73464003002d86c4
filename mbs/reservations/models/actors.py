"""Who asks for a booking, and what that allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from mbs.foundation.errors import Forbidden
from mbs.foundation.scope import Scope, actor_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever is `exempt` is of the business; `only_of` may book for themselves alone."""

    exempt: bool
    may_override: bool
    may_create_customers: bool
    only_of: UUID | None

    @classmethod
    def of(cls, scope: Scope) -> Self:
        return cls(
            exempt=not scope.is_program,
            may_override=scope.may("bookings:override"),
            may_create_customers=scope.may("customers:create"),
            only_of=None if scope.may("bookings:write") else actor_of(scope),
        )

    @property
    def source(self) -> str:
        return "staff" if self.exempt else "api"

    def overrides(self, asked: Mapping[str, bool] | None) -> dict[str, bool]:
        """Return which rules are to be set aside.

        :raises Forbidden: if there are any, and this actor may not.
        """
        wanted = {name: True for name, value in (asked or {}).items() if value}
        if wanted and not self.may_override:
            raise Forbidden("Your role lacks the permission bookings:override.")
        return wanted
