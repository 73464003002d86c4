"""S-A, S-I and S-M: nobody gets in without a token, nobody sees another tenant, and the rooms are open."""

import uuid
from collections.abc import Callable
from typing import Any

from mbs.operations.smoke_checks import routes
from mbs.operations.smoke_checks.check import Check, Failed, Skipped, demand, demand_limited, demand_problem
from mbs.operations.smoke_checks.client import Answer, Client
from mbs.operations.smoke_checks.tokens import claims_of, forged

NO_TOKEN = "no SMOKE_TEST_TOKEN"  # noqa: S105 a reason, not a token
LOGIN_WINDOW_SECONDS = 900


def refuses_without_token(number: int) -> Callable[[Client], Answer]:
    """Return the check of the protected route with this number, from 1, and of every eighth after it."""

    def check(client: Client) -> Answer:
        paths = _protected(client, required=number == 1)
        if number > len(paths):
            raise Skipped(f"the service has {len(paths)} protected GET routes")
        answers = [client.first(path) for path in paths[number - 1 :: routes.PROTECTED_CHECKS]]
        for answer in answers:
            demand_problem(answer, 401, "UNAUTHENTICATED")
        return answers[-1]

    return check


def refuses_forged(kind: str) -> Callable[[Client], Answer]:
    """Return the check of one kind of forged token."""

    def check(client: Client) -> Answer:
        path = _protected(client)[0]
        token = forged(kind, client.settings.token)
        answer = client.send("GET", path, headers={"Authorization": f"Bearer {token}"})
        return demand_problem(answer, 401, "UNAUTHENTICATED", "TOKEN_EXPIRED")

    return check


def refuses_unknown_identity(client: Client) -> Answer:
    answer = client.login()
    if answer.status == 429:
        wait = demand_limited(answer, LOGIN_WINDOW_SECONDS)
        raise Skipped(f"this address has used up its logins; run again in {wait} s", inconclusive=True)
    return demand_problem(answer, 401, "INVALID_CREDENTIALS")


def tenant_header_is_no_credential(client: Client) -> Answer:
    path = _protected(client)[0]
    tenant = client.settings.tenant_id or str(uuid.uuid4())
    answer = client.send("GET", path, headers={"X-Tenant-ID": tenant})
    return demand_problem(answer, 401, "UNAUTHENTICATED")


def foreign_tenant_header_is_refused(client: Client) -> Answer:
    _need_token(client)
    path = (_lists(client) or _protected(client))[0]
    tenant = client.settings.foreign_tenant_id or str(uuid.uuid4())
    answer = client.send("GET", path, headers={**client.credential, "X-Tenant-ID": tenant})
    demand("data" not in answer.object, "403 or 404 without data", answer)
    if answer.status == 404:
        return demand_problem(answer, 404, "NOT_FOUND")
    return demand_problem(answer, 403, "TENANT_MISMATCH", "FORBIDDEN")


def foreign_object_is_not_found(client: Client) -> Answer:
    _need_token(client)
    if client.settings.foreign_path is None:
        raise Skipped("no SMOKE_TEST_FOREIGN_PATH")
    return demand_problem(client.first(client.settings.foreign_path, authenticated=True), 404, "NOT_FOUND")


def rows_are_the_tenants_own(client: Client) -> Answer:
    _need_token(client)
    own = client.settings.tenant_id or claims_of(client.settings.token).get("tenant")
    answers = [client.first(path, authenticated=True) for path in _lists(client)]
    if not answers:
        raise Skipped("the service has no list endpoint")
    for answer in answers:
        foreign = [row for row in _rows(answer) if isinstance(row, dict) and row.get("tenantId", own) != own]
        demand(not foreign, "rows of the own tenant only", answer, f"{len(foreign)} of another tenant")
    return answers[-1]


def rooms_are_open(client: Client) -> Answer:
    _need_token(client)
    answers = [client.first(path, authenticated=True) for path in _lists(client)]
    if not answers:
        raise Skipped("the service has no list endpoint")
    for answer in answers:
        page = answer.object.get("pagination")
        right = (
            answer.status == 200 and isinstance(answer.object.get("data"), list) and isinstance(page, dict)
        )
        demand(right, "200 with a list `data` and `pagination`", answer)
        missing = [member for member in ("limit", "hasMore", "nextCursor") if member not in (page or {})]
        demand(
            not missing, "pagination with limit, hasMore, nextCursor", answer, f"without {', '.join(missing)}"
        )
    return answers[-1]


def _protected(client: Client, *, required: bool = False) -> list[str]:
    """Paths of the protected routes; that they are known at all is S-A1's to demand, not every check's."""
    try:
        return routes.protected(client)
    except Failed:
        if required:
            raise
        raise Skipped("no protected route is known (see S-A1)") from None


def _lists(client: Client) -> list[str]:
    try:
        return routes.lists(client)
    except Failed:
        raise Skipped("no list endpoint is known (see S-A1)") from None


def _need_token(client: Client) -> None:
    if client.settings.token is None:
        raise Skipped(NO_TOKEN)


def _rows(answer: Answer) -> list[Any]:
    rows = answer.object.get("data")
    return rows if isinstance(rows, list) else []


FORGERIES = (
    ("S-A9", "none", "a token of algorithm none is refused"),
    ("S-A10", "wrong-key", "a token signed with another key is refused"),
    ("S-A11", "expired", "an expired token is refused"),
    ("S-A12", "truncated", "a truncated token is refused"),
    ("S-A13", "refresh", "a refresh token opens no API"),
)
CHECKS = (
    *(
        Check(
            f"S-A{number}",
            f"protected routes are closed without a token, part {number} of {routes.PROTECTED_CHECKS}",
            refuses_without_token(number),
        )
        for number in range(1, routes.PROTECTED_CHECKS + 1)
    ),
    *(Check(name, title, refuses_forged(kind)) for name, kind, title in FORGERIES),
    Check("S-A14", "an unknown identity is refused at login", refuses_unknown_identity),
    Check("S-I1", "X-Tenant-ID alone opens nothing", tenant_header_is_no_credential),
    Check(
        "S-I2",
        "another tenant's X-Tenant-ID is refused",
        foreign_tenant_header_is_refused,
        authenticated=True,
    ),
    Check("S-I3", "another tenant's object is not found", foreign_object_is_not_found, authenticated=True),
    Check("S-I4", "lists hold the own tenant's rows only", rows_are_the_tenants_own, authenticated=True),
    Check("S-M1", "every room's list opens with the token", rooms_are_open, authenticated=True),
)
