"""An object of money for each id that a path of the API can name."""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import count

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


_days = count()


def new_day() -> str:
    """Return a day that no rate begins on yet."""
    return (date(2000, 1, 1) + timedelta(days=next(_days))).isoformat()


def exchange_rate(owner: Business) -> dict[str, str]:
    body = {"base": "USD", "quote": "INR", "rate": "83.1234", "validFrom": new_day()}
    return {"exchange_rate_id": made(owner, "/api/exchange-rates", body)["id"]}


def invoice(owner: Business) -> dict[str, str]:
    return {"invoice_id": new_draft(owner)["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/exchange-rates/{exchange_rate_id}": exchange_rate,
    "/api/tax-rates/{tax_rate_id}": tax_rate,
    "/api/invoices/{invoice_id}": invoice,
}
