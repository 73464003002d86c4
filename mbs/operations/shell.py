"""`mbs shell`: a Python prompt with the application built from this environment, and its database at hand."""

import argparse
import code
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from uuid import UUID

from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import idempotency
from mbs.foundation.db import Database, Role, Transaction
from mbs.foundation.scope import Scope, TenantId
from mbs.operations.development import development_environment
from mbs.operations.embedded_postgres import ensure
from mbs.operations.schema_faults import run_guarded

BANNER = """MyBizStream, {environment}. At hand:
  app, config, database
  within(tenant_id)    `with within("...") as transaction:` one transaction of that tenant; its end commits
  identity()           the same under the identity role, before a tenant is known
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--command", metavar="CODE", help="run this instead of opening a prompt")


def run(arguments: argparse.Namespace) -> int:
    return run_guarded(lambda: _run(arguments.command), as_json=False)


def _run(command: str | None) -> int:
    with ExitStack() as opened:
        config = load(os.environ, opened)
        app = create_app(config)
        names = at_hand(app, config)
        opened.enter_context(app.app_context())
        if command is not None:
            exec(command, names)  # noqa: S102  # nosec B102 - running it is what the caller asked for
        else:
            sys.ps1, sys.ps2 = "mbs> ", "...> "
            code.interact(BANNER.format(environment=config.environment), local=names, exitmsg="")
    return 0


def load(environ: Mapping[str, str], opened: ExitStack) -> Config:
    """Load the configuration; without a database in development or test, take the embedded one.

    :param opened: gives the embedded server up when it is closed.
    :raises ConfigError: if the configuration has a fault.
    :raises EmbeddedPostgresUnavailable: if no database is named and none can be started.
    """
    config = Config.load(environ)
    if config.database_url is not None:
        return config
    server = ensure("development")
    opened.callback(server.stop)
    return Config.load({**development_environment(environ), "DATABASE_URL": server.url()})


def at_hand(app: Flask, config: Config) -> dict[str, Any]:
    """Return the names that the prompt knows."""
    database: Database = app.extensions[idempotency.EXTENSION]

    def within(tenant_id: UUID | str) -> AbstractContextManager[Transaction]:
        tenant = TenantId(UUID(str(tenant_id)))
        return database.transaction(Scope(correlation_id="shell", tenant_id=tenant))

    def identity() -> AbstractContextManager[Transaction]:
        return database.transaction(Scope(correlation_id="shell"), Role.IDENTITY)

    return {"app": app, "config": config, "database": database, "within": within, "identity": identity}
