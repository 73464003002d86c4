"""Applications set up for one kind of test; a conftest imports the fixture it wants."""

from collections.abc import Iterator

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION


@pytest.fixture(scope="session")
def wide_app(environ: dict[str, str]) -> Iterator[Flask]:
    """The same service without rate limits, and with room for 75 requests at once: none is shed."""
    app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true", "WEB_THREADS": "25"}))
    yield app
    app.extensions[EXTENSION].dispose()


PUBLIC_HOST = "mbs.test"


@pytest.fixture(scope="session")
def production_app(environ: dict[str, str]) -> Iterator[Flask]:
    """The service as a deployment sets it up: known under one name, called by the browsers of two origins."""
    variables = {
        "APP_ENV": "production",
        "BASE_URL": f"https://{PUBLIC_HOST}",
        "CORS_ORIGINS": "https://app.example.com,https://admin.example.com:8443",
    }
    app = create_app(Config.load({**environ, **variables}))
    yield app
    app.extensions[EXTENSION].dispose()
