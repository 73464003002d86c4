"""Those who see and change their own bookings alone, and the customers that come to them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.calendars import new_resource
from tests.factories.callers import Business
from tests.factories.salons import problem

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
LINK = text("""
UPDATE resources SET member_id = (SELECT id FROM memberships WHERE tenant_id = :tenant AND user_id = :user)
WHERE tenant_id = :tenant AND id = :id
""")
CLASS = text("""
INSERT INTO sessions (id, catalog_item_id, location_id, start_at, end_at, created_by)
SELECT :id, :service, location_id, :start, :end, :actor FROM resources WHERE tenant_id = :tenant AND id = :id
""")


def link(owner: Business, resource: UUID, member: Business) -> None:
    """Let a resource be a member."""
    with owner.database.transaction(owner.scope) as transaction:
        ids = {"tenant": owner.tenant_id, "user": member.user_id, "id": resource}
        transaction.execute(LINK, ids)


def new_class(owner: Business, service: UUID, teacher: UUID) -> UUID:
    """Write a class that somebody gives."""
    id_ = new_resource(owner, "session", name="Yoga", capacity=5)
    start, end = SOON + timedelta(hours=3), SOON + timedelta(hours=4)
    row = {"id": id_, "service": service, "start": start, "end": end}
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(CLASS, {**row, "tenant": owner.tenant_id, "actor": owner.user_id})
        taking = {
            "id": uuid7(),
            "session_id": id_,
            "resource_id": teacher,
            "kind": "staff",
            "capacity": 1,
            "slot_no": 1,
            "starts_at": start,
            "ends_at": end,
        }
        AllocationRepository(transaction).add_all([taking])
    return id_


@pytest.fixture
def stylist(owner: Business) -> Business:
    """A member with a chair of their own."""
    member = owner.colleague("staff")
    link(owner, new_resource(owner, name="Their chair"), member)
    return member


def resource_of(owner: Business) -> UUID:
    (found,) = [one for one in owner.get("/api/resources").get_json()["data"] if one["name"] == "Their chair"]
    return UUID(found["id"])


def ids(caller: Business, path: str = "/api/bookings") -> set[str]:
    response = caller.get(path)
    assert response.status_code == 200, response.get_data(as_text=True)
    return {one["id"] for one in response.get_json()["data"]}


class TestAStylist:
    def test_reads_what_they_serve_what_they_made_and_the_classes_they_give(
        self, owner: Business, stylist: Business
    ) -> None:
        customer, service = new_customer(owner), new_service(owner)
        served = book(owner, customer, [service], SOON, takes={resource_of(owner): 1})
        made = book(owner, customer, [service], SOON, created_by=stylist.user_id)
        course = new_class(owner, new_service(owner, mode="session"), resource_of(owner))
        seat = book(owner, customer, [service], SOON, mode="session", session_id=course, takes={course: 1})
        foreign = book(owner, customer, [service], SOON, takes={new_resource(owner): 1})
        assert ids(stylist) == {str(served), str(made), str(seat)}
        assert ids(owner) == {str(served), str(made), str(seat), str(foreign)}
        assert ids(stylist, "/api/bookings/upcoming") == {str(served), str(made), str(seat)}
        assert ids(stylist, f"/api/customers/{customer}/bookings") == {str(served), str(made), str(seat)}
        assert ids(stylist, f"/api/sessions/{course}/attendees") == {str(seat)}
        for own in (served, made, seat):
            assert stylist.get(f"/api/bookings/{own}").status_code == 200
        problem(stylist.get(f"/api/bookings/{foreign}"), 404, "NOT_FOUND")

    def test_still_reads_what_was_cancelled(self, owner: Business, stylist: Business) -> None:
        id_ = book(owner, new_customer(owner), [new_service(owner)], SOON, takes={resource_of(owner): 1})
        assert owner.delete(f"/api/bookings/{id_}").status_code == 204
        assert stylist.get(f"/api/bookings/{id_}").get_json()["status"] == "cancelled"

    def test_changes_their_own_alone(self, owner: Business, stylist: Business) -> None:
        customer, service = new_customer(owner), new_service(owner)
        foreign = book(owner, customer, [service], SOON, takes={new_resource(owner): 1})
        served = book(owner, customer, [service], SOON, takes={resource_of(owner): 1})
        assert stylist.patch(f"/api/bookings/{served}", {"notes": "Tea"}).status_code == 200
        assert stylist.post(f"/api/bookings/{served}/check-in").status_code == 200
        problem(stylist.patch(f"/api/bookings/{foreign}", {"notes": "Tea"}), 404, "NOT_FOUND")
        problem(stylist.delete(f"/api/bookings/{foreign}"), 404, "NOT_FOUND")
        for action in ("confirm", "decline", "check-in", "complete", "no-show", "cancel"):
            problem(stylist.post(f"/api/bookings/{foreign}/{action}"), 404, "NOT_FOUND")

    def test_learns_nothing_of_a_foreign_customer_or_class(self, owner: Business, stylist: Business) -> None:
        customer, service = new_customer(owner), new_service(owner)
        foreign = book(owner, customer, [service], SOON, takes={new_resource(owner): 1})
        course = new_class(owner, new_service(owner, mode="session"), new_resource(owner))
        problem(stylist.get(f"/api/customers/{customer}/bookings"), 404, "NOT_FOUND")
        problem(stylist.get(f"/api/sessions/{course}/attendees"), 404, "NOT_FOUND")
        assert owner.get(f"/api/customers/{customer}/bookings").get_json()["data"][0]["id"] == str(foreign)

    def test_who_is_no_resource_has_but_what_they_made(self, owner: Business, stylist: Business) -> None:
        customer, service, other = new_customer(owner), new_service(owner), owner.colleague("staff")
        book(owner, customer, [service], SOON, takes={resource_of(owner): 1})
        assert ids(other) == set()
        made = book(owner, customer, [service], SOON, created_by=other.user_id)
        assert ids(other) == {str(made)}


class TestTheirCustomers:
    def test_are_those_they_made_and_those_who_come_to_them(self, owner: Business, stylist: Business) -> None:
        mine, theirs, nobodys = (
            new_customer(by, name) for by, name in ((stylist, "M"), (owner, "T"), (owner, "N"))
        )
        book(owner, theirs, [new_service(owner)], SOON, takes={resource_of(owner): 1})
        book(owner, nobodys, [new_service(owner)], SOON, takes={new_resource(owner): 1})
        assert ids(stylist, "/api/customers") == {str(mine), str(theirs)}
        assert stylist.get(f"/api/customers/{theirs}").status_code == 200
        problem(stylist.get(f"/api/customers/{nobodys}"), 404, "NOT_FOUND")
        assert stylist.get(f"/api/customers/{mine}/bookings").get_json()["data"] == []

    def test_are_shown_with_their_bookings(self, owner: Business, stylist: Business) -> None:
        customer = new_customer(owner)
        book(owner, customer, [new_service(owner)], SOON, takes={resource_of(owner): 1})
        (shown,) = stylist.get("/api/bookings?expand=customer").get_json()["data"]
        assert shown["customer"] == {
            "id": str(customer),
            "name": "Jane Smith",
            "email": None,
            "phone": None,
        }
