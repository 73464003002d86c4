"""Every fault of a critical variable, and what the probes then say (runbook section 10)."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from mbs.config import VARIABLES
from mbs.configuration.announcement import announce
from mbs.configuration.declaration import Fault
from tests.degraded.conftest import SIGNING_SECRETS
from tests.factories.callers import Caller

CANARY = "c4n4ry"
OTHERS = {
    "JWT_ACCESS_SECRET": "JWT_REFRESH_SECRET",
    "JWT_REFRESH_SECRET": "SESSION_SECRET",
    "SESSION_SECRET": "JWT_ACCESS_SECRET",
}

Deploy = Callable[..., Flask]


def faults() -> Iterator[Any]:
    """Yield variable, value and code of the fault for each way to get a required variable wrong."""
    for variable in (one for one in VARIABLES if one.required):
        name = variable.name
        ways: dict[str, tuple[str | None, str]] = {
            "missing": (None, "missing"),
            "empty": ("", "empty_value"),
            "blank": ("  \t ", "empty_value"),
        }
        if name == "DATABASE_URL":
            ways["malformed"] = (f"{CANARY}", "malformed")
            ways["placeholder"] = ("postgresql://user:pass@host:5432/db?sslmode=require", "placeholder")
            ways["unencrypted"] = (f"postgresql://mbs:{CANARY}@db.internal/mbs", "insecure_ssl")
        else:
            ways["short"] = (f"{CANARY}-Tz8uQ", "too_short")
            ways["placeholder"] = (f"change-me-{CANARY}-change-me-please", "placeholder")
            ways["equal to another"] = (f"={OTHERS[name]}", "not_distinct")
        for way, (value, code) in ways.items():
            yield pytest.param(name, value, code, id=f"{name} {way}")


class TestFault:
    @pytest.mark.parametrize("environment", ["production", "staging"])
    @pytest.mark.parametrize(("name", "value", "code"), list(faults()))
    def test_is_named_and_its_value_is_not(
        self,
        deploy: Deploy,
        sound: dict[str, str],
        capsys: pytest.CaptureFixture[str],
        environment: str,
        name: str,
        value: str | None,
        code: str,
    ) -> None:
        if value is not None and value.startswith("="):
            value = sound[value[1:]]
        caller = Caller(deploy(APP_ENV=environment, **{name: value}))
        alive = caller.get("/health")
        assert (alive.status_code, alive.json) == (200, {"status": "degraded"})
        ready = caller.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json is not None
        assert (ready.json["ready"], ready.json["status"]) == (False, "unhealthy")
        configuration = ready.json["checks"][-1]
        assert (configuration["name"], configuration["status"]) == ("configuration", "unhealthy")
        assert {"variable": name, "code": code} in configuration["faults"]
        stored = caller.get("/health/db")
        assert stored.json is not None
        if name == "DATABASE_URL":
            assert (stored.status_code, stored.json["database"]) == (503, "not_configured")
        else:
            assert (stored.status_code, stored.json["database"]) == (200, "connected")
        refused = caller.get("/api/customers")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
        assert refused.json is not None
        assert refused.json["code"] == "DEGRADED_MODE"
        told = ready.get_data(as_text=True) + refused.get_data(as_text=True) + capsys.readouterr().out
        for secret in (CANARY, *(sound[one] for one in SIGNING_SECRETS), sound["DATABASE_URL"]):
            assert secret not in told

    @pytest.mark.parametrize(
        ("name", "value"),
        [("WEB_THREADS", "many"), ("DB_POOL_SIZE", "0"), ("PORT", "http"), ("CORS_ORIGINS", "*")],
    )
    def test_in_a_number_or_an_address_is_one_too(self, deploy: Deploy, name: str, value: str) -> None:
        caller = Caller(deploy(**{name: value}))
        ready = caller.get("/health/ready")
        assert ready.json is not None
        assert [fault["variable"] for fault in ready.json["checks"][-1]["faults"]] == [name]
        # The database's address is sound, whatever else is not.
        assert caller.get("/health/db").json == {"status": "ok", "database": "connected"}

    def test_in_development_without_a_database_leaves_the_probes(self, deploy: Deploy) -> None:
        caller = Caller(deploy(APP_ENV="development", DATABASE_URL=None, WEB_THREADS="many"))
        assert caller.get("/health").json == {"status": "degraded"}
        assert caller.get("/health/db").json == {"status": "unhealthy", "database": "not_configured"}

    def test_in_a_feature_does_not_degrade(self, deploy: Deploy) -> None:
        caller = Caller(deploy(SENDGRID_API_KEY="wrong", SENTRY_DSN="wrong"))
        assert caller.get("/health").json == {"status": "ok"}
        assert caller.get("/health/ready").status_code == 200

    def test_is_gone_when_the_variable_is_set(self, deploy: Deploy) -> None:
        assert Caller(deploy(SESSION_SECRET=None)).get("/health/ready").status_code == 503
        assert Caller(deploy()).get("/health/ready").status_code == 200

    def test_leaves_the_release_known(self, deploy: Deploy) -> None:
        ready = Caller(deploy(SESSION_SECRET=None, GIT_SHA="0123abc", RELEASE="7.1")).get("/health/ready")
        assert ready.json is not None
        assert ready.json["release"] == {"version": "7.1", "commit": "0123abc"}


class TestLog:
    def lines(self, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in found if line["category"] == "config" and line["level"] == "error"]

    def test_has_a_line_for_each_fault(self, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
        deploy(SESSION_SECRET=None, JWT_ACCESS_SECRET="short")
        told = {line["variable"]: line for line in self.lines(capsys)}
        assert set(told) == {"SESSION_SECRET", "JWT_ACCESS_SECRET"}
        assert told["SESSION_SECRET"]["event"] == "config.missing"
        assert "mbs secrets generate" in told["SESSION_SECRET"]["todo"]

    def test_has_it_once_however_many_requests_come(
        self, deploy: Deploy, capsys: pytest.CaptureFixture[str]
    ) -> None:
        caller = Caller(deploy(SESSION_SECRET=None))
        for _ in range(10):
            caller.get("/api/customers")
            caller.get("/health/ready")
        assert len(self.lines(capsys)) == 1

    def test_tells_again_when_something_else_is_wrong(self, caplog: pytest.LogCaptureFixture) -> None:
        faults = [Fault(name, "missing", "critical", "Set it.") for name in ("ONE", "OTHER")]
        with caplog.at_level(logging.ERROR, "mbs.config"):
            for told in (faults[:1], faults[:1], faults, faults):
                announce(told)
        assert [record.__dict__["variable"] for record in caplog.records] == ["ONE", "ONE", "OTHER"]
