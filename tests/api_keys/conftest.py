"""The fixtures of this room."""

from tests.auth.conftest import Sql, resident, sql
from tests.factories.apps import wide_app

__all__ = ["Sql", "resident", "sql", "wide_app"]
