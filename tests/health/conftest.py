"""Applications over databases in a given state, and the documents of their probes."""

from collections.abc import Callable

import pytest

from mbs.app import create_app
from mbs.config import Config
from tests.factories.callers import Caller

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def probe(environ: dict[str, str]) -> Callable[..., Caller]:
    """Return a function that builds an application with changed variables, and gives a caller of it.

    A new one each time, since an application remembers a report for a second.
    """

    def build(**changes: str) -> Caller:
        return Caller(create_app(Config.load({**environ, "GIT_SHA": COMMIT, **changes})))

    return build
