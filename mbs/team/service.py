"""Members and their roles: who may change whom, and what a role of the business's own may hold."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation import keys
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Forbidden, InUse, NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.scope import actor_of
from mbs.invitations.repository import InvitationRepository
from mbs.team.errors import LastOwner, OwnMembership, TooManyRoles
from mbs.team.models import MOST_ROLES
from mbs.team.repository import MemberRepository, MemberSessions
from mbs.tenants.errors import BeyondOwnRole, RoleNameTaken
from mbs.tenants.models import CUSTOM, ROLE_PERMISSIONS, covers, permissions_of
from mbs.tenants.repository import CustomRoleRepository, find_role

log = logging.getLogger("mbs.security")


class MemberService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of members."""
        with self._begin(read_only=True) as transaction:
            return MemberRepository(transaction).search(request, **filters)

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a member.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return MemberRepository(transaction).get(id_)

    def change(
        self,
        *,
        id_: UUID,
        version: int | None,
        role: str | None = None,
        role_id: UUID | None = None,
        status: str | None = None,
    ) -> Row[Any]:
        """Give a member another role or status; with another status their sessions end.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if the membership has moved on to another version.
        :raises OwnMembership: if it is the caller's own.
        :raises BeyondOwnRole: if the old or the new role may do what the caller may not.
        :raises LastOwner: if no active owner would be left.
        :raises InvalidReference: if the business has no such role.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            if status is not None:
                reason = "suspended" if status == "suspended" else "resumed"
                MemberSessions(transaction).end(id_, at=now, reason=reason, becoming=status)
            transaction.enter_tenant(transaction.tenant_id)
            members = MemberRepository(transaction)
            team = members.lock(id_, actor_id=actor_of(transaction.scope))
            member, actor = admitted(transaction, team, id_)
            if member.user_id == actor.user_id:
                raise OwnMembership
            wanted: dict[str, Any] = {} if status is None else {"status": status}
            if role is not None or role_id is not None:
                given = find_role(transaction, role=role, role_id=role_id)
                refuse_beyond(actor, given.permissions)
                wanted |= {"role": given.role, "role_id": given.role_id}
            changes = {name: value for name, value in wanted.items() if value != getattr(member, name)}
            if version is not None and version != member.version:
                raise PreconditionFailed
            if not changes:
                return member
            members.change(id_, changes, version=None)
            changed = members.get(id_)
            if changes.keys() & {"role", "role_id"}:
                self._record(transaction, "member.role_changed", changed, member, "role", "role_id")
            if "status" in changes:
                type_ = "member.suspended" if status == "suspended" else "member.resumed"
                self._record(transaction, type_, changed, member, "status")
        log.info("member changed", extra={"event": "security.member_changed", "member": str(id_)})
        return changed

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """End somebody's membership, their sessions in the business, and invitations to their address.

        Whoever may remove others may leave, too, unless no active owner would be left.

        :raises NotFound: if there is no such member.
        :raises PreconditionFailed: if the membership has moved on to another version.
        :raises BeyondOwnRole: if the member's role may do what the caller may not.
        :raises LastOwner: if no active owner would be left.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            MemberSessions(transaction).end(id_, at=now, reason="removed")
            transaction.enter_tenant(transaction.tenant_id)
            members = MemberRepository(transaction)
            team = members.lock(id_, actor_id=actor_of(transaction.scope))
            member, _ = admitted(transaction, team, id_)
            members.remove(id_, version=version)
            InvitationRepository(transaction).revoke_unanswered(keys.email_key(member.email), at=now)
            self._record(transaction, "member.removed", member, member)
        log.info("member removed", extra={"event": "security.member_removed", "member": str(id_)})

    def _record(
        self, transaction: Transaction, type_: str, member: Row[Any], before: Row[Any], *changed: str
    ) -> None:
        shown = ("id", "user_id", "role", "role_id", "status", "version")
        EventRepository(transaction).append(
            type_=type_,
            object_type="member",
            object_id=member.id,
            at=self._clock.now(),
            data={
                "object": {name: getattr(member, name) for name in shown},
                "previous": {name: getattr(before, name) for name in changed},
            },
        )


class RoleService:
    """The roles that a business composes itself; nobody writes one that may do what they may not."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def search(self, *, request: PageRequest) -> Page:
        """Return one page of roles."""
        with self._begin(read_only=True) as transaction:
            return CustomRoleRepository(transaction).search(request)

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a role.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return CustomRoleRepository(transaction).get(id_)

    def create(self, *, name: str, permissions: Sequence[str]) -> Row[Any]:
        """Compose a role.

        :raises BeyondOwnRole: if it may do what the caller may not.
        :raises RoleNameTaken: if another one has the name.
        :raises TooManyRoles: if the business has as many as it may.
        """
        with self._begin() as transaction:
            if not covers(transaction.scope.permissions, permissions):
                raise BeyondOwnRole
            roles = CustomRoleRepository(transaction)
            if roles.count() >= MOST_ROLES:
                raise TooManyRoles
            values = {"id": uuid7(), "name": name, "name_key": free_name(name)}
            role = roles.add({**values, "permissions": permissions})
            self._record(transaction, "role.created", role, {})
        return role

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change a role; those who have it may do what it says from their next request on.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises BeyondOwnRole: if it may do, or is to, what the caller may not.
        :raises RoleNameTaken: if another one has the name.
        """
        if "name" in values:
            values["name_key"] = free_name(values["name"])
        with self._begin() as transaction:
            roles = CustomRoleRepository(transaction)
            before = roles.lock(id_)
            touched = permissions_of(CUSTOM, before.permissions).union(values.get("permissions", ()))
            if not covers(transaction.scope.permissions, touched):
                raise BeyondOwnRole
            role = roles.change(id_, values, version=version)
            names = ("name", "permissions")
            previous = {
                name: getattr(before, name) for name in names if getattr(before, name) != getattr(role, name)
            }
            self._record(transaction, "role.updated", role, previous)
        return role

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """Remove a role that nobody has and no open invitation names.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises BeyondOwnRole: if it may do what the caller may not.
        :raises InUse: if somebody has it, or is invited to have it.
        """
        now = self._clock.now()
        with self._begin() as transaction:
            roles = CustomRoleRepository(transaction)
            role = roles.lock(id_)
            if not covers(transaction.scope.permissions, permissions_of(CUSTOM, role.permissions)):
                raise BeyondOwnRole
            held = MemberRepository(transaction).hold_role(id_)
            if held or InvitationRepository(transaction).name_role(id_, now=now):
                raise InUse("Members have this role, or open invitations name it; give them another first.")
            roles.remove(id_, version=version)
            self._record(transaction, "role.removed", role, {})

    def _record(
        self, transaction: Transaction, type_: str, role: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="role",
            object_id=role.id,
            at=self._clock.now(),
            data={"object": dict(role._mapping), "previous": dict(previous)},
        )


def admitted(transaction: Transaction, team: Sequence[Row[Any]], id_: UUID) -> tuple[Row[Any], Row[Any]]:
    """Return a member and the acting one, if the one may act on the other.

    The acting one's role is read again under the lock: it may have been changed since the request began.

    :param team: what `MemberRepository.lock` returned.
    :raises NotFound: if there is no such member.
    :raises BeyondOwnRole: if the member's role may do what the caller may not.
    :raises LastOwner: if the member is the last active owner.
    """
    actor_id = actor_of(transaction.scope)
    member = next((one for one in team if one.id == id_), None)
    actor = next((one for one in team if one.user_id == actor_id and one.status == "active"), None)
    if member is None:
        raise NotFound
    held = permissions_of(member.role, member.role_permissions)
    if not covers(transaction.scope.permissions, held):
        raise BeyondOwnRole
    owners = {one.id for one in team if (one.role, one.status) == ("owner", "active")}
    usable = {one.id for one in team if one.id in owners and one.person_status == "active"}
    if id_ in owners and not usable - {id_}:
        raise LastOwner
    if actor is None or "team:roles" not in permissions_of(actor.role, actor.role_permissions):
        raise Forbidden
    refuse_beyond(actor, held)
    return member, actor


def refuse_beyond(actor: Row[Any], permissions: frozenset[str]) -> None:
    """
    :raises BeyondOwnRole: if a member lacks one of the permissions.
    """
    if not covers(permissions_of(actor.role, actor.role_permissions), permissions):
        raise BeyondOwnRole


def free_name(name: str) -> str:
    """Return a role's name as it is compared.

    :raises RoleNameTaken: if it is that of one of the five roles that every business has.
    """
    key = keys.folded(name)
    if key in ROLE_PERMISSIONS:
        raise RoleNameTaken
    return key
