"""The fixtures of this room."""

from collections.abc import Iterator

import pytest

from mbs.operations.embedded_postgres import Server
from tests.factories.apps import wide_app
from tests.factories.callers import Business
from tests.factories.invoices import charge_gst
from tests.money.invariants import violations

__all__ = ["salon", "wide_app"]


@pytest.fixture
def salon(owner: Business, server: Server, database_name: str) -> Iterator[Business]:
    """The owner of a new business that charges GST; behind the test all its money is in order."""
    yield charge_gst(owner)
    assert violations(server.url(database_name), owner.tenant_id) == []
