"""What becomes of the seat of somebody who did not come, when the class is moved after that."""

from tests.factories.callers import Business
from tests.factories.catalog import create_service
from tests.factories.salons import day, new_salon, problem, wire


class TestASeat:
    def test_is_not_taken_back_in_a_class_that_has_moved(self, owner: Business) -> None:
        salon = new_salon(owner)
        service = create_service(owner, mode="session", maxCapacity=1)
        yoga = owner.post("/api/sessions", {"serviceId": service["id"], "startAt": wire(day())}).get_json()
        booking = salon.book(sessionId=yoga["id"])
        act = f"/api/bookings/{booking['id']}"
        assert owner.post(f"{act}/no-show").status_code == 200
        assert owner.patch(f"/api/sessions/{yoga['id']}", {"startAt": wire(day(11))}).status_code == 200
        problem(owner.post(f"{act}/confirm"), 409, "INVALID_STATE")
        salon.book(sessionId=yoga["id"])
        assert owner.get(f"/api/sessions/{yoga['id']}").get_json()["remaining"] == 0
