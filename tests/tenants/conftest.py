"""What the tests of this folder add."""

import pytest
from flask import Flask

from tests.factories.apps import wide_app
from tests.factories.callers import Business, Caller, new_business

__all__ = ["wide_app"]


@pytest.fixture(scope="session")
def resident_owner(app: Flask) -> Business:
    """The owner of a business whose profile and settings no test changes: a register costs its hash."""
    return new_business(Caller(app))
