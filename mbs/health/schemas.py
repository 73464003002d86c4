"""The runbook's health shapes, and those of draft-inadarei-api-health-check-06 for who asks for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields

from mbs.foundation.schemas import WireSchema
from mbs.health.models import Check, Report, Status

DRAFT_MEDIA_TYPE = "application/health+json"
DRAFT_STATUS: Mapping[Status, str] = {"ok": "pass", "degraded": "warn", "unhealthy": "fail"}


class Alive(WireSchema):
    status = fields.String(required=True, metadata={"enum": ["ok", "degraded"]})


class DatabaseHealth(WireSchema):
    status = fields.String(required=True, metadata={"enum": ["ok", "unhealthy"]})
    database = fields.String(
        required=True, metadata={"enum": ["connected", "disconnected", "not_configured"]}
    )


class ConfigurationFault(WireSchema):
    variable = fields.String(required=True)
    code = fields.String(required=True)


class CheckView(WireSchema):
    name = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["ok", "degraded", "unhealthy"]})
    critical = fields.Boolean(required=True)
    latency_ms = fields.Float(required=True)
    observed_at = fields.DateTime(required=True)
    message = fields.String()
    faults = fields.List(fields.Nested(ConfigurationFault))


class Release(WireSchema):
    version = fields.String(required=True, allow_none=True)
    commit = fields.String(required=True, allow_none=True)


class Readiness(WireSchema):
    ready = fields.Boolean(required=True)
    status = fields.String(required=True, metadata={"enum": ["ok", "degraded", "unhealthy"]})
    checks = fields.List(fields.Nested(CheckView), required=True)
    timestamp = fields.DateTime(required=True)
    release = fields.Nested(Release, required=True)


def present_report(report: Report, release: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "ready": report.ready,
        "status": report.status,
        "checks": [_present_check(check) for check in report.checks],
        "timestamp": datetime.now(UTC),
        "release": {"version": release.get("version"), "commit": release.get("commit")},
    }


def _present_check(check: Check) -> dict[str, Any]:
    view: dict[str, Any] = {
        "name": check.name,
        "status": check.status,
        "critical": check.critical,
        "latencyMs": check.latency_ms,
        "observedAt": check.observed_at,
    }
    if check.message is not None:
        view["message"] = check.message
    if check.faults:
        view["faults"] = [{"variable": variable, "code": code} for variable, code in check.faults]
    return view


def draft_document(status: Status) -> dict[str, Any]:
    return {"status": DRAFT_STATUS[status]}


def draft_report(report: Report, release: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the draft's form of a report; `output` says what is not as it should be."""
    ailing = any(check.status != "ok" for check in report.checks)
    document = draft_document("degraded" if report.ready and ailing else report.status)
    known = {"version": release.get("version"), "releaseId": release.get("commit")}
    document |= {name: value for name, value in known.items() if value is not None}
    document["checks"] = {
        f"{check.name}:responseTime": [
            {
                "observedValue": check.latency_ms,
                "observedUnit": "ms",
                "time": check.observed_at,
                **draft_document(check.status),
                **({"output": check.message} if check.message and check.status != "ok" else {}),
            }
        ]
        for check in report.checks
    }
    return document
