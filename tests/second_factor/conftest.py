"""What the tests of this folder add: rows changed behind the service's back."""

from tests.auth.conftest import sql  # noqa: F401 - a fixture
