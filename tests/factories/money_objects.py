"""An object of money for each id that a path of the API can name."""

from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import new_draft


def exchange_rate(owner: Business) -> dict[str, str]:
    body = {"base": "USD", "quote": "INR", "rate": "83.1234", "validFrom": "2026-03-01"}
    return {"exchange_rate_id": made(owner, "/api/exchange-rates", body)["id"]}


def invoice(owner: Business) -> dict[str, str]:
    return {"invoice_id": new_draft(owner)["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/exchange-rates/{exchange_rate_id}": exchange_rate,
    "/api/invoices/{invoice_id}": invoice,
}
