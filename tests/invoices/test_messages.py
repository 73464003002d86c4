"""What drafts cost in messages to PostgreSQL: the same, however many lines they have."""

from functools import partial

import pytest

from tests.contract.round_trips import Counter
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import item, new_customer, new_draft
from tests.factories.issued import issued


@pytest.mark.parametrize("lines", [1, 20, 200])
class TestADraft:
    def test_takes_six_messages_and_one_for_services(self, salon: Business, lines: int) -> None:
        counter, customer = Counter(salon.app), new_customer(salon)
        services = [
            made(salon, "/api/services", {"name": f"Cut {n}", "duration": 45, "price": "9.00"})["id"]
            for n in range(3)
        ]
        described = {"customerId": customer, "items": [item()] * lines}
        of_services = {
            "customerId": customer,
            "items": [{"serviceId": services[n % 3]} for n in range(lines)],
        }
        for body, own in ((described, 6), (of_services, 7)):
            counted = counter.count(partial(salon.post, "/api/invoices", body))
            assert counted.own == own
            assert counter.count(partial(salon.post, "/api/invoices/preview", body)).own == own - 4

    def test_changes_by_eight_whatever_is_changed(self, salon: Business, lines: int) -> None:
        counter, path = Counter(salon.app), f"/api/invoices/{new_draft(salon, *[item()] * lines)['id']}"
        for body in ({"notes": "x"}, {"items": [item()] * lines}):
            assert counter.count(partial(salon.patch, path, body)).own == 8


class TestAnIssuedInvoice:
    def test_is_refused_at_the_first_look(self, salon: Business) -> None:
        counter, path = Counter(salon.app), f"/api/invoices/{issued(salon)['invoiceId']}"
        for refused in (partial(salon.patch, path, {"notes": "x"}), partial(salon.delete, path)):
            # Its row, and the end of the transaction.
            assert counter.count(refused, expect_success=False).own == 2
