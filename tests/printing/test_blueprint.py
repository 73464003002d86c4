"""Invoices and credit notes fetched as PDF."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mbs.foundation.errors import Overloaded
from mbs.printing import service
from mbs.printing.models.composing import compose
from mbs.printing.service import Press
from tests.factories.callers import Business, Caller, new_business
from tests.factories.credit_note_objects import credit_note
from tests.factories.invoices import charge_gst, new_draft, new_invoice
from tests.factories.print_objects import with_logo
from tests.printing.paper import text_of
from tests.printing.samples import business, document, line


@pytest.fixture
def salon(owner: Business) -> Business:
    """A business that charges GST."""
    return charge_gst(owner)


@pytest.fixture
def another(caller: Caller) -> Business:
    return new_business(caller)


def pdf_of(owner: Business, id_: Any, **headers: str) -> Any:
    return owner.get(f"/api/invoices/{id_}/pdf", headers=headers)


class TestAnInvoice:
    def test_is_a_file_that_shows_it(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        response = pdf_of(salon, invoice["id"])
        assert response.status_code == 200, response.text
        assert response.content_type == "application/pdf"
        assert response.headers["Cache-Control"] == "private, no-store"
        name = invoice["number"].replace("/", "-")
        assert response.headers["Content-Disposition"] == f"inline; filename={name}.pdf"
        text = text_of(response.data)
        for said in (invoice["number"], "Asha LLP", "Jane Smith", "Tax invoice", "₹999.00", "27 Maharashtra"):
            assert said in text
        assert text.count("23.79") == 2

    def test_is_not_sent_to_whoever_holds_it(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        tag = pdf_of(salon, invoice["id"]).headers["ETag"]
        held = pdf_of(salon, invoice["id"], **{"If-None-Match": tag})
        assert (held.status_code, held.data, held.headers["ETag"]) == (304, b"", tag)

    def test_is_another_file_once_anything_on_it_has_changed(self, salon: Business) -> None:
        draft = new_draft(salon)
        tags = [pdf_of(salon, draft["id"]).headers["ETag"]]
        for method, path, body in (
            ("PATCH", "/api/tenant/settings", {"invoicing": {"brandColor": "#7A1F5C"}}),
            ("PATCH", "/api/tenant", {"locale": "hi-IN"}),
            ("PATCH", f"/api/customers/{draft['customerId']}", {"name": "Jane Jones"}),
            ("PATCH", f"/api/invoices/{draft['id']}", {"notes": "See you soon."}),
        ):
            assert salon.call(method, path, body).status_code == 200
            tags.append(pdf_of(salon, draft["id"]).headers["ETag"])
        with_logo(salon)
        tags.append(pdf_of(salon, draft["id"]).headers["ETag"])
        assert len(set(tags)) == len(tags)
        text = text_of(pdf_of(salon, draft["id"]).data)
        assert "DRAFT" in text
        assert "Jane Jones" in text

    def test_shows_its_customer_as_it_was_when_it_was_issued(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        salon.call("PATCH", f"/api/customers/{invoice['customerId']}", {"name": "Jane Jones"})
        assert "Jane Smith" in text_of(pdf_of(salon, invoice["id"]).data)

    def test_that_never_was_is_not_found(self, salon: Business) -> None:
        refused = pdf_of(salon, uuid.uuid4())
        assert refused.status_code == 404
        assert refused.content_type == "application/problem+json"
        ids = credit_note(salon)
        assert pdf_of(salon, ids["credit_note_id"]).status_code == 404

    def test_of_another_business_is_not_found(self, salon: Business, another: Business) -> None:
        assert pdf_of(another, new_invoice(salon)["id"]).status_code == 404


class TestACreditNote:
    def test_names_its_invoice(self, salon: Business) -> None:
        id_ = credit_note(salon)["credit_note_id"]
        note: Any = salon.get(f"/api/credit-notes/{id_}").json
        response = salon.get(f"/api/credit-notes/{id_}/pdf")
        assert response.status_code == 200, response.text
        text = text_of(response.data)
        assert note["number"] in text
        assert "For invoice" in text


class TestThePress:
    def test_refuses_whoever_would_wait_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "PATIENCE_SECONDS", 0.01)
        press, lines = Press(), [line()]
        row = document(lines)
        sheet = compose(row, lines, business(), seller=row.seller, buyer=row.buyer)
        begun, go_on = threading.Event(), threading.Event()

        def slow(_: object) -> bytes:
            begun.set()
            assert go_on.wait(10)
            return b"%PDF"

        monkeypatch.setattr(service.pages(), "draw", slow)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(press.draw, sheet)
            assert begun.wait(10)
            with pytest.raises(Overloaded) as refused:
                press.draw(sheet)
            go_on.set()
            assert first.result(10) == b"%PDF"
        assert refused.value.retry_after == 1
        assert press.draw(sheet) == b"%PDF"

    def test_is_free_again_after_a_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        press, lines = Press(), [line()]
        row = document(lines)
        sheet = compose(row, lines, business(), seller=row.seller, buyer=row.buyer)
        with pytest.raises(ValueError, match="invalid literal"):
            press.draw(replace(sheet, color="#nothex"))
        assert press.draw(sheet).startswith(b"%PDF")
