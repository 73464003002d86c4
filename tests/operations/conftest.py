"""Shared by the tests here: no SMOKE_TEST_ variable of the developer's own, and a caller on demand."""

import pytest

from tests.operations.smoke_stand_in import FOREIGN_CUSTOMER, FOREIGN_TENANT, OWN_TENANT, token


@pytest.fixture(autouse=True)
def _no_smoke_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "TOKEN", "TENANT_ID", "FOREIGN_TENANT_ID", "FOREIGN_PATH"):
        monkeypatch.delenv(f"SMOKE_TEST_{name}", raising=False)


@pytest.fixture
def smoke_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOKE_TEST_TOKEN", token())
    monkeypatch.setenv("SMOKE_TEST_TENANT_ID", OWN_TENANT)
    monkeypatch.setenv("SMOKE_TEST_FOREIGN_TENANT_ID", FOREIGN_TENANT)
    monkeypatch.setenv("SMOKE_TEST_FOREIGN_PATH", f"/api/customers/{FOREIGN_CUSTOMER}")
