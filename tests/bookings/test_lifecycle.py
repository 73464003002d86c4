"""What becomes of bookings: every way from one state to another, and what each leaves behind."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from mbs.bookings.models import STATUSES, TRANSITIONS
from mbs.foundation.errors import InvalidState
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.calendars import new_resource
from tests.factories.callers import Business
from tests.factories.salons import problem

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

ACTIONS = {
    "confirmed": "confirm",
    "declined": "decline",
    "checked_in": "check-in",
    "completed": "complete",
    "cancelled": "cancel",
    "no_show": "no-show",
}
"""How each state is reached. A hold is made, a pending one comes from it, and one expires by waiting."""

WRITE = text("""
UPDATE bookings SET status = :status, cancelled_at = CASE WHEN :status = 'cancelled' THEN now() END,
  expires_at = coalesce(expires_at, now()) WHERE tenant_id = :tenant AND id = :id
""")
ALLOCATIONS = text("SELECT state, expires_at FROM allocations WHERE booking_id = :id")
SET_POLICY = text("UPDATE catalog_items SET policy = CAST(:policy AS jsonb) WHERE tenant_id = :tenant")


class Salon(NamedTuple):
    owner: Business
    customer: UUID
    service: UUID
    stylist: UUID

    def book(self, status: str = "confirmed", *, start: datetime = SOON, **values: Any) -> UUID:
        if status == "cancelled":
            values["cancelled_at"] = SOON
        takes = {self.stylist: 1} if status in ("held", "pending", "confirmed", "checked_in") else None
        values.setdefault("takes", takes)
        return book(self.owner, self.customer, [self.service], start, status=status, **values)

    def act(self, id_: UUID, action: str, body: Any = None, **headers: str) -> TestResponse:
        return self.owner.post(f"/api/bookings/{id_}/{action}", body, headers=headers)

    def reach(self, id_: UUID, action: str, body: Any = None) -> dict[str, Any]:
        response = self.act(id_, action, body)
        assert response.status_code == 200, response.get_data(as_text=True)
        view: dict[str, Any] = response.get_json()
        return view

    def events(self, id_: UUID) -> list[dict[str, Any]]:
        listed = self.owner.get(f"/api/events?objectId={id_}").get_json()
        found: list[dict[str, Any]] = listed["data"]
        return found

    def taken(self, id_: UUID) -> list[Any]:
        with self.owner.database.transaction(self.owner.scope) as transaction:
            return list(transaction.execute(ALLOCATIONS, {"id": id_}).all())

    def free(self) -> None:
        """Let the stylist be taken by no booking."""
        with self.owner.database.transaction(self.owner.scope) as transaction:
            transaction.execute(text("UPDATE allocations SET state = 'released', expires_at = NULL"))


@pytest.fixture
def salon(owner: Business) -> Salon:
    return Salon(owner, new_customer(owner), new_service(owner), new_resource(owner))


class TestEveryTransition:
    @pytest.mark.parametrize("before", STATUSES)
    def test_is_made_if_it_is_legal_and_refused_if_not(self, salon: Salon, before: str) -> None:
        for after, action in ACTIONS.items():
            id_ = salon.book(before)
            answer = salon.act(id_, action)
            told = salon.owner.get(f"/api/bookings/{id_}").get_json()
            # A hold is converted, which asks whether it needs approval.
            if before == after:
                assert (answer.status_code, told["version"], salon.events(id_)) == (200, 1, [])
            elif after in TRANSITIONS[before] and before != "held":
                assert (answer.status_code, told["status"], told["version"]) == (200, after, 2), (
                    before,
                    after,
                )
                assert [event["type"] for event in salon.events(id_)] == [f"booking.{after}"]
            else:
                problem(answer, 409, "INVALID_STATE")
                assert (told["status"], told["version"], salon.events(id_)) == (before, 1, [])
            salon.free()

    @pytest.mark.parametrize("before", STATUSES)
    def test_is_judged_by_the_database_likewise(self, salon: Salon, before: str) -> None:
        for after in STATUSES:
            id_ = salon.book(before, takes=None)
            legal = after == before or after in TRANSITIONS[before]
            values = {"status": after, "id": id_, "tenant": salon.owner.tenant_id}
            try:
                with salon.owner.database.transaction(salon.owner.scope) as transaction:
                    transaction.execute(WRITE, values)
            except InvalidState:
                assert not legal, (before, after)
            else:
                assert legal, (before, after)


class TestWaiting:
    @pytest.mark.parametrize("status", ["held", "pending"])
    def test_ends_at_its_instant_for_whoever_reads_and_whoever_acts(self, salon: Salon, status: str) -> None:
        over = datetime.now(UTC) - timedelta(seconds=1)
        id_ = salon.book(status, expires_at=over)
        assert salon.owner.get(f"/api/bookings/{id_}").get_json()["status"] == "expired"
        for action in ACTIONS.values():
            problem(salon.act(id_, action), 409, "INVALID_STATE")

    def test_ends_with_an_answer(self, salon: Salon) -> None:
        id_ = salon.book("pending")
        assert salon.taken(id_)[0].state == "held"
        confirmed = salon.reach(id_, "confirm")
        assert (confirmed["status"], confirmed["expiresAt"]) == ("confirmed", None)
        assert salon.taken(id_) == [("active", None)]

    def test_is_refused_with_a_reason(self, salon: Salon) -> None:
        id_ = salon.book("pending")
        declined = salon.reach(id_, "decline", {"reason": "A wedding"})
        assert (declined["cancelReason"], declined["cancelledAt"]) == ("A wedding", None)
        assert salon.taken(id_) == [("released", None)]


class TestWhatIsOver:
    @pytest.mark.parametrize("action", ["cancel", "complete", "no-show"])
    def test_frees_what_it_took_and_still_names_it(self, salon: Salon, action: str) -> None:
        id_ = salon.book()
        view = salon.reach(id_, action)
        assert salon.taken(id_) == [("released", None)]
        assert view["staffId"] == str(salon.stylist)
        assert salon.owner.get(f"/api/bookings/{id_}").get_json() == view
        salon.book()

    def test_keeps_what_it_takes_while_the_customer_is_there(self, salon: Salon) -> None:
        id_ = salon.book()
        salon.reach(id_, "check-in")
        assert salon.taken(id_) == [("active", None)]

    def test_is_told_with_what_was_before(self, salon: Salon) -> None:
        id_ = salon.book()
        salon.reach(id_, "cancel", {"reason": "Ill", "cancelledBy": "customer"})
        (event,) = salon.events(id_)
        assert event["data"]["object"]["cancel_reason"] == "Ill"
        assert event["data"]["object"]["amount"] == "999.00"
        previous = event["data"]["previous"]
        assert {name: previous[name] for name in ("status", "cancelled_by")} == {
            "status": "confirmed",
            "cancelled_by": None,
        }

    def test_says_who_ended_it(self, salon: Salon) -> None:
        for body, by in ((None, "business"), ({"cancelledBy": "customer"}, "customer")):
            view = salon.reach(salon.book(), "cancel", body)
            assert (view["cancelledBy"], view["cancelledAt"]) == (by, view["updatedAt"]) or view[
                "cancelledAt"
            ]
            assert view["cancelledBy"] == by

    def test_is_cancelled_by_delete_too(self, salon: Salon) -> None:
        id_ = salon.book()
        for _ in range(2):
            assert salon.owner.delete(f"/api/bookings/{id_}").status_code == 204
        assert salon.owner.get(f"/api/bookings/{id_}").get_json()["status"] == "cancelled"
        assert len(salon.events(id_)) == 1
        problem(salon.owner.delete(f"/api/bookings/{salon.book('completed')}"), 409, "INVALID_STATE")


class TestANoShow:
    def test_is_taken_back_while_its_time_is_still_free(self, salon: Salon) -> None:
        id_ = salon.book(start=SOON - timedelta(hours=2))
        salon.reach(id_, "no-show")
        assert salon.reach(id_, "confirm")["status"] == "confirmed"
        assert salon.taken(id_) == [("active", None)]

    def test_stays_one_when_something_else_took_its_time(self, salon: Salon) -> None:
        id_ = salon.book()
        salon.reach(id_, "no-show")
        salon.book()
        problem(salon.act(id_, "confirm"), 409, "SLOT_UNAVAILABLE")
        assert salon.owner.get(f"/api/bookings/{id_}").get_json()["status"] == "no_show"
        assert salon.taken(id_) == [("released", None)]

    def test_is_not_kept_by_a_hold_that_is_over(self, salon: Salon) -> None:
        id_ = salon.book()
        salon.reach(id_, "no-show")
        hold = salon.book("held", expires_at=datetime.now(UTC) - timedelta(seconds=1))
        salon.reach(id_, "confirm")
        assert [event["type"] for event in salon.events(hold)] == ["booking.expired"]
        assert salon.taken(hold) == [("released", None)]

    def test_is_taken_back_for_a_day(self, salon: Salon) -> None:
        day = timedelta(hours=24)
        for late, status in ((-timedelta(minutes=1), 200), (timedelta(minutes=1), 409)):
            long_ago = datetime.now(UTC) - day - late
            id_ = salon.book("no_show", takes={salon.stylist: 1}, status_changed_at=long_ago)
            salon.free()
            assert salon.act(id_, "confirm").status_code == status
            salon.free()


class TestConditions:
    def test_hold_unless_the_state_is_reached_already(self, salon: Salon) -> None:
        id_ = salon.book()
        stale = {"If-Match": '"7"'}
        problem(salon.act(id_, "cancel", **stale), 412, "PRECONDITION_FAILED")
        done = salon.act(id_, "cancel", **{"If-Match": '"1"'})
        assert (done.status_code, done.headers["ETag"]) == (200, '"2"')
        again = salon.act(id_, "cancel", **{"If-Match": '"1"'})
        assert (again.status_code, again.get_json()) == (200, done.get_json())
        assert len(salon.events(id_)) == 1
        problem(
            salon.owner.delete(f"/api/bookings/{salon.book()}", headers=stale), 412, "PRECONDITION_FAILED"
        )

    def test_are_replayed_and_rehearsed(self, salon: Salon) -> None:
        id_ = salon.book()
        assert (
            salon.owner.post(f"/api/bookings/{id_}/complete?dryRun=true").get_json()["status"] == "completed"
        )
        assert salon.events(id_) == []
        answers = [salon.act(id_, "complete", **{"Idempotency-Key": "once"}) for _ in range(2)]
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert answers[0].get_json() == answers[1].get_json()

    def test_name_what_is_wrong_in_a_body(self, salon: Salon) -> None:
        id_ = salon.book()
        for body, field in (
            ({"reason": ""}, "reason"),
            ({"reason": "x" * 501}, "reason"),
            ({"cancelledBy": "system"}, "cancelledBy"),
            ({"waiveFee": "yes"}, "waiveFee"),
            ({"status": "completed"}, "status"),
        ):
            problem(salon.act(id_, "cancel", body), 400, "VALIDATION_ERROR", field)
        assert salon.events(id_) == []

    def test_need_something_to_be_there(self, salon: Salon) -> None:
        nobody = "01a20420-8546-7250-aea6-0af7c4c35863"
        for action in ACTIONS.values():
            problem(salon.act(UUID(nobody), action), 404, "NOT_FOUND")
