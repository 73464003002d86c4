"""Locations over HTTP: create, read, list, change, archive, remove."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.locations.schemas import EXAMPLE, LocationView
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import events_of

GSTIN = "27AAPFU0939F1ZV"


def create(business: Business, **values: Any) -> Any:
    response = business.post("/api/locations", {"name": "Bandra", **values})
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json


def listed(business: Business, query: str = "") -> list[Any]:
    page = business.get(f"/api/locations?limit=200{query}").json
    assert page is not None
    return list(page["data"])


def default(business: Business) -> Any:
    (one,) = [one for one in listed(business) if one["isDefault"]]
    return one


def fault(response: TestResponse) -> tuple[str, str]:
    assert (response.status_code, (response.json or {})["code"]) == (400, "VALIDATION_ERROR")
    assert response.json is not None
    (only,) = response.json["errors"]
    return only["field"], only["message"]


def refused(response: TestResponse, word: str) -> None:
    assert (response.status_code, (response.json or {})["code"]) == (409, "CONFLICT")
    assert word in (response.json or {})["detail"]


class TestCreate:
    def test_takes_country_and_time_zone_from_the_business(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="GB", businessName="Asha's")
        assert owner.patch("/api/tenant", {"timezone": "Europe/Belfast"}).status_code == 200

        response = owner.post("/api/locations", {"name": "Leeds"})

        body = response.json
        assert response.status_code == 201
        assert body is not None
        assert response.headers["Location"] == f"/api/locations/{body['id']}"
        assert response.headers["ETag"] == '"1"'
        assert body == {
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "name": "Leeds",
            "timezone": "Europe/Belfast",
            "country": "GB",
            "address": None,
            "phone": None,
            "legalName": None,
            "taxRegime": "none",
            "taxRegistration": None,
            "invoicePrefix": "LEE",
            "status": "active",
            "isDefault": False,
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
        }

    def test_keeps_every_field_as_the_document_describes_it(self, owner: Business) -> None:
        created = create(owner, **EXAMPLE, isDefault=True)

        read = owner.get(f"/api/locations/{created['id']}").json

        assert read == created
        assert {name: created[name] for name in EXAMPLE} == EXAMPLE
        assert differences(LocationView(), created) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("timezone", "Asia/Atlantis"),
            ("timezone", "+05:30"),
            ("country", "XX"),
            ("country", "in"),
            ("phone", "98765"),
            ("taxRegistration", "x" * 41),
            ("taxRegistration", "1\u202e2"),
            ("legalName", "x" * 201),
            ("taxRegime", "gst"),
            ("taxRegime", "vat"),
            ("taxRegime", "flat"),
            ("taxRegime", None),
            ("invoicePrefix", "ban"),
            ("invoicePrefix", "BANDRA"),
            ("invoicePrefix", "B/N"),
            ("invoicePrefix", "ＢＡＮ"),
            ("invoicePrefix", None),
            ("name", ""),
            ("name", "x" * 121),
            ("isDefault", "true"),
            ("status", "active"),
            ("version", 1),
            ("tenantId", "0198a1b2-c3d4-7000-8000-000000000001"),
        ],
    )
    def test_names_the_faulty_field(self, owner: Business, field: str, value: Any) -> None:
        assert fault(owner.post("/api/locations", {"name": "Bandra", field: value}))[0] == field

    def test_tells_the_trail(self, owner: Business) -> None:
        (event,) = events_of(owner, create(owner)["id"])
        assert (event.type, event.object_type, event.data["previous"]) == ("location.created", "location", {})

    def test_is_repeated_under_its_key_once(self, owner: Business) -> None:
        answers = [
            owner.post("/api/locations", {"name": "Bandra"}, headers={"Idempotency-Key": "one"})
            for _ in range(2)
        ]
        assert answers[0].json == answers[1].json
        assert len(listed(owner)) == 2

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        before = default(owner)
        dry = owner.post("/api/locations?dryRun=true", {"name": "Bandra", "isDefault": True})
        assert (dry.status_code, (dry.json or {})["isDefault"]) == (201, True)
        assert listed(owner) == [before]


class TestTaxRegistration:
    def test_is_kept_without_spaces(self, owner: Business) -> None:
        assert create(owner, taxRegistration="27 aapfu0939f 1zv")["taxRegistration"] == GSTIN

    def test_of_another_country_is_refused(self, owner: Business) -> None:
        body = {"name": "Leeds", "country": "GB", "taxRegistration": GSTIN}
        field, message = fault(owner.post("/api/locations", body))
        assert field == "taxRegistration"
        assert "GB and 9 or 12 digits" in message

    def test_is_held_against_a_new_country_too(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner, taxRegistration=GSTIN)['id']}"

        assert fault(owner.patch(path, {"country": "AE"}))[0] == "taxRegistration"
        assert fault(owner.patch(path, {"taxRegistration": "27AAPFU0939F1ZW"}))[0] == "taxRegistration"
        moved = owner.patch(path, {"country": "AE", "taxRegistration": "100 1234 5670 0003"})
        assert (moved.status_code, (moved.json or {})["taxRegistration"]) == (200, "100123456700003")
        cleared = owner.patch(path, {"country": "IN", "taxRegistration": None})
        assert (cleared.status_code, (cleared.json or {})["taxRegistration"]) == (200, None)

    def test_takes_its_new_country_s_form(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner, country='FR', taxRegistration='27 AAPFU0939F1ZV')['id']}"
        moved = owner.patch(path, {"country": "IN"})
        assert (moved.json or {})["taxRegistration"] == GSTIN


class TestList:
    def test_shows_the_active_ones_newest_first(self, owner: Business) -> None:
        first, second = create(owner, name="One"), create(owner, name="Two")
        assert owner.delete(f"/api/locations/{first['id']}").status_code == 204

        assert [one["name"] for one in listed(owner)] == ["Two", "Asha's Salon"]
        assert [one["name"] for one in listed(owner, "&sortOrder=asc")] == ["Asha's Salon", "Two"]
        assert [one["name"] for one in listed(owner, "&status=archived")] == ["One"]
        assert len(listed(owner, "&status=active,archived")) == 3
        assert listed(owner)[0] == second

    def test_comes_in_pages(self, owner: Business) -> None:
        for number in range(3):
            create(owner, name=f"Number {number}")
        names, cursor = [], ""
        for _ in range(4):
            page = owner.get(f"/api/locations?limit=1&includeTotal=true{cursor}").json
            assert page is not None
            assert page["pagination"]["total"] == 4
            names += [one["name"] for one in page["data"]]
            cursor = f"&cursor={page['pagination']['nextCursor']}"
        assert names == ["Number 2", "Number 1", "Number 0", "Asha's Salon"]


class TestDefault:
    def test_is_the_business_itself_at_first(self, owner: Business) -> None:
        assert default(owner)["name"] == "Asha's Salon"

    @pytest.mark.parametrize("by", ["POST", "PATCH"])
    def test_moves_to_the_location_that_claims_it(self, owner: Business, by: str) -> None:
        old = default(owner)

        if by == "POST":
            new = create(owner, isDefault=True)
        else:
            new = owner.patch(f"/api/locations/{create(owner)['id']}", {"isDefault": True}).json
        assert new is not None

        assert default(owner) == new
        released = owner.get(f"/api/locations/{old['id']}").json
        assert released is not None
        assert (released["isDefault"], released["version"]) == (False, old["version"] + 1)
        event = events_of(owner, old["id"])[-1]
        assert (event.type, event.data["previous"]) == ("location.updated", {"is_default": True})

    def test_cannot_go_away(self, owner: Business) -> None:
        path = f"/api/locations/{default(owner)['id']}"

        for refusal in (
            owner.patch(path, {"isDefault": False}),
            owner.patch(path, {"status": "archived"}),
            owner.delete(path),
            owner.delete(f"{path}?purge=true"),
        ):
            refused(refusal, "another one the default first")
        assert owner.patch(path, {"isDefault": True, "name": "Main"}).status_code == 200
        assert default(owner)["name"] == "Main"

    def test_cannot_be_an_archived_location(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner)['id']}"
        assert owner.delete(path).status_code == 204

        refused(owner.patch(path, {"isDefault": True}), "make it active")
        refused(owner.patch(path, {"isDefault": True, "status": "archived"}), "make it active")
        again = owner.patch(path, {"isDefault": True, "status": "active"})
        assert again.status_code == 200
        assert default(owner) == again.json


class TestUpdate:
    def test_changes_what_is_named_and_clears_what_is_null(self, owner: Business) -> None:
        before = create(owner, **EXAMPLE)
        path = f"/api/locations/{before['id']}"

        after = owner.patch(path, {"name": "Pune", "address": None, "phone": None}).json

        assert after is not None
        changed = {"name": "Pune", "address": None, "phone": None, "version": 2}
        assert after == {**before, **changed, "updatedAt": after["updatedAt"]}
        assert set(events_of(owner, before["id"])[-1].data["previous"]) == {"name", "address", "phone"}

    @pytest.mark.parametrize("field", ["name", "timezone", "country", "status", "isDefault"])
    def test_refuses_to_clear_what_must_be_there(self, owner: Business, field: str) -> None:
        assert fault(owner.patch(f"/api/locations/{create(owner)['id']}", {field: None}))[0] == field

    def test_overwrites_nobody_who_was_faster(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner)['id']}"
        assert owner.patch(path, {"name": "A"}, headers={"If-Match": '"1"'}).status_code == 200
        for method, body in (("PATCH", {"name": "B"}), ("DELETE", None)):
            assert owner.call(method, path, body, headers={"If-Match": '"1"'}).status_code == 412
        assert owner.delete(f"{path}?purge=true", headers={"If-Match": '"1"'}).status_code == 412
        assert owner.get(path, headers={"If-None-Match": '"2"'}).status_code == 304


class TestRemove:
    def test_archives(self, owner: Business) -> None:
        id_ = create(owner)["id"]
        for _ in range(2):
            assert owner.delete(f"/api/locations/{id_}").status_code == 204
        assert (owner.get(f"/api/locations/{id_}").json or {})["status"] == "archived"
        assert [event.type for event in events_of(owner, id_)] == ["location.created", "location.archived"]

    def test_purges_when_told_to(self, owner: Business) -> None:
        id_ = create(owner)["id"]
        assert owner.delete(f"/api/locations/{id_}?purge=true").status_code == 204
        assert owner.get(f"/api/locations/{id_}").status_code == 404
        assert [event.type for event in events_of(owner, id_)][-1] == "location.purged"


class TestForeign:
    def test_locations_look_like_none(self, owner: Business, business: Callable[..., Business]) -> None:
        foreign = create(business())["id"]
        for method, body in (("GET", None), ("PATCH", {"isDefault": True}), ("DELETE", None)):
            answers = [owner.call(method, f"/api/locations/{id_}", body) for id_ in (foreign, uuid.uuid4())]
            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1

    @pytest.mark.parametrize(("role", "reads", "writes"), [("manager", 200, 403), ("staff", 403, 403)])
    def test_colleagues_are_let_in_by_their_role(
        self, owner: Business, role: str, reads: int, writes: int
    ) -> None:
        colleague = owner.colleague(role)
        assert colleague.get("/api/locations").status_code == reads
        assert colleague.post("/api/locations", {"name": "Mine"}).status_code == writes
