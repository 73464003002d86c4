"""Tenants and memberships; the five system roles and what each may do; plans (domain: roles and plans)."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from mbs.foundation import territories
from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

BUSINESS_TYPES = (
    "salon",
    "spa",
    "clinic",
    "gym",
    "hostel",
    "consultancy",
    "coworking",
    "education",
    "retail",
    "other",
)

_MANAGER = frozenset(
    {
        "settings:read",
        "team:read",
        *("customers:read", "customers:create", "customers:write"),
        *("services:read", "services:write", "resources:read", "resources:write", "timeOff:write"),
        *("bookings:read", "bookings:write", "bookings:override", "reports:read"),
        *("invoices:read", "invoices:write", "invoices:issue", "payments:read", "payments:record"),
        *("notifications:read", "notifications:write", "templates:write"),
    }
)
_ADMIN = _MANAGER | {
    *("settings:write", "customers:erase", "audit:read"),
    *("team:invite", "team:roles", "security:write", "apiKeys:write", "webhooks:write"),
    *("invoices:void", "creditNotes:issue", "payments:refund", "reports:finance"),
}

ROLE_PERMISSIONS: Mapping[str, frozenset[str]] = {
    # Only an owner makes owners or touches one: nobody grants what they lack.
    "owner": _ADMIN | {"team:owners"},
    "admin": _ADMIN,
    "manager": _MANAGER,
    "staff": frozenset(
        {
            *("customers:read:own", "customers:create", "services:read", "resources:read"),
            *("timeOff:write:own", "bookings:read:own", "bookings:write:own", "payments:record:own"),
        }
    ),
    "accountant": frozenset(
        {
            *("settings:read", "customers:read", "services:read", "resources:read"),
            *("bookings:read", "reports:read", "reports:finance"),
            *("invoices:read", "invoices:write", "invoices:issue", "invoices:void", "creditNotes:issue"),
            *("payments:read", "payments:record", "payments:refund"),
        }
    ),
}
"""`:own` narrows to rows that the member made or works on. Permissions of rooms that are not built do not
exist yet.

Another role needs a migration too, for the CHECK `ck__memberships__role` names them.
"""

CUSTOM = "custom"
"""The role of whoever has one that the business composed itself; `memberships.role_id` names it."""

PERMISSIONS = frozenset().union(*ROLE_PERMISSIONS.values())


def permissions_of(role: str, custom: Sequence[str] | None) -> frozenset[str]:
    """Return what a role may do; `custom` are the permissions of a role of the business's own.

    A permission that no longer exists grants nothing.
    """
    return PERMISSIONS.intersection(custom or ()) if role == CUSTOM else ROLE_PERMISSIONS[role]


def covers(held: frozenset[str], wanted: Iterable[str]) -> bool:
    """Tell whether whoever holds some permissions may pass these on; `a:read` holds `a:read:own` too."""
    return all(name in held or name.removesuffix(":own") in held for name in wanted)


SHIPPED_PLANS = Path(__file__).with_name("plans.json")

DEMO_PLAN = "pro"
"""Of businesses that show what there is to see."""

METRIC_OF: Mapping[str, str] = {"email": "emailsPerMonth", "whatsapp": "whatsappPerMonth"}
"""What a message of each channel counts as."""


@cache
def plans() -> Mapping[str, Mapping[str, int | None]]:
    """Return the plans, the smallest first: what each allows of every metric; None: there is no end to it."""
    content: Mapping[str, Mapping[str, int | None]] = json.loads(SHIPPED_PLANS.read_text(encoding="utf-8"))
    return content


def limits_of(plan: str) -> Mapping[str, int | None]:
    """Return what a plan allows of every metric in a month (domain: roles and plans).

    :raises KeyError: if there is no such plan, which `mbs tenant plan` lets nobody have.
    """
    return plans()[plan]


MOST_BUSINESSES = 50
"""To how many one person may belong: each login and each look at oneself lists them all."""


INCLUSIVE_TYPES = frozenset({"salon", "spa", "clinic", "gym", "hostel", "retail"})
"""Businesses whose prices are what the customer pays, taxes included, until they say otherwise."""


class Tenant(Base):
    """One business. Its row is its own tenant: no `tenant_id`, and a policy on `id` instead."""

    __tablename__ = "tenants"
    __table_args__ = (UniqueConstraint("slug"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text)
    business_type: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    settings_version: Mapped[int] = mapped_column(BigInteger)
    onboarding_completed: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class Membership(Base):
    """That a person works for a business, and as what."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"]),
        UniqueConstraint("tenant_id", "user_id"),
        Index("ix__memberships__user_id", "user_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    role: Mapped[str] = mapped_column(Text)
    role_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class CustomRole(Base):
    """A set of permissions under a name, made by the business."""

    __tablename__ = "roles"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "name_key"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text(collation="C"))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


def new_tenant(
    *, business_name: str, business_type: str, country_code: str, timezone: str | None = None
) -> dict[str, Any]:
    """Return the row of a new business; what its country implies is filled in."""
    id_ = uuid7()
    inclusive = business_type in INCLUSIVE_TYPES
    return {
        "id": id_,
        "name": business_name,
        "slug": slug(business_name, id_),
        "business_type": business_type,
        "country": country_code,
        "currency": territories.currency(country_code),
        "timezone": timezone or territories.timezone(country_code),
        "locale": territories.locale(country_code),
        # Written down, so that another type changes no prices.
        "settings": {"invoicing": {"taxMode": "inclusive"}} if inclusive else {},
    }


def slug(name: str, id_: UUID) -> str:
    """Return a short name for addresses; the id's end makes it unique, so none tells that another exists."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "business"
    return f"{words}-{id_.hex[-8:]}"
