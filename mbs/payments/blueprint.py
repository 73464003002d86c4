"""/api/payments and /api/refunds."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import key_required, replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.payments.models import REFUND_SORTS, SORTS
from mbs.payments.schemas import (
    EXAMPLE,
    INVOICE_ID,
    REFUND_EXAMPLE,
    ApplyPayment,
    PaymentPage,
    PaymentQuery,
    PaymentView,
    RecordPayment,
    RefundPage,
    RefundPayment,
    RefundQuery,
    RefundView,
    ReversePayment,
    present,
    present_refund,
)
from mbs.payments.service.applying import ApplyingService
from mbs.payments.service.reading import PaymentService
from mbs.payments.service.recording import RecordingService
from mbs.payments.service.refunding import RefundService

blueprint = Blueprint(
    "payments", __name__, url_prefix="/api/payments", description="What customers paid, and for what."
)
refunds = Blueprint(
    "refunds", __name__, url_prefix="/api/refunds", description="What of their payments went back."
)


@blueprint.get("")
@requires("payments:read")
@blueprint.arguments(PaymentQuery, location="query")
@blueprint.response(200, PaymentPage)
def index(query: dict[str, Any]) -> Response:
    """List payments, those received last first unless `sortBy` and `sortOrder` say otherwise.

    `invoiceId` selects those that are for an invoice, `unapplied=true` those of which something is left.
    """
    request, order = page_request(query, "payments", SORTS)
    page = resolve(PaymentService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("payments:record", own=True)
@blueprint.arguments(RecordPayment, example=EXAMPLE)
@blueprint.response(201, PaymentView)
@key_required
@replayable
def record(body: dict[str, Any]) -> Response:
    """Record a payment, and apply it to invoices of its customer and its currency.

    An invoice takes no more than is due on it, and what no invoice takes is refused, 409 `OVERPAYMENT`,
    unless `allowUnapplied` keeps it as the customer's balance. With `invoiceId` instead of `allocations` all
    of it is for that invoice or, with `allowUnapplied`, as much as is due on it. Who has
    `payments:record:own` alone takes cash and UPI from their own customers.
    """
    payment = resolve(RecordingService).record(**body)
    view = present(payment, current_scope().tenant_id)
    return answer(view, 201, version=payment.version, location=f"/api/payments/{payment.id}")


@blueprint.get("/<id:payment_id>")
@requires("payments:read")
@conditional
@blueprint.response(200, PaymentView)
def read(payment_id: UUID) -> Response:
    """Read a payment, with what it is for and what went back."""
    return _shown(resolve(PaymentService).read(id_=payment_id))


@blueprint.post("/<id:payment_id>/allocations")
@requires("payments:record")
@conditional
@blueprint.arguments(ApplyPayment, example={"allocations": [{"invoiceId": INVOICE_ID, "amount": "100.00"}]})
@blueprint.response(200, PaymentView)
@replayable
def apply(body: dict[str, Any], payment_id: UUID) -> Response:
    """Apply what is left of a payment to invoices of its customer."""
    service = resolve(ApplyingService)
    return _shown(service.apply(id_=payment_id, version=expected_version(), **body))


@blueprint.delete("/<id:payment_id>/allocations/<id:allocation_id>")
@requires("payments:refund")
@conditional
@blueprint.response(204)
def unapply(payment_id: UUID, allocation_id: UUID) -> Response:
    """Take a payment back out of an invoice, which is due again; the money stays the customer's balance."""
    service = resolve(ApplyingService)
    service.unapply(id_=payment_id, allocation_id=allocation_id, version=expected_version())
    return no_content()


@blueprint.post("/<id:payment_id>/refunds")
@requires("payments:refund")
@conditional
@blueprint.arguments(RefundPayment, example=REFUND_EXAMPLE)
@blueprint.response(201, RefundView)
@key_required
@replayable
def refund(body: dict[str, Any], payment_id: UUID) -> Response:
    """Note that a payment, or a part of it, was given back.

    What is not applied goes first; then what was applied last is taken out of its invoices, which are due
    again. To lower what an invoice asks for, write a credit note.
    """
    made = resolve(RefundService).refund(id_=payment_id, version=expected_version(), **body)
    view = present_refund(made, current_scope().tenant_id)
    return answer(view, 201, location=f"/api/refunds/{made.id}")


@blueprint.post("/<id:payment_id>/reverse")
@requires("payments:refund")
@conditional
@blueprint.arguments(ReversePayment, example={"reason": "The cheque bounced"})
@blueprint.response(200, PaymentView)
@replayable
def reverse(body: dict[str, Any], payment_id: UUID) -> Response:
    """Note that a payment never came, like a cheque that bounced; all its invoices are due again."""
    service = resolve(RefundService)
    return _shown(service.reverse(id_=payment_id, version=expected_version(), **body))


@refunds.get("")
@requires("payments:read")
@refunds.arguments(RefundQuery, location="query")
@refunds.response(200, RefundPage)
def index_refunds(query: dict[str, Any]) -> Response:
    """List refunds, the last first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "refunds", REFUND_SORTS)
    page = resolve(PaymentService).search_refunds(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present_refund(row, tenant_id), order=order)


@refunds.get("/<id:refund_id>")
@requires("payments:read")
@refunds.response(200, RefundView)
def read_refund(refund_id: UUID) -> Response:
    """Read a refund, which never changes."""
    row = resolve(PaymentService).read_refund(id_=refund_id)
    return answer(present_refund(row, current_scope().tenant_id))


def _shown(payment: Any) -> Response:
    return answer(present(payment, current_scope().tenant_id), version=payment.version)
