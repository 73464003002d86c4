"""Free text may say anything; it is kept as it came and means nothing."""

import pytest

from tests.contract.hostile_corpus import SQL
from tests.factories.callers import Business
from tests.factories.customers import create


class TestText:
    @pytest.mark.parametrize(
        "text", [*SQL, "Robert'); --", "<script>alert(1)</script>", "=1+1", "\U0001f469\u200d\U0001f52c"]
    )
    def test_is_kept_as_it_came(self, owner: Business, text: str) -> None:
        tag = text[:40].strip()
        created = create(owner, name=text, notes=text, tags=[tag], taxId=tag, taxStatus="overseas")

        read = owner.get(f"/api/customers/{created['id']}").json
        assert read is not None
        assert (read["name"], read["notes"], read["tags"]) == (text, text, [tag])
        found = owner.get("/api/customers", query_string={"search": text, "tag": tag}).json
        assert found is not None
        assert [row["id"] for row in found["data"]] == [created["id"]]
        assert owner.get("/api/events", query_string={"objectId": created["id"]}).status_code == 200
