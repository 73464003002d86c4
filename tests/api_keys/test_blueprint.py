"""Making, listing, renaming and revoking API keys."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from uuid_utils.compat import uuid7

from mbs.api_keys.models import MOST_KEYS, SCOPES
from mbs.api_keys.repository import ApiKeyRepository
from mbs.api_keys.schemas import ApiKeyCreated, ApiKeyView
from tests.api_keys.conftest import Sql
from tests.contract.closed_schemas import differences
from tests.factories.api_keys import make_key
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import events_of

PATH = "/api/api-keys"
BODY = {"name": "Web shop", "scopes": ["customers:read"]}


def keep_keys(business: Business, number: int, **values: Any) -> None:
    """Insert keys past the API."""
    with business.database.transaction(business.scope) as transaction:
        keys = ApiKeyRepository(transaction)
        for place in range(number):
            keys.add(
                {
                    "id": uuid7(),
                    "name": "Old",
                    "prefix": f"old{place}{uuid.uuid4().hex[:6]}",
                    "digest": "0" * 64,
                    "scopes": ["customers:read"],
                    **values,
                }
            )


class TestCreate:
    def test_shows_the_key_once(self, owner: Business) -> None:
        response = owner.post(PATH, {**BODY, "expiresAt": "2199-01-01T00:00:00Z"})

        created = response.json
        assert response.status_code == 201
        assert created is not None
        assert response.headers["Location"] == f"{PATH}/{created['id']}"
        assert differences(ApiKeyCreated(), created) == []
        key = created.pop("key")
        assert key.startswith(f"mbs_live_{owner.tenant_id.hex}")
        assert len(key) == len("mbs_live_") + 32 + 8 + 1 + 40
        assert created == {
            "id": created["id"],
            "name": "Web shop",
            "prefix": f"mbs_live_...{key[41:49]}",
            "scopes": ["customers:read"],
            "createdBy": str(owner.user_id),
            "expiresAt": "2199-01-01T00:00:00Z",
            "lastUsedAt": None,
            "lastUsedAddress": None,
            "revokedAt": None,
            "createdAt": created["createdAt"],
            "updatedAt": created["createdAt"],
            "version": 1,
        }
        read = owner.get(f"{PATH}/{created['id']}").json
        assert read == created
        assert differences(ApiKeyView(), read) == []
        page = owner.get(PATH)
        assert (page.json or {})["data"] == [created]
        assert key[50:] not in page.get_data(as_text=True)

    def test_gives_no_two_alike(self, owner: Business) -> None:
        assert len({make_key(owner)["key"] for _ in range(10)}) == 10

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", None),
            ("scopes", []),
            ("scopes", None),
            ("scopes", "customers:read"),
            ("expiresAt", "2026-01-01T00:00:00Z"),
            ("expiresAt", "tomorrow"),
            ("key", "mbs_live_x"),
            ("digest", "x"),
            ("createdBy", "0198a1b2-c3d4-7000-8000-000000000001"),
        ],
    )
    def test_names_the_faulty_field(self, owner: Business, field: str, value: Any) -> None:
        response = owner.post(PATH, {**BODY, field: value})
        assert response.status_code == 400
        assert [fault["field"] for fault in (response.json or {})["errors"]] == [field]

    @pytest.mark.parametrize(
        "scope",
        [
            *("team:read", "team:invite", "team:roles", "team:owners", "security:write", "apiKeys:write"),
            *("billing:read", "customers:read:own", "customers", "*", "customers:*", "", 7, None),
        ],
    )
    def test_gives_nothing_of_people_security_billing_or_keys(self, resident: Business, scope: Any) -> None:
        response = resident.post(PATH, {**BODY, "scopes": ["customers:read", scope]})
        assert response.status_code == 400
        assert [fault["field"] for fault in (response.json or {})["errors"]] == ["scopes.1"]

    def test_gives_all_there_is_to_give(self, owner: Business) -> None:
        assert set(make_key(owner, *sorted(SCOPES))["scopes"]) == SCOPES
        assert {"customers:read", "settings:write", "audit:read"} <= SCOPES

    def test_gives_nobody_more_than_they_have(self, owner: Business, sql: Sql) -> None:
        role = uuid7()
        held = "{apiKeys:write,customers:create,customers:read:own}"
        sql(
            "INSERT INTO roles (tenant_id, id, name, name_key, permissions)"
            " VALUES (%s, %s, 'Shop', 'shop', %s)",
            owner.tenant_id,
            role,
            held,
        )
        maker = owner.colleague("staff")
        sql("UPDATE memberships SET role = 'custom', role_id = %s WHERE user_id = %s", role, maker.user_id)

        refused = maker.post(PATH, {**BODY, "scopes": ["customers:create", "customers:read"]})

        assert refused.status_code == 403
        assert "you lack customers:read." in (refused.json or {})["detail"]
        assert make_key(maker, "customers:create")["scopes"] == ["customers:create"]

    def test_needs_a_fresh_proof(self, owner: Business, sql: Sql) -> None:
        made = make_key(owner)["id"]
        sql(
            "UPDATE login_sessions SET authenticated_at = now() - interval '11 minutes' WHERE user_id = %s",
            owner.user_id,
        )

        refused = owner.post(PATH, BODY)

        assert (refused.status_code, (refused.json or {})["code"]) == (403, "STEP_UP_REQUIRED")
        # Whoever finds a key stolen must not be held up.
        assert owner.delete(f"{PATH}/{made}").status_code == 204

    @pytest.mark.parametrize("role", ["manager", "staff", "accountant"])
    def test_is_not_for_everybody(self, owner: Business, role: str) -> None:
        colleague, id_ = owner.colleague(role), make_key(owner)["id"]
        answers = [
            colleague.get(PATH),
            colleague.post(PATH, BODY),
            colleague.get(f"{PATH}/{id_}"),
            colleague.patch(f"{PATH}/{id_}", {"name": "Mine"}),
            colleague.delete(f"{PATH}/{id_}"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 5

    def test_is_not_kept_for_a_repetition(self, owner: Business, sql: Sql) -> None:
        answers = [owner.post(PATH, BODY, headers={"Idempotency-Key": "once"}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert (answers[0].json or {})["key"] != (answers[1].json or {})["key"]
        assert sql("SELECT count(*) FROM idempotency_keys WHERE tenant_id = %s", owner.tenant_id) == [(0,)]

    def test_tells_the_trail_without_the_secret(self, owner: Business) -> None:
        created = make_key(owner)

        (event,) = events_of(owner, created["id"])

        assert (event.type, event.object_type) == ("api_key.created", "api_key")
        assert event.actor["type"] == "user"
        assert event.data["object"]["scopes"] == ["customers:read"]
        assert created["key"][50:] not in json.dumps(event.data)
        assert "digest" not in event.data["object"]


class TestTheCap:
    def test_counts_keys_in_force_only(self, owner: Business) -> None:
        past = datetime.now(UTC) - timedelta(minutes=1)
        keep_keys(owner, 3, revoked_at=past)
        keep_keys(owner, 3, expires_at=past)
        keep_keys(owner, MOST_KEYS - 1)
        last = make_key(owner)

        refused = owner.post(PATH, BODY)

        assert (refused.status_code, (refused.json or {})["code"]) == (409, "CONFLICT")
        assert "revoke one" in (refused.json or {})["detail"]
        assert owner.delete(f"{PATH}/{last['id']}").status_code == 204
        make_key(owner)

    def test_holds_under_racers(self, wide_app: Flask) -> None:
        owner = new_business(Caller(wide_app))
        keep_keys(owner, MOST_KEYS - 2)

        def attempt(_: int) -> int:
            return Caller(wide_app, token=owner.token).post(PATH, BODY).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(attempt, range(8)))

        assert sorted(statuses) == [201] * 2 + [409] * 6


class TestRename:
    def test_changes_the_name_and_nothing_else(self, owner: Business) -> None:
        created = make_key(owner)
        path = f"{PATH}/{created['id']}"

        renamed = owner.patch(path, {"name": "Shop 2"}, headers={"If-Match": '"1"'})

        assert (renamed.status_code, (renamed.json or {})["name"]) == (200, "Shop 2")
        assert renamed.headers["ETag"] == '"2"'
        assert "key" not in (renamed.json or {})
        assert owner.patch(path, {"name": "Shop 3"}, headers={"If-Match": '"1"'}).status_code == 412
        assert events_of(owner, created["id"])[-1].data["previous"] == {"name": "Web shop"}
        for field, value in (("scopes", ["audit:read"]), ("expiresAt", None), ("revokedAt", None)):
            assert owner.patch(path, {field: value}).status_code == 400


class TestRevoke:
    def test_is_noted_once(self, owner: Business) -> None:
        id_ = make_key(owner)["id"]

        for _ in range(2):
            assert owner.delete(f"{PATH}/{id_}").status_code == 204

        assert (owner.get(f"{PATH}/{id_}").json or {})["revokedAt"] is not None
        assert [event.type for event in events_of(owner, id_)] == ["api_key.created", "api_key.revoked"]

    def test_heeds_if_match(self, owner: Business) -> None:
        path = f"{PATH}/{make_key(owner)['id']}"
        assert owner.delete(path, headers={"If-Match": '"2"'}).status_code == 412
        assert owner.delete(path, headers={"If-Match": '"1"'}).status_code == 204


class TestForeign:
    def test_keys_look_like_none(self, owner: Business, business: Callable[..., Business]) -> None:
        foreign = make_key(business())["id"]
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
            answers = [owner.call(method, f"{PATH}/{id_}", body) for id_ in (foreign, uuid.uuid4())]
            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1
