"""Services and resources made over HTTP, as the answers show them, and in bulk past it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.factories.callers import Business

MANY_RESOURCES = text("""
INSERT INTO resources (id, kind, name, name_key, location_id, tags, created_by)
SELECT gen_random_uuid(), 'staff', 'Name ' || n, 'name ' || lpad((n * 7919 % :rows)::text, 5, '0'), id,
       CASE WHEN n % 100 = 0 THEN '{senior}'::text[] ELSE '{}' END, :actor
FROM locations, generate_series(1, :rows) AS n WHERE tenant_id = :tenant AND is_default
""")
MANY_SERVICES = text("""
INSERT INTO catalog_items (id, name, name_key, price, currency, duration_min, sort_order, created_by)
SELECT gen_random_uuid(), 'Name ' || n, 'name ' || lpad((n * 7919 % :rows)::text, 5, '0'),
       n * 7919 % :rows, 'INR', 60, n * 6007 % :rows, :actor
FROM generate_series(1, :rows) AS n
""")
EVERYBODY_DOES_THE_FIRST = text("""
INSERT INTO item_resources (catalog_item_id, resource_id)
SELECT (SELECT id FROM catalog_items WHERE tenant_id = :tenant ORDER BY id LIMIT 1), id
FROM resources WHERE tenant_id = :tenant
UNION
SELECT id, (SELECT id FROM resources WHERE tenant_id = :tenant ORDER BY id LIMIT 1)
FROM catalog_items WHERE tenant_id = :tenant
""")


def create_resource(business: Business, kind: str = "room", **values: Any) -> Any:
    return _created(business.post("/api/resources", {"kind": kind, "name": "Room 1", **values}))


def create_staff(business: Business, **values: Any) -> Any:
    return _created(business.post("/api/staff", {"name": "Meera", **values}))


def create_service(business: Business, *, resources: Sequence[Any] = (), **values: Any) -> Any:
    """Create a service, by default an appointment of 60 minutes for 500.00, and assign resources to it.

    :param resources: ids, or objects as the wire has them.
    """
    stay = values.get("mode") == "stay"
    usual = {"name": "Haircut", "price": "500.00", **({} if stay else {"duration": 60})}
    service = _created(business.post("/api/services", {**usual, **values}))
    if resources:
        response = assign(business, service["id"], resources)
        assert response.status_code == 200, response.get_data(as_text=True)
        service["version"] = response.get_json()["version"]
    return service


def assign(business: Business, service_id: str, resources: Sequence[Any], **options: Any) -> TestResponse:
    """Say who and what can do a service; the whole list."""
    body = [{"resourceId": one} if isinstance(one, str) else one for one in resources]
    return business.call("PUT", f"/api/services/{service_id}/resources", {"resources": body}, **options)


def add_many(business: Business, rows: int) -> None:
    """Add so many of each: each resource does one service, and one resource does each."""
    values = {"rows": rows, "tenant": business.tenant_id, "actor": business.user_id}
    with business.database.transaction(business.scope) as transaction:
        for statement in (MANY_RESOURCES, MANY_SERVICES, EVERYBODY_DOES_THE_FIRST):
            transaction.execute(statement, values)


def _created(response: TestResponse) -> Any:
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json
