"""Credit notes over HTTP, and what is left of the invoice behind them."""

from typing import Any

from werkzeug.test import TestResponse

from tests.factories.callers import Business


def credit(owner: Business, invoice: str, *lines: dict[str, Any], **body: Any) -> TestResponse:
    """Credit an invoice; without lines, all that is left of it."""
    wanted = {"lines": list(lines)} if lines else {}
    return owner.post(f"/api/invoices/{invoice}/credit-notes", {"reason": "Came too late", **wanted, **body})


def credited(owner: Business, invoice: str, *lines: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Return the credit note that this makes."""
    response = credit(owner, invoice, *lines, **body)
    assert response.status_code == 201, response.get_data(as_text=True)
    note: dict[str, Any] = response.get_json()
    return note


def line(of: Any, number: int = 0, **part: Any) -> dict[str, Any]:
    """Return a part of an invoice's item: `quantity` or `amount`."""
    return {"invoiceLineId": of["items"][number]["id"], **part}


def money_of(owner: Business, invoice: str) -> tuple[str, ...]:
    """Return an invoice's status, its derived one, and what was paid, credited and is due."""
    view = owner.get(f"/api/invoices/{invoice}").get_json()
    names = ("status", "paymentStatus", "amountPaid", "amountCredited", "amountDue")
    return tuple(view[name] for name in names)


def refusal(response: TestResponse) -> tuple[int, str, list[str]]:
    """Return the status, code and faulty fields of a refusal."""
    body = response.get_json()
    return response.status_code, body["code"], [one["field"] for one in body.get("errors", ())]
