"""Where a blueprint finds its service: class in, instance for this request's scope out."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import current_app

from mbs.foundation.http import current_scope
from mbs.foundation.scope import Scope

S = TypeVar("S")

Factories = Mapping[type, Callable[[Scope], Any]]
"""Filled in `app.py`; a test hands `create_app` another one."""

EXTENSION = "mbs.services"


def resolve(service: type[S]) -> S:
    """Return the service for the current request, its transactions already bound to the caller's scope."""
    factory = current_app.extensions[EXTENSION][service]
    instance: S = factory(current_scope())
    return instance
