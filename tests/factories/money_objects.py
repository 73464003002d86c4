"""An object of money for each id that a path of the API can name."""

from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business


def exchange_rate(owner: Business) -> dict[str, str]:
    body = {"base": "USD", "quote": "INR", "rate": "83.1234", "validFrom": "2026-03-01"}
    return {"exchange_rate_id": made(owner, "/api/exchange-rates", body)["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/exchange-rates/{exchange_rate_id}": exchange_rate,
}
