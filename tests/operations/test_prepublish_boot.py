"""The prepublish gates that need a database: what they let pass, and what they stop."""

import os
from pathlib import Path

import pytest
from psycopg2 import sql

from mbs.operations import prepublish_boot
from mbs.operations.migrate import MigrationResult
from mbs.operations.prepublish_project import GateFailed, Project

ROOT = Path(__file__).resolve().parents[2]


class TestMigrations:
    def test_pass_on_an_empty_database(self) -> None:
        prepublish_boot.check_migrations(Project(root=ROOT, environ={}))

    @pytest.mark.parametrize(
        ("statement", "evidence"),
        [
            ("ALTER TABLE customers ADD COLUMN IF NOT EXISTS stray text", "stray"),
            ("ALTER TABLE customers DROP COLUMN IF EXISTS version", "version"),
            ("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY", "customers"),
        ],
    )
    def test_fail_on_a_schema_that_is_not_the_models(
        self, monkeypatch: pytest.MonkeyPatch, statement: str, evidence: str
    ) -> None:
        migrate = prepublish_boot.migrate.migrate

        def migrate_and_change(url: str) -> MigrationResult:
            result = migrate(url)
            prepublish_boot.execute(url, sql.SQL("{}").format(sql.SQL(statement)))
            return result

        monkeypatch.setattr(prepublish_boot.migrate, "migrate", migrate_and_change)
        with pytest.raises(GateFailed, match=rf"\b{evidence}\b"):
            prepublish_boot.check_migrations(Project(root=ROOT, environ={}))


@pytest.mark.slow
class TestBoot:
    def test_passes_in_production_mode(self) -> None:
        prepublish_boot.check_boot(Project(root=ROOT, environ=dict(os.environ)))

    def test_fails_with_the_log_when_the_service_is_not_ready(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prepublish_boot.migrate, "migrate", lambda url: None)
        with pytest.raises(GateFailed) as failure:
            prepublish_boot.check_boot(Project(root=ROOT, environ=dict(os.environ)))
        assert "/health/ready" in str(failure.value)
        assert "log of the service:" in str(failure.value)
