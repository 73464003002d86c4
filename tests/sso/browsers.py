"""Browsers that sign in at a provider: what the service sends them, and what they bring back."""

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import Caller
from tests.sso.stand_in import StandIn, sound_claims

SSO_COOKIE = "__Host-mbs_sso"
SESSION_COOKIE = "__Host-mbs_session"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
BUSINESS = {"businessName": "Asha's Salon", "businessType": "salon", "countryCode": "IN"}


class Browser(Caller):
    """A browser with its own cookies."""

    def __init__(self, app: Flask, provider: StandIn) -> None:
        super().__init__(app)
        self.provider = provider

    def start(self, **query: Any) -> dict[str, str]:
        """Go to the provider; return what the service asks it for."""
        response = self.get("/api/auth/sso/start", query_string=query)
        assert response.status_code == 302, response.get_data(as_text=True)
        asked = parse_qs(urlsplit(response.headers["Location"]).query, strict_parsing=True)
        return {name: value for name, (value,) in asked.items()}

    def come_back(self, state: str, *, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """Come back from the provider, by default with a code."""
        sent = {"code": "a code", "state": state, **query}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self.get("/api/auth/sso/callback", query_string=sent, headers=headers)

    def sign_in(self, subject: str, *, query: dict[str, Any] | None = None, **claims: Any) -> TestResponse:
        """Sign in as a subject of the provider, which says sound things."""
        asked = self.start(**(query or {}))
        self.provider.claims = sound_claims(self.provider, asked["nonce"], sub=subject, **claims)
        return self.come_back(asked["state"])

    def ticket(self, subject: str, **claims: Any) -> str:
        """Return what a subject gets who is nobody here."""
        ticket = carried(self.sign_in(subject, **claims)).get("ticket")
        assert ticket is not None
        return ticket

    def register(self, subject: str, **claims: Any) -> dict[str, Any]:
        """Register a business as a subject; the browser is signed in afterwards. Return what that says."""
        email = claims.pop("email", f"{subject}@example.com")
        ticket = self.ticket(subject, email=email, given_name="Asha", family_name="Rao", **claims)
        body = {**BUSINESS, "ticket": ticket, "session": "browser"}
        response = self.post("/api/auth/sso/register", body, headers=OWN_PAGE)
        assert response.status_code == 201, response.get_data(as_text=True)
        said: dict[str, Any] = response.json or {}
        return said

    def person(self) -> dict[str, Any] | None:
        """Return who is signed in, or None."""
        response = self.get("/api/auth/me")
        return response.json if response.status_code == 200 else None

    def forget(self, cookie: str) -> None:
        self._client.delete_cookie(cookie)

    def cookie(self, name: str) -> str | None:
        found = self._client.get_cookie(name)
        return found.value if found is not None else None

    def plant(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value, secure=True)


def carried(response: TestResponse) -> dict[str, str]:
    """Return what the browser carries on with, in the fragment of where it is sent."""
    assert response.status_code == 303, response.get_data(as_text=True)
    fragment = urlsplit(response.headers["Location"]).fragment
    return {name: value for name, (value,) in parse_qs(fragment).items()}


def new_subject() -> str:
    return f"subject-{uuid.uuid4().hex[:12]}"
