"""Members with their names and roles, and the locks under which they change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select, update
from sqlalchemy.sql.expression import FromClause

from mbs.auth.models import LoginSession, User
from mbs.foundation.db import Transaction
from mbs.foundation.errors import NotFound
from mbs.foundation.keys import folded
from mbs.foundation.pages import Page, PageRequest
from mbs.tenants.models import CustomRole, Membership
from mbs.tenants.repository import MembershipRepository

WITH_PERSON_AND_ROLE: FromClause = Membership.__table__.join(
    User.__table__, User.id == Membership.user_id
).outerjoin(
    CustomRole.__table__,
    (CustomRole.tenant_id == Membership.tenant_id) & (CustomRole.id == Membership.role_id),
)

OWNS = and_(Membership.role == "owner", Membership.status == "active")


class MemberRepository(MembershipRepository):
    """Memberships; `get`, `search` and `lock` show the person and the role, too."""

    def get(self, id_: UUID) -> Row[Any]:
        """Return a member.

        :raises NotFound: if there is none.
        """
        row = self._transaction.execute(self._members().where(self._id() == id_)).one_or_none()
        if row is None:
            raise NotFound
        return row

    def search(
        self,
        request: PageRequest,
        *,
        search: str | None = None,
        role: Sequence[str] = (),
        status: Sequence[str] = (),
    ) -> Page:
        """Return one page of members; every filter narrows.

        :param search: a part of the name or the address, in any case.
        """
        statement = self._members()
        if search is not None:
            text = func.lower(func.concat_ws(" ", User.first_name, User.last_name, User.email))
            statement = statement.where(func.strpos(text, func.lower(folded(search))) > 0)
        if role:
            statement = statement.where(Membership.role.in_(role))
        if status:
            statement = statement.where(Membership.status.in_(status))
        return self.page(statement, request)

    def lock(self, id_: UUID, *, actor_id: UUID) -> Sequence[Row[Any]]:
        """Return a member, the acting one, and all active owners, locked in the order of their ids.

        Whoever takes an owner away holds the locks of all of them, so of two who do so at once the second
        sees what the first has left.
        """
        concerned = or_(self._id() == id_, Membership.user_id == actor_id, OWNS)
        locked = self.select(Membership.id).where(concerned).order_by(Membership.id).with_for_update()
        ids = self._transaction.execute(locked).scalars().all()
        # Asked anew: a row for which the lock was waited for may be another one by now.
        return self._transaction.execute(self._members().where(self._id().in_(ids))).all()

    def hold_role(self, role_id: UUID) -> bool:
        """Tell whether a member has a role."""
        statement = self.select(Membership.id).where(Membership.role_id == role_id).limit(1)
        return self._transaction.execute(statement).one_or_none() is not None

    def _members(self) -> Select[Any]:
        return self.select(
            *self.columns,
            User.email,
            User.first_name,
            User.last_name,
            User.status.label("person_status"),
            CustomRole.name.label("role_name"),
            CustomRole.permissions.label("role_permissions"),
        ).select_from(WITH_PERSON_AND_ROLE)


class MemberSessions:
    """The sessions of one business's members, under the identity role."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def end(self, member_id: UUID, *, at: datetime, reason: str, becoming: str | None = None) -> None:
        """End a member's sessions in the transaction's tenant.

        :param becoming: end none if this is the member's status already.
        """
        tenant_id = self._transaction.tenant_id
        person = select(Membership.user_id).where(
            Membership.tenant_id == tenant_id, Membership.id == member_id
        )
        if becoming is not None:
            person = person.where(Membership.status != becoming)
        self._transaction.execute(
            update(LoginSession)
            .where(
                LoginSession.tenant_id == tenant_id,
                LoginSession.user_id == person.scalar_subquery(),
                LoginSession.revoked_at.is_(None),
            )
            .values(revoked_at=at, revoked_reason=reason)
        )
