"""Three ways for a stranger to ask for an owner's rows: at both walls, and past either of them (ADR 0003)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from mbs.foundation.db import Transaction
from tests.factories.callers import Business

Opens = Callable[[Business, Business], AbstractContextManager[Transaction]]


@contextmanager
def as_stranger(owner: Business, stranger: Business) -> Iterator[Transaction]:
    """Open the stranger's own transaction: both walls stand between."""
    with stranger.database.transaction(stranger.scope) as transaction:
        yield transaction


@contextmanager
def past_the_second_wall(owner: Business, stranger: Business) -> Iterator[Transaction]:
    """Open a transaction in which the database shows the owner's rows; only the first wall is left."""
    with owner.database.transaction(owner.scope) as transaction:
        transaction._scope = replace(transaction.scope, tenant_id=stranger.scope.tenant_id)
        yield transaction


@contextmanager
def past_the_first_wall(owner: Business, stranger: Business) -> Iterator[Transaction]:
    """Open a transaction whose repositories ask for the owner's rows; only the second wall is left."""
    with stranger.database.transaction(stranger.scope) as transaction:
        transaction._scope = replace(transaction.scope, tenant_id=owner.scope.tenant_id)
        yield transaction


OPENINGS = (as_stranger, past_the_second_wall, past_the_first_wall)
"""Each opens a transaction for the owner and the stranger it is given."""
