"""Customers over HTTP."""

from tests.factories.callers import Business


class TestIndex:
    def test_lists_what_was_created_newest_first(self, owner: Business) -> None:
        for name in ("Ana", "Bo", "Cy"):
            assert owner.post("/api/customers", {"name": name}).status_code == 201

        body = owner.get("/api/customers").json

        assert body is not None
        assert [row["name"] for row in body["data"]] == ["Cy", "Bo", "Ana"]
        assert body["pagination"] == {"limit": 20, "hasMore": False, "nextCursor": None, "total": None}
