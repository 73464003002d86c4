"""Writing down what became of deliveries, one business beside the other."""

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from mbs.foundation.db import Transaction
from mbs.webhooks.models.sending import Sent
from mbs.webhooks.service import delivering
from mbs.webhooks.service.outcomes import write
from tests.factories.callers import Business
from tests.factories.webhook_objects import new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Receiver
from tests.webhooks.test_delivering import customer, only_delivery


class TestWhatCannotBeWrittenDown:
    def test_keeps_nobody_else_s_waiting(
        self,
        near_business: Callable[[], Business],
        worker: Worker,
        receiver: Receiver,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        first, second = sorted([near_business(), near_business()], key=lambda one: one.tenant_id)
        endpoints = [new_endpoint(one, "customer.*", url=receiver.url) for one in (first, second)]
        for one in (first, second):
            customer(one)

        def stumbling(transaction: Transaction, sent: Sequence[Sent], *, at: datetime) -> None:
            if transaction.tenant_id == first.tenant_id:
                raise ValueError
            write(transaction, sent, at=at)

        monkeypatch.setattr(delivering, "write", stumbling)
        worker.work()
        states = [only_delivery(*one)["status"] for one in zip((first, second), endpoints, strict=True)]
        assert states == ["sending", "delivered"]
