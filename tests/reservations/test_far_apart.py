"""Several services of one booking that are years apart."""

from tests.factories.callers import Business
from tests.factories.salons import day, new_salon, problem, wire


class TestServicesOfOneBooking:
    def test_lie_within_a_year(self, owner: Business) -> None:
        salon = new_salon(owner)
        starts = [wire(day(3)), wire(day(369))]
        items = [{"serviceId": salon.service["id"], "startAt": start} for start in starts]
        salon.book(items=items)
        items = [{**items[0], "startAt": wire(day(4))}, {**items[1], "startAt": "2199-12-30T10:00:00Z"}]
        before = salon.rows()
        problem(salon.post(items=items), 400, "RANGE_TOO_LONG", "items")
        assert salon.rows() == before
