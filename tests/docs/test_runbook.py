"""Hold docs/ to the program: commands that are named exist, links lead somewhere, no section is missing."""

import argparse
import re
from pathlib import Path

import pytest

from mbs.cli import parser as command_parser
from mbs.operations.prepublish_gates import GATES

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))
SECTIONS = [
    "1. Required environment variables",
    "2. Pre-deployment checklist",
    "3. Deployment steps",
    "4. Database migrations",
    "5. Health endpoints",
    "6. Smoke tests",
    "7. Rollback plan",
    "8. Monitoring checklist",
    "9. Incident response checklists",
    "10. Degraded mode",
    "11. Security notes",
    "12. Support contacts",
    "Appendix: quick reference commands",
]


def spoken(text: str) -> list[str]:
    """List the command lines of a document: its inline code and the lines of its fenced blocks.

    A line that says "Not built yet" speaks of commands that do not exist.
    """
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    paragraphs = [
        part for part in re.split(r"\n\s*\n", prose) if not part.lstrip().startswith("Not built yet")
    ]
    inline = [code.replace("\n", " ") for part in paragraphs for code in re.findall(r"`([^`]+)`", part)]
    return inline + [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give a parser's sub-commands by name; none if it has no such level."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def unknown_words(words: list[str], parser: argparse.ArgumentParser) -> list[str]:
    """Walk a command line down the sub-commands; return the word or options that the parser does not know."""
    while words and (choices := subcommands(parser)):
        if words[0].startswith("-"):
            break
        if words[0] not in choices:
            return [words[0]]
        parser, words = choices[words[0]], words[1:]
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    return [option for option in options if option not in parser._option_string_actions]


def anchors(path: Path) -> set[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def mbs_commands() -> list[list[str]]:
    found = [re.search(r"(?:^|\s)mbs(?=\s)(.*)", line) for line in spoken(RUNBOOK.read_text())]
    return [re.split(r"[;|&]", match[1])[0].split() for match in found if match]


def make_targets() -> set[str]:
    found = [re.search(r"(?:^|\s)make ([a-z][\w-]*)", line) for line in spoken(RUNBOOK.read_text())]
    return {match[1] for match in found if match}


class TestRunbook:
    def test_has_every_section_in_order(self) -> None:
        headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)
        assert [heading for heading in headings if heading != "Contents"] == SECTIONS

    def test_names_only_make_targets_that_exist(self) -> None:
        targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert {"prepublish", "migrate", "smoke", "test"} <= make_targets()
        assert make_targets() - targets == set()

    def test_names_only_commands_and_options_that_exist(self) -> None:
        parser = command_parser({words[0] for words in mbs_commands() if words})
        wrong = {
            " ".join(words): unknown for words in mbs_commands() if (unknown := unknown_words(words, parser))
        }
        assert ["serve"] in mbs_commands()
        assert wrong == {}

    def test_names_only_scripts_that_exist(self) -> None:
        scripts = set(re.findall(r"\./(scripts/[\w.-]+)", RUNBOOK.read_text()))
        assert scripts
        assert [name for name in scripts if not (ROOT / name).is_file()] == []

    def test_names_only_files_that_exist(self) -> None:
        files = set(re.findall(r"\b(?:deploy|migrations)/[\w./-]*\w", RUNBOOK.read_text()))
        assert files
        assert [name for name in files if not (ROOT / name).exists()] == []

    def test_names_every_gate(self) -> None:

        rows = re.findall(r"^\| (G\d+) ([\w-]+) \|", RUNBOOK.read_text(), re.MULTILINE)
        assert rows == [(gate.id, gate.name) for gate in GATES]


@pytest.mark.parametrize(
    "document", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in DOCUMENTS]
)
class TestLinks:
    def test_lead_to_files_and_headings_that_exist(self, document: Path) -> None:
        text = re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
        dead = []
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(("https://", "http://", "mailto:")):
                continue
            name, _, anchor = target.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists() or (anchor and anchor not in anchors(path)):
                dead.append(target)
        assert dead == []


class TestDecisionRecords:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))

    def test_are_numbered_without_gaps(self) -> None:
        assert [int(path.name[:4]) for path in self.records] == list(range(1, len(self.records) + 1))

    def test_keep_the_form_and_one_page(self) -> None:
        for path in self.records:
            lines = path.read_text().splitlines()
            assert lines[0].startswith(f"# {path.name[:4]}: "), path.name
            headings = [line for line in lines if line.startswith("## ")]
            assert headings == ["## Context", "## Decision", "## Consequences"], path.name
            assert len(lines) <= 60, path.name
