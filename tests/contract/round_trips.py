"""Count the messages that a request sends to PostgreSQL, by what they are for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from psycopg2.extensions import set_wait_callback
from sqlalchemy import event
from werkzeug.test import TestResponse

from mbs.foundation import connections
from mbs.foundation.idempotency import EXTENSION


@dataclass
class Messages:
    """Messages of one request: of the limiter, of the caller look-up, and of the service's transaction."""

    limiter: int = 0
    caller: int = 0
    own: int = 0

    @property
    def together(self) -> int:
        return self.limiter + self.caller + self.own


class Counter:
    """Counts for one application, from now on."""

    def __init__(self, app: Flask) -> None:
        self._main: set[int] = set()
        self._messages = Messages()
        self._view_begins = False
        event.listen(app.extensions[EXTENSION].engine, "checkout", self._remember)
        # Appended here, the hook runs after those that count the request and look its caller up.
        app.before_request_funcs.setdefault(None, []).append(self._note_the_view)

    def _remember(self, raw: Any, record: Any, proxy: Any) -> None:
        self._main.add(id(raw))

    def _note_the_view(self) -> None:
        self._view_begins = True

    @contextmanager
    def _counting(self) -> Iterator[None]:
        def wait(connection: Any) -> None:
            if self._view_begins:
                self._messages.own += 1
            elif id(connection) in self._main:
                self._messages.caller += 1
            else:
                self._messages.limiter += 1
            connections.wait(connection)

        set_wait_callback(wait)
        try:
            yield
        finally:
            set_wait_callback(connections.wait)

    def count(self, send: Callable[[], TestResponse], *, expect_success: bool = True) -> Messages:
        """Return the messages of one request."""
        self._messages, self._view_begins = Messages(), False
        with self._counting():
            response = send()
        assert (response.status_code < 400) is expect_success, response.get_data(as_text=True)
        return self._messages
