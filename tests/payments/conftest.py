"""The fixtures of this room."""

from tests.contract.stored_rows import query
from tests.factories.apps import wide_app

__all__ = ["query", "wide_app"]
