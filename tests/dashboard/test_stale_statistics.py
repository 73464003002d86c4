"""Reports of a calendar that has grown since PostgreSQL last looked at it."""

from contextlib import closing

import psycopg2
import pytest
from flask import Flask

from mbs.operations.embedded_postgres import Server
from tests.dashboard.owners import new_owner
from tests.dashboard.random_calendars import fill
from tests.dashboard.test_blueprint import REPORTS
from tests.factories.callers import Business


@pytest.fixture(scope="module")
def grown(app: Flask, server: Server, database_name: str) -> Business:
    owner = new_owner(app)
    with closing(psycopg2.connect(server.url(database_name))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE bookings, booking_items, allocations, sessions")
    fill(owner, 11)
    return owner


class TestAReport:
    @pytest.mark.parametrize("path", REPORTS)
    def test_answers_in_its_time_all_the_same(self, grown: Business, path: str) -> None:
        assert grown.get(path).status_code == 200
