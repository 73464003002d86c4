"""A name of any script can be listed by name and paged past, and a purge writes nothing down."""

from tests.factories.callers import Business

WIDEST = ["𝒜" * 200, "ẞ" * 200, "あ" * 200, "\U0001f600" * 200]


class TestALongName:
    def test_leaves_a_cursor_that_the_list_takes_back(self, owner: Business) -> None:
        for name in WIDEST:
            assert owner.post("/api/customers", {"name": name}).status_code == 201, name

        seen, path = [], "/api/customers?sortBy=name&limit=1"
        cursor = ""
        while True:
            body = owner.get(path + cursor).json
            assert body is not None
            seen += [row["name"] for row in body["data"]]
            if body["pagination"]["nextCursor"] is None:
                break
            cursor = f"&cursor={body['pagination']['nextCursor']}"

        assert sorted(seen) == sorted(WIDEST)

    def test_made_of_characters_that_stand_for_many_is_refused(self, owner: Business) -> None:
        answer = owner.post(
            "/api/customers", {"name": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 200}
        )

        assert answer.status_code == 400
        assert answer.json is not None
        assert [error["field"] for error in answer.json["errors"]] == ["name"]


class TestPurge:
    def test_writes_the_customer_down_no_more(self, owner: Business) -> None:
        created = owner.post("/api/customers", {"name": "Forgotten", "email": "forget@example.com"}).json
        assert created is not None

        assert owner.delete(f"/api/customers/{created['id']}?purge=true").status_code == 204

        last = owner.get("/api/events?types=customer.purged").json
        assert last is not None
        assert last["data"][-1]["data"] == {"object": {"id": created["id"]}, "previous": {}}
