"""Businesses that charge GST, and their invoices, over HTTP."""

from typing import Any

from sqlalchemy import text

from tests.factories.answers import made
from tests.factories.callers import Business

GSTIN = "27AAPFU0939F1ZV"
"""A well-known example of a number whose check digit is right; 27 is Maharashtra."""

CHARGE_GST = text(
    "UPDATE locations SET tax_regime = 'india_gst', tax_registration = :gstin, legal_name = 'Asha LLP',"
    " invoice_prefix = 'MUM' WHERE tenant_id = :tenant AND is_default"
)


def charge_gst(owner: Business, gstin: str = GSTIN) -> Business:
    """Let a business charge GST at its default location; return it."""
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(CHARGE_GST, {"gstin": gstin, "tenant": owner.tenant_id})
    return owner


def new_customer(owner: Business, **values: Any) -> str:
    """Return the id of a new customer."""
    id_: str = made(owner, "/api/customers", {"name": "Jane Smith", **values})["id"]
    return id_


def item(**values: Any) -> dict[str, Any]:
    """Return an item: a haircut for 999 unless said otherwise."""
    return {"description": "Haircut", "unitPrice": "999.00", "taxCategory": "beauty_wellness", **values}


def new_draft(owner: Business, *items: dict[str, Any], **values: Any) -> Any:
    """Return the answer of a new draft, whose prices have the tax in them; without items a haircut."""
    customer = {} if "customerId" in values else {"customerId": new_customer(owner)}
    body = {**customer, "items": list(items) or [item()], "taxMode": "inclusive", **values}
    return made(owner, "/api/invoices", body)


def new_invoice(owner: Business, *items: dict[str, Any], issue_date: str | None = None, **values: Any) -> Any:
    """Return the answer of an invoice that has just been issued."""
    draft = new_draft(owner, *items, **values)
    body = {} if issue_date is None else {"issueDate": issue_date}
    response = owner.post(f"/api/invoices/{draft['id']}/issue", body)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.json
