"""/api/customers."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.customers.models import SORTS
from mbs.customers.schemas import (
    EXAMPLE,
    ChangeCustomer,
    CreateCustomer,
    CustomerCreated,
    CustomerPage,
    CustomerQuery,
    CustomerView,
    RemoveQuery,
    present,
)
from mbs.customers.service import CustomerService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import require, requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "customers", __name__, url_prefix="/api/customers", description="The people and firms you serve."
)


@blueprint.get("")
@requires("customers:read", own=True)
@blueprint.arguments(CustomerQuery, location="query")
@blueprint.response(200, CustomerPage)
def index(query: dict[str, Any]) -> Response:
    """List customers.

    Newest first unless `sortBy` and `sortOrder` say otherwise. Archived ones appear only when `status`
    asks for them.
    """
    request, order = page_request(query, "customers", SORTS)
    page = resolve(CustomerService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("customers:create")
@blueprint.arguments(CreateCustomer, example=EXAMPLE)
@blueprint.response(201, CustomerCreated)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Create a customer.

    `possibleDuplicates` lists customers that may be the same person; nothing is merged by itself.
    """
    customer, similar = resolve(CustomerService).create(**body)
    view = present(customer, current_scope().tenant_id)
    view["possibleDuplicates"] = similar
    return answer(view, 201, version=customer.version, location=f"/api/customers/{customer.id}")


@blueprint.get("/<id:customer_id>")
@requires("customers:read", own=True)
@conditional
@blueprint.response(200, CustomerView)
def read(customer_id: UUID) -> Response:
    """Read a customer."""
    customer = resolve(CustomerService).read(id_=customer_id)
    return answer(present(customer, current_scope().tenant_id), version=customer.version)


@blueprint.patch("/<id:customer_id>")
@requires("customers:write")
@conditional
@blueprint.arguments(ChangeCustomer, example={"notes": "Prefers mornings"})
@blueprint.response(200, CustomerView)
@replayable
def update(body: dict[str, Any], customer_id: UUID) -> Response:
    """Change a customer; null clears a field, an absent field stays."""
    customer = resolve(CustomerService).change(id_=customer_id, version=expected_version(), **body)
    return answer(present(customer, current_scope().tenant_id), version=customer.version)


@blueprint.delete("/<id:customer_id>")
@requires("customers:write")
@conditional
@blueprint.arguments(RemoveQuery, location="query")
@blueprint.response(204)
def remove(query: dict[str, Any], customer_id: UUID) -> Response:
    """Archive a customer.

    With `purge=true` it is removed for good, which needs `customers:erase` and fails with 409 `IN_USE`
    while other records refer to it.
    """
    service = resolve(CustomerService)
    if query["purge"]:
        require(current_scope(), "customers:erase")
        service.purge(id_=customer_id, version=expected_version())
    else:
        service.archive(id_=customer_id, version=expected_version())
    return no_content()
