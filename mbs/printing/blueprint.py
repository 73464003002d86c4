"""/api/invoices/{id}/pdf and /api/credit-notes/{id}/pdf."""

from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.files import answer_file, unchanged
from mbs.foundation.http import answer
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.printing.schemas import PrintWaits
from mbs.printing.service import PrintingService

blueprint = Blueprint("printing", __name__, url_prefix="/api", description="Documents on paper.")

PDF = "application/pdf"
FILE = {"type": "string", "format": "binary"}
RETRY_SECONDS = 2


@blueprint.get("/invoices/<id:invoice_id>/pdf")
@requires("invoices:read")
@conditional
@blueprint.response(200, FILE, content_type=PDF)
@blueprint.alt_response(202, schema=PrintWaits, description="It is long, and made while you wait.")
def print_invoice(invoice_id: UUID) -> Response:
    """Print an invoice.

    A long one is answered 202 until it has been made; ask again after `Retry-After`. A print tells drafts
    and void invoices as such.
    """
    return _printed(invoice_id, "invoice")


@blueprint.get("/credit-notes/<id:credit_note_id>/pdf")
@requires("invoices:read")
@conditional
@blueprint.response(200, FILE, content_type=PDF)
@blueprint.alt_response(202, schema=PrintWaits, description="It is long, and made while you wait.")
def print_credit_note(credit_note_id: UUID) -> Response:
    """Print a credit note.

    A long one is answered 202 until it has been made; ask again after `Retry-After`.
    """
    return _printed(credit_note_id, "credit_note")


def _printed(id_: UUID, type_: str) -> Response:
    service = resolve(PrintingService)
    wanted = service.find(id_=id_, type_=type_)
    held = unchanged(wanted.edition)
    if held is not None:
        return held
    file = service.make(wanted)
    if file is None:
        waits = answer({"status": "queued"}, 202)
        waits.headers["Retry-After"] = str(RETRY_SECONDS)
        return waits
    return answer_file(file, media_type=PDF, tag=wanted.edition, filename=wanted.filename)
