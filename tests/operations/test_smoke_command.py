"""What the smoke tests print, and how the command is called."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mbs.operations import smoke
from tests.operations.smoke_runs import ROOT, Captured, closed_port, script, smoked, summary
from tests.operations.smoke_stand_in import RELEASE, Reply, Request, StandIn, serving


class TestTheReport:
    CANARIES = ("canary.of.token", "canary-own", "canary-foreign", "/canary-path", "canary-gate")

    @pytest.mark.parametrize("options", [(), ("--json", "-"), ("--json", "report.json")])
    def test_never_holds_what_came_from_the_environment(
        self, options: tuple[str, ...], tmp_path: Path
    ) -> None:
        token_, own, foreign, path, gate = self.CANARIES

        def telling(request: Request, reply: Reply) -> Reply:
            known = [request.headers.get(name, "") for name in ("authorization", "x-tenant-id", "x-gate")]
            headers = {
                **reply.headers,
                "RateLimit-Policy": " ".join(known),
                "Content-Type": "application/json",
            }
            return Reply(500, {"code": " ".join(known)}, headers)

        environ = {
            "SMOKE_TEST_TOKEN": token_,
            "SMOKE_TEST_TENANT_ID": own,
            "SMOKE_TEST_FOREIGN_TENANT_ID": foreign,
            "SMOKE_TEST_FOREIGN_PATH": path,
        }
        options = tuple(str(tmp_path / option) if "." in option else option for option in options)
        with serving(StandIn(telling)) as url:
            result = script(url, *options, "--header", f"X-Gate={gate}", environ=environ)
        written = "".join(file.read_text() for file in tmp_path.iterdir())
        printed = result.stdout + result.stderr + written
        assert result.returncode == 1
        assert "<SMOKE_TEST_FOREIGN_PATH>" in printed
        assert "<--header X-Gate>" in printed
        assert [canary for canary in self.CANARIES if canary in printed] == []

    def test_as_json_names_each_check_with_its_evidence(self, capsys: Captured) -> None:
        with serving(StandIn(lambda _, reply: Reply(500, "broken", reply.headers))) as url:
            assert smoked(url, "--format", "json", "--only", "S-H2") == 1
        captured = capsys.readouterr()
        report = json.loads(captured.out)
        check = report["checks"][0]
        assert report["url"] == url
        assert report["summary"] == {"total": 1, "passed": 0, "failed": 1, "skipped": 0}
        assert check["http"] == {"method": "GET", "path": "/health/db", "status": 500}
        assert check["correlation_id"].startswith("smoke-")
        assert check["runbook"] == "runbook §5"
        assert "FAIL  S-H2" in captured.err

    def test_as_text_is_a_line_a_check_and_a_summary(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            smoked(url, "--only", "S-H,S-B1", "--skip", "S-H1")
        printed = capsys.readouterr().out.splitlines()
        assert re.fullmatch(r"PASS  S-H2   GET /health/db  200  \d+ms", printed[0])
        assert [line[6:10] for line in printed[:-1]] == ["S-H2", "S-H3", "S-H4", "S-H5", "S-B1"]
        assert re.fullmatch(r"4 passed, 0 failed, 1 skipped in \d\.\ds \(skipped: 1 .*\)", printed[-1])

    def test_if_quiet_is_the_summary_and_the_failures(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            smoked(url, "--quiet")
        assert len(capsys.readouterr().out.splitlines()) == 1

    def test_holds_the_release_and_the_number_of_requests(self, capsys: Captured) -> None:
        stand_in = StandIn()
        with serving(stand_in) as url:
            smoked(url, "--json", "-")
        report = summary(capsys)
        assert (report["release"], report["requests"]) == (RELEASE, len(stand_in.requests))


class TestTheCommand:
    @pytest.mark.parametrize(
        "options",
        [
            ("localhost:5000",),
            ("ftp://localhost",),
            ("http://localhost:port",),
            ("https://user:password@mybizstream.example.com",),
            ("https://mybizstream.example.com?a=b",),
            ("--only", "S-X1"),
            ("--skip", "health"),
            ("--header", "X-Gate"),
            ("--budget", "0"),
            ("https://mybizstream.example.com", "--exhaust-rate-limit"),
        ],
    )
    def test_called_wrongly_says_so_and_asks_nobody(self, options: tuple[str, ...], capsys: Captured) -> None:
        assert smoked(*options) == 2
        assert "password" not in capsys.readouterr().err.replace("holds a password", "")

    def test_refuses_a_foreign_path_that_would_take_the_token_elsewhere(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SMOKE_TEST_FOREIGN_PATH", "@other.example.com/")
        assert smoked(closed_port()) == 2

    def test_takes_the_address_from_the_environment(self) -> None:
        with serving(StandIn()) as url:
            result = script("--only", "S-H1", environ={"SMOKE_TEST_URL": url})
        assert result.returncode == 0
        assert "1 passed" in result.stdout

    def test_takes_no_credentials_from_netrc(self, tmp_path: Path) -> None:
        (tmp_path / ".netrc").write_text("default login someone password canary\n")
        stand_in = StandIn()
        with serving(stand_in) as url:
            script(url, "--only", "S-H", environ={"HOME": str(tmp_path)})
        assert [request.headers for request in stand_in.requests if "authorization" in request.headers] == []

    def test_lists_its_checks_without_asking_anybody(self, capsys: Captured) -> None:
        assert smoked(closed_port(), "--list") == 0
        printed = capsys.readouterr().out
        assert all(f"{check.id:<6} " in printed for check in smoke.CHECKS)

    def test_runs_from_a_copy_of_its_own_files_alone(self, tmp_path: Path) -> None:
        for name in ("mbs/__init__.py", "mbs/operations/__init__.py", "mbs/operations/smoke.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        shutil.copytree(ROOT / "mbs/operations/smoke_checks", tmp_path / "mbs/operations/smoke_checks")
        shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        with serving(StandIn()) as url:
            command = [str(tmp_path / "scripts/smoke-prod-check"), url, "--quiet"]
            result = subprocess.run(
                command, capture_output=True, text=True, cwd="/", env=environ, check=False
            )
        assert (result.returncode, result.stderr) == (0, "")
