"""The follower of messages in the worker's hands: what one event does to it is done to that event alone."""

from datetime import UTC, datetime
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.app import create_app
from mbs.config import Config
from mbs.events.repository import EventRepository
from mbs.foundation.clock import SystemClock
from mbs.foundation.scope import Scope
from mbs.notifications.service.following import NotificationFollower
from mbs.outbox.models import Follower
from mbs.outbox.service import FollowingService
from tests.factories.answers import made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.followed import PAGES, messages
from tests.factories.salons import day, new_salon, wire

FAILED = text("SELECT follower, status FROM event_failures WHERE tenant_id = :tenant")


@pytest.fixture(scope="module")
def alone(queue_environ: dict[str, str]) -> Flask:
    """The service over a database in which nobody else's events are followed."""
    answers_to_any_name = {name: value for name, value in queue_environ.items() if name != "BASE_URL"}
    return create_app(Config.load(answers_to_any_name))


@pytest.fixture
def owner(alone: Flask) -> Business:
    return new_business(Caller(alone))


def follow(owner: Business) -> None:
    """Let a worker follow until there is nothing left."""
    handle = NotificationFollower(clock=SystemClock(), base_url=PAGES).handle
    begin = partial(owner.database.transaction, Scope(correlation_id="worker"))
    service = FollowingService(
        begin=begin, clock=SystemClock(), followers=[Follower("notifications", handle)]
    )
    while service.follow_next():
        pass


class TestTheWorker:
    def test_tells_of_what_stands_around_an_event_that_makes_no_sense(self, owner: Business) -> None:
        salon = new_salon(owner)
        made(owner, f"/api/customers/{salon.customer_id}", {"email": "jane@example.com"}, "PATCH")
        first = salon.book()
        with owner.database.transaction(owner.scope) as transaction:
            EventRepository(transaction).append(
                type_="refund.succeeded",
                object_type="refund",
                object_id=uuid7(),
                at=datetime.now(UTC),
                data={"object": {"payment_id": "no id"}, "previous": {}},
            )
        second = salon.book(startAt=wire(day(11)))
        follow(owner)
        told = {str(row.object_id) for row in messages(owner, "booking.confirmed")}
        assert told == {first["id"], second["id"]}
        with owner.database.transaction(owner.scope) as transaction:
            failed = transaction.execute(FAILED, {"tenant": owner.tenant_id}).all()
        assert [tuple(row) for row in failed] == [("notifications", "retrying")]
