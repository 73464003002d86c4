"""`mbs shell`: what is at hand there."""

import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from mbs.config import Config
from mbs.operations import shell
from mbs.operations.development import development_environment
from mbs.operations.shell import load
from tests.conftest import SECRETS
from tests.factories.callers import Business
from tests.operations.commands import run


@pytest.fixture
def at_database(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("at_database")
class TestShell:
    def test_sees_one_tenant_within_its_transaction(
        self, business: Callable[..., Business], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mine, other = business(), business()
        for one in (mine, other):
            one.post("/api/customers", {"name": f"Of {one.tenant_id}"})
        asked = f"from sqlalchemy import text\nwith within('{mine.tenant_id}') as transaction:\n    "
        asked += "print(transaction.execute(text('SELECT name FROM customers')).scalars().all())"
        assert run(shell, "-c", asked) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"['Of {mine.tenant_id}']"

    def test_sees_people_under_the_identity_role(
        self, owner: Business, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = "from sqlalchemy import text\nwith identity() as transaction:\n    "
        asked += "print(transaction.execute(text('SELECT id::text FROM users')).scalars().all())"
        assert run(shell, "-c", asked) == 0
        assert str(owner.user_id) in capsys.readouterr().out

    def test_refuses_what_is_no_tenant_id(self) -> None:
        with pytest.raises(ValueError, match="badly formed"):
            run(shell, "-c", "within('customers')")

    def test_is_a_prompt(self, environ: dict[str, str]) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "mbs", "shell"],
            env={**environ, "LOG_LEVEL": "ERROR"},
            input="print(config.environment, len(app.url_map._rules) > 10)\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert "test True" in result.stdout
        assert "within(tenant_id)" in result.stderr

    def test_tells_of_a_faulty_configuration(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("APP_ENV", "production")
        monkeypatch.setenv("JWT_ACCESS_SECRET", "short")
        assert run(shell, "-c", "print('never')") == 78
        captured = capsys.readouterr()
        assert "JWT_ACCESS_SECRET" in captured.err
        assert "never" not in captured.out


class TestLoad:
    def test_takes_the_database_that_is_named(self, environ: dict[str, str]) -> None:
        assert load(environ, ExitStack()).database_url == Config.load(environ).database_url

    def test_finds_the_embedded_one_otherwise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Embedded:
            def __init__(self) -> None:
                self.stops = 0

            def url(self) -> str:
                return f"postgresql://mbs:x@127.0.0.1:{5432}/{uuid.UUID(int=7).hex}"

            def stop(self) -> None:
                self.stops += 1

        embedded = Embedded()
        monkeypatch.setattr(shell, "ensure", lambda instance: embedded)
        with ExitStack() as opened:
            config = load({"APP_ENV": "development"}, opened)
            before = embedded.stops
        assert (before, embedded.stops) == (0, 1)
        assert config.database_url is not None
        assert config.database_url.endswith(uuid.UUID(int=7).hex)
        kept = development_environment({})["JWT_ACCESS_SECRET"]
        assert config.jwt_access_secret == kept, "tokens of `make run` are to be good here"
        assert config.jwt_access_secret not in SECRETS.values()
