"""A business with an endpoint and a booking, whose events set off messages and deliveries."""

import itertools
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.app import create_app
from mbs.config import Config
from mbs.events.repository import EventRepository
from tests.factories.answers import made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.salons import new_salon
from tests.factories.webhook_objects import new_endpoint
from tests.outbox.conftest import Sql
from tests.webhooks.receivers import Receiver


class Traffic:
    """A business whose booking is confirmed over and over, and whose customers come one after the other."""

    def __init__(self, environ: dict[str, str], receiver: Receiver, sql: Sql) -> None:
        self.owner: Business = new_business(Caller(create_app(Config.load(environ))))
        salon = new_salon(self.owner)
        made(self.owner, f"/api/customers/{salon.customer_id}", {"email": "jane@example.com"}, "PATCH")
        made(self.owner, "/api/tenant/settings", {"notifications": {"quietHours": None}}, "PATCH")
        sql("UPDATE tenants SET plan = 'enterprise'")
        new_endpoint(self.owner, "customer.created", url=receiver.url)
        self._booking = salon.book()
        ((self._told,),) = sql("SELECT data FROM events WHERE type = 'booking.created'")

    def append(self, number: int) -> None:
        """Append so many events, by turns one that sets off a message and one that sets off a delivery."""
        for type_, _ in zip(itertools.cycle(("booking.created", "customer.created")), range(number)):
            is_booking = type_ == "booking.created"
            with self.owner.database.transaction(self.owner.scope) as transaction:
                EventRepository(transaction).append(
                    type_=type_,
                    object_type=type_.partition(".")[0],
                    object_id=UUID(self._booking["id"]) if is_booking else uuid7(),
                    at=datetime.now(UTC),
                    data=self._told if is_booking else {"object": {}, "previous": {}},
                )
