"""Businesses with random books."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from mbs.operations.embedded_postgres import Server
from tests.dashboard.kept_books import HOME, Reports
from tests.dashboard.random_books import invent, write
from tests.factories.answers import listed, made
from tests.factories.callers import Caller, new_business


@pytest.fixture(scope="module")
def kept(app: Flask, server: Server, database_name: str) -> Callable[[int], Reports]:
    """Return a function that gives the reports on the books of a seed, which are written once."""
    found: dict[int, Reports] = {}

    def keep(seed: int) -> Reports:
        if seed not in found:
            owner = new_business(Caller(app), countryCode="IN", timezone=HOME)
            made(owner, "/api/locations", {"name": "Pune"})
            locations = [UUID(row["id"]) for row in listed(owner, "/api/locations")]
            books = invent(seed, locations)
            write(owner, books, server.url(database_name))
            found[seed] = Reports(owner, books, locations)
        return found[seed]

    return keep
