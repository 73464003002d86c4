"""What the tests of this folder stand on: a provider on loopback, the service set up for it, a browser."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.sso.browsers import Browser
from tests.sso.stand_in import CLIENT, StandIn, stand_in

NewApp = Callable[..., Flask]


@pytest.fixture
def new_app(environ: dict[str, str]) -> Iterator[NewApp]:
    """Return a function that makes the service for an issuer; each remembers keys and metadata for itself."""
    made: list[Flask] = []

    def make(issuer: str, **variables: str) -> Flask:
        made.append(sso_service(environ, issuer, **variables))
        return made[-1]

    yield make
    for app in made:
        app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def service(environ: dict[str, str]) -> Iterator[tuple[Flask, StandIn]]:
    """A service and its provider for a whole module."""
    with stand_in() as provider:
        app = sso_service(environ, provider.url)
        yield app, provider
        app.extensions[EXTENSION].dispose()


@pytest.fixture
def sso_app(service: tuple[Flask, StandIn]) -> Flask:
    return service[0]


@pytest.fixture
def provider(service: tuple[Flask, StandIn]) -> StandIn:
    """The module's provider: it says what it says by itself, and has been asked nothing yet."""
    service[1].forget()
    return service[1]


@pytest.fixture
def browser(sso_app: Flask, provider: StandIn) -> Browser:
    return Browser(sso_app, provider)


@pytest.fixture
def other_browser(sso_app: Flask, provider: StandIn) -> Browser:
    return Browser(sso_app, provider)


@pytest.fixture
def own_provider() -> Iterator[StandIn]:
    with stand_in() as provider:
        yield provider


@pytest.fixture
def own_app(new_app: NewApp, own_provider: StandIn) -> Flask:
    """A service that has not asked its provider for anything yet."""
    return new_app(own_provider.url)


@pytest.fixture
def own_browser(own_app: Flask, own_provider: StandIn) -> Browser:
    return Browser(own_app, own_provider)


def sso_service(environ: dict[str, str], issuer: str, **variables: str) -> Flask:
    own = {"ISSUER_URL": issuer, "OIDC_CLIENT_ID": CLIENT, "BASE_URL": "http://localhost"}
    return create_app(Config.load({**environ, **own, **variables}))
