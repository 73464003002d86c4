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
