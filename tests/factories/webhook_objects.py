"""A webhook endpoint and a delivery for each id that a path of the API can name."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tests.factories.answers import made
from tests.factories.callers import Business

PATH = "/api/webhook-endpoints"
ENDED = text("UPDATE webhook_deliveries SET status = 'delivered', finished_at = now() WHERE id = :id")


def new_endpoint(
    owner: Business, *event_types: str, url: str = "https://example.com/webhooks"
) -> dict[str, Any]:
    """Make an endpoint; return it with its secret."""
    return made(owner, PATH, {"url": url, "eventTypes": list(event_types or ("*",))})


def endpoint(owner: Business) -> dict[str, str]:
    return {"endpoint_id": new_endpoint(owner)["id"]}


def ended_delivery(owner: Business) -> dict[str, str]:
    """Make a delivery that is over, so that it can be replayed."""
    ids = endpoint(owner)
    response = owner.post(f"{PATH}/{ids['endpoint_id']}/test")
    assert response.status_code == 202, response.get_data(as_text=True)
    id_ = response.get_json()["id"]
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(ENDED, {"id": UUID(id_)})
    return {**ids, "delivery_id": id_}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    f"{PATH}/{{endpoint_id}}": endpoint,
    f"{PATH}/{{endpoint_id}}/deliveries/{{delivery_id}}": ended_delivery,
}
