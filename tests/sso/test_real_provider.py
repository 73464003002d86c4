"""The whole way, at a real provider: npm's `oidc-provider`, reached over HTTP."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation.idempotency import EXTENSION
from tests.factories.callers import PASSWORD, Caller, new_business
from tests.factories.servers import free_port
from tests.sso.browsers import BUSINESS, OWN_PAGE, SSO_COOKIE, carried, new_subject
from tests.sso.conftest import sso_service
from tests.sso.real_provider import real_provider
from tests.sso.stand_in import ALGORITHMS

CALLBACK = "http://localhost/api/auth/sso/callback"
SECRET = "of a client: 100% + more & more"


def client(name: str, **settings: str) -> dict[str, Any]:
    return {
        "client_id": name,
        "redirect_uris": [CALLBACK],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
        **settings,
    }


CLIENTS = [client(f"mbs-{name}", id_token_signed_response_alg=name) for name in ALGORITHMS]
CLIENTS.append(client("mbs", client_secret=SECRET, token_endpoint_auth_method="client_secret_basic"))


class Visitor(Caller):
    """A browser that has an account at the provider, and stays logged in there."""

    def __init__(self, app: Flask, account: str | None) -> None:
        super().__init__(app)
        self._there = requests.Session()
        self._there.trust_env = False
        if account is not None:
            self._there.headers["X-Account"] = account

    def at_the_provider(self, **query: Any) -> dict[str, str]:
        """Go to the provider and through all it asks; return what it sends back with the browser."""
        response = self.get("/api/auth/sso/start", query_string=query)
        assert response.status_code == 302, response.get_data(as_text=True)
        address = response.headers["Location"]
        for _ in range(8):
            answer = self._there.get(address, allow_redirects=False, timeout=10)
            assert answer.status_code in (302, 303), answer.text
            address = urljoin(address, answer.headers["Location"])
            if address.startswith(CALLBACK):
                return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        raise AssertionError("the provider does not come to an end")

    def come_back(self, said: dict[str, str]) -> TestResponse:
        return self.get("/api/auth/sso/callback", query_string=said)

    def sign_in(self, **query: Any) -> TestResponse:
        return self.come_back(self.at_the_provider(**query))

    def register(self) -> dict[str, Any]:
        body = {**BUSINESS, "ticket": carried(self.sign_in())["ticket"], "session": "browser"}
        response = self.post("/api/auth/sso/register", body, headers=OWN_PAGE)
        assert response.status_code == 201, response.get_data(as_text=True)
        said: dict[str, Any] = response.json or {}
        return said

    def person(self) -> str | None:
        response = self.get("/api/auth/me")
        return (response.json or {})["id"] if response.status_code == 200 else None


def code_of(response: TestResponse) -> tuple[int, str]:
    return response.status_code, (response.json or {})["code"]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider(free_port(), CLIENTS) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def real_app(environ: dict[str, str], issuer: str) -> Iterator[Flask]:
    app = sso_service(environ, issuer, OIDC_CLIENT_SECRET=SECRET)
    yield app
    app.extensions[EXTENSION].dispose()


class TestARealProvider:
    def test_names_somebody_who_registers_and_comes_back(self, real_app: Flask) -> None:
        account = new_subject()
        said = Visitor(real_app, account).register()
        assert said["user"]["email"] == f"{account}@example.com"
        again = Visitor(real_app, account)
        response = again.sign_in(returnTo="/today")
        assert (response.status_code, response.headers["Location"]) == (303, "/today")
        assert again.person() == said["user"]["id"]

    def test_names_somebody_who_links_their_account(self, real_app: Flask) -> None:
        account = new_subject()
        owner = new_business(Caller(real_app))
        visitor = Visitor(real_app, account)
        login = {"email": owner.email, "password": PASSWORD, "session": "browser"}
        token = (visitor.post("/api/auth/login", login, headers=OWN_PAGE).json or {})["csrfToken"]
        body = {"ticket": carried(visitor.sign_in(intent="link"))["ticket"]}
        linked = visitor.post("/api/auth/sso/link", body, headers={**OWN_PAGE, "X-CSRF-Token": token})
        assert linked.status_code == 201, linked.get_data(as_text=True)
        again = Visitor(real_app, account)
        assert again.sign_in().status_code == 303
        assert again.person() == str(owner.user_id)

    def test_sends_nobody_in_twice(self, real_app: Flask) -> None:
        visitor = Visitor(real_app, new_subject())
        said = visitor.at_the_provider()
        assert visitor.come_back(said).status_code == 303
        assert code_of(visitor.come_back(said)) == (400, "SSO_FLOW_INVALID")

    def test_takes_a_code_once(self, real_app: Flask) -> None:
        visitor = Visitor(real_app, new_subject())
        first = visitor.at_the_provider()
        assert visitor.come_back(first).status_code == 303
        second = visitor.at_the_provider()
        assert code_of(visitor.come_back({**second, "code": first["code"]})) == (401, "SSO_REFUSED")

    def test_takes_a_code_of_its_own_sign_in_alone(self, real_app: Flask) -> None:
        victim, attacker = Visitor(real_app, new_subject()), Visitor(real_app, new_subject())
        stolen, own = victim.at_the_provider(), attacker.at_the_provider()
        assert code_of(attacker.come_back({**own, "code": stolen["code"]})) == (401, "SSO_REFUSED")
        assert attacker.person() is None

    def test_sends_nobody_into_another_browser(self, real_app: Flask) -> None:
        attacker, victim = Visitor(real_app, new_subject()), Visitor(real_app, new_subject())
        attacker.register()
        said = attacker.at_the_provider()
        victim.get("/api/auth/sso/start")
        assert victim._client.get_cookie(SSO_COOKIE) is not None
        assert code_of(victim.come_back(said)) == (400, "SSO_FLOW_INVALID")
        assert victim.person() is None

    @pytest.mark.parametrize("named", ["https://elsewhere.example.com", None])
    def test_says_who_it_is(self, real_app: Flask, named: str | None) -> None:
        visitor = Visitor(real_app, new_subject())
        said = visitor.at_the_provider()
        assert said.pop("iss") == (Caller(real_app).get("/api/auth/sso").json or {})["issuer"]
        if named is not None:
            said["iss"] = named
        assert code_of(visitor.come_back(said)) == (401, "SSO_REFUSED")

    def test_asks_anew_who_somebody_is_when_told_to(self, real_app: Flask) -> None:
        visitor = Visitor(real_app, new_subject())
        visitor.register()
        time.sleep(1.1)
        response = visitor.sign_in(reauthenticate="true")
        assert response.status_code == 303, response.get_data(as_text=True)

    def test_may_refuse(self, real_app: Flask) -> None:
        visitor = Visitor(real_app, None)
        said = visitor.at_the_provider()
        assert said["error"] == "access_denied"
        assert code_of(visitor.come_back(said)) == (401, "SSO_REFUSED")

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_may_sign_in_several_ways(self, environ: dict[str, str], issuer: str, algorithm: str) -> None:
        app = sso_service(environ, issuer, OIDC_CLIENT_ID=f"mbs-{algorithm}")
        assert "ticket" in carried(Visitor(app, new_subject()).sign_in())
        app.extensions[EXTENSION].dispose()

    def test_refuses_a_client_with_a_wrong_secret(self, environ: dict[str, str], issuer: str) -> None:
        app = sso_service(environ, issuer, OIDC_CLIENT_SECRET="another")
        response = Visitor(app, new_subject()).sign_in()
        assert code_of(response) == (503, "SSO_UNAVAILABLE")
        app.extensions[EXTENSION].dispose()


class TestARealProviderThatStops:
    def test_in_the_middle_leaves_the_password(self, environ: dict[str, str]) -> None:
        port, account = free_port(), new_subject()
        with real_provider(port, CLIENTS) as issuer:
            app = sso_service(environ, issuer, OIDC_CLIENT_SECRET=SECRET)
            visitor = Visitor(app, account)
            said = visitor.at_the_provider()
        assert code_of(visitor.come_back(said)) == (503, "SSO_UNAVAILABLE")
        assert code_of(visitor.get("/api/auth/sso/start")) == (503, "SSO_UNAVAILABLE")
        owner = new_business(Caller(app))
        login = {"email": owner.email, "password": PASSWORD}
        assert Caller(app).post("/api/auth/login", login).status_code == 200
        assert Caller(app).get("/health/ready").status_code == 200
        app.extensions[EXTENSION].dispose()
