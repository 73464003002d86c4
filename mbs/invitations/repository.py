"""Invitations as the business sees them, and as the holder of a token finds one."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, false, func, join, or_, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement
from uuid_utils.compat import uuid7

from mbs.auth.errors import InvalidCredentials
from mbs.auth.models import User
from mbs.auth.repository import UserRepository, record_session
from mbs.events.repository import EventRepository
from mbs.foundation import keys
from mbs.foundation.db import Transaction
from mbs.foundation.errors import NotFound, RateLimited
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import digest
from mbs.invitations.errors import TooManyInvitations
from mbs.invitations.models import MOST_PER_ADDRESS, MOST_PER_BUSINESS, Invitation, standing
from mbs.tenants.errors import TooManyBusinesses
from mbs.tenants.models import MOST_BUSINESSES, CustomRole, Membership, Tenant
from mbs.tenants.repository import GivenRole, MembershipRepository, TenantRepository, find_role

SHOWN = (
    Invitation.id,
    Invitation.email,
    Invitation.email_key,
    Invitation.role,
    Invitation.role_id,
    Invitation.invited_by,
    Invitation.expires_at,
    Invitation.accepted_at,
    Invitation.accepted_by,
    Invitation.revoked_at,
    Invitation.version,
    Invitation.created_at,
    Invitation.updated_at,
)
"""All but the digest, which the tenant role may write and not read."""

WITH_ROLE = join(
    Invitation,
    CustomRole,
    (CustomRole.tenant_id == Invitation.tenant_id) & (CustomRole.id == Invitation.role_id),
    isouter=True,
)

INVITERS_ROLE = aliased(CustomRole)
WITH_INVITER = (
    WITH_ROLE.join(Tenant.__table__, Tenant.id == Invitation.tenant_id)
    .outerjoin(User.__table__, (User.id == Invitation.invited_by) & (User.status == "active"))
    .outerjoin(
        Membership.__table__,
        (Membership.tenant_id == Invitation.tenant_id)
        & (Membership.user_id == User.id)
        & (Membership.status == "active"),
    )
    .outerjoin(
        INVITERS_ROLE,
        (INVITERS_ROLE.tenant_id == Membership.tenant_id) & (INVITERS_ROLE.id == Membership.role_id),
    )
)
"""The inviter as they stand today; nulls if they have left, or were suspended."""

UNANSWERED = and_(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def in_status(status: str, now: datetime) -> ColumnElement[bool]:
    """Return what tells the invitations of a status; the same as `models.status_of` says of a row."""
    conditions: dict[str, ColumnElement[bool]] = {
        "accepted": Invitation.accepted_at.is_not(None),
        "revoked": and_(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_not(None)),
        "open": and_(UNANSWERED, Invitation.expires_at > now),
        "expired": and_(UNANSWERED, Invitation.expires_at <= now),
    }
    return conditions[status]


class InvitationRepository(Repository):
    model = Invitation
    columns = SHOWN

    def get(self, id_: UUID) -> Row[Any]:
        """Return an invitation with `role_name`, the name of a role that the business composed.

        :raises NotFound: if there is none.
        """
        row = self._transaction.execute(self._with_role().where(self._id() == id_)).one_or_none()
        if row is None:
            raise NotFound
        return row

    def lock(self, id_: UUID) -> Row[Any]:
        """Return an invitation like `get`, locked against whoever accepts or revokes it.

        :raises NotFound: if there is none.
        """
        self._transaction.execute(self.select(Invitation.id).where(self._id() == id_).with_for_update())
        return self.get(id_)

    def search(self, request: PageRequest, *, now: datetime, status: Sequence[str] = ()) -> Page:
        """Return one page of invitations; every filter narrows."""
        statement = self._with_role()
        if status:
            statement = statement.where(or_(false(), *(in_status(one, now) for one in status)))
        return self.page(statement, request)

    def revoke_unanswered(self, email_key: str, *, at: datetime) -> Sequence[UUID]:
        """Revoke what an address has not answered, expired ones too; return the ids."""
        statement = (
            self.update()
            .where(Invitation.email_key == email_key, UNANSWERED)
            .values(revoked_at=at, version=Invitation.version + 1, updated_at=func.now())
            .returning(Invitation.id)
        )
        return self._transaction.execute(statement).scalars().all()

    def refuse_flood(self, email_key: str, *, now: datetime) -> None:
        """Refuse one more invitation where there were too many.

        :raises RateLimited: if the address was invited three times within an hour.
        :raises TooManyInvitations: if a hundred of the business are open, or a day old at most.
        """
        same = and_(Invitation.email_key == email_key, Invitation.created_at > now - timedelta(hours=1))
        recent = or_(in_status("open", now), Invitation.created_at > now - timedelta(days=1))
        statement = self.select(
            func.count().filter(same).label("to_address"),
            func.min(Invitation.created_at).filter(same).label("first"),
            func.count().filter(recent).label("by_business"),
        )
        sent = self._transaction.execute(statement).one()
        if sent.to_address >= MOST_PER_ADDRESS:
            wait = sent.first + timedelta(hours=1) - now
            raise RateLimited(
                "This address was invited three times within an hour; wait as long as `Retry-After` says.",
                retry_after=max(1, math.ceil(wait.total_seconds())),
            )
        if sent.by_business >= MOST_PER_BUSINESS:
            raise TooManyInvitations

    def name_role(self, role_id: UUID, *, now: datetime) -> bool:
        """Tell whether an open invitation names a role."""
        statement = self.select(Invitation.id).where(Invitation.role_id == role_id, in_status("open", now))
        return self._transaction.execute(statement.limit(1)).one_or_none() is not None

    def _with_role(self) -> Select[Any]:
        return self.select(*SHOWN, CustomRole.name.label("role_name")).select_from(WITH_ROLE)


class ColleagueRepository(Repository):
    """The people of a business, as far as an invitation is concerned with them."""

    model = Membership
    columns = (Membership.id,)

    def people(self) -> Sequence[Row[Any]]:
        """Return everybody's id, address and name; addresses are compared in Python, by their keys."""
        statement = self.select(User.id, User.email, User.first_name, User.last_name)
        colleagues = join(Membership, User, User.id == Membership.user_id)
        return self._transaction.execute(statement.select_from(colleagues)).all()


class TokenRepository:
    """Invitations by their tokens, under the identity role: the business is not known yet."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, token: str, *, lock: bool = False) -> Row[Any] | None:
        """Return an invitation with its business and its inviter's role, or None; locked when asked."""
        statement = (
            select(
                Invitation.tenant_id,
                *SHOWN,
                Tenant.name.label("business_name"),
                Tenant.status.label("business_status"),
                CustomRole.name.label("role_name"),
                CustomRole.permissions.label("role_permissions"),
                Membership.role.label("inviter_role"),
                INVITERS_ROLE.permissions.label("inviter_permissions"),
            )
            .select_from(WITH_INVITER)
            .where(Invitation.digest == digest(token))
        )
        if lock:
            statement = statement.with_for_update(of=Invitation)
        return self._transaction.execute(statement).one_or_none()

    def accept(self, invitation: Row[Any], user_id: UUID, *, at: datetime) -> None:
        """Use an invitation up."""
        self._transaction.execute(
            update(Invitation)
            .where(Invitation.tenant_id == invitation.tenant_id, Invitation.id == invitation.id)
            .values(
                accepted_at=at, accepted_by=user_id, version=Invitation.version + 1, updated_at=func.now()
            )
        )


def claim(
    transaction: Transaction, token: str, user_id: UUID, now: datetime, *, seen: Row[Any] | None = None
) -> tuple[Row[Any], Row[Any]]:
    """Return an invitation, locked, and the person who has its address, which counts as verified from now on.

    :param seen: the person as they were when their password was verified.
    :raises InvalidCredentials: if it has been changed since.
    :raises NotFound: if there is no such token, or it was sent to another address.
    :raises InvitationSpent: if it was used or revoked, or has expired.
    :raises BusinessSuspended: if the business is suspended.
    :raises TooManyBusinesses: if the person belongs to as many as one may.
    """
    invitation = TokenRepository(transaction).find(token, lock=True)
    users = UserRepository(transaction)
    person = users.get(user_id)
    # Whether it still stands is nobody's business but the addressee's.
    if invitation is None or keys.email_key(person.email) != invitation.email_key:
        raise NotFound
    standing(invitation, now)
    if len(MembershipRepository(transaction).open_to(user_id)) >= MOST_BUSINESSES:
        raise TooManyBusinesses
    if not users.signed_in(user_id, at=now, rehashed=None, seen=seen):
        raise InvalidCredentials
    if person.email_verified_at is None:
        person = users.change(user_id, {"email_verified_at": now}, version=None)
    return invitation, person


def join_business(
    transaction: Transaction, invitation: Row[Any], person: Row[Any], now: datetime, session_id: UUID | None
) -> tuple[Row[Any], GivenRole]:
    """Use an invitation up and make the person a member, in the role that it says; enters the tenant.

    :raises AlreadyMember: if they are one, suspended or not.
    """
    TokenRepository(transaction).accept(invitation, person.id, at=now)
    transaction.enter_tenant(TenantId(invitation.tenant_id), actor_id=person.id)
    role = find_role(transaction, role=invitation.role, role_id=invitation.role_id)
    member = MembershipRepository(transaction).add(
        {"id": uuid7(), "user_id": person.id, "role": role.role, "role_id": role.role_id}
    )
    tenant = TenantRepository(transaction).own()
    record_invitation(transaction, "invitation.accepted", invitation.id, now, {"id": invitation.id})
    details = {"id": member.id, "user_id": person.id, "role": role.role, "role_id": role.role_id}
    EventRepository(transaction).append(
        type_="member.joined",
        object_type="member",
        object_id=member.id,
        at=now,
        data={"object": details, "previous": {}},
    )
    if session_id is not None:
        record_session(transaction, "session.started", session_id, now, {"userId": str(person.id)})
    return tenant, role


def record_invitation(
    transaction: Transaction, type_: str, id_: UUID, at: datetime, details: Mapping[str, Any]
) -> None:
    """Write into the business's trail what became of an invitation; never its token."""
    EventRepository(transaction).append(
        type_=type_,
        object_type="invitation",
        object_id=id_,
        at=at,
        data={"object": dict(details), "previous": {}},
    )
