"""The one place where the events of documents are written."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.money import shown
from mbs.invoices.models.tables import MONEY, Document
from mbs.invoices.repository.documents import DocumentRepository


def record(
    transaction: Transaction,
    *,
    type_: str,
    document: Any,
    previous: Mapping[str, Any],
    at: datetime,
    **beside: Any,
) -> None:
    """Write the event of a change of a document, as the transaction's last statement.

    It tells of the document's own columns and not of its lines, which would make a trail of them.

    :param document: a row of `DocumentRepository.columns`, or a view, after the change.
    :param previous: what the changed columns held before.
    :param beside: further members of the event's data, like `channels`.
    """
    columns = {column.key: getattr(document, column.key) for column in DocumentRepository.columns}
    data = {
        **beside,
        "object": _told(columns, document.currency),
        "previous": _told(previous, document.currency),
    }
    EventRepository(transaction).append(
        type_=type_, object_type=document.type, object_id=document.id, at=at, data=data
    )


def _told(values: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {name: _plain(name, value, currency) for name, value in values.items()}


def _plain(name: str, value: Any, currency: str) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, Decimal):
        return value
    is_money = Document.__table__.c[name].type is MONEY
    return shown(value, currency) if is_money else format(value.normalize(), "f")
