"""Requests with an API key: what it opens, what it does not, and who is counted for it."""

import hashlib
import json
import string
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from limits import RateLimitItemPerMinute
from werkzeug.test import TestResponse

from mbs.api_keys.models import SCOPES
from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import api_key_format, limits
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.scope import TenantId
from tests.api_keys.conftest import Sql
from tests.factories.api_keys import make_key, program
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create, events_of, stored

CUSTOMERS = "/api/customers"


@pytest.fixture(scope="module")
def other_app(environ: dict[str, str]) -> Iterator[Flask]:
    """The same service in another process, as far as it shares no memory."""
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


def refused(response: TestResponse) -> str:
    """Hold a response against the one refusal of credentials and return its body, without what varies."""
    assert response.status_code == 401, response.get_data(as_text=True)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="mbs", error="invalid_token"'
    body = {name: value for name, value in (response.json or {}).items() if name not in CHANGING}
    assert body["code"] == "UNAUTHENTICATED"
    return json.dumps(body)


CHANGING = ("correlationId", "timestamp", "instance")


class TestWhatAKeyOpens:
    def test_is_what_its_scopes_say(self, owner: Business) -> None:
        reader = program(owner, "customers:read")
        id_ = create(owner)["id"]

        assert [one["id"] for one in (reader.get(CUSTOMERS).json or {})["data"]] == [id_]
        assert reader.get(f"{CUSTOMERS}/{id_}").status_code == 200
        for refusal in (
            reader.post(CUSTOMERS, {"name": "New"}),
            reader.patch(f"{CUSTOMERS}/{id_}", {"name": "New"}),
            reader.delete(f"{CUSTOMERS}/{id_}"),
            reader.get("/api/tenant"),
            reader.get("/api/audit-logs"),
            reader.get("/api/locations"),
        ):
            assert (refusal.status_code, (refusal.json or {})["code"]) == (403, "FORBIDDEN")

    def test_names_the_key_as_who_acted(self, owner: Business) -> None:
        key = make_key(owner, "customers:create", "audit:read")
        holder = Caller(owner.app, token=key["key"])

        made = holder.post(CUSTOMERS, {"name": "By a program"}, headers={"Idempotency-Key": "1"}).json
        assert made is not None

        (event,) = events_of(owner, made["id"])
        assert (event.actor["type"], event.actor["id"]) == ("api_key", key["id"])
        assert stored(owner, made["id"]).created_by == uuid.UUID(key["id"])
        shown = holder.get(f"/api/audit-logs?actorId={key['id']}").json
        assert shown is not None
        assert [entry["actor"]["type"] for entry in shown["data"]] == ["api_key"]
        # What one key repeats is not another's, nor its maker's.
        again = holder.post(CUSTOMERS, {"name": "By a program"}, headers={"Idempotency-Key": "1"})
        assert (again.json, again.headers["Idempotent-Replayed"]) == (made, "true")
        theirs = owner.post(CUSTOMERS, {"name": "By a person"}, headers={"Idempotency-Key": "1"})
        assert (theirs.status_code, "Idempotent-Replayed" in theirs.headers) == (201, False)

    def test_shows_no_likeness_to_whoever_may_only_create(self, owner: Business) -> None:
        create(owner, name="Jane Smith")
        made = program(owner, "customers:create").post(CUSTOMERS, {"name": "Jane Smith"}).json
        assert (made or {})["possibleDuplicates"] == []

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/api/auth/me", None),
            ("GET", "/api/context", None),
            ("POST", "/api/auth/logout", None),
            ("POST", "/api/auth/logout-all", None),
            ("PATCH", "/api/auth/me", {"firstName": "Key"}),
            ("PATCH", "/api/auth/tenants/switch", {"tenantId": str(uuid.uuid4())}),
            ("POST", "/api/tenants", {"businessName": "X", "businessType": "salon", "countryCode": "IN"}),
            ("GET", "/api/api-keys", None),
            ("POST", "/api/api-keys", {"name": "Another", "scopes": ["customers:read"]}),
        ],
    )
    def test_is_never_an_account_nor_another_key(
        self, resident: Business, method: str, path: str, body: Any
    ) -> None:
        refusal = program(resident, *sorted(SCOPES)).call(method, path, body)
        assert (refusal.status_code, (refusal.json or {})["code"]) == (403, "FORBIDDEN")

    def test_does_not_grow_by_what_somebody_writes_into_the_table(self, owner: Business, sql: Sql) -> None:
        key = make_key(owner, "customers:read")
        written = "{customers:read:own,apiKeys:write,team:read,gone:read}"
        sql("UPDATE api_keys SET scopes = %s WHERE id = %s", written, key["id"])
        holder = Caller(owner.app, token=key["key"])
        for path in (CUSTOMERS, "/api/api-keys", "/api/tenant"):
            assert holder.get(path).status_code == 403


class TestWhatOpensNothing:
    def test_is_refused_in_one_voice(self, owner: Business, business: Callable[..., Business]) -> None:
        text = str(make_key(owner)["key"])
        foreign = business()
        head, prefix, secret = text[:41], text[41:49], text[50:]
        other = next(one for one in string.ascii_letters if one != secret[0])
        made_up = api_key_format.generate(TenantId(owner.tenant_id)).text
        attempts = [
            text[:-1],
            text + "x",
            text[:50],
            head + prefix,
            "mbs_live_",
            text.swapcase(),
            text.upper(),
            text.replace("_live_", "_test_"),
            f"{head}{prefix}_{other}{secret[1:]}",
            f"{head}{prefix}_{secret[::-1]}",
            f"{head}{'A' * 8}_{secret}",
            f"mbs_live_{foreign.tenant_id.hex}{prefix}_{secret}",
            f"mbs_live_{uuid.uuid4().hex}{prefix}_{secret}",
            f"mbs_live_{owner.tenant_id}{prefix}_{secret}",
            made_up,
            make_key(foreign)["key"].replace(foreign.tenant_id.hex, owner.tenant_id.hex),
        ]
        bodies = {refused(Caller(owner.app, token=one).get(CUSTOMERS)) for one in attempts}
        bodies.add(refused(Caller(owner.app, token="nonsense").get(CUSTOMERS)))
        assert len(bodies) == 1
        assert Caller(owner.app, token=text).get(CUSTOMERS).status_code == 200

    def test_is_a_key_that_is_revoked_and_so_in_every_process_at_once(
        self, owner: Business, other_app: Flask
    ) -> None:
        key = make_key(owner)
        holders = [Caller(app, token=key["key"]) for app in (owner.app, other_app)]
        assert [holder.get(CUSTOMERS).status_code for holder in holders] == [200, 200]

        assert owner.delete(f"/api/api-keys/{key['id']}").status_code == 204

        assert len({refused(holder.get(CUSTOMERS)) for holder in holders}) == 1

    def test_is_a_key_that_has_expired(self, owner: Business, sql: Sql) -> None:
        key = make_key(owner, expiresAt="2199-01-01T00:00:00Z")
        holder = Caller(owner.app, token=key["key"])
        assert holder.get(CUSTOMERS).status_code == 200
        sql("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = %s", key["id"])
        refused(holder.get(CUSTOMERS))

    def test_is_a_copy_of_the_database(self, owner: Business, sql: Sql) -> None:
        text = str(make_key(owner)["key"])
        rows = sql("SELECT to_jsonb(k) FROM api_keys k WHERE tenant_id = %s", owner.tenant_id)
        values = {str(value) for (row,) in rows for value in row.values() if value is not None}
        digest = hashlib.sha256(text.encode()).hexdigest()
        assert digest in values
        assert not [value for value in values if text[50:] in value]
        values |= {f"{text[:49]}_{value}" for value in values}
        values |= {f"{text[:49]}_{digest[:40]}", f"{text[:49]}_{digest[-40:]}"}
        for value in values:
            assert Caller(owner.app, token=value).get(CUSTOMERS).status_code == 401, value

        tables = sql(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (name,) in tables:
            assert sql(f"SELECT 1 FROM {name} t WHERE strpos(t::text, %s) > 0", text[50:]) == [], name

    def test_is_another_tenant_by_header(self, owner: Business, business: Callable[..., Business]) -> None:
        holder = program(owner)
        foreign = {"X-Tenant-ID": str(business().tenant_id)}
        answer = holder.get(CUSTOMERS, headers=foreign)
        assert (answer.status_code, (answer.json or {})["code"]) == (403, "TENANT_MISMATCH")
        assert holder.get(CUSTOMERS, headers={"X-Tenant-ID": str(owner.tenant_id)}).status_code == 200

    def test_is_a_key_beside_a_session_cookie(self, owner: Business) -> None:
        # A client with a jar would take the header away.
        headers = {"Authorization": f"Bearer {make_key(owner)['key']}", "Cookie": "__Host-mbs_session=x"}
        answer = owner.app.test_client(use_cookies=False).get(CUSTOMERS, headers=headers)
        assert (answer.status_code, (answer.json or {})["code"]) == (400, "AMBIGUOUS_CREDENTIALS")

    def test_is_a_key_of_a_closed_business(self, owner: Business, sql: Sql) -> None:
        holder = program(owner, "customers:read", "customers:create")
        sql("UPDATE tenants SET status = 'suspended' WHERE id = %s", owner.tenant_id)
        assert holder.get(CUSTOMERS).status_code == 200
        answer = holder.post(CUSTOMERS, {"name": "New"})
        assert (answer.status_code, (answer.json or {})["code"]) == (403, "TENANT_SUSPENDED")

        sql("UPDATE tenants SET status = 'closed' WHERE id = %s", owner.tenant_id)

        refused(holder.get(CUSTOMERS))


class TestLastUse:
    def test_is_noted_at_most_every_five_minutes(self, owner: Business, sql: Sql) -> None:
        key = make_key(owner)
        first, second = (Caller(owner.app, token=key["key"]) for _ in range(2))
        path = f"/api/api-keys/{key['id']}"

        assert first.get(CUSTOMERS).status_code == 200
        shown = owner.get(path).json
        assert shown is not None
        assert (shown["lastUsedAddress"], shown["version"]) == (first.address, 1)
        assert second.get(CUSTOMERS).status_code == 200
        assert owner.get(path).json == shown

        sql("UPDATE api_keys SET last_used_at = now() - interval '6 minutes' WHERE id = %s", key["id"])
        assert second.get(CUSTOMERS).status_code == 200
        assert (owner.get(path).json or {})["lastUsedAddress"] == second.address


class TestTheLimit:
    @pytest.fixture(params=["postgres", "redis away"])
    def counting(
        self, request: pytest.FixtureRequest, app: Flask, environ: dict[str, str]
    ) -> Iterator[Flask]:
        if request.param == "postgres":
            yield app
            return
        other = create_app(Config.load({**environ, "RATELIMIT_STORAGE_URI": "redis://127.0.0.1:1"}))
        yield other
        other.extensions[EXTENSION].dispose()

    def test_counts_a_key_wherever_it_is_used(
        self, owner: Business, counting: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = [make_key(owner)["key"] for _ in range(2)]
        monkeypatch.setattr(limits, "API", RateLimitItemPerMinute(3))
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(2))

        answers = [Caller(counting, token=texts[0]).get(CUSTOMERS) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert Caller(counting, token=texts[1]).get(CUSTOMERS).status_code == 200

    def test_is_not_used_up_by_whoever_knows_a_prefix_alone(
        self, owner: Business, counting: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = make_key(owner)["key"]
        monkeypatch.setattr(limits, "API", RateLimitItemPerMinute(3))
        forged = f"{text[:50]}{'A' * 40}"

        for _ in range(5):
            assert Caller(counting, token=forged).get(CUSTOMERS).status_code in (401, 429)

        assert Caller(counting, token=text).get(CUSTOMERS).status_code == 200

    @pytest.mark.parametrize("path", [CUSTOMERS, "/api/nothing", "/api/openapi.json"])
    def test_counts_made_up_keys_by_their_address(
        self, owner: Business, counting: Flask, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(3))
        attacker = Caller(counting)
        statuses = []
        for _ in range(5):
            attacker.token = api_key_format.generate(TenantId(owner.tenant_id)).text
            statuses.append(attacker.get(path).status_code)
        assert statuses[3:] == [429, 429]
        assert 429 not in statuses[:3]
        # The counter is the one of everybody there without a credential.
        attacker.token = None
        assert attacker.get("/api/nothing").status_code == 429
        # Whoever is there with a key that stands is served all the same.
        honest = Caller(counting, token=make_key(owner)["key"], address=attacker.address)
        assert honest.get(CUSTOMERS).status_code == 200


class TestManyKeys:
    def test_of_different_businesses_see_their_own_rows(self, app: Flask) -> None:
        owners = [new_business(Caller(app)) for _ in range(3)]
        made = {owner.tenant_id: create(owner)["id"] for owner in owners}
        for owner in owners:
            page = program(owner).get(CUSTOMERS).json
            assert [one["id"] for one in (page or {})["data"]] == [made[owner.tenant_id]]
