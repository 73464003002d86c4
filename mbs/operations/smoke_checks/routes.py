"""The routes that the service declares in /api/openapi.json: a new room is smoke-tested unasked."""

import re
from typing import Any

from mbs.operations.smoke_checks.check import demand
from mbs.operations.smoke_checks.client import Client

# What one run asks for, all rooms included, is to stay well below the 100 requests a minute of one address.
PROTECTED_CHECKS = 8  # S-A1 to S-A8: each asks at every eighth room's door
MOST_PROTECTED = 40
MOST_LISTS = 24
NOT_PROTECTED = re.compile(r"/api/(openapi|health|seed|demo|test-data|mock|reset-demo|clear-data)\b")


def protected(client: Client) -> list[str]:
    """Up to 40 paths that must refuse a GET without a token: one a room by the rooms' names.

    If there are fewer than 8 rooms, further paths of theirs make up the 8.

    A path is taken for protected unless it says `security: []` or an empty alternative: a route whose
    declaration was forgotten is then tested, not overlooked.

    :raises Failed: if the document cannot be read or names no such path.
    :raises Unanswered: if there is no answer in time.
    """
    by_room: dict[str, list[str]] = {}
    for path, operation in _gets(client):
        by_room.setdefault(_room(path, operation), []).append(_filled(path, client))
    # The shortest path of a room is its list or its singleton, which needs no id to exist.
    rooms = [sorted(paths, key=lambda path: (path.count("/"), path)) for _, paths in sorted(by_room.items())]
    chosen = [paths[0] for paths in rooms] + [path for paths in rooms for path in paths[1:]]
    demand(chosen, "an OpenAPI document with protected GET routes", client.first("/api/openapi.json"))
    return chosen[: min(max(len(rooms), PROTECTED_CHECKS), MOST_PROTECTED)]


def lists(client: Client) -> list[str]:
    """Up to 24 list endpoints, one a room: the GET routes that take `limit` and no path parameter.

    :raises Failed: if the document cannot be read.
    :raises Unanswered: if there is no answer in time.
    """
    document = client.first("/api/openapi.json").object
    by_room: dict[str, str] = {}
    for path, operation in _gets(client):
        parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
        if "{" not in path and any(parameter.get("name") == "limit" for parameter in parameters):
            by_room.setdefault(_room(path, operation), f"{path}?limit=1")
    return sorted(by_room.values())[:MOST_LISTS]


def _gets(client: Client) -> list[tuple[str, dict[str, Any]]]:
    answer = client.first("/api/openapi.json")
    paths = answer.object.get("paths")
    demand(answer.status == 200 and isinstance(paths, dict), "200 and an OpenAPI document", answer)
    general = answer.object.get("security")
    found = []
    for path, item in sorted((paths or {}).items()):
        operation = item.get("get") if isinstance(item, dict) else None
        if not isinstance(operation, dict) or not path.startswith("/api/") or NOT_PROTECTED.match(path):
            continue
        security = operation.get("security", general)
        if security is None or (security and {} not in security):
            shared = item.get("parameters", [])
            found.append((path, {**operation, "parameters": shared + operation.get("parameters", [])}))
    return found


def _room(path: str, operation: dict[str, Any]) -> str:
    tags = operation.get("tags")
    return str(tags[0]) if tags else path.split("/")[2]


def _filled(path: str, client: Client) -> str:
    unknown = f"00000000-0000-7000-8000-0000{client.settings.run_id}"
    return re.sub(r"\{[^}]+\}", unknown, path)


def _resolved(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    value: Any = parameter
    if "$ref" in parameter:
        value = document
        for step in parameter["$ref"].removeprefix("#/").split("/"):
            value = value.get(step, {})
    return value if isinstance(value, dict) else {}
