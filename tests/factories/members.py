"""Businesses and signed-in members made straight in the database: no password is hashed for them."""

import uuid
from datetime import UTC, datetime
from functools import cache

from flask import Flask
from uuid_utils.compat import uuid7

from mbs.auth.models import ABSOLUTE, IDLE
from mbs.auth.repository import SessionRepository, UserRepository
from mbs.events.repository import EventRepository
from mbs.foundation import access_tokens, passwords
from mbs.foundation.caller import Identity
from mbs.foundation.db import Database, Role, Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.keys import email_key
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.foundation.scope import Scope, TenantId
from mbs.tenants.models import new_tenant
from mbs.tenants.repository import MembershipRepository, TenantRepository, open_business
from tests.conftest import SECRETS
from tests.factories.callers import PASSWORD, Business


@cache
def one_hash() -> str:
    return passwords.hash_password(PASSWORD)


def new_tenant_with(app: Flask, name: str, roles: tuple[str, ...]) -> list[Business]:
    """Return the signed-in members of a new business in the given roles, the first of them the owner."""
    database: Database = app.extensions[EXTENSION]
    with database.transaction(Scope(correlation_id=name), Role.IDENTITY) as transaction:
        owner_id, email = new_person(transaction, name, roles[0])
        tenant = TenantRepository(transaction).add(
            new_tenant(business_name=name, business_type="salon", country_code="IN")
        )
        transaction.enter_tenant(TenantId(tenant.id), actor_id=owner_id)
        open_business(transaction, tenant=tenant, owner_id=owner_id)
        EventRepository(transaction).open_chain()
    owner = sign_in(app, tenant.id, owner_id, email)
    return [owner, *(new_member(owner, name, role) for role in roles[1:])]


def new_member(of: Business, name: str, role: str) -> Business:
    """Return somebody who has joined a business in a role, signed in; nobody let them in."""
    with of.database.transaction(Scope(correlation_id=name), Role.IDENTITY) as transaction:
        user_id, email = new_person(transaction, name, role)
        # Nobody is made a member by somebody else, so each joins as the acting person.
        transaction.enter_tenant(TenantId(of.tenant_id), actor_id=user_id)
        MembershipRepository(transaction).add({"id": uuid7(), "user_id": user_id, "role": role})
    return sign_in(of.app, of.tenant_id, user_id, email)


def new_person(transaction: Transaction, name: str, role: str) -> tuple[uuid.UUID, str]:
    """Make an account; return its id and address."""
    email = f"{role}-{name}-{uuid.uuid4().hex[:8]}@example.com"
    user = UserRepository(transaction).add(
        {
            "id": uuid7(),
            "email": email,
            "email_key": email_key(email),
            "password_hash": one_hash(),
            "first_name": name,
            "last_name": role,
        }
    )
    return user.id, email


def sign_in(app: Flask, tenant_id: uuid.UUID, user_id: uuid.UUID, email: str) -> Business:
    """Start a session of a member, without a login."""
    database: Database = app.extensions[EXTENSION]
    session_id, now = uuid7(), datetime.now(UTC)
    with database.transaction(Scope(correlation_id="sign-in"), Role.IDENTITY) as transaction:
        SessionRepository(transaction).add(
            {
                "id": session_id,
                "user_id": user_id,
                "tenant_id": tenant_id,
                "idle_until": now + IDLE,
                "absolute_until": now + ABSOLUTE,
            }
        )
    with app.app_context():
        token, _ = access_tokens.issue(Identity(user_id, TenantId(tenant_id), session_id))
    codec = RefreshTokenCodec(SECRETS["JWT_REFRESH_SECRET"], None)
    return Business(
        app=app,
        email=email,
        user_id=user_id,
        tenant_id=tenant_id,
        token=token,
        refresh_token=codec.encode(RefreshToken(session_id, 0)),
    )
