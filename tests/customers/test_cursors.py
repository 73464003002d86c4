"""The cursor between two pages: opaque, bound to its list, its order and its business."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.customers.test_listing import pages
from tests.factories.callers import Business, Caller
from tests.factories.customers import add_customers


class TestCursor:
    @pytest.fixture
    def cursor(self, owner: Business) -> str:
        add_customers(owner, [{"name": f"Name {number}"} for number in range(3)])
        cursor: str = next(pages(owner, limit=1))["pagination"]["nextCursor"]
        return cursor

    def refused(self, business: Caller, cursor: str, **query: str) -> bool:
        response = business.get("/api/customers", query_string={"limit": 1, "cursor": cursor, **query})
        assert response.status_code in (200, 400)
        if response.status_code == 400:
            assert response.json is not None
            assert response.json["code"] == "INVALID_CURSOR"
        return response.status_code == 400

    def test_is_refused_with_any_character_changed(
        self, owner: Business, cursor: str, wide_app: Flask
    ) -> None:
        caller = Caller(wide_app, token=owner.token)
        assert not self.refused(caller, cursor)
        for place, character in enumerate(cursor):
            # The lowest bit is the one that a careless decoder ignores in the last character.
            flipped = chr(ord(character) ^ 1)
            assert self.refused(caller, cursor[:place] + flipped + cursor[place + 1 :]), place

    @pytest.mark.parametrize("shape", ["{}=", "{}A", " {}", "{} ", "{}\n", "{0}{0}", "x", "0", "-", "ÿ"])
    def test_is_refused_in_any_other_shape(self, owner: Business, cursor: str, shape: str) -> None:
        assert self.refused(owner, shape.format(cursor))
        assert self.refused(owner, cursor[:-1])

    def test_is_refused_by_another_order(self, owner: Business, cursor: str) -> None:
        for query in ({"sortBy": "name"}, {"sortBy": "updatedAt"}, {"sortOrder": "asc"}):
            assert self.refused(owner, cursor, **query)
        assert not self.refused(owner, cursor, sortBy="createdAt", sortOrder="desc")

    def test_is_refused_by_another_business(
        self, owner: Business, cursor: str, business: Callable[..., Business]
    ) -> None:
        assert self.refused(business(), cursor)

    def test_goes_on_where_the_page_ended_though_its_last_row_is_gone(self, owner: Business) -> None:
        add_customers(owner, [{"name": name} for name in "ABCD"])
        walk = pages(owner, limit=2, sortBy="name")
        first = next(walk)
        owner.delete(f"/api/customers/{first['data'][1]['id']}?purge=true")

        assert [row["name"] for row in next(walk)["data"]] == ["C", "D"]
