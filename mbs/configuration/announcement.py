"""Tells the log what is wrong with the configuration: one line a finding, once a start."""

import logging
from collections.abc import Sequence

from mbs.configuration.declaration import Fault, Severity

log = logging.getLogger("mbs.config")

LEVELS: dict[Severity, int] = {
    "critical": logging.ERROR,
    "warning": logging.WARNING,
    "ignored": logging.WARNING,
}

_announced: tuple[Fault, ...] = ()


def announce(findings: Sequence[Fault]) -> None:
    """Log each finding, unless this process, or the one it was forked from, has logged just these before.

    So gunicorn's master tells them before it forks, and the workers that build the application stay silent.
    """
    global _announced
    if tuple(findings) == _announced:
        return
    _announced = tuple(findings)
    for fault in findings:
        log.log(
            LEVELS[fault.severity],
            "configuration %s",
            fault.severity,
            extra={"event": f"config.{fault.code}", "variable": fault.variable, "todo": fault.message},
        )
