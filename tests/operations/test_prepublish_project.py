"""What the prepublish gates see of the checkout and its environment, and what they never print."""

import io
import time
from pathlib import Path

import pytest

from mbs.operations import prepublish
from mbs.operations.prepublish import run_gates
from mbs.operations.prepublish_gates import Gate
from mbs.operations.prepublish_project import GateFailed, Project

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-f3a9c1d27b6e4f508192a3b4c5d6e7f8"


class TestSecrets:
    """What a gate prints may hold what it was given; what prepublish prints may not."""

    def shout(self, project: Project) -> None:
        raise GateFailed(project.run("env", environ=project.environ))

    def test_from_the_environment_are_not_printed(self) -> None:
        out = io.StringIO()
        environ = {
            "JWT_ACCESS_SECRET": CANARY,
            "DATABASE_URL": f"postgresql://mbs:{CANARY}@db/mbs",
            "PATH": "/usr/bin:/bin",
        }
        results = run_gates([Gate("G1", "shout", self.shout)], Project(root=ROOT, environ=environ), [], out)
        assert CANARY not in out.getvalue() + results[0].detail
        assert "JWT_ACCESS_SECRET=[redacted]" in out.getvalue()

    def test_from_the_file_are_not_printed(self, tmp_path: Path) -> None:
        file = tmp_path / "production.env"
        file.write_text(
            f"# production\nexport SESSION_SECRET='{CANARY}'\nDATABASE_URL=postgresql://u:{CANARY}x@h/d\n"
        )
        project = Project(root=ROOT, environ={}, env_file=file)
        assert CANARY not in project.redact(f"{CANARY} and {CANARY}x, both of them")

    def test_stay_out_of_the_gates_that_do_not_need_them(self) -> None:
        project = Project(root=ROOT, environ={"JWT_ACCESS_SECRET": CANARY, "PATH": "/usr/bin:/bin"})
        assert CANARY not in project.run("env")

    def test_stay_out_of_the_gates_under_every_name(self) -> None:
        names = ("JWT_ACCESS_SECRET_FILE", "DIRECT_URL", "REDIS_URL")
        project = Project(root=ROOT, environ=dict.fromkeys(names, CANARY) | {"PATH": "/usr/bin:/bin"})
        assert CANARY not in project.run("env")

    def test_stay_out_of_the_configuration_gate(self, tmp_path: Path) -> None:
        file = tmp_path / "production.env"
        file.write_text(f"APP_ENV=production\nJWT_ACCESS_SECRET={CANARY}\nJWT_REFRESH_SECRET={CANARY}\n")
        project = Project(root=ROOT, environ={"PATH": "/usr/bin:/bin"}, env_file=file)
        out = io.StringIO()
        (result,) = run_gates(prepublish.select("G1"), project, [], out)
        assert result.status == "FAIL"
        assert "SESSION_SECRET" in result.detail
        assert CANARY not in out.getvalue() + result.detail


class TestProject:
    def test_keeps_the_arguments_of_make_from_the_gates_that_call_make(self, tmp_path: Path) -> None:
        (tmp_path / "Makefile").write_text("test:\n\t@echo [$(ARGS)]\n")
        environ = {"ARGS": "--only G3", "MAKEFLAGS": "n", "PATH": "/usr/bin:/bin"}
        assert Project(root=tmp_path, environ=environ).run("make", "test").strip() == "[]"

    def test_kills_all_that_a_slow_command_started(self, tmp_path: Path) -> None:
        project = Project(root=tmp_path, environ={"PATH": "/usr/bin:/bin"})
        with pytest.raises(GateFailed, match="not done after 1 s"):
            project.run("sh", "-c", "(sleep 4; touch alive) & wait", timeout=1)
        time.sleep(4.5)
        assert not (tmp_path / "alive").exists()

    def test_gives_the_end_of_the_output_of_a_command_that_failed(self, tmp_path: Path) -> None:
        project = Project(root=tmp_path, environ={"PATH": "/usr/bin:/bin"})
        with pytest.raises(GateFailed) as failure:
            project.run("sh", "-c", "seq 1000; exit 3")
        assert str(failure.value).splitlines()[-1] == "1000"
        assert len(str(failure.value).splitlines()) <= 50
