"""/api/invoices."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import require, requires
from mbs.foundation.services import resolve
from mbs.invoices.schemas.acts import BillBooking, IssueInvoice, SendInvoice, VoidInvoice
from mbs.invoices.schemas.presenting import present, present_listed, present_preview
from mbs.invoices.schemas.requests import EXAMPLE, SORTS, ChangeInvoice, CreateInvoice, InvoiceQuery
from mbs.invoices.schemas.views import InvoicePage, InvoicePreview, InvoiceView
from mbs.invoices.service.drafting import DraftService
from mbs.invoices.service.from_bookings import BillingService
from mbs.invoices.service.issued import IssuedService
from mbs.invoices.service.issuing import IssuingService
from mbs.invoices.service.reading import InvoiceService

blueprint = Blueprint(
    "invoices",
    __name__,
    url_prefix="/api",
    description="What customers owe, from the draft to the last paisa.",
)


@blueprint.get("/invoices")
@requires("invoices:read")
@blueprint.arguments(InvoiceQuery, location="query")
@blueprint.response(200, InvoicePage)
def index(query: dict[str, Any]) -> Response:
    """List invoices, newest first unless `sortBy` and `sortOrder` say otherwise.

    `status` takes what is stored and what follows from it: `overdue` and `partial`. By `issueDate`, `dueDate`
    and `number` drafts stand behind all that have one.
    """
    request, order = page_request(query, "invoices", SORTS)
    service, tenant_id = resolve(InvoiceService), current_scope().tenant_id
    page = service.search(request=request, **query)
    return answer_page(page, lambda row: present_listed(row, tenant_id, service.at), order=order)


@blueprint.post("/invoices")
@requires("invoices:write")
@blueprint.arguments(CreateInvoice, example=EXAMPLE)
@blueprint.response(201, InvoiceView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Write a draft. Its sums and taxes are reckoned here; whoever sends some is refused.

    A draft has no number and can be changed; `POST .../issue` gives it one, and from then on it stays.
    """
    service = resolve(DraftService)
    return _shown(service.create(**body), service, 201)


@blueprint.post("/invoices/preview")
@requires("invoices:read")
@blueprint.arguments(CreateInvoice, example=EXAMPLE)
@blueprint.response(200, InvoicePreview)
def preview(body: dict[str, Any]) -> Response:
    """Show what an invoice would be, taxes and all; nothing is stored."""
    return answer(present_preview(resolve(DraftService).preview(**body)))


@blueprint.get("/invoices/<id:invoice_id>")
@requires("invoices:read")
@conditional
@blueprint.response(200, InvoiceView)
def read(invoice_id: UUID) -> Response:
    """Read an invoice with its items, what was paid, and its credit notes."""
    service = resolve(InvoiceService)
    return _shown(service.read(id_=invoice_id), service)


@blueprint.patch("/invoices/<id:invoice_id>")
@requires("invoices:write")
@conditional
@blueprint.arguments(ChangeInvoice, example={"notes": "Thank you"})
@blueprint.response(200, InvoiceView)
@replayable
def update(body: dict[str, Any], invoice_id: UUID) -> Response:
    """Change a draft; null clears a field, an absent field stays, `items` replaces all of them.

    Whatever has been issued stays as it is: 409 `DOCUMENT_LOCKED`.
    """
    service = resolve(DraftService)
    return _shown(service.change(id_=invoice_id, version=expected_version(), **body), service)


@blueprint.delete("/invoices/<id:invoice_id>")
@requires("invoices:write")
@conditional
@blueprint.response(204)
def remove(invoice_id: UUID) -> Response:
    """Remove a draft for good. Whatever has been issued is never removed: 409 `DOCUMENT_LOCKED`."""
    resolve(DraftService).remove(id_=invoice_id, version=expected_version())
    return no_content()


@blueprint.post("/invoices/<id:invoice_id>/issue")
@requires("invoices:issue")
@conditional
@blueprint.arguments(IssueInvoice, example={"issueDate": "2025-04-01"})
@blueprint.response(200, InvoiceView)
@replayable
def issue(body: dict[str, Any], invoice_id: UUID) -> Response:
    """Issue a draft: it gets its number, and from then on it stays as it is.

    Its taxes are reckoned anew by the rates of the day of supply, which is that of issue unless the draft
    says another. Seller and customer stand on it as they are now. Numbers have no gaps, and run as the dates
    of issue do: one with an earlier date than the number before is refused. Where the law limits numbers, and
    the next one is longer, that is refused with 409 `NUMBER_TOO_LONG`.
    """
    service = resolve(IssuingService)
    version, issued_on = expected_version(), body.get("issue_date")
    return _shown(service.issue(id_=invoice_id, version=version, issued_on=issued_on), service)


@blueprint.post("/invoices/<id:invoice_id>/send")
@requires("invoices:issue")
@conditional
@blueprint.arguments(SendInvoice, example={"channels": ["email"]})
@blueprint.response(200, InvoiceView)
@replayable
def send(body: dict[str, Any], invoice_id: UUID) -> Response:
    """Tell the customer by mail what they owe and until when, at most three times an hour.

    It goes to the address that they have now, or had when it was issued.
    """
    service = resolve(IssuedService)
    return _shown(service.send(id_=invoice_id, version=expected_version(), **body), service)


@blueprint.post("/invoices/<id:invoice_id>/void")
@requires("invoices:void")
@conditional
@blueprint.arguments(VoidInvoice, example={"reason": "Written to the wrong customer"})
@blueprint.response(200, InvoiceView)
@replayable
def void(body: dict[str, Any], invoice_id: UUID) -> Response:
    """Take back an invoice for which no money was moved.

    It keeps its number; what it billed can be billed again.
    With the setting `voidSamePeriodOnly`, as in India unless you say otherwise, only within the month of its
    issue; later it is taken back with a credit note.
    """
    service = resolve(IssuedService)
    return _shown(service.void(id_=invoice_id, version=expected_version(), **body), service)


@blueprint.post("/invoices/<id:invoice_id>/mark-uncollectible")
@requires("invoices:void")
@conditional
@blueprint.response(200, InvoiceView)
@replayable
def mark_uncollectible(invoice_id: UUID) -> Response:
    """Note that nobody expects it to be paid any more. It still can be."""
    service = resolve(IssuedService)
    return _shown(service.give_up(id_=invoice_id, version=expected_version()), service)


@blueprint.post("/bookings/<id:booking_id>/invoice")
@requires("invoices:write")
@blueprint.arguments(BillBooking, example={"issue": True})
@blueprint.response(201, InvoiceView)
@replayable
def bill_booking(body: dict[str, Any], booking_id: UUID) -> Response:
    """Write an invoice of what a booking comes to, or of its fee when it was cancelled late or not kept.

    Everything is billed once: what stands on another invoice is left out, and where nothing is left that is
    409 `NOTHING_TO_BILL`. With `issue` it is issued at once, which needs `invoices:issue`; without, it is a
    draft.
    """
    if body["issue"]:
        require(current_scope(), "invoices:issue")
    service = resolve(BillingService)
    issued_on = body.pop("issue_date", None)
    return _shown(service.bill(booking_id=booking_id, issued_on=issued_on, **body), service, 201)


def _shown(invoice: Any, service: Any, status: int = 200) -> Response:
    body = present(invoice, current_scope().tenant_id, service.at)
    location = f"/api/invoices/{invoice.id}" if status == 201 else None
    return answer(body, status, version=invoice.version, location=location)
