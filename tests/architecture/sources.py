"""The project's own source files as syntax trees, and the comparison of what breaks a rule with what may."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = tuple(
    sorted(
        {
            path.parent.name
            for name in ("service", "repository")
            for path in (ROOT / "mbs").glob(f"[!f]*/{name}*")
            if path.stem == name
        }
    )
)
DEPLOYED = ("mbs", "migrations", "deploy", "scripts", "wsgi.py")
"""What runs outside the tests."""


@dataclass(frozen=True)
class Source:
    """One file; `name` is its path from the project's root."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)


Rule = Callable[[Source], Iterable[str]]
"""Yields what breaks the rule: the place within the file, as an exception names it."""


@cache
def source(path: Path) -> Source:
    """Read one file, once."""
    return Source(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def sources(*places: str) -> list[Source]:
    """Return the Python files of some folders and files."""
    paths: list[Path] = []
    for place in places:
        path = ROOT / place
        paths += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [source(path) for path in paths]


def breaches(rule: Rule, files: Iterable[Source], allowed: Mapping[str, str] | None = None) -> list[str]:
    """Return what breaks a rule, and exceptions that are no longer needed.

    :param allowed: exceptions, each with its reason: a file, a folder ending in `/`, or `file: place`.
    """
    exceptions = dict(allowed or {})
    used: set[str] = set()
    found = []
    for file in files:
        for place in rule(file):
            folders = {f"{parent}/" for parent in Path(file.name).parents}
            excused = exceptions.keys() & {file.name, f"{file.name}: {place}", *folders}
            used |= excused
            if not excused:
                found.append(f"{file.name}: {place}")
    return found + [f"{name}: this exception is not needed any more" for name in exceptions.keys() - used]


def within(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the name of the class, function or constant that it stands in."""
    for statement in tree.body:
        name = getattr(statement, "name", None)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        for node in ast.walk(statement):
            yield name or f"line {statement.lineno}", node


def docstrings(tree: ast.Module) -> set[ast.AST]:
    """Return the nodes of a file's docstrings: strings that stand as statements of their own."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
