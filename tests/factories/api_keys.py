"""API keys of a business, and the programs that hold them."""

from typing import Any

from tests.factories.callers import Business, Caller


def make_key(owner: Business, *scopes: str, **values: Any) -> Any:
    """Make a key over HTTP and return it as the answer shows it, `key` included."""
    body = {"name": "Web shop", "scopes": list(scopes or ("customers:read",)), **values}
    response = owner.post("/api/api-keys", body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json


def program(owner: Business, *scopes: str, **values: Any) -> Caller:
    """Return whoever holds a new key of a business, at an address of their own."""
    return Caller(owner.app, token=make_key(owner, *scopes, **values)["key"])
