"""A credit note for each id that a path of the API can name, and what a request needs to write one."""

from collections.abc import Callable, Mapping

from tests.credit_notes.crediting import credited, line
from tests.factories.calendar_requests import Prepared
from tests.factories.callers import Business
from tests.factories.invoices import new_invoice


def credit_note(owner: Business) -> dict[str, str]:
    return {"credit_note_id": credited(owner, new_invoice(owner)["id"])["id"]}


def credit_invoice(owner: Business) -> Prepared:
    invoice = new_invoice(owner)
    return Prepared(ids={"invoice_id": invoice["id"]}, body={"lines": [line(invoice, quantity="1")]})


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/credit-notes/{credit_note_id}": credit_note,
}

PREPARED: Mapping[str, Callable[[Business], Prepared]] = {
    "POST /api/invoices/{invoice_id}/credit-notes": credit_invoice,
}
