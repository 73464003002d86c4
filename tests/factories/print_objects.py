"""What a request about logos needs to be accepted."""

from collections.abc import Callable, Mapping

from mbs.branding.schemas import EXAMPLE
from tests.factories.calendar_requests import Prepared
from tests.factories.callers import Business


def with_logo(owner: Business) -> Prepared:
    response = owner.call("PUT", "/api/tenant/logo", EXAMPLE)
    assert response.status_code == 200, response.text
    return Prepared()


PREPARED: Mapping[str, Callable[[Business], Prepared]] = {
    "GET /api/tenant/logo": with_logo,
    "DELETE /api/tenant/logo": with_logo,
}
"""By the operation."""
