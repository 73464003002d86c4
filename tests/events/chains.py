"""A second verifier of the trail, from docs/audit-trail.md alone: it shares no code with the first."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def broken_at(events: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the place of the first event that does not fit, None if the trail is whole."""
    hash_ = ""
    for seq, event in enumerate(events, start=1):
        instant = datetime.fromisoformat(event["createdAt"]).astimezone(UTC)
        link = {
            "actor": event["actor"],
            "at": instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "dataHash": event["dataHash"],
            "id": event["id"],
            "objectId": event["objectId"],
            "objectType": event["objectType"],
            "prevHash": hash_,
            "seq": seq,
            "tenantId": event["tenantId"],
            "type": event["type"],
        }
        if event["seq"] != seq or event["prevHash"] != hash_ or event["hash"] != digest(link):
            return seq
        if event["data"] is not None and event["dataHash"] != digest(event["data"]):
            return seq
        hash_ = event["hash"]
    return None
