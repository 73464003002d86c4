"""Customers in bulk, past the rate limit of HTTP, and what is stored of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.customers.models import lookup_keys
from mbs.customers.repository import CustomerRepository
from mbs.events.repository import EventRepository
from tests.factories.callers import Business


def create(business: Business, **values: Any) -> Any:
    """Create a customer over HTTP, by default one named Jane Smith; return it as the answer shows it."""
    response = business.post("/api/customers", {"name": "Jane Smith", **values})
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json


def add_customers(business: Business, customers: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """Insert customers of a business and return their ids; without a `created_at` all share one instant."""
    ids = []
    with business.database.transaction(business.scope) as transaction:
        repository = CustomerRepository(transaction)
        for values in customers:
            lookup = lookup_keys(name=values["name"], email=values.get("email"), phone=values.get("phone"))
            ids.append(repository.add({"kind": "person", **values, **lookup, "id": uuid7()}).id)
    return ids


def stored(business: Business, id_: UUID | str) -> Row[Any]:
    """Return a customer's row as it is in the database."""
    with business.database.transaction(business.scope) as transaction:
        return CustomerRepository(transaction).get(UUID(str(id_)))


def events_of(business: Business, id_: UUID | str) -> Sequence[Row[Any]]:
    """Return the events about one object, oldest first."""
    with business.database.transaction(business.scope) as transaction:
        return EventRepository(transaction).after(0, limit=100, object_id=UUID(str(id_)))
