"""The customers' table: what it keeps, and that no question reaches another tenant's rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mbs.customers.errors import EmailTaken
from mbs.customers.models import lookup_keys, search_words
from mbs.customers.repository import CustomerRepository
from mbs.foundation.errors import InUse, NotFound, PreconditionFailed
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.factories.callers import Business
from tests.factories.customers import add_customers, stored
from tests.factories.walls import OPENINGS, Opens

NEWEST = PageRequest(sort="created_at", descending=True)
JANE = {"name": "Jane", "email": "jane@example.com", "phone": "+919876543210", "tags": ["vip"]}


@contextmanager
def repository(business: Business) -> Iterator[CustomerRepository]:
    with business.database.transaction(business.scope) as transaction:
        yield CustomerRepository(transaction)


class TestChange:
    def test_counts_the_version_up(self, owner: Business) -> None:
        (id_,) = add_customers(owner, [JANE])
        with repository(owner) as customers:
            assert customers.change(id_, {"notes": "x"}, version=1).version == 2
            assert customers.change(id_, {"notes": "y"}, version=None).version == 3

    def test_refuses_another_version_and_tells_it_from_no_row(self, owner: Business) -> None:
        (id_,) = add_customers(owner, [JANE])
        with repository(owner) as customers, pytest.raises(PreconditionFailed):
            customers.change(id_, {"notes": "x"}, version=2)
        with repository(owner) as customers, pytest.raises(NotFound):
            customers.change(uuid7(), {"notes": "x"}, version=1)


class TestRemove:
    def test_refuses_another_version_and_tells_it_from_no_row(self, owner: Business) -> None:
        (id_,) = add_customers(owner, [JANE])
        with repository(owner) as customers, pytest.raises(PreconditionFailed):
            customers.remove(id_, version=2)
        with repository(owner) as customers, pytest.raises(NotFound):
            customers.remove(uuid7(), version=None)
        assert stored(owner, id_).version == 1

    def test_is_refused_while_other_records_refer_to_the_row(
        self, owner: Business, server: Server, database_name: str
    ) -> None:
        (id_,) = add_customers(owner, [JANE])
        run_as_superuser(
            server,
            "CREATE TABLE visits (tenant_id uuid, customer_id uuid,"
            " FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id))",
            database_name,
        )
        try:
            run_as_superuser(
                server, f"INSERT INTO visits VALUES ('{owner.tenant_id}', '{id_}')", database_name
            )
            with pytest.raises(InUse), repository(owner) as customers:
                customers.remove(id_, version=None)
            response = owner.delete(f"/api/customers/{id_}?purge=true")
        finally:
            run_as_superuser(server, "DROP TABLE visits", database_name)

        assert response.status_code == 409
        assert response.json is not None
        assert response.json["code"] == "IN_USE"
        assert stored(owner, id_).status == "active"


class TestUniqueness:
    def test_is_asked_of_the_settings_by_the_statement_that_writes(self, owner: Business) -> None:
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})
        add_customers(owner, [JANE])

        with pytest.raises(EmailTaken):
            add_customers(owner, [{**JANE, "name": "Other"}])

    def test_ends_with_the_setting_for_customers_written_after_it(self, owner: Business) -> None:
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})
        add_customers(owner, [JANE])
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": False}})

        assert len(add_customers(owner, [JANE, JANE])) == 2

    def test_does_not_reach_across_tenants(self, owner: Business, business: Callable[..., Business]) -> None:
        for one in (owner, business()):
            one.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})

            assert len(add_customers(one, [JANE])) == 1


class TestLookup:
    def test_is_made_of_folded_text(self) -> None:
        keys = lookup_keys(name="  ÄRZTE  Straße ", email="Jane@Exämple.com", phone="+919876543210")

        assert keys == {
            "name_key": "ärzte strasse",
            "email_key": "jane@xn--exmple-cua.com",
            "search_key": "ärzte strasse\njane@xn--exmple-cua.com\n919876543210",
        }

    def test_reads_digits_only_from_what_looks_like_a_number(self) -> None:
        assert search_words("+91 98765") == ("+91 98765", "9198765")
        assert search_words("9876") == ("9876",)
        assert search_words("+9") == ("+9",)
        assert search_words("Flat 1234") == ("flat 1234",)


@pytest.mark.parametrize("open_", OPENINGS)
class TestAnotherTenant:
    @pytest.fixture
    def people(self, owner: Business, business: Callable[..., Business]) -> tuple[Business, Business, UUID]:
        (id_,) = add_customers(owner, [JANE])
        return owner, business(), id_

    def test_sees_nothing(self, open_: Opens, people: tuple[Business, Business, UUID]) -> None:
        owner, stranger, id_ = people
        with open_(owner, stranger) as transaction:
            customers = CustomerRepository(transaction)

            with pytest.raises(NotFound):
                customers.get(id_)
            for filters in ({}, {"search": "jane"}, {"email": JANE["email"]}, {"phone": JANE["phone"]}):
                page = customers.search(
                    replace(NEWEST, include_total=True),
                    status=("active", "archived"),
                    **filters,
                )
                assert (list(page.rows), page.total, page.next) == ([], 0, None)
            lookup = lookup_keys(name="Jane", email=str(JANE["email"]), phone=str(JANE["phone"]))
            added = customers.add_finding_similar({**JANE, **lookup, "id": uuid7(), "kind": "person"})
            assert added.similar is None

    def test_changes_nothing(self, open_: Opens, people: tuple[Business, Business, UUID]) -> None:
        owner, stranger, id_ = people
        before = stored(owner, id_)
        for version in (None, 1):
            with open_(owner, stranger) as transaction:
                customers = CustomerRepository(transaction)
                with pytest.raises(NotFound):
                    customers.change(id_, {"notes": "taken"}, version=version)
                with pytest.raises(NotFound):
                    customers.remove(id_, version=version)
        assert stored(owner, id_) == before
