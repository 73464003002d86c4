"""The bare SQL of a request: what the service sent, message by message, sent again by psycopg2 alone."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from flask import Flask
from psycopg2.extensions import cursor, set_wait_callback
from sqlalchemy import event

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import connections
from mbs.foundation.idempotency import EXTENSION


class Recorder:
    """An application in this process, and the SQL that its views send: no limiter, no caller look-up."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.app: Flask = create_app(Config.load(environ))
        self._messages: list[bytes] = []
        self._view_begins = False
        recorder = self

        class Recording(cursor):
            def execute(self, query: Any, values: Any = None) -> None:
                if recorder._view_begins:
                    recorder._messages.append(self.mogrify(query, values))
                super().execute(query, values)

        @event.listens_for(self.app.extensions[EXTENSION].engine, "checkout")
        def record(raw: Any, _record: Any, _proxy: Any) -> None:
            raw.cursor_factory = Recording

        # Appended here, the hook runs after those that count the request and look its caller up.
        self.app.before_request_funcs.setdefault(None, []).append(self._note_the_view)

    def _note_the_view(self) -> None:
        self._view_begins = True

    def messages(self, path: str, *, token: str, body: bytes) -> tuple[dict[str, Any], list[bytes]]:
        """Return the answer to a POST and the SQL behind it.

        :raises RuntimeError: if it was refused.
        """
        self._messages, self._view_begins = [], False
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        response = self.app.test_client().post(path, data=body, headers=headers, base_url="http://127.0.0.1")
        if not 200 <= response.status_code < 300:
            raise RuntimeError(f"POST {path}: {response.status_code} {response.get_data(as_text=True)[:500]}")
        return response.get_json(), self._messages


def send_again(url: str) -> Callable[[list[bytes]], float]:
    """Return what sends messages once more, over one connection, and tells the milliseconds that took."""
    connection = psycopg2.connect(url)
    connection.autocommit = True

    def send(messages: list[bytes]) -> float:
        with _waiting_in_c(), connection.cursor() as replaying:
            began = time.perf_counter()
            for message in messages:
                replaying.execute(message)
            return (time.perf_counter() - began) * 1000

    return send


def undo(url: str, statements: Iterable[str], id_: str) -> None:
    """Undo what a request did to an object, so that its SQL can be sent again.

    As a superuser and past the guards, for what it undoes is not meant to be undone.
    """
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as undoing:
        undoing.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            undoing.execute(statement, {"id": id_})


@contextmanager
def _waiting_in_c() -> Iterator[None]:
    set_wait_callback(None)
    try:
        yield
    finally:
        set_wait_callback(connections.wait)
