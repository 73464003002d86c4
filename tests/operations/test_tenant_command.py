"""`mbs tenant`: what an operator does to a business holds at once everywhere, and stands in its trail."""

import io
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations import audit, tenants
from tests.factories.api_keys import program
from tests.factories.callers import PASSWORD, Business, Caller
from tests.operations.commands import run

REASON = "Unpaid since March, ticket 4711"
CUSTOMERS = "/api/customers"
USAGE = "/api/usage"


@pytest.fixture(autouse=True)
def _at_database(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def other_app(environ: dict[str, str]) -> Iterator[Flask]:
    """The same service in another process, as far as it shares no memory."""
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


def act(action: str, business: Business, *words: str) -> int:
    return run(tenants, action, str(business.tenant_id), "--reason", REASON, "--yes", *words)


def newest_event(business: Business) -> Any:
    page = business.get("/api/events?limit=200").json
    assert page is not None
    return page["data"][-1]


def log_in(business: Business, app: Flask) -> Any:
    return Caller(app).post("/api/auth/login", {"email": business.email, "password": PASSWORD})


class TestSuspend:
    def test_lets_a_business_be_read_and_not_changed_in_every_process(
        self, owner: Business, other_app: Flask
    ) -> None:
        tokens = (owner.token, program(owner, "customers:read", "customers:create").token)
        callers = [Caller(app, token=token) for app in (owner.app, other_app) for token in tokens]
        assert [caller.post(CUSTOMERS, {"name": "Jane"}).status_code for caller in callers] == [201] * 4

        assert act("suspend", owner) == 0

        for caller in callers:
            assert caller.get(CUSTOMERS).status_code == 200
            refused = caller.post(CUSTOMERS, {"name": "Jane"})
            assert (refused.status_code, (refused.json or {})["code"]) == (403, "TENANT_SUSPENDED")
        assert log_in(owner, other_app).status_code == 200
        refresh = Caller(other_app).post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert refresh.status_code == 200

        assert act("resume", owner) == 0

        assert [caller.post(CUSTOMERS, {"name": "Jane"}).status_code for caller in callers] == [201] * 4

    def test_touches_no_other_business(self, owner: Business, business: Callable[..., Business]) -> None:
        other = business()
        assert act("suspend", owner) == 0
        assert other.post(CUSTOMERS, {"name": "Jane"}).status_code == 201

    def test_is_told_in_the_business_s_own_trail(
        self, owner: Business, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = owner.get("/api/tenant").json
        assert before is not None

        assert act("suspend", owner, "--operator", "Priya, support") == 0

        event = newest_event(owner)
        assert (event["type"], event["objectType"]) == ("tenant.suspended", "tenant")
        assert event["objectId"] == str(owner.tenant_id)
        assert (event["actor"]["type"], event["actor"]["id"]) == ("operator", None)
        assert uuid.UUID(event["actor"]["correlationId"])
        assert event["data"]["operator"] == {"name": "Priya, support", "reason": REASON}
        assert event["data"]["previous"] == {"status": "active"}
        assert event["data"]["object"]["status"] == "suspended"
        after = owner.get("/api/tenant").json
        assert after is not None
        assert (after["status"], after["version"]) == ("suspended", before["version"] + 1)
        assert run(audit, "verify", "--tenant", str(owner.tenant_id)) == 0
        assert "whole" in capsys.readouterr().out

    def test_twice_changes_nothing_more(self, owner: Business, capsys: pytest.CaptureFixture[str]) -> None:
        assert act("suspend", owner) == 0
        event = newest_event(owner)
        assert act("suspend", owner) == 0
        assert "is suspended already" in capsys.readouterr().out
        assert newest_event(owner) == event


class TestClose:
    def test_refuses_every_credential_until_it_is_resumed(self, owner: Business, other_app: Flask) -> None:
        callers = [Caller(other_app, token=owner.token), Caller(other_app, token=program(owner).token)]
        assert [caller.get(CUSTOMERS).status_code for caller in callers] == [200, 200]

        assert act("close", owner) == 0

        assert [caller.get(CUSTOMERS).status_code for caller in callers] == [401, 401]
        refresh = {"refreshToken": owner.refresh_token}
        assert Caller(other_app).post("/api/auth/refresh", refresh).status_code == 401
        refused = log_in(owner, other_app)
        assert (refused.status_code, "accessToken" in (refused.json or {})) == (403, False)

        assert act("resume", owner) == 0

        event = newest_event(owner)
        assert (event["type"], event["data"]["previous"]) == ("tenant.resumed", {"status": "closed"})
        assert [caller.get(CUSTOMERS).status_code for caller in callers] == [200, 200]
        assert log_in(owner, other_app).status_code == 200

    def test_takes_a_business_out_of_its_people_s_choice(self, owner: Business) -> None:
        opened = owner.post(
            "/api/tenants", {"businessName": "Second", "businessType": "spa", "countryCode": "IN"}
        )
        assert opened.status_code == 201
        assert log_in(owner, owner.app).status_code == 409

        assert act("close", owner) == 0

        signed_in = log_in(owner, owner.app)
        assert signed_in.status_code == 200
        assert signed_in.json["tenant"]["name"] == "Second"


class TestPlan:
    def test_of_a_new_business_is_free_and_changes_by_an_operator_alone(
        self, owner: Business, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert owner.get(USAGE).get_json()["plan"] == "free"
        words = ("--reason", REASON, "--yes", "--operator", "Priya, sales", "--json")
        capsys.readouterr()

        assert run(tenants, "plan", str(owner.tenant_id), "pro", *words) == 0

        answer = json.loads(capsys.readouterr().out)
        assert (answer["plan"], answer["previous"]) == ("pro", "free")
        usage = owner.get(USAGE).get_json()
        assert usage["plan"] == "pro"
        assert {one["metric"]: one["limit"] for one in usage["metrics"]} == {
            "emailsPerMonth": 50_000,
            "whatsappPerMonth": 2000,
        }
        event = newest_event(owner)
        assert (event["type"], event["objectId"]) == ("tenant.plan_changed", str(owner.tenant_id))
        assert event["data"]["operator"] == {"name": "Priya, sales", "reason": REASON}
        assert event["data"]["previous"] == {"plan": "free"}
        assert event["data"]["object"]["plan"] == "pro"

    def test_that_a_business_has_already_is_told_once(self, owner: Business) -> None:
        for _ in range(2):
            assert run(tenants, "plan", str(owner.tenant_id), "basic", "--reason", REASON, "--yes") == 0
        page = owner.get("/api/events?limit=200").get_json()["data"]
        assert [event["type"] for event in page].count("tenant.plan_changed") == 1

    def test_must_be_one(self, owner: Business) -> None:
        with pytest.raises(SystemExit) as stopped:
            run(tenants, "plan", str(owner.tenant_id), "platinum", "--reason", REASON, "--yes")
        assert stopped.value.code == 2
        assert owner.get(USAGE).get_json()["plan"] == "free"

    def test_is_no_setting_of_the_business_s_own(self, owner: Business) -> None:
        assert owner.patch("/api/tenant", {"plan": "enterprise"}).status_code == 400
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            owner.database.transaction(owner.scope) as transaction,
        ):
            transaction.execute(text("UPDATE tenants SET plan = 'enterprise'"))


class TestWhichTenant:
    def test_may_be_named_by_its_slug(self, owner: Business) -> None:
        slug = (owner.get("/api/tenant").json or {})["slug"]
        assert run(tenants, "suspend", slug, "--reason", REASON, "--yes") == 0
        assert owner.post(CUSTOMERS, {"name": "Jane"}).status_code == 403

    @pytest.mark.parametrize(
        "named", ["nobody", "\x1b[2Jnobody", "' OR true --", "0198a1b2-c3d4-7000-8000-000000000001"]
    )
    def test_must_be_one(self, named: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(tenants, "suspend", named, "--reason", REASON, "--yes") == 2
        err = capsys.readouterr().err
        assert "there is no tenant" in err
        assert "\x1b" not in err


class TestTheReason:
    @pytest.mark.parametrize("reason", ["", "too short", "x" * 501, "an \x1b[2J escape in it", " " * 20])
    def test_must_be_one(self, owner: Business, reason: str) -> None:
        with pytest.raises(SystemExit) as stopped:
            run(tenants, "suspend", str(owner.tenant_id), "--reason", reason, "--yes")
        assert stopped.value.code == 2
        assert owner.post(CUSTOMERS, {"name": "Jane"}).status_code == 201

    def test_is_demanded(self, owner: Business) -> None:
        with pytest.raises(SystemExit) as stopped:
            run(tenants, "suspend", str(owner.tenant_id), "--yes")
        assert stopped.value.code == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestConfirmation:
    @pytest.mark.parametrize(("typed", "code", "status"), [("yes\n", 0, 403), ("y\n", 1, 201), ("", 1, 201)])
    def test_is_asked_for_at_a_terminal(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, status: int
    ) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        assert run(tenants, "suspend", str(owner.tenant_id), "--reason", REASON) == code
        assert owner.post(CUSTOMERS, {"name": "Jane"}).status_code == status

    def test_cannot_be_had_without_one(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
        assert run(tenants, "suspend", str(owner.tenant_id), "--reason", REASON) == 2
        assert "--yes" in capsys.readouterr().err
        assert owner.post(CUSTOMERS, {"name": "Jane"}).status_code == 201


class TestList:
    def listed(self, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
        capsys.readouterr()
        assert run(tenants, "list", "--json", *words) == 0
        return json.loads(capsys.readouterr().out)

    def test_finds_by_state_and_name(
        self, business: Callable[..., Business], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mark = uuid.uuid4().hex[:12]
        first, second = (business(businessName=f"{name} {mark}") for name in ("Lotus", "Rose"))
        first.colleague("staff")
        assert act("suspend", second) == 0

        both = self.listed(capsys, "--search", mark.upper())
        assert [one["id"] for one in both["tenants"]] == [str(second.tenant_id), str(first.tenant_id)]
        assert [one["members"] for one in both["tenants"]] == [1, 2]
        (suspended,) = self.listed(capsys, "--search", mark, "--status", "suspended")["tenants"]
        assert (suspended["name"], suspended["status"]) == (f"Rose {mark}", "suspended")
        cut = self.listed(capsys, "--search", mark, "--limit", "1")
        assert (len(cut["tenants"]), cut["more"], both["more"]) == (1, True, False)

    def test_shows_a_line_each_that_no_name_breaks_out_of(
        self, business: Callable[..., Business], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mark = uuid.uuid4().hex[:12]
        owner = business(businessName=f"\u202eevil {mark}")
        capsys.readouterr()
        assert run(tenants, "list", "--search", mark) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(str(owner.tenant_id))
        assert line.endswith(f"?evil {mark}")


class TestTroubles:
    def test_with_the_database_are_explained(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://mbs:x@127.0.0.1:1/mbs")
        assert run(tenants, "list") == 69
        assert "mbs tenant: The service cannot reach its database" in capsys.readouterr().err

    def test_with_the_configuration_are_explained(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_ENV", "production")
        monkeypatch.delenv("DATABASE_URL")
        assert run(tenants, "list") == 78

    def test_with_an_empty_database_are_explained(
        self, server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", server.url("postgres"))
        assert run(tenants, "list") == 3
        assert "mbs migrate" in capsys.readouterr().err


class TestNobodyElse:
    @pytest.mark.parametrize("status", ["suspended", "active", "closed"])
    def test_changes_a_business_s_state(self, owner: Business, status: str) -> None:
        assert owner.patch("/api/tenant", {"status": status}).status_code == 400
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            owner.database.transaction(owner.scope) as transaction,
        ):
            transaction.execute(text(f"UPDATE tenants SET status = '{status}'"))
