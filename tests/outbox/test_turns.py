"""Turns that fail: one business's trouble is not the others'."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Row

from mbs.foundation.db import Transaction
from mbs.foundation.errors import Unavailable
from mbs.outbox.models import Follower
from tests.outbox.conftest import Following, Open, Sql, noting


class TestATurnThatTakesTooLong:
    def test_lets_others_have_theirs(self, following: Following, open_business: Open, sql: Sql) -> None:
        slow, other = open_business(events=1), open_business(events=1)
        note, ended = noting().handle, False

        def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
            if transaction.tenant_id == slow and not ended:
                raise Unavailable
            note(transaction, events)

        service = following(Follower("notes", handle))
        with pytest.raises(Unavailable):
            service.follow_next()
        assert service.follow_next()
        assert sql("SELECT tenant_id::text FROM effects") == [(str(other),)]
        with pytest.raises(Unavailable):
            service.follow_next()
        ended = True
        assert service.follow_next()
        assert service.waiting() == 0
