"""The fixtures of the contract's tests."""

from tests.contract.stored_rows import query
from tests.factories.apps import wide_app

__all__ = ["query", "wide_app"]
