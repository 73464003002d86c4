"""An object of money for each id that a path of the API can name."""

import uuid
from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import new_draft


def tax_rate(owner: Business) -> dict[str, str]:
    # In the future, so that it can be removed; of a category of its own, for two never overlap.
    body = {
        "category": f"own_{uuid.uuid4().hex[:12]}",
        "components": [{"code": "GST", "rate": "5"}],
        "validFrom": "2199-01-01",
    }
    return {"tax_rate_id": made(owner, "/api/tax-rates", body)["id"]}


def exchange_rate(owner: Business) -> dict[str, str]:
    body = {"base": "USD", "quote": "INR", "rate": "83.1234", "validFrom": "2026-03-01"}
    return {"exchange_rate_id": made(owner, "/api/exchange-rates", body)["id"]}


def invoice(owner: Business) -> dict[str, str]:
    return {"invoice_id": new_draft(owner)["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/exchange-rates/{exchange_rate_id}": exchange_rate,
    "/api/tax-rates/{tax_rate_id}": tax_rate,
    "/api/invoices/{invoice_id}": invoice,
}
