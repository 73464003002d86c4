"""Deployments as their environment variables make them, faults included."""

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.configuration import announcement

SIGNING_SECRETS = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")
KEPT = frozenset({"PATH", "HOME", "PYTEST_CURRENT_TEST"})


@pytest.fixture
def sound(environ: dict[str, str]) -> dict[str, str]:
    """The variables of a production deployment without a fault."""
    return {**environ, "APP_ENV": "production"}


@pytest.fixture
def deploy(sound: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Flask]:
    """Return a function that builds the application from production variables with changes; None unsets."""

    def build(**changes: Any) -> Flask:
        for name in set(os.environ) - KEPT:
            monkeypatch.delenv(name)
        for name, value in {**sound, **changes}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        monkeypatch.setattr(announcement, "_announced", ())
        # The handler holds the standard output of whichever test was first.
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        return create_app()

    return build
