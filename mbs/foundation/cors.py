"""Which scripts of other origins may call the API (Fetch standard, section 3.2)."""

from collections.abc import Callable, Sequence
from typing import cast

from flask import Flask
from flask_cors import CORS
from werkzeug.wrappers import Response

from mbs.foundation import http, response_headers


def install(app: Flask, origins: Sequence[str]) -> None:
    """Let the scripts of these origins, and of no other, call what lies under /api; without cookies."""
    CORS(
        app,
        resources=r"/api/.*",
        origins=list(origins),
        allow_headers=http.REQUEST_HEADERS,
        expose_headers=http.RESPONSE_HEADERS,
        max_age=600,
        always_send=False,
    )
    # Its hook is taken over, because it works long to find out that no other origin asks.
    answer_origin = cast(Callable[[Response], Response], app.after_request_funcs[None].pop())

    @app.after_request
    def admit(response: Response) -> Response:
        asked = http.current_request()
        if not asked.path.startswith("/api/"):
            return response
        # A cache must hear it from all answers, and flask-cors tells it only to the origins that it admits.
        if "Origin" not in asked.headers:
            response_headers.add(asked.environ, ("Vary", "Origin"))
            return response
        response = answer_origin(response)
        response.vary.add("Origin")
        return response
