"""The fixtures of this room."""

from tests.auth.conftest import Sql, sql
from tests.factories.apps import wide_app

__all__ = ["Sql", "sql", "wide_app"]
