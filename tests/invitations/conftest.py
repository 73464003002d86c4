"""What the tests of this folder add: mails that arrive, and rows changed behind the service's back."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.auth.conftest import sql  # noqa: F401 - a fixture
from tests.factories.apps import wide_app  # noqa: F401 - a fixture
from tests.factories.mails import Mailbox, delivered


@pytest.fixture
def deliver(app: Flask, environ: dict[str, str]) -> Callable[[], Mailbox]:
    """Return a function that delivers all mails that wait."""
    return lambda: delivered(app, environ)
