"""What every module keeps to: its size, its name, its door plate, imports where a reader looks for them."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.architecture.sources import DEPLOYED, ROOT, Rule, Source, breaches, sources

LINE_BUDGET = 300
# A file above the budget stands here with the ADR that allows it.
LONGER: dict[str, str] = {}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc", "shared"}
LOG_CATEGORIES = {
    *("auth", "tenant-isolation", "database", "config", "security", "request"),
    *("health", "startup", "migration", "job", "audit"),
}
LIBRARY_LOGGERS = {"mbs/foundation/logs.py": "sets up the root logger and quietens libraries"}


def too_long(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > LINE_BUDGET:
        yield f"{lines} lines"


def nameless(source: Source) -> Iterator[str]:
    name = source.name.removesuffix(".py").rpartition("/")[2]
    if name in NAMELESS:
        yield name


def more_than_a_door_plate(source: Source) -> Iterator[str]:
    if source.name.endswith("__init__.py"):
        if ast.get_docstring(source.tree) is None:
            yield "no docstring"
        for statement in source.tree.body[1:]:
            yield f"line {statement.lineno}"


def without_a_purpose(source: Source) -> Iterator[str]:
    if ast.get_docstring(source.tree) is None:
        yield "no docstring"


def hidden_imports(source: Source) -> Iterator[str]:
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if any(name.split(".")[0] == "mbs" for name in names):
                    yield f"line {getattr(node, 'lineno', 0)}"


def left_undone(source: Source) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string):
            yield f"line {token.start[0]}"


def unknown_loggers(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
            name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if str(name).removeprefix("mbs.") not in LOG_CATEGORIES:
                yield f"line {node.lineno}"


class TestModules:
    def test_stay_under_300_lines(self) -> None:
        found = breaches(too_long, sources(*DEPLOYED), LONGER)
        assert found == [], "a file this long holds two things: give the second a file of its own"

    def test_have_a_name(self) -> None:
        found = breaches(nameless, sources(*DEPLOYED, "tests", "bench"))
        assert found == [], "name the file after what it holds; a thing without a name is not understood yet"

    def test_say_what_they_are_for(self) -> None:
        found = breaches(without_a_purpose, sources("mbs", "scripts", "deploy"))
        assert found == [], "begin the file with one sentence on what it is for"

    def test_have_a_package_docstring_and_nothing_else(self) -> None:
        allowed = {"mbs/__init__.py": "setup.cfg reads the version there"}
        found = breaches(more_than_a_door_plate, sources("mbs", "bench"), allowed)
        assert found == [], "an __init__.py says what lives in its folder; import from the module itself"

    def test_import_the_package_at_the_top(self) -> None:
        found = breaches(hidden_imports, sources(*DEPLOYED, "tests", "bench"))
        assert found == [], "an import inside a function hides a cycle: move what both need further down"

    def test_leave_nothing_for_later(self) -> None:
        found = breaches(left_undone, sources(*DEPLOYED, "tests", "bench"))
        assert found == [], "do it now, or say in the comment why things are as they are"

    def test_log_under_the_categories_of_the_runbook(self) -> None:
        found = breaches(unknown_loggers, sources("mbs", "migrations"), LIBRARY_LOGGERS)
        assert found == [], f"use logging.getLogger('mbs.<one of {sorted(LOG_CATEGORIES)}>')"

    @pytest.mark.parametrize(
        ("rule", "name", "text"),
        [
            (too_long, "mbs/a.py", "\n" * 301),
            (nameless, "mbs/foundation/utils.py", ""),
            (without_a_purpose, "mbs/a.py", "x = 1"),
            (more_than_a_door_plate, "mbs/a/__init__.py", '"""A."""\nfrom mbs.a.b import c'),
            (more_than_a_door_plate, "mbs/a/__init__.py", ""),
            (hidden_imports, "mbs/a.py", "def f():\n    from mbs.app import create_app"),
            (hidden_imports, "mbs/a.py", "def f():\n    if x:\n        import mbs.app"),
            (left_undone, "mbs/a.py", "x = 1  # TODO: more"),
            (unknown_loggers, "mbs/a.py", "import logging\nlog = logging.getLogger(__name__)"),
            (unknown_loggers, "mbs/a.py", "import logging\nlog = logging.getLogger('mbs.misc')"),
        ],
    )
    def test_are_noticed_when_they_break_a_rule(self, rule: Rule, name: str, text: str) -> None:
        assert breaches(rule, [Source(name, text)]) != []
        assert breaches(rule, [Source(name, text)], {name: "a reason"}) == []

    def test_lose_an_exception_that_they_do_not_need(self) -> None:
        assert breaches(too_long, sources("wsgi.py"), {"wsgi.py": "was long once"}) != []

    def test_are_all_read(self) -> None:
        assert (ROOT / "mbs/app.py").exists()
        assert len(sources(*DEPLOYED)) > 100
