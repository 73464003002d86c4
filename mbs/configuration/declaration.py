"""The words of the configuration: a declared variable, a fault found in one, the report of all faults."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

RUNBOOK = "docs/runbook.md#1-required-environment-variables"

Severity = Literal["critical", "warning", "ignored"]

# A fault in one of these switches a feature off; in any other group it stops the service.
OPTIONAL_GROUPS = frozenset({"recommended", "notifications", "monitoring", "release", "smoke"})


def accept(value: Any) -> None:
    """Find no weakness in a value; the check of a variable that has no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable. `parse` makes its value, `check` judges one that is sound but may be weak.

    `required` means: in production and staging. `aliases` are names a platform gives it, `deprecated` its old
    ones. A `secret` may also come from the file that `NAME_FILE` names, and no output ever shows it.
    `fallback` says in words what stands in for a missing value when that is no constant.
    """

    name: str
    parse: Callable[[str], Any]
    group: str
    help: str
    example: str = ""
    default: Any = None
    fallback: str = ""
    check: Callable[[Any], None] = accept
    aliases: tuple[str, ...] = ()
    deprecated: tuple[str, ...] = ()
    also_in: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False
    development_only: bool = False

    @property
    def severity(self) -> Severity:
        """How much a fault in it matters."""
        return "warning" if self.group in OPTIONAL_GROUPS else "critical"

    @property
    def groups(self) -> frozenset[str]:
        """The group it is listed under, and those it is checked with besides."""
        return frozenset({self.group, *self.also_in})

    @property
    def file_name(self) -> str:
        """The variable that names a file which holds the value; empty if there is no such form."""
        return f"{self.name}_FILE" if self.secret else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the environment may hold it, the file form included, strongest first."""
        file_form = (self.file_name,) if self.secret else ()
        return (self.name, *self.aliases, *self.deprecated, *file_form)


def env(name: str, parse: Callable[[str], Any], group: str, description: str, **properties: Any) -> Any:
    """Declare a dataclass field that is read from the environment variable `name`."""
    variable = Variable(name=name, parse=parse, group=group, help=description, **properties)
    return field(default=variable.default, repr=not variable.secret, metadata={"variable": variable})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one variable; `message` says what to do and never holds a value."""

    variable: str
    code: str
    severity: Severity
    message: str
    runbook: str = RUNBOOK


class Report:
    """Collects the faults of one reading, so that all of them are told at once."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, variable: str, code: str, severity: Severity, message: str) -> None:
        """Note a fault."""
        self._faults.append(Fault(variable, code, severity, message))

    def of(self, severity: Severity, names: frozenset[str]) -> tuple[Fault, ...]:
        """Return the faults of one severity in the variables `names`, in the order they were found."""
        return tuple(one for one in self._faults if one.severity == severity and one.variable in names)


class ConfigError(Exception):
    """The configuration has critical faults; the service must not run with it (runbook section 10)."""

    def __init__(
        self,
        environment: str,
        faults: tuple[Fault, ...],
        warnings: tuple[Fault, ...] = (),
        ignored: tuple[Fault, ...] = (),
    ) -> None:
        self.environment = environment
        self.faults = faults
        self.warnings = warnings
        self.ignored = ignored
        listed = ", ".join(f"{fault.variable} ({fault.code})" for fault in faults)
        super().__init__(f"Configuration faults in {environment}: {listed}")
