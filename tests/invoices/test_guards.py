"""What has been issued stays as it is, whoever asks: the API, and the tenant's own role past it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.foundation.errors import DocumentLocked, InvalidState
from mbs.invoices.models.tables import Document, DocumentLine
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.invoices import new_draft
from tests.factories.issued import issued

ABOUT_ITS_STATE = {
    *("status", "amount_paid", "amount_credited", "amount_due", "sent_at", "voided_at", "void_reason"),
    *("version", "updated_at", "issue_order", "due_order", "number_order"),
    "total_order",
}
"""What of an issued document may change, and what the database reckons itself."""

OTHERWISE: dict[str, Any] = {
    "Uuid": uuid7(),
    "Text": "x",
    "Numeric": Decimal("7.77"),
    "BigInteger": 77,
    "SmallInteger": 77,
    "Date": date(2001, 1, 1),
    "JSONB": [{"x": "y"}],
    "Boolean": True,
    "TIMESTAMP": datetime(2001, 1, 1, tzinfo=UTC),
}
"""By the type of a column, what none of them holds."""


def changed_past_the_api(owner: Business, model: Any, key: str, id_: str, but: set[str]) -> list[str]:
    """Return the columns that the tenant's own role could change of what has been issued."""
    found = []
    for column in model.__table__.c:
        if column.name in but:
            continue
        change = model.__table__.update().values({column.name: OTHERWISE[type(column.type).__name__]})
        mine = (model.__table__.c.tenant_id == owner.tenant_id, model.__table__.c[key] == UUID(id_))
        try:
            with owner.database.transaction(owner.scope) as transaction:
                transaction.execute(change.where(*mine))
        except DocumentLocked:
            continue
        found.append(column.name)
    return found


ADD_A_LINE = """
INSERT INTO document_lines SELECT tenant_id, gen_random_uuid(), document_id, 2, catalog_item_id, description,
  quantity, unit, unit_price, discount_percent, discount_amount, amount, document_discount, tax_category,
  tax_kind, supply_rule, sac_hsn, net, taxes, tax, total FROM document_lines WHERE document_id = :id
"""
ISSUE_WRONGLY = """
UPDATE documents SET status = 'open', number = 'T-1', series = 'T', seq = 1, title = 'Invoice', seller = '{}',
  buyer = '{}', issue_date = '2026-03-02', supply_date = '2026-03-02', subtotal = subtotal + 1,
  total = total + 1 WHERE id = :id
"""


@pytest.fixture
def run(owner: Business) -> Callable[..., None]:
    def send(statement: str, **values: Any) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(text(statement), {**values, "tenant": owner.tenant_id})

    return send


class TestAnIssuedInvoice:
    def test_is_neither_changed_nor_removed_over_http(self, owner: Business) -> None:
        path = f"/api/invoices/{issued(owner)['invoiceId']}"
        before = owner.get(path).get_json()
        items = [{"description": "Oil", "unitPrice": "1.00"}]
        for response in (
            owner.patch(path, {"notes": "x"}),
            owner.patch(path, {"items": items}),
            owner.delete(path),
        ):
            assert (response.status_code, response.get_json()["code"]) == (409, "DOCUMENT_LOCKED")
        assert owner.get(path).get_json() == before

    def test_does_not_change_by_the_tenant_s_own_role(self, owner: Business) -> None:
        id_ = issued(owner)["invoiceId"]
        assert changed_past_the_api(owner, Document, "id", id_, ABOUT_ITS_STATE) == []

    def test_keeps_its_lines_likewise(self, owner: Business) -> None:
        id_ = issued(owner)["invoiceId"]
        assert changed_past_the_api(owner, DocumentLine, "document_id", id_, {"released"}) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM documents WHERE id = :id",
            "DELETE FROM document_lines WHERE document_id = :id",
            ADD_A_LINE,
        ],
    )
    def test_keeps_itself_and_gets_no_lines(
        self, owner: Business, run: Callable[..., None], statement: str
    ) -> None:
        id_ = issued(owner)["invoiceId"]
        with pytest.raises(DocumentLocked):
            run(statement, id=id_)
        assert owner.get(f"/api/invoices/{id_}").get_json()["items"][0]["total"] == "100.00"

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE document_lines SET released = false WHERE document_id = :id",
            "UPDATE documents SET void_reason = 'Another' WHERE id = :id",
            "UPDATE documents SET voided_at = voided_at - interval '1 day' WHERE id = :id",
            "UPDATE documents SET sent_at = now() WHERE id = :id",
        ],
    )
    def test_that_is_void_stays_as_it_is(
        self, owner: Business, run: Callable[..., None], statement: str
    ) -> None:
        id_ = issued(owner)["invoiceId"]
        made(owner, f"/api/invoices/{id_}/void", {"reason": "Mistyped"})
        with pytest.raises(DocumentLocked):
            run(statement, id=id_)

    @pytest.mark.parametrize(
        ("status", "to"),
        [
            ("draft", "void"),
            ("draft", "uncollectible"),
            ("void", "open"),
            ("void", "paid"),
            ("open", "draft"),
        ],
    )
    def test_takes_no_step_that_there_is_not(
        self, owner: Business, run: Callable[..., None], status: str, to: str
    ) -> None:
        id_ = issued(owner, status=status)["invoiceId"]
        with pytest.raises(InvalidState):
            run("UPDATE documents SET status = :to WHERE id = :id", id=id_, to=to)


class TestADraft:
    def test_whose_lines_do_not_add_up_is_not_issued(self, owner: Business, run: Callable[..., None]) -> None:
        draft = new_draft(owner)
        with pytest.raises(Exception, match="not the sum of its lines"):
            run(ISSUE_WRONGLY, id=draft["id"])
        assert owner.get(f"/api/invoices/{draft['id']}").get_json()["status"] == "draft"
