"""S-B, S-S and S-C: blocked paths, headers, CORS, cookies, stray files, unknown routes, correlation ids.

The last three checks judge every answer of the run, so they come last.
"""

import re
from collections.abc import Callable

from mbs.operations.smoke_checks.check import LEAK, Check, Failed, demand, demand_problem, described
from mbs.operations.smoke_checks.client import Answer, Client

BLOCKED = ("seed", "demo", "test-data", "mock", "reset-demo", "clear-data")
DISGUISED = ("//api/seed", "/api//seed", "/api/%73eed", "/API/SEED", "/api/seed;x", "/api/./seed")
STRAY = ("/metrics", "/.env", "/.git/config", "/console", "/debug")
EVIL = "https://evil.example"
HOSTILE_ID = 'smoke "><script>alert(1)</script> ' + "A" * 300
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}")
YEAR_SECONDS = 31_536_000


def path_is_blocked(name: str) -> Callable[[Client], Answer]:
    """Return the check of one blocked path: GET bare, POST with a suffix that no handler can have.

    A bare POST would clear or fill the database of the very service whose block is broken.
    """

    def check(client: Client) -> Answer:
        answers = (
            client.send("GET", f"/api/{name}"),
            client.send("POST", f"/api/{name}/mbs-smoke-{client.settings.run_id}"),
        )
        for answer in answers:
            if client.settings.production:
                demand_problem(answer, 403, "PRODUCTION_BLOCKED")
            else:
                demand(answer.status < 500, "an answer below 500", answer)
        return answers[0]

    return check


def disguise_does_not_open(client: Client) -> Answer:
    for path in DISGUISED:
        answer = client.send("GET", path)
        if client.settings.production:
            closed = 300 <= answer.status < 500 and answer.status != 401
            demand(closed, "403, or any refusal that comes before authentication", answer)
        else:
            demand(answer.status < 500, "an answer below 500", answer)
    # Blocked by whole segments, or the block would one day swallow a real route.
    return demand_problem(client.send("GET", "/api/seedling"), 404, "NOT_FOUND")


def evil_origin_gets_nothing(client: Client) -> Answer:
    preflight = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answers = (
        client.send("OPTIONS", "/api/customers", headers={"Origin": EVIL, **preflight}),
        client.send("GET", "/api/customers", headers={"Origin": EVIL}),
        client.send("GET", "/api/customers", headers={"Origin": "null"}),
    )
    for answer in answers:
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        demand(answer.status < 500, "an answer below 500", answer)
        demand(
            allowed is None,
            "no Access-Control-Allow-Origin",
            answer,
            f"Access-Control-Allow-Origin {allowed}",
        )
    return answers[0]


def stray_paths_are_closed(client: Client) -> Answer:
    answers = [client.send("GET", path) for path in STRAY]
    for answer in answers:
        demand(answer.status in (401, 403, 404), "401, 403 or 404", answer)
        demand(LEAK.search(answer.text) is None, "a body that tells nothing of the inside", answer)
    return answers[0]


def unknown_route_is_a_problem(client: Client) -> Answer:
    return demand_problem(client.first(f"/api/mbs-smoke-{client.settings.run_id}"), 404, "NOT_FOUND")


def headers_are_safe(client: Client) -> Answer:
    for answer in _every(client):
        faults = list(header_faults(answer, production=client.settings.production))
        if faults:
            raise Failed(
                "security headers on every answer", f"{described(answer)}; {', '.join(faults)}", answer
            )
    return client.first("/health")


def header_faults(answer: Answer, *, production: bool) -> list[str]:
    """What is wrong with the security headers of one answer (security.md 107, 112)."""
    headers = answer.headers
    policy = {part.strip() for part in headers.get("Content-Security-Policy", "").lower().split(";")}
    transport = headers.get("Strict-Transport-Security", "").lower()
    age = re.search(r"max-age=(\d+)", transport)
    lasting = age is not None and int(age[1]) >= YEAR_SECONDS and "includesubdomains" in transport
    demands = {
        "X-Content-Type-Options": headers.get("X-Content-Type-Options", "").lower() == "nosniff",
        "Content-Security-Policy": {"default-src 'none'", "frame-ancestors 'none'"} <= policy,
        "Referrer-Policy": headers.get("Referrer-Policy") == "no-referrer",
        "Cross-Origin-Resource-Policy": headers.get("Cross-Origin-Resource-Policy") == "same-origin",
        # On health it is S-H4's.
        "Cache-Control": "no-store" in headers.get("Cache-Control", "") or answer.path.startswith("/health"),
        "Strict-Transport-Security": lasting or not production,
        "Server": not re.search(r"[\d/]", headers.get("Server", "")),
        "X-Powered-By": "X-Powered-By" not in headers,
    }
    return [f"{name} {headers.get(name)!r}" for name, right in demands.items() if not right]


def cookies_are_safe(client: Client) -> Answer:
    for answer in _every(client):
        for cookie in answer.cookies:
            name, _, rest = cookie.partition("=")
            said = {part.strip().lower() for part in rest.split(";")[1:]}
            wanted = {"httponly", "samesite=lax"} | ({"secure"} if client.settings.production else set())
            missing = ", ".join(sorted(wanted - said))
            demand(
                not missing, "HttpOnly, Secure, SameSite=Lax on every cookie", answer, f"{name}: no {missing}"
            )
    return client.first("/health")


def correlation_is_kept(client: Client) -> Answer:
    for answer in _every(client):
        echoed = answer.correlation_id == answer.sent_id
        demand(echoed, f"X-Correlation-Id {answer.sent_id} again", answer, f"{answer.correlation_id!r}")
    for sent in (None, HOSTILE_ID):
        answer = client.send("GET", "/health", correlation_id=sent)
        made = WELL_FORMED_ID.fullmatch(answer.correlation_id) is not None
        what = "none was sent" if sent is None else "a hostile one was sent"
        demand(made, f"a well-formed X-Correlation-Id of the service's own, as {what}", answer)
    return answer


def _every(client: Client) -> list[Answer]:
    """Every answer so far; a health, a public and a 404 one are fetched if no check has."""
    for path in ("/health", "/api/openapi.json", f"/api/mbs-smoke-{client.settings.run_id}"):
        client.first(path)
    return list(client.answers)


CHECKS = (
    *(
        Check(f"S-B{number}", f"/api/{name} is blocked", path_is_blocked(name))
        for number, name in enumerate(BLOCKED, start=1)
    ),
    Check(
        "S-B7",
        "a blocked path in disguise stays closed, /api/seedling is a plain 404",
        disguise_does_not_open,
    ),
    Check("S-S2", "a foreign origin gets no CORS permission", evil_origin_gets_nothing),
    Check("S-S4", "metrics, files and consoles are closed", stray_paths_are_closed),
    Check("S-S5", "an unknown route is a JSON 404", unknown_route_is_a_problem),
)
CLOSING_CHECKS = (
    Check("S-S1", "security headers on every answer, no version told", headers_are_safe),
    Check("S-S3", "every cookie is HttpOnly, Secure and SameSite=Lax", cookies_are_safe),
    Check("S-C1", "correlation ids are echoed, made when absent, replaced when hostile", correlation_is_kept),
)
