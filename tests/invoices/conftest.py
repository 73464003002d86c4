"""A salon that charges GST in Mumbai."""

import pytest

from tests.factories.callers import Business
from tests.factories.invoices import charge_gst


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)
