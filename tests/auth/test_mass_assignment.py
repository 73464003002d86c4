"""What a caller may write is a list; whatever else a response shows is refused when it is sent back."""

import uuid
from typing import Any

import pytest
from flask import Flask

from tests.auth.conftest import Sql
from tests.auth.writable_fields import WRITABLE
from tests.contract.operations import Operation, operations
from tests.factories.callers import Business, Caller
from tests.factories.objects import new_objects

HOSTILE: dict[str, Any] = {
    "id": str(uuid.uuid4()),
    "tenantId": str(uuid.uuid4()),
    "tenant_id": str(uuid.uuid4()),
    "userId": str(uuid.uuid4()),
    "ownerId": str(uuid.uuid4()),
    "createdBy": str(uuid.uuid4()),
    "role": "owner",
    "permissions": ["audit:read"],
    "status": "active",
    "isAdmin": True,
    "version": 1,
    "createdAt": "2026-01-01T00:00:00Z",
    "created_at": "2026-01-01T00:00:00Z",
    "passwordHash": "x",
    "password_hash": "x",
    "emailVerified": True,
    "total": "1.00",
    "amount": "0.00",
    "fee": "0.00",
    "depositDue": "0.00",
    "currency": "USD",
    "reference": "00000000",
    "source": "api",
    "slotNo": 1,
    "bookingId": str(uuid.uuid4()),
    "cancelledBy": "customer",
    "rescheduleCount": 0,
    "expiresAt": "2099-01-01T00:00:00Z",
    "paid": True,
    "first_name": "Snake",
    "__proto__": {},
    "__class__": {},
    "self": "x",
    "origin": {"address": "127.0.0.1"},
    "dedupeEmail": "x",
    "": "x",
}


def schema_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    body = operation.get("requestBody")
    if body is None:
        return None
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


class TestDocumentedFields:
    def test_are_the_writable_ones_and_no_others(self, app: Flask) -> None:
        document = Caller(app).get("/api/openapi.json").get_json()
        found = {}
        for path, item in document["paths"].items():
            if path.startswith("/api/webhooks/"):
                # What a provider reports has the provider's fields, and nobody else can sign it.
                continue
            for method, operation in item.items():
                schema = schema_of(document, operation) if isinstance(operation, dict) else None
                if schema is not None:
                    found[method.upper(), path] = frozenset(schema["properties"])
                    assert schema["additionalProperties"] is False, path
        assert found == WRITABLE


class TestUndocumentedFields:
    """Each is sent with a body that is otherwise good: the documented one, or one of this caller's own."""

    @pytest.fixture
    def bodies(self, resident: Business) -> dict[tuple[str, str], dict[str, Any]]:
        opening = {"businessName": "New", "businessType": "spa", "countryCode": "IN"}
        person = {"firstName": "A", "lastName": "B", "password": "three green umbrellas"}
        email = f"new-{uuid.uuid4().hex[:10]}@example.com"
        particular = {
            ("POST", "/api/auth/register"): {**opening, **person, "email": email},
            ("POST", "/api/auth/login"): {"email": resident.email, "password": person["password"]},
            ("POST", "/api/auth/refresh"): {"refreshToken": resident.refresh_token},
            ("POST", "/api/auth/token/refresh"): {"refreshToken": resident.refresh_token},
            ("PATCH", "/api/auth/me"): {"firstName": "Asha"},
            ("PATCH", "/api/auth/tenants/switch"): {"tenantId": str(resident.tenant_id)},
            ("POST", "/api/tenants"): opening,
            ("PATCH", "/api/tenant"): {"name": "New"},
            ("PATCH", "/api/tenant/settings"): {"customers": {"uniqueEmail": False}},
        }
        examples = {(one.method, one.path): one.example for one in operations() if one.example}
        return examples | particular

    @pytest.mark.parametrize(("method", "path"), list(WRITABLE))
    def test_are_refused_by_name_and_nothing_is_written(
        self,
        resident: Business,
        sql: Sql,
        bodies: dict[tuple[str, str], dict[str, Any]],
        method: str,
        path: str,
    ) -> None:
        def rows() -> list[tuple[Any, ...]]:
            tables = ("users", "tenants", "memberships", "login_sessions", "customers", "events", "bookings")
            return sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables))

        extra = {name: value for name, value in HOSTILE.items() if name not in WRITABLE[method, path]}
        before = rows()

        url = Operation(method, path, {}).url()
        response = resident.call(method, url, {**bodies[method, path], **extra})

        assert response.status_code == 400
        faults = {one["field"]: one["code"] for one in response.get_json()["errors"]}
        assert faults == {name or "body": "unknown_field" for name in extra}
        assert rows() == before


class TestResponseFields:
    """Each field of a response, sent back alone, is taken only if it is on the list."""

    @pytest.mark.parametrize(
        ("path", "listed"),
        [
            ("/api/auth/me", ("PATCH", "/api/auth/me")),
            ("/api/tenant", ("PATCH", "/api/tenant")),
            ("/api/tenant/settings", ("PATCH", "/api/tenant/settings")),
            ("/api/customers/", ("PATCH", "/api/customers/{customer_id}")),
            ("/api/services/", ("PATCH", "/api/services/{service_id}")),
            ("/api/resources/", ("PATCH", "/api/resources/{resource_id}")),
            ("/api/staff/", ("PATCH", "/api/staff/{staff_id}")),
            ("/api/locations/", ("PATCH", "/api/locations/{location_id}")),
            ("/api/bookings/", ("PATCH", "/api/bookings/{booking_id}")),
        ],
    )
    def test_come_back_only_if_they_are_writable(
        self, owner: Business, path: str, listed: tuple[str, str]
    ) -> None:
        if path == "/api/customers/":
            details = {
                "name": "Jane",
                "email": "jane@example.com",
                "phone": "+919876543210",
                "address": "12 MG Road",
                "taxId": "T1",
                "taxStatus": "overseas",
                "regionCode": "27",
                "tags": ["vip"],
                "notes": "n",
            }
            path += owner.post("/api/customers", details).get_json()["id"]
        elif path.endswith("/"):
            path = listed[1].format_map(new_objects(owner, listed[1]))
        shown = owner.get(path).get_json()
        assert WRITABLE[listed] <= set(shown)

        taken = set()
        for name, value in shown.items():
            response = owner.patch(path, {name: value})
            if response.status_code == 200:
                taken.add(name)
            else:
                assert response.status_code == 400
                assert [one["field"] for one in response.get_json()["errors"]] == [name]

        assert taken == WRITABLE[listed]
        now = owner.get(path).get_json()
        for name in shown.keys() - {"version", "updatedAt"}:
            assert now[name] == shown[name], name
