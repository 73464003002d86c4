"""The fixtures of the contract's tests."""

from tests.contract.stored_rows import query
from tests.factories.apps import production_app, wide_app
from tests.factories.log_lines import log_lines

__all__ = ["log_lines", "production_app", "query", "wide_app"]
