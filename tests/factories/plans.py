"""How PostgreSQL carried out the one statement of a question: EXPLAIN ANALYZE, run as the tenant."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text

from mbs.foundation.db import Transaction
from tests.factories.callers import Business

Ask = Callable[[Transaction], Any]
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    scans: tuple[Node, ...]
    """What took rows from tables and indexes."""
    blocks: int
    """How many were touched, in memory or not."""

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(node["Node Type"] for node in self.scans)

    @property
    def whole(self) -> frozenset[str]:
        """Of which tables all rows were read, those of other tenants included."""
        return frozenset(node["Relation Name"] for node in self.scans if node["Node Type"] == "Seq Scan")

    @property
    def rows(self) -> int:
        return rows_of(self.scans)


def explained(owner: Business, ask: Ask) -> Plan:
    """Return the plan of the one statement that a repository sends, run as the tenant."""
    sent: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2:4])

    with owner.database.transaction(owner.scope) as transaction:
        event.listen(owner.database.engine, "before_cursor_execute", note)
        try:
            ask(transaction)
        finally:
            event.remove(owner.database.engine, "before_cursor_execute", note)
        ((statement, parameters),) = sent
        assert transaction.execute(text("SELECT current_user")).scalar_one() == "mbs_tenant"
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        plan = transaction._connection.exec_driver_sql(explain, parameters).scalar_one()[0]["Plan"]
    scans = tuple(node for node in _walk(plan) if "Relation Name" in node)
    assert scans
    return Plan(scans, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def rows_of(scans: Iterable[Node]) -> int:
    """Return how many rows scans took, those that a filter then refused included."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans
    )


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)
