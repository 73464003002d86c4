"""A process that was forked off never speaks on its parent's connection (security requirement 13)."""

import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope, TenantId
from tests.tenancy.conftest import Pair

BACKEND = text("SELECT pg_backend_pid()")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=2)
    yield database
    database.dispose()


def in_child(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start work in a forked child; return a function that waits for what it returned or raised."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            outcome = work()
        except BaseException as error:
            outcome = repr(error)
        os.write(writing, pickle.dumps(outcome))
        # Neither the test run's cleanup nor its report is the child's business.
        os._exit(0)
    os.close(writing)

    def wait() -> Any:
        with os.fdopen(reading, "rb") as pipe:
            pickled = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(pickled)

    return wait


class TestForkedChild:
    def test_gets_connections_of_its_own_and_leaves_the_parents_alone(
        self, database: Database, pair: Pair
    ) -> None:
        ours, theirs = (
            Scope(tenant_id=TenantId(one.tenant_id), correlation_id="test")
            for one in (pair.ours, pair.theirs)
        )

        def backend(scope: Scope) -> int:
            with database.transaction(scope) as transaction:
                return int(transaction.execute(BACKEND).scalar_one())

        def statements_backend(scope: Scope) -> int:
            rows = database.statement(Role.TENANT, "SELECT pg_backend_pid()", {}, scope=scope)
            return int(rows[0][0])

        parents = backend(ours)
        childs = in_child(lambda: (backend(theirs), statements_backend(theirs), os.getpid()))()

        assert isinstance(childs, tuple), childs
        assert childs[2] != os.getpid()
        assert parents not in childs[:2]
        assert childs[0] == childs[1], "the child pools its own connection"
        assert backend(ours) == parents, "the child's end closed the parent's connection"

    def test_sees_its_own_tenant_while_the_parent_works(self, database: Database, pair: Pair) -> None:
        def tenants(one: Any) -> set[Any]:
            seen: set[Any] = set()
            scope = Scope(tenant_id=TenantId(one.tenant_id), correlation_id="test")
            for _ in range(100):
                with database.transaction(scope) as transaction:
                    seen |= set(transaction.execute(text("SELECT id FROM tenants")).scalars())
            return seen

        tenants(pair.ours)
        childs = in_child(lambda: tenants(pair.theirs))
        assert tenants(pair.ours) == {pair.ours.tenant_id}
        assert childs() == {pair.theirs.tenant_id}
