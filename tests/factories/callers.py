"""People who call the API: strangers, owners of new businesses, and their colleagues."""

import itertools
import os
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from limits.strategies import MovingWindowRateLimiter
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from mbs.auth.repository import UserRepository
from mbs.foundation import passwords
from mbs.foundation.db import Database, Role
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.keys import email_key
from mbs.foundation.limits import API
from mbs.foundation.limits_postgres import PostgresStorage
from mbs.foundation.scope import Scope, TenantId
from mbs.tenants.repository import MembershipRepository

PASSWORD = "three green umbrellas"
DEMANDS_A_KEY = re.compile(r"/api/payments(/[^/]+/refunds)?(\?.*)?")
"""What moves money takes no request without an `Idempotency-Key`."""

_addresses = itertools.count(random.Random(os.getpid()).randrange(2**24))
_hash: list[str] = []


def new_address() -> str:
    """Return an address that no other caller of this process has."""
    number = next(_addresses) % 2**24
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Caller:
    """Calls the API, with a token or without; `address` is where the calls come from.

    It brings a key of its own wherever one is demanded, unless `brings_keys` is taken from it.
    """

    brings_keys = True

    def __init__(self, app: Flask, *, token: str | None = None, address: str | None = None) -> None:
        self.app = app
        self.token = token
        self.address = address or new_address()
        self._client = app.test_client()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if method == "POST" and DEMANDS_A_KEY.fullmatch(path) and self.brings_keys:
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
        if body is not None:
            options["json"] = body
        return self._client.open(
            path, method=method, headers=sent, environ_base={"REMOTE_ADDR": self.address}, **options
        )

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)


@dataclass
class Business(Caller):
    """A person signed in to a business."""

    app: Flask
    email: str
    user_id: uuid.UUID
    tenant_id: uuid.UUID
    token: str | None
    refresh_token: str
    address: str = field(default_factory=new_address)

    def __post_init__(self) -> None:
        super().__init__(self.app, token=self.token, address=self.address)

    @property
    def database(self) -> Database:
        database: Database = self.app.extensions[EXTENSION]
        return database

    @property
    def scope(self) -> Scope:
        return Scope(tenant_id=TenantId(self.tenant_id), actor_id=self.user_id, correlation_id="test")

    def requests(self) -> int:
        """Return how many requests of the last minute the limit has counted for this person."""
        counters = MovingWindowRateLimiter(PostgresStorage("mbs+postgresql://", database=self.database))
        return API.amount - counters.get_window_stats(API, f"user:{self.user_id}").remaining

    def colleague(self, role: str) -> "Business":
        """Return a new member of this business in a role, signed in."""
        email = f"{role}-{uuid.uuid4().hex[:10]}@example.com"
        if not _hash:
            _hash.append(passwords.hash_password(PASSWORD))
        with self.database.transaction(self.scope, Role.IDENTITY) as transaction:
            user = UserRepository(transaction).add(
                {
                    "id": uuid7(),
                    "email": email,
                    "email_key": email_key(email),
                    "password_hash": _hash[0],
                    "first_name": role.capitalize(),
                    "last_name": "Test",
                }
            )
            transaction.enter_tenant(TenantId(self.tenant_id), actor_id=user.id)
            MembershipRepository(transaction).add({"id": uuid7(), "user_id": user.id, "role": role})
        response = Caller(self.app).post("/api/auth/login", {"email": email, "password": PASSWORD})
        return signed_in(self.app, email, response)


def new_business(caller: Caller, **details: str) -> Business:
    """Register a person with a business and return them signed in."""
    email = details.pop("email", f"owner-{uuid.uuid4().hex[:10]}@example.com")
    response = caller.post(
        "/api/auth/register",
        {
            "email": email,
            "password": PASSWORD,
            "firstName": "Asha",
            "lastName": "Rao",
            "businessName": "Asha's Salon",
            "businessType": "salon",
            "countryCode": "IN",
            **details,
        },
    )
    return signed_in(caller.app, email, response)


def signed_in(app: Flask, email: str, response: TestResponse) -> Business:
    assert response.status_code in (200, 201), response.get_data(as_text=True)
    body = response.json
    assert body is not None
    return Business(
        app=app,
        email=email,
        user_id=uuid.UUID(body["user"]["id"]),
        tenant_id=uuid.UUID(body["tenant"]["id"]),
        token=body["accessToken"],
        refresh_token=body["refreshToken"],
    )
