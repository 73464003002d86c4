"""Deliveries: what arrives, who signed it, and what becomes of those that do not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from mbs.webhooks.models.attempts import PATIENCE, PAUSES
from mbs.webhooks.models.signing import BOTH_SIGN
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.webhook_objects import PATH, new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Answer, Receiver


def customer(owner: Business, name: str = "Jane") -> str:
    id_: str = made(owner, "/api/customers", {"name": name})["id"]
    return id_


def deliveries(owner: Business, endpoint: Any, query: str = "") -> list[dict[str, Any]]:
    return listed(owner, f"{PATH}/{endpoint['id']}/deliveries{query}")


def only_delivery(owner: Business, endpoint: Any) -> dict[str, Any]:
    (summary,) = deliveries(owner, endpoint)
    response = owner.get(f"{PATH}/{endpoint['id']}/deliveries/{summary['id']}")
    body: dict[str, Any] = response.get_json()
    assert {name: body[name] for name in summary} == summary
    return body


FAR = "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"
"""A date that no number holds."""


class TestADelivery:
    def test_is_the_event_that_the_api_shows_signed(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.created", url=f"{receiver.url}/in?x=1")
        id_ = customer(near_owner)
        near_owner.patch(f"/api/customers/{id_}", {"name": "Joan"})
        worker.work()
        (came,) = receiver.came
        event = listed(near_owner, "/api/events?types=customer.created")[0]
        assert came.verified_by(endpoint["secret"]) == event
        assert came.body == near_owner.get(f"/api/events/{event['id']}").data
        assert (came.path, came.headers["webhook-id"]) == ("/in?x=1", event["id"])
        assert came.headers["Content-Type"] == "application/json"
        delivery = only_delivery(near_owner, endpoint)
        assert (delivery["status"], delivery["attempts"], delivery["responseStatus"]) == ("delivered", 1, 200)
        assert (delivery["responseBody"], delivery["lastError"]) == ("thanks", None)
        assert delivery["objectId"] == id_
        assert [one["responseStatus"] for one in delivery["history"]] == [200]

    def test_goes_to_who_wants_it_from_their_beginning_on(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        customer(near_owner, "Before")
        for path, types in {
            "/all": ["*"],
            "/kind": ["customer.*"],
            "/exact": ["customer.updated"],
            "/other": ["booking.*"],
        }.items():
            new_endpoint(near_owner, *types, url=receiver.url + path)
        id_ = customer(near_owner)
        near_owner.patch(f"/api/customers/{id_}", {"name": "Joan"})
        worker.work()
        told = {
            path: [one.event["type"] for one in receiver.of(path)] for path in ("/all", "/kind", "/exact")
        }
        assert told == {
            "/all": ["customer.created", "customer.updated"],
            "/kind": ["customer.created", "customer.updated"],
            "/exact": ["customer.updated"],
        }
        assert receiver.of("/other") == []

    def test_is_made_once_however_often_its_event_is_followed(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        with near_owner.database.transaction(near_owner.scope) as transaction:
            transaction._connection.exec_driver_sql("UPDATE event_cursors SET seq = 0")
        customer(near_owner)
        worker.work()
        assert len(receiver.came) == len(deliveries(near_owner, endpoint)) == 2

    def test_of_one_business_is_not_another_s(
        self, near_business: Any, worker: Worker, receiver: Receiver
    ) -> None:
        first, second = near_business(), near_business()
        new_endpoint(first, url=f"{receiver.url}/first")
        new_endpoint(second, url=f"{receiver.url}/second")
        customer(first)
        worker.work()
        assert [one.path for one in receiver.came] == ["/first"]


class TestASecret:
    def test_that_is_rotated_signs_for_a_day_with_the_new_one(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        rotated = near_owner.post(f"{PATH}/{endpoint['id']}/rotate-secret", headers={"If-Match": '"1"'})
        secret = rotated.get_json()["secret"]
        assert secret != endpoint["secret"]
        until = datetime.fromisoformat(rotated.get_json()["previousSecretExpiresAt"])
        assert abs(until - worker.clock.now() - BOTH_SIGN) < timedelta(minutes=1)
        customer(near_owner)
        worker.work()
        (came,) = receiver.came
        assert came.verified_by(secret) == came.verified_by(endpoint["secret"])
        worker.clock.ahead += BOTH_SIGN + timedelta(minutes=1)
        customer(near_owner)
        worker.work()
        signatures = [len(one.headers["webhook-signature"].split(" ")) for one in receiver.came]
        assert signatures == [2, 1]

    def test_of_another_endpoint_verifies_nothing(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        new_endpoint(near_owner, "customer.*", url=receiver.url)
        other = new_endpoint(near_owner, "booking.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        with pytest.raises(WebhookVerificationError):
            receiver.came[0].verified_by(other["secret"])


class TestADeliveryThatFails:
    def test_is_tried_for_two_days_under_one_id(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        assert sum(PAUSES, timedelta()) > timedelta(hours=48)
        receiver.answer = lambda path, event: Answer(status=500, body=b"\0" + b"x" * 5000)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        for number, pause in enumerate(PAUSES, start=1):
            delivery = only_delivery(near_owner, endpoint)
            assert (delivery["status"], delivery["attempts"]) == ("retrying", number)
            again = datetime.fromisoformat(delivery["nextAttemptAt"]) - worker.clock.now()
            assert abs(again - pause) < timedelta(seconds=3)
            worker.clock.ahead += pause + timedelta(seconds=4)
            worker.deliver()
        delivery = only_delivery(near_owner, endpoint)
        assert (delivery["status"], delivery["attempts"]) == ("failed", len(PAUSES) + 1)
        assert (delivery["nextAttemptAt"], delivery["lastError"]) == (None, "refused")
        assert delivery["responseBody"] == "x" * 1023
        assert [one["responseStatus"] for one in delivery["history"]] == [500] * (len(PAUSES) + 1)
        assert len(receiver.came) == len(PAUSES) + 1
        assert {one.headers["webhook-id"] for one in receiver.came} == {delivery["webhookId"]}
        worker.clock.ahead += timedelta(days=1)
        worker.deliver()
        assert len(receiver.came) == len(PAUSES) + 1

    @pytest.mark.parametrize(
        ("asked", "waits"), [("1800", 1800), ("86400", 3600), *((said, 5) for said in ("soon", "1", FAR))]
    )
    def test_waits_as_long_as_it_is_asked_to_but_an_hour_at_most(
        self, near_owner: Business, worker: Worker, receiver: Receiver, asked: str, waits: int
    ) -> None:
        receiver.answer = lambda path, event: Answer(status=429, headers={"Retry-After": asked})
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        delivery = only_delivery(near_owner, endpoint)
        assert delivery["lastError"] == "refused"
        again = datetime.fromisoformat(delivery["nextAttemptAt"])
        assert abs(again - worker.clock.now() - timedelta(seconds=waits)) < timedelta(seconds=3)

    def test_is_not_led_elsewhere(self, near_owner: Business, worker: Worker, receiver: Receiver) -> None:
        metadata = {"Location": "http://169.254.169.254/latest/meta-data/"}
        receiver.answer = lambda path, event: Answer(status=302, headers=metadata)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        delivery = only_delivery(near_owner, endpoint)
        assert (delivery["status"], delivery["lastError"]) == ("retrying", "redirected")
        assert (delivery["responseStatus"], len(receiver.came)) == (302, 1)

    def test_says_that_nobody_is_there(self, near_owner: Business, worker: Worker) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url="http://127.0.0.1:9/")
        customer(near_owner)
        worker.work()
        delivery = only_delivery(near_owner, endpoint)
        assert (delivery["status"], delivery["lastError"]) == ("retrying", "connection")
        assert delivery["responseStatus"] is None
        assert near_owner.get(f"{PATH}/{endpoint['id']}").get_json()["failingSince"] is not None


class TestAnEndpointThatFails:
    def test_is_disabled_at_once_when_it_says_that_it_is_gone(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(status=410 if event["data"] else 200)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        id_ = customer(near_owner)
        near_owner.patch(f"/api/customers/{id_}", {"name": "Joan"})
        worker.work()
        shown = near_owner.get(f"{PATH}/{endpoint['id']}").get_json()
        assert (shown["status"], shown["disabledReason"]) == ("disabled", "gone")
        assert sorted(one["status"] for one in deliveries(near_owner, endpoint)) == ["cancelled", "failed"]
        (event,) = listed(near_owner, "/api/events?types=webhook.disabled")
        assert event["objectId"] == endpoint["id"]
        assert event["actor"]["type"] == "system"
        assert event["data"]["previous"] == {"status": "enabled"}
        assert "secret" not in event["data"]["object"]
        # From then on nothing is queued, and nothing of what happened meanwhile comes when it is enabled.
        customer(near_owner)
        worker.work()
        near_owner.patch(f"{PATH}/{endpoint['id']}", {"status": "enabled"})
        worker.work()
        assert len(receiver.came) == 1
        receiver.answer = lambda path, event: Answer()
        customer(near_owner)
        worker.work()
        assert len(receiver.came) == 2

    def test_is_disabled_after_five_days_without_a_success(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(status=503)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        worker.clock.ahead += PATIENCE - timedelta(hours=1)
        customer(near_owner)
        worker.work()
        assert near_owner.get(f"{PATH}/{endpoint['id']}").get_json()["status"] == "enabled"
        worker.clock.ahead += timedelta(hours=2)
        worker.work()
        shown = near_owner.get(f"{PATH}/{endpoint['id']}").get_json()
        assert (shown["status"], shown["disabledReason"]) == ("disabled", "failing")
        assert {one["status"] for one in deliveries(near_owner, endpoint)} == {"cancelled"}

    def test_is_well_again_after_one_success(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(status=503)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        receiver.answer = lambda path, event: Answer()
        worker.clock.ahead += PATIENCE + timedelta(hours=2)
        worker.work()
        shown = near_owner.get(f"{PATH}/{endpoint['id']}").get_json()
        assert (shown["status"], shown["failingSince"]) == ("enabled", None)
        assert only_delivery(near_owner, endpoint)["status"] == "delivered"
