"""What customers agree to: the last word counts, and every word stays."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from mbs.consents.repository import ConsentRepository, record_consent
from mbs.foundation.scope import Scope
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.customers import create

WORDING = "Send me my bookings by WhatsApp. I can reply STOP at any time."
WHATSAPP = {"channel": "whatsapp", "category": "transactional", "status": "granted", "wording": WORDING}
EMAIL = {"channel": "email", "category": "marketing", "status": "granted"}


def url(customer: Any) -> str:
    return f"/api/customers/{customer['id']}/consents"


def standing(owner: Business, *customers: Any) -> dict[Any, str]:
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        return dict(ConsentRepository(transaction).standing([UUID(one["id"]) for one in customers]))


class TestCreate:
    def test_answers_what_was_said_and_tells_the_trail(self, owner: Business) -> None:
        customer = create(owner)
        response = owner.post(url(customer), {**WHATSAPP, "source": "form"})
        consent = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == url(customer)
        assert {key: consent[key] for key in WHATSAPP} == WHATSAPP
        assert (consent["source"], consent["customerId"]) == ("form", customer["id"])
        assert (consent["createdBy"], consent["tenantId"]) == (str(owner.user_id), str(owner.tenant_id))

        event = listed(owner, "/api/events?limit=200")[-1]
        assert (event["type"], event["objectType"]) == ("customer.consent_granted", "customer")
        assert event["objectId"] == customer["id"]
        assert event["data"]["object"]["wording"] == WORDING
        made(owner, url(customer), {**WHATSAPP, "status": "withdrawn", "wording": None})
        event = listed(owner, "/api/events?limit=200")[-1]
        assert (event["type"], event["objectId"]) == ("customer.consent_withdrawn", customer["id"])

    @pytest.mark.parametrize(
        ("change", "field", "code"),
        [
            ({"wording": None}, "wording", "invalid"),
            ({"wording": "  "}, "wording", "invalid"),
            ({"wording": "x" * 2001}, "wording", "invalid"),
            ({"wording": "a\x07b"}, "wording", "invalid"),
            ({"channel": "sms"}, "channel", "invalid"),
            ({"category": "all"}, "category", "invalid"),
            ({"status": "pending"}, "status", "invalid"),
            ({"source": "reply"}, "source", "invalid"),
            ({"source": "provider"}, "source", "invalid"),
            ({"createdBy": str(uuid4())}, "createdBy", "unknown_field"),
        ],
    )
    def test_refuses(self, resident: Business, change: dict[str, Any], field: str, code: str) -> None:
        response = resident.post(f"/api/customers/{uuid4()}/consents", {**WHATSAPP, **change})
        assert response.status_code == 400
        assert [(fault["field"], fault["code"]) for fault in response.get_json()["errors"]] == [(field, code)]

    def test_demands_no_wording_of_what_is_taken_back_or_comes_by_mail(self, owner: Business) -> None:
        customer = create(owner)
        made(owner, url(customer), EMAIL)
        made(owner, url(customer), {**WHATSAPP, "status": "withdrawn", "wording": None})

    def test_is_written_down_once_for_one_idempotency_key(self, owner: Business) -> None:
        customer, key = create(owner), {"Idempotency-Key": "agreed"}
        twice = [made(owner, url(customer), EMAIL, headers=key) for _ in range(2)]
        assert twice[0] == twice[1]
        assert len(listed(owner, url(customer))) == 1

    def test_needs_a_customer_of_the_business_s_own(self, owner: Business, resident: Business) -> None:
        for path in (url(create(resident)), url({"id": str(uuid4())})):
            assert owner.post(path, EMAIL).status_code == 404
            assert owner.get(path).status_code == 404


class TestList:
    def test_runs_from_the_newest_in_pages(self, owner: Business) -> None:
        customer, other = create(owner), create(owner)
        made(owner, url(other), EMAIL)
        ids = [made(owner, url(customer), EMAIL)["id"] for _ in range(5)]
        page = owner.get(f"{url(customer)}?limit=3").get_json()
        assert [one["id"] for one in page["data"]] == ids[:1:-1]
        cursor = page["pagination"]["nextCursor"]
        rest = owner.get(f"{url(customer)}?limit=3&cursor={cursor}").get_json()
        assert [one["id"] for one in rest["data"]] == ids[1::-1]
        assert owner.get(f"{url(other)}?limit=3&cursor={cursor}").get_json()["code"] == "INVALID_CURSOR"


class TestStaff:
    def test_see_consents_of_their_own_customers_alone_and_write_none(self, owner: Business) -> None:
        staff = owner.colleague("staff")
        theirs, other = create(staff), create(owner)
        for customer in (theirs, other):
            made(owner, url(customer), EMAIL)
        for path in ("consents", "preferences"):
            assert staff.get(f"/api/customers/{theirs['id']}/{path}").status_code == 200
            assert staff.get(f"/api/customers/{other['id']}/{path}").status_code == 404
        assert staff.post(url(theirs), EMAIL).status_code == 403


class TestStanding:
    def test_is_the_last_word_about_each_channel_and_category(self, owner: Business) -> None:
        first, second, silent = create(owner), create(owner), create(owner)
        made(owner, url(first), WHATSAPP)
        made(owner, url(first), EMAIL)
        made(owner, url(first), {**EMAIL, "status": "withdrawn"})
        made(owner, url(second), {**EMAIL, "status": "withdrawn"})
        made(owner, url(second), EMAIL)
        assert standing(owner, first, second, silent) == {
            (UUID(first["id"]), "whatsapp", "transactional"): "granted",
            (UUID(first["id"]), "email", "marketing"): "withdrawn",
            (UUID(second["id"]), "email", "marketing"): "granted",
        }
        assert standing(owner) == {}

    def test_shows_no_other_business_s_customers(self, owner: Business, resident: Business) -> None:
        customer = create(owner)
        made(owner, url(customer), EMAIL)
        assert standing(resident, customer) == {}

    def test_may_come_from_a_reply_that_nobody_here_typed(self, owner: Business) -> None:
        customer = create(owner)
        made(owner, url(customer), WHATSAPP)
        worker = Scope(tenant_id=owner.scope.tenant_id, correlation_id="reply")
        with owner.database.transaction(worker) as transaction:
            row = record_consent(
                transaction,
                at=datetime.now(UTC),
                customer_id=UUID(customer["id"]),
                channel="whatsapp",
                category="transactional",
                status="withdrawn",
                source="reply",
                wording=None,
            )
        assert row.created_by is None
        assert standing(owner, customer) == {(row.customer_id, "whatsapp", "transactional"): "withdrawn"}
        newest = listed(owner, url(customer))[0]
        assert (newest["source"], newest["createdBy"]) == ("reply", None)


class TestTheRecord:
    @pytest.mark.parametrize("statement", ["UPDATE consents SET status = 'granted'", "DELETE FROM consents"])
    def test_cannot_be_rewritten(self, resident: Business, statement: str) -> None:
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            resident.database.transaction(resident.scope) as transaction,
        ):
            transaction.execute(text(statement))


class TestPurge:
    def test_takes_consents_and_preferences_and_leaves_suppressions(self, owner: Business) -> None:
        customer = create(owner, email="gone@example.com")
        made(owner, url(customer), EMAIL)
        made(owner, f"/api/customers/{customer['id']}/preferences", {"locale": "hi"}, "PUT")
        made(owner, "/api/suppressions", {"channel": "email", "address": "gone@example.com"})

        assert owner.delete(f"/api/customers/{customer['id']}?purge=true").status_code == 204

        with owner.database.transaction(owner.scope, read_only=True) as transaction:
            for table in ("consents", "contact_preferences"):
                assert transaction.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
        assert [one["address"] for one in listed(owner, "/api/suppressions")] == ["gone@example.com"]
