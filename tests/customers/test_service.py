"""What can be done with customers, apart from HTTP: the trail, and the narrowing to one's own."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.customers.service import CustomerService
from mbs.foundation.errors import MbsError, NotFound, PreconditionFailed
from mbs.foundation.pages import PageRequest
from tests.factories.callers import Business
from tests.factories.customers import events_of, stored

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEWEST = PageRequest(sort="created_at", descending=True)


class FixedClock:
    def now(self) -> datetime:
        return NOON


def service(member: Business, *, only_of: UUID | None = None) -> CustomerService:
    begin: Any = partial(member.database.transaction, member.scope)
    return CustomerService(begin=begin, clock=FixedClock(), only_of=only_of)


def create(customers: CustomerService, name: str, **values: Any) -> Row[Any]:
    return customers.create(name=name, kind="person", **values)[0]


class TestTheTrail:
    def test_is_told_of_every_change_at_the_clocks_time(self, owner: Business) -> None:
        customers = service(owner)
        id_ = create(customers, "Jane").id
        customers.change(id_=id_, version=1, name="Jane Smith", notes=None)
        customers.archive(id_=id_, version=2)
        customers.purge(id_=id_, version=3)

        events = events_of(owner, id_)
        assert [(event.type, event.data["previous"]) for event in events] == [
            ("customer.created", {}),
            ("customer.updated", {"name": "Jane"}),
            ("customer.archived", {"status": "active"}),
            ("customer.purged", {}),
        ]
        assert {event.at for event in events} == {NOON}

    def test_is_told_nothing_of_what_did_not_happen(self, owner: Business) -> None:
        customers = service(owner)
        id_ = create(customers, "Jane").id
        for attempt in (
            lambda: customers.change(id_=id_, version=9, name="Other"),
            lambda: customers.archive(id_=id_, version=9),
            lambda: customers.purge(id_=id_, version=9),
        ):
            with pytest.raises(PreconditionFailed):
                attempt()
        customers.archive(id_=id_, version=None)
        customers.archive(id_=id_, version=None)

        assert [event.type for event in events_of(owner, id_)] == ["customer.created", "customer.archived"]

    def test_keeps_the_values_in_their_wire_form(self, owner: Business) -> None:
        customer = create(service(owner), "Jane", tags=["vip"], address={"line1": "x"})

        shown = events_of(owner, customer.id)[0].data["object"]
        assert (shown["id"], shown["tags"], shown["address"]) == (str(customer.id), ["vip"], {"line1": "x"})
        assert "search_key" not in shown


class TestOnlyOf:
    """A staff member sees the customers that they created, and no trace of others."""

    def test_narrows_reading_and_searching(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        own = create(service(staff, only_of=staff.user_id), "Own")
        other = create(service(owner), "Other")
        narrowed = service(staff, only_of=staff.user_id)

        assert narrowed.read(id_=own.id).name == "Own"
        with pytest.raises(NotFound):
            narrowed.read(id_=other.id)
        assert [row.id for row in narrowed.search(request=NEWEST).rows] == [own.id]
        assert len(service(owner).search(request=NEWEST).rows) == 2

    def test_narrows_every_change(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        other = create(service(owner), "Other")
        narrowed = service(staff, only_of=staff.user_id)

        for attempt in (
            lambda: narrowed.change(id_=other.id, version=None, name="Mine"),
            lambda: narrowed.archive(id_=other.id, version=None),
            lambda: narrowed.purge(id_=other.id, version=None),
        ):
            with pytest.raises(NotFound):
                attempt()
        assert stored(owner, other.id).version == 1

    def test_hides_likenesses(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        jane = {"name": "Jane", "kind": "person"}
        service(owner).create(**jane)

        assert service(staff, only_of=staff.user_id).create(**jane)[1] == ()
        assert len(service(owner).create(**jane)[1]) == 2

    def test_is_how_staff_meet_the_api(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        other = create(service(owner), "Other")
        own = staff.post("/api/customers", {"name": "Own"}).json

        assert own is not None
        assert staff.get(f"/api/customers/{other.id}").status_code == 404
        page = staff.get("/api/customers?includeTotal=true").json
        assert page is not None
        assert ([row["id"] for row in page["data"]], page["pagination"]["total"]) == ([own["id"]], 1)


class TestChange:
    @pytest.mark.parametrize("email", ["jane@example.com", None])
    def test_makes_the_lookup_of_what_was_and_what_is_new(self, owner: Business, email: str | None) -> None:
        customers = service(owner)
        id_ = create(customers, "Jane", email=email, phone="+919876543210").id

        customers.change(id_=id_, version=None, name="ÉVA")

        (found,) = customers.search(request=NEWEST, search="éva").rows
        assert (found.email, found.phone) == (email, "+919876543210")
        assert len(customers.search(request=NEWEST, search="919876").rows) == 1

    def test_says_that_there_is_none(self, owner: Business) -> None:
        attempts = (service(owner).archive, service(owner).purge, service(owner).change)
        for attempt in attempts:
            with pytest.raises(MbsError, match="nothing at this address"):
                attempt(id_=uuid7(), version=1)
