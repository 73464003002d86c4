"""Drafts over HTTP: what an invoice comes to, and what is refused before it is one."""

import pytest

from tests.factories.callers import Business
from tests.factories.invoices import charge_gst, new_draft


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


class TestCreate:
    def test_reckons_a_salon_bill_of_999_with_gst_inside(self, salon: Business) -> None:
        draft = new_draft(salon)
        assert (draft["subtotal"], draft["taxTotal"], draft["total"]) == ("951.42", "47.58", "999.00")
        (line,) = draft["items"]
        assert line["taxes"] == [
            {"code": "CGST", "rate": "2.5", "amount": "23.79"},
            {"code": "SGST", "rate": "2.5", "amount": "23.79"},
        ]
        assert (draft["status"], draft["number"], draft["placeOfSupply"]) == ("draft", None, "27")
