"""Customers over HTTP: create, read, change, archive, remove."""

import uuid
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from mbs.foundation.problems import MEDIA_TYPE
from tests.factories.callers import Business
from tests.factories.customers import create, events_of, stored

EVERYTHING = {
    "kind": "business",
    "name": "Jane Smith & Sons",
    "email": "Jane@Example.com",
    "phone": "+91 98765-43210",
    "address": {"line1": "12 MG Road", "city": "Mumbai", "postalCode": "400001", "country": "IN"},
    "taxId": "27AAPFU0939F1ZV",
    "taxStatus": "registered",
    "regionCode": "29",
    "tags": ["vip", "weekly"],
    "notes": "Line one\nline two",
}


def faults(response: TestResponse) -> dict[str, str]:
    """Return the faulty fields of a 400 with their codes."""
    assert response.status_code == 400
    assert response.content_type == MEDIA_TYPE
    assert response.json is not None
    return {fault["field"]: fault["code"] for fault in response.json["errors"]}


class TestCreate:
    def test_answers_the_customer_with_its_address_and_version(self, owner: Business) -> None:
        response = owner.post("/api/customers", {"name": "Jane Smith"})

        body = response.json
        assert response.status_code == 201
        assert body is not None
        assert response.headers["Location"] == f"/api/customers/{body['id']}"
        assert response.headers["ETag"] == '"1"'
        assert uuid.UUID(body["id"]).version == 7
        assert body == {
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "kind": "person",
            "name": "Jane Smith",
            "email": None,
            "phone": None,
            "address": None,
            "taxId": None,
            "taxStatus": "unregistered",
            "regionCode": None,
            "tags": [],
            "notes": None,
            "status": "active",
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
            "possibleDuplicates": [],
        }

    def test_keeps_every_field(self, owner: Business) -> None:
        created = create(owner, **EVERYTHING)

        read = owner.get(f"/api/customers/{created['id']}").json

        assert read is not None
        assert {name: read[name] for name in EVERYTHING} == {**EVERYTHING, "phone": "+919876543210"}
        assert {**read, "possibleDuplicates": []} == created

    def test_takes_an_address_of_one_line(self, owner: Business) -> None:
        assert create(owner, address="12 MG Road, Mumbai")["address"] == {"line1": "12 MG Road, Mumbai"}

    def test_keeps_text_in_its_normal_form(self, owner: Business) -> None:
        created = create(owner, name="  Jose\u0301 ", tags=["vip", "vip "])

        assert created["name"] == "Jos\u00e9"
        assert created["tags"] == ["vip"]

    def test_names_every_faulty_field_at_once(self, owner: Business) -> None:
        response = owner.post(
            "/api/customers",
            {"name": "", "email": "nobody", "phone": "98765", "address": {"country": "india"}, "tags": [1]},
        )

        assert set(faults(response)) == {"name", "email", "phone", "address.country", "tags.0"}

    def test_demands_a_name(self, owner: Business) -> None:
        assert faults(owner.post("/api/customers", {})) == {"name": "required"}
        assert faults(owner.post("/api/customers", {"name": None})) == {"name": "required"}

    @pytest.mark.parametrize(
        "field", ["id", "tenantId", "version", "createdAt", "createdBy", "status", "searchKey", "tenant_id"]
    )
    def test_refuses_what_is_not_the_callers_to_set(self, owner: Business, field: str) -> None:
        response = owner.post("/api/customers", {"name": "Jane Smith", field: str(uuid.uuid4())})

        assert faults(response) == {field: "unknown_field"}

    def test_tells_the_trail(self, owner: Business) -> None:
        created = create(owner)

        (event,) = events_of(owner, created["id"])
        assert (event.type, event.data["previous"]) == ("customer.created", {})
        assert event.data["object"]["name"] == "Jane Smith"
        assert event.actor["id"] == str(owner.user_id)

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        response = owner.post(
            "/api/customers?dryRun=true", {"name": "Jane Smith"}, headers={"Idempotency-Key": "dry"}
        )

        assert response.status_code == 201
        assert response.headers["Dry-Run"] == "true"
        assert response.json is not None
        assert owner.get(f"/api/customers/{response.json['id']}").status_code == 404
        assert events_of(owner, response.json["id"]) == []
        # The key is free: another request may use it.
        again = owner.post("/api/customers", {"name": "Somebody"}, headers={"Idempotency-Key": "dry"})
        assert again.status_code == 201


class TestRead:
    def test_answers_304_to_whoever_holds_the_version(self, owner: Business) -> None:
        path = f"/api/customers/{create(owner)['id']}"

        for tag in ('"1"', 'W/"1"', '"0", "1"', "*"):
            held = owner.get(path, headers={"If-None-Match": tag})
            assert (held.status_code, held.get_data(), held.headers["ETag"]) == (304, b"", '"1"')
        assert owner.get(path, headers={"If-None-Match": '"2"'}).status_code == 200

    def test_does_not_tell_a_foreign_customer_from_none(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        foreign = create(business())["id"]
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
            answers = [
                owner.call(method, f"/api/customers/{id_}", body)
                for id_ in (foreign, str(uuid.uuid4()), "17", foreign[:-1], foreign.replace("-", "") + "----")
            ]

            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1


class TestUpdate:
    def test_changes_what_is_named_clears_what_is_null_and_leaves_the_rest(self, owner: Business) -> None:
        before = create(owner, **EVERYTHING)

        response = owner.patch(f"/api/customers/{before['id']}", {"name": "Jane", "email": None, "tags": []})

        assert response.status_code == 200
        assert response.headers["ETag"] == '"2"'
        after = response.json
        assert after is not None
        before.pop("possibleDuplicates")
        assert after["updatedAt"] > before["updatedAt"]
        changed = {"name": "Jane", "email": None, "tags": [], "version": 2, "updatedAt": after["updatedAt"]}
        assert after == {**before, **changed}
        assert owner.get(f"/api/customers/{before['id']}").json == after

    def test_clears_every_field_that_may_be_empty(self, owner: Business) -> None:
        clearable = ("email", "phone", "address", "taxId", "regionCode", "notes")
        created = create(owner, **{**EVERYTHING, "taxStatus": "overseas"})

        after = owner.patch(f"/api/customers/{created['id']}", dict.fromkeys(clearable)).json

        assert after is not None
        assert {name: after[name] for name in clearable} == dict.fromkeys(clearable)

    @pytest.mark.parametrize("field", ["kind", "name", "tags", "status"])
    def test_refuses_to_clear_what_must_be_there(self, owner: Business, field: str) -> None:
        path = f"/api/customers/{create(owner)['id']}"

        assert faults(owner.patch(path, {field: None})) == {field: "required"}

    def test_refuses_a_change_of_nothing(self, owner: Business) -> None:
        assert owner.patch(f"/api/customers/{create(owner)['id']}", {}).status_code == 400

    def test_keeps_the_search_in_step(self, owner: Business) -> None:
        id_ = create(owner, email="jane@example.com", phone="+919876543210")["id"]

        owner.patch(f"/api/customers/{id_}", {"name": "Zoë", "phone": None})

        for text, found in (("zoë", 1), ("jane smith", 0), ("jane@", 1), ("98765", 0)):
            page = owner.get("/api/customers", query_string={"search": text}).json
            assert page is not None
            assert len(page["data"]) == found, text

    def test_tells_the_trail_only_what_changed(self, owner: Business) -> None:
        id_ = create(owner, notes="old")["id"]

        owner.patch(f"/api/customers/{id_}", {"name": "Jane Smith", "notes": "new"})

        assert [event.type for event in events_of(owner, id_)] == ["customer.created", "customer.updated"]
        assert events_of(owner, id_)[-1].data["previous"] == {"notes": "old"}

    def test_overwrites_nobody_who_was_faster(self, owner: Business) -> None:
        path = f"/api/customers/{create(owner)['id']}"
        assert owner.patch(path, {"name": "A"}, headers={"If-Match": '"1"'}).status_code == 200

        for tag in ('"1"', '"3"', "1", 'W/"2"', '"2" ', "nonsense"):
            slower = owner.patch(path, {"name": "B"}, headers={"If-Match": tag})
            expected = 200 if tag.strip() == '"2"' else 412
            assert slower.status_code == expected, tag
        assert owner.patch(path, {"name": "C"}, headers={"If-Match": "*"}).status_code == 200

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        id_ = create(owner)["id"]

        response = owner.patch(f"/api/customers/{id_}?dryRun=true", {"name": "Other"})

        assert response.status_code == 200
        assert response.headers["Dry-Run"] == "true"
        assert response.json is not None
        assert (response.json["name"], response.json["version"]) == ("Other", 2)
        assert (stored(owner, id_).name, stored(owner, id_).version) == ("Jane Smith", 1)
        assert len(events_of(owner, id_)) == 1


class TestRemove:
    def test_archives(self, owner: Business) -> None:
        id_ = create(owner)["id"]

        response = owner.delete(f"/api/customers/{id_}")

        assert (response.status_code, response.get_data()) == (204, b"")
        read = owner.get(f"/api/customers/{id_}").json
        assert read is not None
        assert (read["status"], read["version"]) == ("archived", 2)

    def test_archives_once(self, owner: Business) -> None:
        id_ = create(owner)["id"]
        for _ in range(3):
            assert owner.delete(f"/api/customers/{id_}").status_code == 204

        assert stored(owner, id_).version == 2
        assert [event.type for event in events_of(owner, id_)] == ["customer.created", "customer.archived"]

    def test_is_undone_by_a_change_of_the_status(self, owner: Business) -> None:
        id_ = create(owner)["id"]
        owner.delete(f"/api/customers/{id_}")

        assert owner.patch(f"/api/customers/{id_}", {"status": "active"}).status_code == 200
        assert owner.get(f"/api/customers/{id_}", headers={"If-None-Match": '"3"'}).status_code == 304

    @pytest.mark.parametrize("query", ["", "?purge=true"])
    def test_heeds_the_version(self, owner: Business, query: str) -> None:
        id_ = create(owner)["id"]

        response = owner.delete(f"/api/customers/{id_}{query}", headers={"If-Match": '"9"'})

        assert response.status_code == 412
        assert (stored(owner, id_).status, len(events_of(owner, id_))) == ("active", 1)


class TestPurge:
    def test_removes_for_good_and_keeps_the_trail(self, owner: Business) -> None:
        id_ = create(owner)["id"]

        assert owner.delete(f"/api/customers/{id_}?purge=true").status_code == 204

        assert owner.get(f"/api/customers/{id_}").status_code == 404
        assert owner.delete(f"/api/customers/{id_}?purge=true").status_code == 404
        assert [event.type for event in events_of(owner, id_)] == ["customer.created", "customer.purged"]

    def test_needs_a_permission_of_its_own(self, owner: Business) -> None:
        id_, manager = create(owner)["id"], owner.colleague("manager")

        assert manager.delete(f"/api/customers/{id_}?purge=true").status_code == 403
        assert manager.delete(f"/api/customers/{id_}").status_code == 204
        assert owner.colleague("admin").delete(f"/api/customers/{id_}?purge=true").status_code == 204
