"""The import contracts of setup.cfg notice what they are there for, and know every room."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOMS, ROOT

LINT_IMPORTS = str(Path(sys.executable).parent / "lint-imports")
HOUSE = "A part leans only on parts drawn below it"
ROOM = "Inside a room: blueprint, schemas or service, repository, models, errors"
SERVICES = "A service never calls another service; it composes repositories"
INNER = "Services, repositories and models do not speak HTTP"
OUTER = "Blueprints and schemas do not speak SQL"
AMBIENT = "One context variable, touched by two modules"
CONFIGURATION = "Configuration enters through the front door only"

PLANTED = [
    ("foundation/clock.py", "import mbs.events.models", HOUSE),
    ("events/service.py", "import mbs.customers.repository", HOUSE),
    ("app.py", "import mbs.operations.migrate", HOUSE),
    ("quotes/__init__.py", "", HOUSE),
    ("customers/models.py", "import mbs.customers.service", ROOM),
    ("customers/schemas.py", "import mbs.customers.service", ROOM),
    ("customers/helpers.py", "", ROOM),
    ("customers/service.py", "import mbs.tenants.service", SERVICES),
    ("tenants/repository.py", "import mbs.foundation.http", INNER),
    ("events/models.py", "import marshmallow", INNER),
    ("tenants/blueprint.py", "import sqlalchemy", OUTER),
    ("tenants/blueprint.py", "import mbs.foundation.db", OUTER),
    ("auth/schemas.py", "import mbs.auth.repository", OUTER),
    ("foundation/limits.py", "import mbs.foundation.ambient", AMBIENT),
    ("tenants/service.py", "import mbs.config", CONFIGURATION),
    ("foundation/db.py", "import mbs.configuration.postgres", CONFIGURATION),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with its contracts."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "mbs", copy / "mbs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", copy)
    return copy


def lint(house: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LINT_IMPORTS], cwd=house, capture_output=True, text=True, timeout=60, check=False)


class TestContracts:
    def test_hold(self, house: Path) -> None:
        result = lint(house)
        assert result.returncode == 0, result.stdout

    @pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
    def test_notice_a_breach(self, house: Path, file: str, line: str, contract: str) -> None:
        path = house / "mbs" / file
        kept = path.read_text() if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{kept or ''}\n{line}\n")
        try:
            result = lint(house)
        finally:
            if kept is not None:
                path.write_text(kept)
            else:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
        assert result.returncode == 1
        assert f"{contract} BROKEN" in result.stdout

    def test_know_every_room(self) -> None:
        settings = configparser.ConfigParser()
        settings.read(ROOT / "setup.cfg")
        drawn = settings["importlinter:contract:room"]["containers"].split()
        assert {f"mbs.{room}" for room in ROOMS} == set(drawn), "draw the room in setup.cfg, contract `room`"
