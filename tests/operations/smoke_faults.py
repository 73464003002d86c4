"""Ways to break the stand-in: what is changed, and on which of its answers."""

import time
from collections.abc import Callable
from typing import Any

from tests.operations.smoke_stand_in import (
    FOREIGN_CUSTOMER,
    FOREIGN_TENANT,
    Fault,
    Reply,
    Request,
    StandIn,
    bearer,
    opened,
    problem,
)

Change = Callable[[Reply], Reply | None]


def at(target: str, change: Change, *, method: str = "") -> Fault:
    """A fault on one target, as written on the wire (a final * stands for anything)."""

    def fault(request: Request, reply: Reply) -> Reply:
        asked = request.target.split("?")[0]
        same = asked.startswith(target[:-1]) if target.endswith("*") else asked == target
        if same and method in ("", request.method):
            return change(reply) or reply
        return reply

    return fault


def says(status: int | None = None, /, **members: Any) -> Change:
    """Another status, other members of the body; the headers stay."""

    def change(reply: Reply) -> Reply:
        payload = {**reply.payload, **members} if isinstance(reply.payload, dict) else members
        return Reply(status or reply.status, payload, reply.headers)

    return change


def headers(**changed: str | None) -> Change:
    """Headers set, or with None taken away; `_` is written for `-`."""

    def change(reply: Reply) -> Reply:
        for name, value in changed.items():
            reply.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                reply.headers[name.replace("_", "-")] = value
        return reply

    return change


def refused(status: int, code: str) -> Change:
    """A well-formed problem, but another one."""
    return says(status, status=status, code=code)


def absent(reply: Reply) -> Reply:
    """A well-formed 404 in the place of a document."""
    return problem(404, "NOT_FOUND", reply.headers)


def page(status: int, text: str) -> Change:
    """An HTML page, as a framework or a proxy makes it."""

    def change(reply: Reply) -> Reply:
        return Reply(status, text, {**reply.headers, "Content-Type": "text/html"})

    return change


def checks(change: Callable[[list[dict[str, Any]]], object]) -> Change:
    """The checks of /health/ready changed, the summary left as it is."""

    def changed(reply: Reply) -> None:
        change(reply.payload["checks"])

    return changed


def pause(seconds: float) -> Change:
    def change(reply: Reply) -> None:
        time.sleep(seconds)

    return change


def accepts(forgery: Callable[[dict[str, Any], dict[str, Any]], bool], status: int = 200) -> Fault:
    """Forged tokens of one kind get 200 (or another status) on every protected route."""

    def fault(request: Request, reply: Reply) -> Reply:
        parts = opened(bearer(request))
        refused = reply.status == 401 and parts is not None
        return says(status)(reply) or reply if refused and parts and forgery(*parts) else reply

    return fault


def any_key(request: Request, reply: Reply) -> Reply:
    """A living access token is accepted whoever signed it, if only the signature is a whole one."""
    parts = opened(bearer(request))
    if reply.status != 401 or parts is None or len(bearer(request).rpartition(".")[2]) != 43:
        return reply
    living = parts[1]["exp"] > time.time() and parts[1]["type"] == "access"
    return says(200)(reply) or reply if living else reply


def cut(request: Request, reply: Reply) -> Reply:
    """A signature of the wrong length ends in a 500."""
    short = 0 < len(bearer(request).rpartition(".")[2]) < 43
    return says(500)(reply) or reply if short else reply


def trusting(request: Request, reply: Reply) -> Reply:
    """Whoever names a tenant is let in."""
    alone = "x-tenant-id" in request.headers and "authorization" not in request.headers
    return says(200)(reply) or reply if alone else reply


def reflecting(allowed: Callable[[str], str | None]) -> Fault:
    def fault(request: Request, reply: Reply) -> Reply:
        value = allowed(request.headers.get("origin", "")) if "origin" in request.headers else None
        return headers(Access_Control_Allow_Origin=value)(reply) or reply if value else reply

    return fault


def echoing(request: Request, reply: Reply) -> Reply:
    """A hostile correlation id comes back as it was sent."""
    sent = request.headers.get("x-correlation-id", "")
    return headers(X_Correlation_Id=sent)(reply) or reply if "<script>" in sent else reply


def silent(request: Request, reply: Reply) -> Reply:
    """No correlation id is made when none was sent."""
    return reply if "x-correlation-id" in request.headers else headers(X_Correlation_Id=None)(reply) or reply


def ignoring(request: Request, reply: Reply) -> Reply:
    """Another tenant's X-Tenant-ID is not looked at."""
    foreign = reply.status == 403 and request.headers.get("x-tenant-id") == FOREIGN_TENANT
    return Reply(200, {"data": []}, reply.headers) if foreign else reply


def leaking(request: Request, reply: Reply) -> Reply:
    """Another tenant's X-Tenant-ID is refused, with the rows in the refusal."""
    return says(data=[])(reply) or reply if reply.status == 403 and "data" not in reply.payload else reply


def unlimited(request: Request, reply: Reply) -> Reply:
    """Each login believes that it is the first."""
    if request.path != "/api/auth/login":
        return reply
    return StandIn().answer(Request("POST", request.target, request.path, request.headers, b""))


def foreign_row(reply: Reply) -> None:
    if reply.status == 200:
        reply.payload["data"].append({"id": FOREIGN_CUSTOMER, "tenantId": FOREIGN_TENANT})


def when_open(change: Change) -> Change:
    """A change of what an admitted caller gets."""
    return lambda reply: change(reply) if reply.status == 200 else reply
