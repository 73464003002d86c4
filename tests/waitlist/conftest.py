"""The fixtures of this room."""

from tests.factories.apps import wide_app

__all__ = ["wide_app"]
