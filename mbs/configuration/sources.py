"""Where values come from: the environment, its aliases, and the files that `NAME_FILE` variables name."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mbs.configuration.declaration import Report, Severity, Variable
from mbs.configuration.values import FALSE_WORDS, Unacceptable

ENVIRONMENTS = ("production", "staging", "development", "test")
DEPLOYED = frozenset({"production", "staging"})
LARGEST_FILE = 64 * 1024
# Shorter names (HOST, PORT) resemble too many foreign ones.
SHORTEST_LOOKALIKE = 6
SIMILARITY = 0.85


def resolve_environment(environ: Mapping[str, str], report: Report) -> str:
    """Return the environment's name. Nothing set, nonsense and contradiction all mean production."""
    names = {name: environ.get(name, "").strip().lower() for name in ("APP_ENV", "NODE_ENV")}
    chosen = {value for value in names.values() if value}
    if len(chosen) > 1:
        report.add(
            "APP_ENV",
            "conflicting_alias",
            "critical",
            "APP_ENV and NODE_ENV are both set and differ. Unset NODE_ENV, the old name. "
            "Until then this counts as production.",
        )
        return "production"
    environment = chosen.pop() if chosen else "production"
    if environment not in ENVIRONMENTS:
        source = "APP_ENV" if names["APP_ENV"] else "NODE_ENV"
        report.add(
            "APP_ENV",
            "invalid_choice",
            "critical",
            f"Unknown value in {source}. Write one of: {', '.join(ENVIRONMENTS)}. "
            "Until then this counts as production.",
        )
        return "production"
    return environment


def read_value(variable: Variable, environ: Mapping[str, str], deployed: bool, report: Report) -> Any:
    """Return the variable's parsed value, or its default after noting in `report` why there is none.

    A required variable's faults are warnings outside production and staging: development starts without.
    """
    severity: Severity = "warning" if variable.required and not deployed else variable.severity
    try:
        text = _find_text(variable, environ, report)
        if not text:
            if variable.required:
                _report_absence(variable, environ, deployed, report)
            return variable.default
        if variable.development_only and deployed:
            if text.lower() not in FALSE_WORDS:
                message = "Ignored in production and staging, where it must not act. Unset it."
                report.add(variable.name, "ignored_in_production", "ignored", message)
            return variable.default
        value = variable.parse(text)
    except Unacceptable as fault:
        consequence = "" if severity == "critical" else " It is not used until then."
        report.add(variable.name, fault.code, severity, fault.reason + consequence)
        return variable.default
    try:
        variable.check(value)
    except Unacceptable as fault:
        report.add(variable.name, fault.code, severity, fault.reason)
    return value


def report_lookalikes(
    variables: Iterable[Variable], environ: Mapping[str, str], report: Report
) -> frozenset[str]:
    """Warn of names that resemble a declared one, such as JWT_ACESS_SECRET, and return them."""
    known = {name for variable in variables for name in variable.names}
    lookalikes = set()
    for name in environ:
        if name in known or len(name) < SHORTEST_LOOKALIKE:
            continue
        similar = get_close_matches(name.upper(), known, n=1, cutoff=SIMILARITY)
        if similar:
            lookalikes.add(name)
            message = f"Unknown variable, did you mean {similar[0]}? Rename it or unset it."
            report.add(name, "unknown_variable", "warning", message)
    return frozenset(lookalikes)


def _report_absence(variable: Variable, environ: Mapping[str, str], deployed: bool, report: Report) -> None:
    generated = "secrets" in variable.groups
    if deployed:
        blank = any(name in environ for name in variable.names)
        code, found = ("empty_value", "Set, but empty.") if blank else ("missing", "Not set.")
        example = f"Set it, for example to {variable.example}"
        remedy = "Generate one with: mbs secrets generate." if generated else example
        report.add(variable.name, code, "critical", f"{found} {remedy}")
    elif generated:
        message = "Not set, so this process made one up; other processes will not accept what it signs."
        report.add(variable.name, "missing", "warning", message)


def _find_text(variable: Variable, environ: Mapping[str, str], report: Report) -> str:
    for name in variable.deprecated:
        if environ.get(name, "").strip():
            message = (
                f"{name} is the old name of {variable.name}. Rename it; {variable.name} wins if both are set."
            )
            report.add(variable.name, "deprecated_name", "warning", message)
    names = (variable.name, *variable.aliases, *variable.deprecated)
    text = next((stripped for name in names if (stripped := environ.get(name, "").strip())), "")
    path = environ.get(variable.file_name, "").strip() if variable.secret else ""
    if text and path:
        raise Unacceptable(
            "ambiguous_source", f"{variable.name} and {variable.file_name} are both set. Unset one of them."
        )
    return _read_file(variable, path) if path else text


def _read_file(variable: Variable, path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError):
        content = ""
        readable = False
    else:
        readable = len(content) <= LARGEST_FILE
    if not readable:
        # The path is not shown: a secret may have been pasted in its place.
        raise Unacceptable(
            "unreadable_file",
            f"The file named by {variable.file_name} cannot be read as text of at most 64 KiB. "
            "Check its path and its permissions.",
        )
    return content.strip()
