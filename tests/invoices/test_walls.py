"""Another tenant's documents stay out of reach at both walls, and at either alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from mbs.bookings.errors import UnknownCustomer
from mbs.foundation.errors import NotFound
from mbs.foundation.pages import PageRequest
from mbs.invoices.repository.context import ContextRepository, ServiceRepository
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.lines import LineRepository
from mbs.invoices.repository.places import PlaceRepository
from mbs.resources.errors import UnknownLocation
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import new_draft
from tests.factories.issued import issued
from tests.factories.walls import OPENINGS, Opens

NEWEST = PageRequest(sort="created_at", descending=True, include_total=True)
RECKONED = {"document_discount": 0, "tax_kind": "zero", "net": 1, "taxes": [], "tax": 0, "total": 1}
Theft = tuple[Business, Business, dict[str, Any]]


@pytest.mark.parametrize("open_", OPENINGS)
class TestAnotherTenant:
    @pytest.fixture
    def theft(self, owner: Business, business: Callable[..., Business]) -> Theft:
        return owner, business(), new_draft(owner)

    def test_sees_nothing(self, open_: Opens, theft: Theft) -> None:
        owner, stranger, draft = theft
        service = made(owner, "/api/services", {"name": "Cut", "duration": 45, "price": "9.00"})
        id_ = UUID(draft["id"])
        with open_(owner, stranger) as transaction:
            documents = DocumentRepository(transaction)
            for ask in (documents.get, documents.view, documents.lock_one):
                with pytest.raises(NotFound):
                    ask(id_)
            assert documents.lock([id_]) == []
            assert LineRepository(transaction).of(id_) == []
            assert ServiceRepository(transaction).find([UUID(service["id"])]) == {}
            for filters in ({}, {"customer_id": UUID(draft["customerId"])}, {"status": ["draft", "partial"]}):
                page = documents.search(NEWEST, expand=["customer", "items", "payments"], **filters)
                assert (list(page.rows), page.total) == ([], 0)
            places = PlaceRepository(transaction).timezones()
            assert UUID(draft["locationId"]) not in places

    def test_learns_nothing_of_a_customer_or_a_place(self, open_: Opens, theft: Theft) -> None:
        owner, stranger, draft = theft
        customer, place = UUID(draft["customerId"]), UUID(draft["locationId"])
        with open_(owner, stranger) as transaction:
            context = ContextRepository(transaction)
            with pytest.raises((UnknownCustomer, UnknownLocation)):
                context.read(customer_id=customer)
            with pytest.raises(UnknownLocation):
                context.read(customer_id=customer, location_id=place)

    def test_changes_nothing(self, open_: Opens, theft: Theft) -> None:
        owner, stranger, draft = theft
        id_, line = UUID(draft["id"]), UUID(draft["items"][0]["id"])
        before = owner.get(f"/api/invoices/{id_}").get_json()
        with open_(owner, stranger) as transaction:
            documents, lines = DocumentRepository(transaction), LineRepository(transaction)
            with pytest.raises(NotFound):
                documents.change(id_, {"notes": "mine"}, version=None)
            with pytest.raises(NotFound):
                documents.remove(id_, version=None)
            lines.reprice(id_, [{"id": line, **RECKONED}])
            lines.release(id_)
            assert documents.settle([id_]) == []
        assert owner.get(f"/api/invoices/{id_}").get_json() == before

    def test_settles_nothing(self, open_: Opens, theft: Theft) -> None:
        owner, stranger, _ = theft
        invoice = issued(owner)["invoiceId"]
        with open_(owner, stranger) as transaction:
            assert DocumentRepository(transaction).settle([UUID(invoice)]) == []
        assert owner.get(f"/api/invoices/{invoice}").get_json()["version"] == 2
