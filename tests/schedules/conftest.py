"""The fixtures of this room."""

import pytest
from flask import Flask

from tests.factories.apps import wide_app
from tests.factories.callers import Business, Caller, new_business

__all__ = ["wide_app"]


@pytest.fixture(scope="module")
def resident(wide_app: Flask) -> Business:
    """Somebody whose requests are not counted, for tests that send many and change nothing."""
    return new_business(Caller(wide_app))
