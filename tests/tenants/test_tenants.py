"""/api/tenants, /api/tenant and /api/tenant/settings."""

from typing import Any

import pytest

from tests.factories.callers import Business, Caller
from tests.tenants.test_booking_settings import DEFAULTS

DETAILS = {"businessName": "Second Salon", "businessType": "spa", "countryCode": "DE"}


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def events_of(business: Business, type_: str) -> list[dict[str, Any]]:
    data = business.get(f"/api/events?types={type_}&limit=100").get_json()["data"]
    return [one["data"] for one in data]


class TestOpenBusiness:
    def test_makes_the_caller_its_owner_and_leaves_them_where_they_are(self, owner: Business) -> None:
        response = owner.post("/api/tenants", DETAILS)

        body = response.get_json()
        assert (response.status_code, response.headers["ETag"]) == (201, '"1"')
        assert (body["name"], body["businessType"], body["country"]) == ("Second Salon", "spa", "DE")
        assert (body["currency"], body["timezone"], body["locale"]) == ("EUR", "Europe/Berlin", "en-DE")
        assert (body["status"], body["onboardingCompleted"]) == ("active", False)
        me = owner.get("/api/auth/me").get_json()
        assert [(one["tenant"]["name"], one["role"]) for one in me["memberships"]] == [
            ("Asha's Salon", "owner"),
            ("Second Salon", "owner"),
        ]
        assert owner.get("/api/tenant").get_json()["id"] == str(owner.tenant_id)

    def test_gives_two_of_one_name_two_slugs(self, owner: Business) -> None:
        slugs = {owner.post("/api/tenants", DETAILS).get_json()["slug"] for _ in range(2)}
        assert len(slugs) == 2
        assert all(slug.startswith("second-salon-") for slug in slugs)

    def test_is_open_to_every_role(self, owner: Business) -> None:
        assert owner.colleague("staff").post("/api/tenants", DETAILS).status_code == 201

    def test_needs_somebody(self, caller: Caller) -> None:
        assert code_of(caller.post("/api/tenants", DETAILS)) == (401, "UNAUTHENTICATED")

    @pytest.mark.parametrize(
        "change",
        [
            {"businessName": " "},
            {"businessName": "x" * 121},
            {"businessType": "bank"},
            {"countryCode": "XX"},
            {"countryCode": "de"},
            {"timezone": "UTC+1"},
            {"currency": "EUR"},
            {"ownerId": "x"},
        ],
    )
    def test_names_a_faulty_field(self, owner: Business, change: dict[str, Any]) -> None:
        response = owner.post("/api/tenants", {**DETAILS, **change})
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == list(change)


class TestProfile:
    def test_changes_for_whoever_saw_the_newest_version(self, owner: Business) -> None:
        read = owner.get("/api/tenant")
        assert (read.status_code, read.headers["ETag"]) == (200, '"1"')
        change = {"name": "Asha & Co", "timezone": "Asia/Dubai", "currency": "AED", "locale": "ar-AE"}

        changed = owner.patch("/api/tenant", change, headers={"If-Match": '"1"'})

        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        assert {name: changed.get_json()[name] for name in change} == change
        late = owner.patch("/api/tenant", {"name": "Late"}, headers={"If-Match": '"1"'})
        assert code_of(late) == (412, "PRECONDITION_FAILED")
        for tag in ("1", 'W/"2"', '"x"', '"2", "3"', '"-2"', '"99999999999999999999"'):
            response = owner.patch("/api/tenant", {"name": "Late"}, headers={"If-Match": tag})
            assert code_of(response) == (412, "PRECONDITION_FAILED"), tag
        assert owner.patch("/api/tenant", {"name": "Any"}, headers={"If-Match": "*"}).status_code == 200
        assert owner.patch("/api/tenant", {"onboardingCompleted": True}).headers["ETag"] == '"4"'
        first, *_ = events_of(owner, "tenant.updated")
        assert first["previous"]["name"] == "Asha's Salon"
        assert first["object"]["name"] == "Asha & Co"

    def test_is_not_sent_twice(self, resident_owner: Business) -> None:
        for value in ('"1"', 'W/"1"', '"7", "1"', "*"):
            response = resident_owner.get("/api/tenant", headers={"If-None-Match": value})
            assert (response.status_code, response.get_data()) == (304, b"")
        assert resident_owner.get("/api/tenant", headers={"If-None-Match": '"2"'}).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": None},
            {"name": ""},
            {"locale": "english"},
            {"currency": "eur"},
            {"onboardingCompleted": "yes"},
            {"country": "DE"},
            {"slug": "mine"},
            {"status": "active"},
            {"name": "A", "id": "x"},
            {"name": "A", "tenantId": "x"},
            {"name": "A", "version": 9},
        ],
    )
    def test_refuses_other_changes(self, resident_owner: Business, body: dict[str, Any]) -> None:
        assert code_of(resident_owner.patch("/api/tenant", body)) == (400, "VALIDATION_ERROR")
        assert resident_owner.get("/api/tenant").headers["ETag"] == '"1"'

    def test_and_settings_change_once_for_one_idempotency_key(self, owner: Business) -> None:
        headers = {"Idempotency-Key": "rename-once"}
        answers = [owner.patch("/api/tenant", {"name": "Once"}, headers=headers) for _ in range(2)]
        assert [answer.headers["ETag"] for answer in answers] == ['"2"', '"2"']
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        dry = owner.patch("/api/tenant?dryRun=true", {"name": "Never"})
        assert (dry.get_json()["name"], dry.headers["Dry-Run"]) == ("Never", "true")
        assert owner.get("/api/tenant").get_json()["name"] == "Once"


class TestSettings:
    def test_begin_with_their_defaults(self, resident_owner: Business) -> None:
        response = resident_owner.get("/api/tenant/settings")
        assert response.get_json() == {
            "booking": DEFAULTS,
            "customers": {"uniqueEmail": False, "uniquePhone": False},
            "invoicing": {
                "taxMode": "inclusive",
                "roundingScope": "document",
                "cashRounding": None,
                "dueDays": 0,
                "numberPatterns": {
                    "invoice": "{LOC}/{FY}/{SEQ:5}",
                    "creditNote": "CN{FY}/{SEQ:5}",
                    "payment": "RCP/{FY}/{SEQ:5}",
                },
                "voidSamePeriodOnly": None,
                "terms": None,
                "footer": None,
                "upiId": None,
                "brandColor": None,
            },
            "notifications": {
                "channels": ["whatsapp", "email"],
                "quietHours": {"from": "21:00", "to": "09:00"},
                "replyTo": None,
                "senderName": None,
                "digestHour": 8,
                "rules": {},
            },
            "security": {"secondFactor": "optional"},
        }
        assert response.headers["ETag"] == '"1"'

    def test_merge_key_by_key_and_count_their_own_versions(self, owner: Business) -> None:
        url = "/api/tenant/settings"
        changed = owner.patch(url, {"customers": {"uniqueEmail": True}}, headers={"If-Match": '"1"'})
        assert changed.get_json()["customers"] == {"uniqueEmail": True, "uniquePhone": False}
        changed = owner.patch(url, {"customers": {"uniquePhone": True}}, headers={"If-Match": '"2"'})
        assert changed.get_json()["customers"] == {"uniqueEmail": True, "uniquePhone": True}
        late = owner.patch(url, {"customers": {"uniquePhone": False}}, headers={"If-Match": '"2"'})
        assert code_of(late) == (412, "PRECONDITION_FAILED")
        assert owner.get(url).headers["ETag"] == '"3"'
        assert owner.get("/api/tenant").headers["ETag"] == '"1"'
        assert [one["previous"]["customers"] for one in events_of(owner, "tenant.settings_updated")] == [
            {"uniqueEmail": False, "uniquePhone": False},
            {"uniqueEmail": True, "uniquePhone": False},
        ]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"customer": {}}, "customer"),
            ({"customers": {"uniqueName": True}}, "customers.uniqueName"),
            ({"customers": {"uniqueEmail": 1}}, "customers.uniqueEmail"),
            ({"customers": {"uniqueEmail": None}}, "customers.uniqueEmail"),
            ({"customers": True}, "customers"),
            ({"customers": None}, "customers"),
            ({"version": 2}, "version"),
        ],
    )
    def test_refuse_what_they_do_not_know(
        self, resident_owner: Business, body: dict[str, Any], field: str
    ) -> None:
        response = resident_owner.patch("/api/tenant/settings", body)
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == [field]
        assert resident_owner.get("/api/tenant/settings").headers["ETag"] == '"1"'


class TestUniqueCustomers:
    @pytest.mark.parametrize(
        ("setting", "first", "second"),
        [
            ("uniqueEmail", {"email": "Jane@Example.com"}, {"email": "jane@example.COM"}),
            ("uniquePhone", {"phone": "+91 98765 43210"}, {"phone": "+919876543210"}),
        ],
    )
    def test_are_what_the_settings_ask_for(
        self, owner: Business, setting: str, first: dict[str, str], second: dict[str, str]
    ) -> None:
        def create(**details: str) -> int:
            return owner.post("/api/customers", {"name": "Jane", **details}).status_code

        assert [create(**first), create(**second)] == [201, 201]
        owner.patch("/api/tenant/settings", {"customers": {setting: True}})
        # The rule looks forward: the two that stand already are left alone, the first new one is the measure.
        assert [create(**first), create(**second), create()] == [201, 409, 201]
        refused = owner.post("/api/customers", {"name": "Jane", **second})
        assert refused.get_json()["code"] == "CONFLICT"
        other = owner.post("/api/customers", {"name": "Joe"}).get_json()["id"]
        assert owner.patch(f"/api/customers/{other}", second).status_code == 409
        owner.patch("/api/tenant/settings", {"customers": {setting: False}})
        assert create(**second) == 201

    def test_of_one_business_are_free_in_another(self, owner: Business, resident_owner: Business) -> None:
        for business in (owner, resident_owner):
            jane = {"name": "Jane", "email": "jane@example.com"}
            if business is owner:
                business.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})
            assert business.post("/api/customers", jane).status_code == 201
