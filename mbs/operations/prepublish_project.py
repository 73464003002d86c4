"""The checkout that the prepublish gates judge: its files, its commands, and the secrets to keep hidden."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mbs.config import VARIABLES

TAIL_LINES = 40
REDACTED = "[redacted]"
SHORTEST_SECRET = 4
# A make that calls make hands on its flags and its variables: `make test` would take ARGS for its own.
OF_MAKE = frozenset({"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "ARGS"})


class GateFailed(Exception):
    """The gate found what must not be published."""


class GateSkipped(Exception):
    """The gate could not judge; the message says what it lacks."""


@dataclass(frozen=True)
class Project:
    """A checkout, and the environment it would be published into.

    `environ` is this process's environment; `env_file` holds the production variables, if they are in a file.
    """

    root: Path
    environ: Mapping[str, str]
    env_file: Path | None = None
    _secrets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        lines = self.env_file.read_text().splitlines() if self.env_file and self.env_file.is_file() else []
        pairs = [line.removeprefix("export ").partition("=")[::2] for line in lines if "=" in line]
        for name, value in [*self.environ.items(), *pairs]:
            if name.strip() in SECRET_NAMES:
                self.hide(value.strip().strip("'\""))

    def hide(self, secret: str) -> None:
        """Keep a value, and the password in it if it is a URL, out of everything printed from now on."""
        password = re.search(r"://[^/@\s]*:([^/@\s]+)@", secret)
        for part in (secret, password[1] if password else ""):
            if len(part) >= SHORTEST_SECRET:
                self._secrets.add(part)

    def redact(self, text: str) -> str:
        """Replace every hidden value, the longest first, lest a part of it be left over."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text

    @property
    def bare_environ(self) -> dict[str, str]:
        """This process's environment without the service's variables, on which no gate's outcome may hang."""
        declared = {name for variable in VARIABLES for name in variable.names}
        return {name: text for name, text in self.environ.items() if name not in declared | OF_MAKE}

    def tool(self, name: str) -> str:
        """Find a program installed beside this interpreter.

        :raises GateSkipped: if it is not there.
        """
        path = Path(sys.executable).parent / name
        if not path.exists():
            raise GateSkipped(f"{name} is not installed: make install")
        return str(path)

    def run(
        self, *command: str | Path, environ: Mapping[str, str] | None = None, timeout: float = 600.0
    ) -> str:
        """Run a command in the checkout and return what it printed, errors included.

        :param timeout: seconds; afterwards the command and all it started are killed.
        :raises GateFailed: if it exits otherwise than with 0, with the end of its output.
        """
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.root,
            env=dict(self.bare_environ if environ is None else environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException as error:
            # Its own session does not hear the terminal's interrupt: whatever ends the wait ends the command.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise GateFailed(f"not done after {timeout:.0f} s") from None
            raise
        if process.returncode != 0:
            raise GateFailed(tail(output) or f"exit {process.returncode}, and it said nothing")
        return output


def tail(output: str) -> str:
    """Give the last lines of a command's output."""
    return "\n".join(output.strip().splitlines()[-TAIL_LINES:])


SECRET_NAMES = {
    name
    for variable in VARIABLES
    if variable.secret
    for name in (variable.name, *variable.aliases, *variable.deprecated)
}
