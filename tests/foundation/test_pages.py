"""Pages and their cursors."""

from collections import namedtuple
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.foundation.errors import InvalidCursor
from mbs.foundation.pages import CursorCodec, Page, PageRequest, Position
from mbs.foundation.scope import TenantId

CODEC = CursorCodec("a secret of the service, long enough")
TENANT = TenantId(uuid4())
ORDER = "customers:name:asc"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Row = namedtuple("Row", ["name", "id"])


def encode(value: Any = "jane", id_: UUID | None = None) -> str:
    return CODEC.encode(Position(value, id_ or uuid4()), tenant_id=TENANT, order=ORDER)


def decode(cursor: str, *, tenant: TenantId = TENANT, order: str = ORDER) -> Position:
    return CODEC.decode(cursor, tenant_id=tenant, order=order)


class TestCursorCodec:
    @pytest.mark.parametrize(
        "value",
        [
            "jane",
            "",
            "2026-03-01T00:00:00+00:00",
            "ärzte \N{PILE OF POO}",
            "x" * 1000,
            datetime(2026, 3, 1, 4, 30, 0, 123456, UTC),
            datetime(1900, 1, 1, tzinfo=UTC),
            date(2026, 3, 1),
            Decimal("999999999999.9900"),
        ],
    )
    def test_reads_what_it_wrote(self, value: Any) -> None:
        id_ = uuid4()

        assert decode(encode(value, id_)) == Position(value, id_)

    def test_refuses_every_other_character_at_every_place(self) -> None:
        cursor = encode()
        for place, there in enumerate(cursor):
            for other in ALPHABET + "=+/ \n\x00é":
                if other != there:
                    with pytest.raises(InvalidCursor):
                        decode(cursor[:place] + other + cursor[place + 1 :])

    def test_refuses_every_part_of_a_cursor(self) -> None:
        cursor = encode()
        for length in range(len(cursor)):
            with pytest.raises(InvalidCursor):
                decode(cursor[:length])

    def test_is_bound_to_tenant_order_and_secret(self) -> None:
        cursor = encode()
        for tenant, order in ((TenantId(uuid4()), ORDER), (TENANT, "customers:name:desc"), (TENANT, "")):
            with pytest.raises(InvalidCursor):
                decode(cursor, tenant=tenant, order=order)
        with pytest.raises(InvalidCursor):
            CursorCodec("another secret").decode(cursor, tenant_id=TENANT, order=ORDER)


class TestPage:
    def test_keeps_the_row_too_many_back(self) -> None:
        rows = [Row(name, uuid4()) for name in "abc"]
        request = PageRequest(sort="name", descending=False, limit=2)

        page = Page.cut(rows, request, total=7)

        assert (list(page.rows), page.limit, page.total) == (rows[:2], 2, 7)
        assert page.next == Position("b", rows[1].id)

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_is_the_last_one_without_it(self, count: int) -> None:
        rows = [Row(name, uuid4()) for name in "ab"[:count]]

        page = Page.cut(rows, PageRequest(sort="name", descending=False, limit=2), total=None)

        assert (list(page.rows), page.next) == (rows, None)
