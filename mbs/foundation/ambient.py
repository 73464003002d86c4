"""Who is being served, as a context variable. `http` writes it, `logs` reads it; a contract stops others."""

from contextvars import ContextVar

from mbs.foundation.scope import Scope

NOBODY = Scope()

scope: ContextVar[Scope] = ContextVar("scope", default=NOBODY)
