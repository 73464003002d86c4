"""Which scripts of other origins may call the API (Fetch standard, section 3.2)."""

from collections.abc import Sequence

from flask import Flask, request
from flask_cors import CORS
from werkzeug.wrappers import Response

from mbs.foundation import http


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

    @app.after_request
    def vary(response: Response) -> Response:
        # flask-cors says so only to the origins that it admits; a cache must hear it from all answers.
        if request.path.startswith("/api/"):
            response.vary.add("Origin")
        return response
