"""In which order a class locks: a booking of it may be locked by whoever is about to write an event."""

import threading
import time
from typing import Any

from sqlalchemy import text

from mbs.bookings.repository.bookings import BookingRepository
from tests.factories.callers import Business, Caller
from tests.factories.catalog import create_service
from tests.factories.salons import day, new_salon, wire

PATIENCE_SECONDS = 10.0

WAITING = text("""
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()
""")
HEAD = text("SELECT seq FROM event_heads WHERE tenant_id = :tenant FOR UPDATE NOWAIT")


class TestAClassThatIsCancelled:
    def test_holds_not_the_trail_while_it_waits_for_a_booking(self, owner: Business) -> None:
        salon = new_salon(owner)
        service = create_service(owner, mode="session", maxCapacity=1)
        yoga = owner.post("/api/sessions", {"serviceId": service["id"], "startAt": wire(day())}).get_json()
        seat = salon.book(sessionId=yoga["id"])
        other = owner.post("/api/customers", {"name": "Asha"}).get_json()["id"]
        waits = owner.post(f"/api/sessions/{yoga['id']}/waitlist", {"customerId": other})
        assert waits.status_code == 201
        answers: list[Any] = []

        def cancel() -> None:
            caller = Caller(owner.app, token=owner.token)
            answers.append(caller.delete(f"/api/sessions/{yoga['id']}").status_code)

        with owner.database.transaction(owner.scope) as transaction:
            BookingRepository(transaction).lock(seat["id"])
            thread = threading.Thread(target=cancel, daemon=True)
            thread.start()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not transaction.execute(WAITING).scalar_one() and time.monotonic() < deadline:
                time.sleep(0.01)
            transaction.execute(HEAD, {"tenant": owner.tenant_id})
        thread.join(PATIENCE_SECONDS)
        assert answers == [204]
