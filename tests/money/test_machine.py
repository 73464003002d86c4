"""Drafts, invoices, payments, refunds and credit notes, in any order, against a small model of them.

After each step every answer is what the model says, the tables hold what the model holds, and all that a
superuser asks of money holds.
"""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test as run_machine

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.money.machine import Machine


@pytest.fixture(scope="module")
def app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true", "LOG_LEVEL": "error"}))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture
def machine(app: Flask, server: Server, database_name: str) -> Iterator[type[Machine]]:
    """The machine, at a business of its own."""
    with closing(psycopg2.connect(server.url(database_name))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        Machine.app, Machine.cursor = app, cursor
        Machine.move()
        yield Machine


def run(machine: type[Machine], examples: int, steps: int) -> None:
    bounds = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        # A step costs a request: whoever wants the shortest way to a failure has it shrunk by hand.
        phases=[Phase.generate],
    )
    run_machine(machine, settings=bounds)


class TestMoney:
    def test_stays_what_the_model_says_whatever_happens(self, machine: type[Machine]) -> None:
        run(machine, 12, 20)

    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_stays_what_the_model_says_for_long(self, machine: type[Machine]) -> None:
        run(machine, 50, 40)
