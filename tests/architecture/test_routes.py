"""Every route says who may call it, and every permission is one that a role has."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.security import PUBLIC, SELF
from mbs.tenants.models import ROLE_PERMISSIONS
from tests.architecture.sources import ROOMS, sources

GRANTED = frozenset().union(*ROLE_PERMISSIONS.values())

# Whom these let in without a token, and why.
PUBLIC_ROUTES = {
    "GET /health": "probed by what holds no token",
    "GET /health/db": "probed by what holds no token",
    "GET /health/ready": "probed by what holds no token",
    "GET /api/health": "probed by what holds no token",
    "GET /api/health/db": "probed by what holds no token",
    "GET /api/health/ready": "probed by what holds no token",
    "GET /api/openapi.json": "the contract, for whoever writes a client",
    "GET /docs": "the contract to look at; off in production unless asked for",
    "GET /docs/start.js": "the page's own script",
    "GET /docs/assets/<name>": "the page's scripts and styles",
    "POST /api/auth/register": "how one becomes a caller; limited by address",
    "POST /api/auth/login": "how one becomes a caller; limited by address and by account",
    "POST /api/auth/refresh": "the refresh token is the credential",
    "POST /api/auth/token/refresh": "the refresh token is the credential",
    "POST /api/auth/login/second-factor": "the challenge of the first step is the credential",
    "POST /api/auth/forgot-password": "for whoever cannot sign in; it says nothing",
    "POST /api/auth/reset-password": "the token of the mail is the credential",
    "POST /api/auth/verify-email": "the token of the mail is the credential",
    "POST /api/auth/change-email/confirm": "the token of the mail is the credential",
    "GET /api/auth/invites/<token>": "the token of the mail is the credential",
    "POST /api/auth/invites/<token>/accept": "the token of the mail is the credential",
    "GET /api/auth/sso": "whether there is a provider, for a page that offers it",
    "GET /api/auth/sso/start": "how one becomes a caller, by way of the provider",
    "GET /api/auth/sso/callback": "the provider's answer is the credential; bound to the browser that began",
    "POST /api/auth/sso/register": "the ticket is the credential; limited by address",
    "POST /api/auth/sso/join": "the ticket and the token of the mail are the credentials; limited by address",
    "POST /api/webhooks/twilio/status": "the provider's signature is the credential",
    "POST /api/webhooks/twilio/inbound": "the provider's signature is the credential",
    "POST /api/webhooks/sendgrid": "the provider's signature is the credential",
    "POST /api/webhooks/resend": "the provider's signature is the credential",
}


@pytest.fixture(scope="module")
def documented_app(environ: dict[str, str]) -> Flask:
    """The application with every route that it can have."""
    return create_app(Config.load({**environ, "DOCS_ENABLED": "true"}))


def routes(app: Flask) -> Iterator[tuple[str, Any]]:
    """Yield each method and address with its view."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield f"{method} {rule.rule}", app.view_functions[rule.endpoint]


ONLY_SHOWN = (
    "POST /api/invoices/preview",
    "POST /api/notification-templates/<key>/<channel>/<locale>/preview",
)
"""What a POST asks for because the question has a body; nothing is stored."""


def unguarded(app: Flask) -> list[str]:
    return [route for route, view in routes(app) if not getattr(view, "permission", None)]


def asked_of_roles(app: Flask) -> set[str]:
    """Return the permissions that routes name, and those that rooms ask for inside a view."""
    named = {name for _, view in routes(app) if view.permission not in (PUBLIC, SELF) for name in view.admits}
    for source in sources(*(f"mbs/{room}" for room in ROOMS), "mbs/app.py"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("may", "require"):
                named |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return named


class TestEveryRoute:
    def test_says_who_may_call_it(self, documented_app: Flask) -> None:
        assert unguarded(documented_app) == [], "put @requires('<room>:<verb>') or @public on the view"

    def test_without_a_guard_is_noticed(self, environ: dict[str, str]) -> None:
        app = create_app(Config.load(environ))
        app.add_url_rule("/api/forgotten", view_func=lambda: "", methods=["POST"])
        assert unguarded(app) == ["POST /api/forgotten"]

    def test_that_is_public_is_meant_to_be(self, documented_app: Flask) -> None:
        public = {route for route, view in routes(documented_app) if view.permission == PUBLIC}
        assert public == set(PUBLIC_ROUTES), "a route without a caller needs its reason in PUBLIC_ROUTES"

    def test_lives_under_its_room_s_permission(self, documented_app: Flask) -> None:
        own = {
            "/api/tenant": "settings",
            "/api/locations": "settings",
            "/api/notification-templates": "notifications",
            "/api/suppressions": "notifications",
            "/api/notification-logs": "notifications",
            "/api/usage": "settings",
            "/api/events": "audit",
            "/api/audit-logs": "audit",
            "/api/api-keys": "apiKeys",
            "/api/webhook-endpoints": "webhooks",
            "/api/members/<id:member_id>/sessions": "security",
            "/api/members": "team",
            "/api/invites": "team",
            "/api/roles": "team",
            "/api/staff": "resources",
            "/api/customers/<id:customer_id>/bookings": "bookings",
            "/api/bookings/<id:booking_id>/invoice": "invoices",
            "/api/availability": "bookings",
            "/api/sessions": "bookings",
            "/api/session-series": "bookings",
            "/api/dashboard": "reports",
            "/api/analytics": "reports",
            "/api/seed": "settings",
            "/api/exchange-rates": "settings",
            "/api/tax-rates": "settings",
            "/api/credit-notes/<id:credit_note_id>/pdf": "invoices",
            "/api/refunds": "payments",
            "/api/credit-notes": "invoices",
            "/api/invoices/<id:invoice_id>/credit-notes": "creditNotes",
        }
        time_off = ("POST", "PATCH", "DELETE")
        words = ("PUT", "DELETE")
        for route, view in routes(documented_app):
            path = route.partition(" ")[2]
            if ":" in view.permission:
                wanted = next(
                    (room for prefix, room in own.items() if path.startswith(prefix)), path.split("/")[2]
                )
                if "/time-off" in path and wanted == "resources" and route.startswith(time_off):
                    wanted = "timeOff"
                if path.startswith("/api/notification-templates") and route.startswith(words):
                    wanted = "templates"
                assert view.permission.split(":")[0] == wanted, route

    def test_that_changes_something_is_not_read_only(self, documented_app: Flask) -> None:
        for route, view in routes(documented_app):
            if not route.startswith("GET") and ":" in view.permission and route not in ONLY_SHOWN:
                assert not view.permission.endswith(":read"), f"{route} changes with a permission to read"


class TestEveryPermission:
    def test_that_is_asked_for_is_one_that_a_role_has(self, documented_app: Flask) -> None:
        assert asked_of_roles(documented_app) - GRANTED == set(), (
            "nobody could ever call this: ROLE_PERMISSIONS"
        )

    def test_that_a_role_has_is_asked_for(self, documented_app: Flask) -> None:
        assert GRANTED - asked_of_roles(documented_app) == set(), (
            "it permits nothing: remove it from the roles"
        )

    def test_of_the_owner_holds_everything(self) -> None:
        narrowed = {name for name in GRANTED if name.endswith(":own")}
        assert ROLE_PERMISSIONS["owner"] == GRANTED - narrowed
