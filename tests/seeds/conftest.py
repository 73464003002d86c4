"""The fixtures of this room."""

from tests.factories.apps import production_app

__all__ = ["production_app"]
