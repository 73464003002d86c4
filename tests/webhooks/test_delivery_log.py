"""Deliveries over HTTP: listed, sent for their own sake, and sent once more."""

from datetime import timedelta

from mbs.webhooks.models.attempts import KEPT
from tests.factories.answers import listed
from tests.factories.callers import Business
from tests.factories.webhook_objects import PATH, new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Answer, Receiver
from tests.webhooks.test_delivering import customer, deliveries, only_delivery


class TestATest:
    def test_is_tried_once(self, near_owner: Business, worker: Worker, receiver: Receiver) -> None:
        endpoint = new_endpoint(near_owner, "booking.*", url=receiver.url)
        response = near_owner.post(f"{PATH}/{endpoint['id']}/test")
        assert response.status_code == 202
        assert response.get_json()["status"] == "queued"
        worker.work()
        (came,) = receiver.came
        told = came.verified_by(endpoint["secret"])
        assert (told["type"], told["objectId"]) == ("webhook.test", endpoint["id"])
        assert came.headers["webhook-id"] == told["id"] == response.get_json()["webhookId"]
        shown = near_owner.get(response.headers["Location"]).get_json()
        assert (shown["status"], shown["eventId"]) == ("delivered", None)
        receiver.answer = lambda path, event: Answer(status=500)
        second = near_owner.post(f"{PATH}/{endpoint['id']}/test").headers["Location"]
        worker.work()
        assert near_owner.get(second).get_json()["status"] == "failed"


class TestAReplay:
    def test_sends_it_again_under_the_same_id(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.follow()
        path = f"{PATH}/{endpoint['id']}/deliveries/{only_delivery(near_owner, endpoint)['id']}"
        early = near_owner.post(f"{path}/replay")
        assert (early.status_code, early.get_json()["code"]) == (409, "INVALID_STATE")
        worker.deliver()
        assert near_owner.post(f"{path}/replay").get_json()["status"] == "queued"
        worker.work()
        first, second = receiver.came
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        shown = near_owner.get(path).get_json()
        assert (shown["status"], shown["attempts"], len(shown["history"])) == ("delivered", 1, 2)
        assert len(listed(near_owner, "/api/events?types=webhook.replayed")) == 1


class TestTheList:
    def test_is_narrowed_and_paged(self, near_owner: Business, worker: Worker, receiver: Receiver) -> None:
        receiver.answer = lambda path, event: Answer(
            status=500 if event["type"] == "customer.updated" else 200
        )
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        ids = [customer(near_owner) for _ in range(3)]
        near_owner.patch(f"/api/customers/{ids[0]}", {"name": "Joan"})
        worker.work()
        assert len(deliveries(near_owner, endpoint)) == 4
        assert len(deliveries(near_owner, endpoint, "?status=delivered")) == 3
        assert len(deliveries(near_owner, endpoint, "?status=retrying,failed")) == 1
        assert len(deliveries(near_owner, endpoint, "?eventType=customer.updated")) == 1
        assert deliveries(near_owner, endpoint, "?to=2026-01-01T00:00:00Z") == []
        assert len(deliveries(near_owner, endpoint, "?from=2026-01-01T00:00:00Z")) == 4
        path = f"{PATH}/{endpoint['id']}/deliveries?limit=3"
        page = near_owner.get(path).get_json()
        rest = near_owner.get(f"{path}&cursor={page['pagination']['nextCursor']}").get_json()
        assert len({one["id"] for one in page["data"] + rest["data"]}) == 4

    def test_forgets_what_was_over_a_month_ago(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        worker.clock.ahead += KEPT - timedelta(hours=1)
        worker.delivering.tidy()
        assert len(deliveries(near_owner, endpoint)) == 1
        worker.clock.ahead += timedelta(hours=2)
        worker.delivering.tidy()
        assert deliveries(near_owner, endpoint) == []
