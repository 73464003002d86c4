"""/api/credit-notes, and /api/invoices/{id}/credit-notes."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.credit_notes.models.lines import SORTS
from mbs.credit_notes.schemas import (
    EXAMPLE,
    CreditNotePage,
    CreditNoteQuery,
    CreditNoteView,
    IssueCreditNote,
    present,
    present_listed,
)
from mbs.credit_notes.service.issuing import CreditService
from mbs.credit_notes.service.reading import CreditNoteService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "credit_notes", __name__, url_prefix="/api", description="What was invoiced and is taken back."
)


@blueprint.post("/invoices/<id:invoice_id>/credit-notes")
@requires("creditNotes:issue")
@conditional
@blueprint.arguments(IssueCreditNote, example=EXAMPLE)
@blueprint.response(201, CreditNoteView)
@replayable
def issue(body: dict[str, Any], invoice_id: UUID) -> Response:
    """Credit an invoice, or some of its lines, at the taxes that were charged.

    It lowers what is owed first. What was paid already goes back with `settle` as `refund`, and stays the
    customer's balance as `balance`; as `apply` it is refused, with 409 and `amountDue`. More than is left
    of a line is refused with 409 `CREDIT_EXCEEDS_LINE`. `If-Match` is the invoice's.
    """
    note = resolve(CreditService).issue(invoice_id=invoice_id, version=expected_version(), **body)
    view = present(note, current_scope().tenant_id)
    return answer(view, 201, version=note.version, location=f"/api/credit-notes/{note.id}")


@blueprint.get("/credit-notes")
@requires("invoices:read")
@blueprint.arguments(CreditNoteQuery, location="query")
@blueprint.response(200, CreditNotePage)
def index(query: dict[str, Any]) -> Response:
    """List credit notes, newest first unless `sortBy` and `sortOrder` say otherwise."""
    request, order = page_request(query, "credit-notes", SORTS)
    page = resolve(CreditNoteService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present_listed(row, tenant_id), order=order)


@blueprint.get("/credit-notes/<id:credit_note_id>")
@requires("invoices:read")
@conditional
@blueprint.response(200, CreditNoteView)
def read(credit_note_id: UUID) -> Response:
    """Read a credit note with its items, and what went back for it."""
    note = resolve(CreditNoteService).read(id_=credit_note_id)
    return answer(present(note, current_scope().tenant_id), version=note.version)
