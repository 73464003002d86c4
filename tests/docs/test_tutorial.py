"""Follow docs/tutorial.md to the letter: all its commands, in one shell, against the real service."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mbs.config import Config
from mbs.operations.demo import seed_demo
from mbs.operations.development import announcement
from mbs.operations.embedded_postgres import Server
from tests.conftest import SECRETS, login_url
from tests.factories.servers import serve

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
SECONDS = 60


@dataclass(frozen=True)
class Step:
    """A block of commands, and what the page says it prints; `...` stands for anything."""

    line: int
    commands: str
    shown: str

    def is_shown_by(self, output: str) -> bool:
        """Tell whether an output is the one shown, white space at its ends apart."""
        pattern = ".*".join(re.escape(part) for part in self.shown.strip().split("..."))
        return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None


def steps(text: str) -> list[Step]:
    """Read the steps of a page.

    :raises ValueError: if a block of commands is not followed by one that shows its output.
    """
    blocks = [
        (text.count("\n", 0, match.start()) + 1, match["kind"], match["content"])
        for match in re.finditer(r"^```(?P<kind>\w*)\n(?P<content>.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    found = []
    for (line, kind, commands), (_, next_kind, shown) in zip(blocks, [*blocks[1:], (0, "", "")], strict=True):
        if kind == "sh":
            if next_kind not in ("text", "json"):
                raise ValueError(f"line {line}: no output is shown")
            found.append(Step(line, commands, shown))
    return found


def follow(page: list[Step], environ: dict[str, str], folder: Path) -> list[str]:
    """Run the commands of all steps in one shell, like somebody who copies them; return what each printed."""
    script = "".join(f'{step.commands}\nprintf "\\036"\n' for step in page)
    done = subprocess.run(
        ["sh", "-c", script],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    outputs = done.stdout.split("\036")
    assert len(outputs) == len(page) + 1, done.stdout
    return outputs[:-1]


class TestTutorial:
    def test_prints_what_it_shows(
        self, server: Server, new_database: Callable[[], str], tmp_path: Path
    ) -> None:
        page = steps(TUTORIAL.read_text())
        url = login_url(server, new_database())
        assert seed_demo(url, environment="development")

        with serve({"APP_ENV": "development", "DATABASE_URL": url, **SECRETS}) as service:
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            environ = {"PORT": str(service.port), "PATH": path, "LC_ALL": "C.UTF-8"}
            outputs = follow(page, environ, tmp_path)

        wrong = [
            f"line {step.line} printed:\n{output}"
            for step, output in zip(page, outputs, strict=True)
            if not step.is_shown_by(output)
        ]
        assert wrong == []
        assert list(tmp_path.iterdir()) == []

    def test_shows_what_the_start_announces(self) -> None:
        config = Config.load({"APP_ENV": "development", "HOST": "127.0.0.1"})
        assert announcement(config, "...").strip() in TUTORIAL.read_text()


class TestStep:
    step = Step(1, "", '{"id":"...","name":"₹"}\n...\nend\n')

    def test_lets_three_dots_stand_for_anything(self) -> None:
        assert self.step.is_shown_by('{"id":"017f","name":"₹"}\na\nb\nend\n')

    @pytest.mark.parametrize(
        "output", ['{"id":"1","name":"Rs"}\na\nend', '{"id":"1","name":"₹"}\na\nthe end is not here', ""]
    )
    def test_takes_nothing_else_for_it(self, output: str) -> None:
        assert not self.step.is_shown_by(output)


class TestSteps:
    def test_refuse_commands_without_their_output(self) -> None:
        with pytest.raises(ValueError, match="line 1: no output is shown"):
            steps("```sh\nls\n```\n\n```sh\npwd\n```\n\n```text\n/\n```\n")
