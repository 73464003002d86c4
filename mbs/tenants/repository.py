"""Tenants and memberships: within a tenant, and before one is known."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from uuid_utils.compat import uuid7

from mbs.foundation.db import Transaction
from mbs.foundation.errors import FieldFault, InvalidReference, MbsError, NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.locations.models import usual_prefix
from mbs.locations.repository import LocationRepository
from mbs.tenants.errors import AlreadyMember, RoleNameTaken
from mbs.tenants.models import CUSTOM, CustomRole, Membership, Tenant, permissions_of

PROFILE = (
    Tenant.id,
    Tenant.name,
    Tenant.slug,
    Tenant.business_type,
    Tenant.country,
    Tenant.currency,
    Tenant.timezone,
    Tenant.locale,
    Tenant.status,
    Tenant.onboarding_completed,
    Tenant.version,
    Tenant.created_at,
    Tenant.updated_at,
)


OWN_ROLE = (CustomRole.name.label("role_name"), CustomRole.permissions.label("role_permissions"))
"""What a business says of a role that it composed itself; nothing of the others."""


class TenantRepository:
    """The tenant's own row, which has no `tenant_id`: both walls compare its `id`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a new tenant, under the identity role: it is nobody's yet."""
        return self._transaction.execute(insert(Tenant).values(values).returning(*PROFILE)).one()

    def own(self, *, lock: bool = False) -> Row[Any]:
        """Return the profile of the transaction's tenant, locked against other writers when asked."""
        statement = select(*PROFILE).where(Tenant.id == self._transaction.tenant_id)
        if lock:
            statement = statement.with_for_update(key_share=True)
        return self._transaction.execute(statement).one()

    def change(self, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change the profile.

        :raises PreconditionFailed: if it has moved on to another version.
        """
        statement = update(Tenant).where(Tenant.id == self._transaction.tenant_id)
        if version is not None:
            statement = statement.where(Tenant.version == version)
        statement = statement.values(**values, version=Tenant.version + 1, updated_at=func.now())
        row = self._transaction.execute(statement.returning(*PROFILE)).one_or_none()
        if row is None:
            raise PreconditionFailed
        return row

    def set_status(self, id_: UUID, status: str) -> tuple[str, Row[Any]]:
        """Lead a business into a state, under the identity role; return the former one, and the profile."""
        locked = select(Tenant.status).where(Tenant.id == id_).with_for_update()
        before: str = self._transaction.execute(locked).scalar_one()
        statement = (
            update(Tenant)
            .where(Tenant.id == id_)
            .values(status=status, version=Tenant.version + 1, updated_at=func.now())
            .returning(*PROFILE)
        )
        return before, self._transaction.execute(statement).one()

    def plan(self) -> str:
        """Return the plan of the transaction's tenant."""
        statement = select(Tenant.plan).where(Tenant.id == self._transaction.tenant_id)
        return str(self._transaction.execute(statement).scalar_one())

    def set_plan(self, id_: UUID, plan: str) -> tuple[str, Row[Any]]:
        """Give a business a plan, under the identity role; return the former one, and the profile with it."""
        locked = select(Tenant.plan).where(Tenant.id == id_).with_for_update(key_share=True)
        before: str = self._transaction.execute(locked).scalar_one()
        statement = update(Tenant).where(Tenant.id == id_).values(plan=plan)
        return before, self._transaction.execute(statement.returning(*PROFILE, Tenant.plan)).one()

    def settings(self, *, lock: bool = False) -> Row[Any]:
        """Return settings, their version, country and currency; locked against other writers when asked."""
        columns = (Tenant.settings, Tenant.settings_version, Tenant.country, Tenant.currency)
        statement = select(*columns).where(Tenant.id == self._transaction.tenant_id)
        if lock:
            statement = statement.with_for_update(key_share=True)
        return self._transaction.execute(statement).one()

    def change_settings(self, settings: Mapping[str, Any]) -> Row[Any]:
        """Replace the settings, which the caller has read under a lock."""
        statement = (
            update(Tenant)
            .where(Tenant.id == self._transaction.tenant_id)
            .values(settings=dict(settings), settings_version=Tenant.settings_version + 1)
            .returning(Tenant.settings, Tenant.settings_version)
        )
        return self._transaction.execute(statement).one()


class MembershipRepository(Repository):
    model = Membership
    columns = (
        Membership.id,
        Membership.user_id,
        Membership.role,
        Membership.role_id,
        Membership.status,
        Membership.version,
        Membership.created_at,
        Membership.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__memberships__tenant_id__user_id": AlreadyMember,
    }

    def open_to(self, user_id: UUID) -> Sequence[Row[Any]]:
        """Return the businesses a person may sign in to, oldest first; only the identity role sees all."""
        statement = (
            select(*PROFILE, Membership.role, *OWN_ROLE)
            .join(Tenant, Tenant.id == Membership.tenant_id)
            .outerjoin(
                CustomRole,
                (CustomRole.tenant_id == Membership.tenant_id) & (CustomRole.id == Membership.role_id),
            )
            .where(Membership.user_id == user_id, Membership.status == "active", Tenant.status != "closed")
            .order_by(Membership.created_at, Membership.id)
        )
        return self._transaction.execute(statement).all()


class CustomRoleRepository(Repository):
    model = CustomRole
    columns = (
        CustomRole.id,
        CustomRole.name,
        CustomRole.permissions,
        CustomRole.version,
        CustomRole.created_at,
        CustomRole.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__roles__tenant_id__name_key": RoleNameTaken,
    }

    def lock(self, id_: UUID) -> Row[Any]:
        """Return a role, locked against whoever changes or gives it.

        :raises NotFound: if there is none.
        """
        row = self._transaction.execute(
            self.select().where(self._id() == id_).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound
        return row

    def search(self, request: PageRequest) -> Page:
        """Return one page of roles."""
        return self.page(self.select(), request)

    def count(self) -> int:
        """Return how many there are."""
        return int(self._transaction.execute(self.select(func.count())).scalar_one())


class GivenRole(NamedTuple):
    """A role as a membership or an invitation names it; `name` only of one that the business composed."""

    role: str
    role_id: UUID | None
    name: str | None
    permissions: frozenset[str]


def find_role(transaction: Transaction, *, role: str | None, role_id: UUID | None) -> GivenRole:
    """Return the role that somebody is to get: one of the five by its key, or the business's own by its id.

    :raises InvalidReference: if the business has no such role.
    """
    if role_id is None:
        return GivenRole(role or "", None, None, permissions_of(role or "", None))
    try:
        row = CustomRoleRepository(transaction).get(role_id)
    except NotFound:
        fault = FieldFault("roleId", "invalid_reference", "There is no such role.")
        raise InvalidReference(errors=[fault]) from None
    return GivenRole(CUSTOM, row.id, row.name, permissions_of(CUSTOM, row.permissions))


def open_business(transaction: Transaction, *, tenant: Row[Any], owner_id: UUID) -> None:
    """Give a new tenant its owner and its first location; the transaction has entered the tenant."""
    MembershipRepository(transaction).add({"id": uuid7(), "user_id": owner_id, "role": "owner"})
    LocationRepository(transaction).add(
        {
            "id": uuid7(),
            "name": tenant.name,
            "timezone": tenant.timezone,
            "country": tenant.country,
            "invoice_prefix": usual_prefix(tenant.name),
            "is_default": True,
        }
    )
