"""The process's only context variable. `http` writes it, `logs` reads it; a contract stops everyone else."""

from contextvars import ContextVar

from mbs.foundation.scope import Scope

NOBODY = Scope()

scope: ContextVar[Scope] = ContextVar("scope", default=NOBODY)
