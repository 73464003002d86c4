"""The service with one more route, which fails with secrets in its hands."""

from typing import Any

from flask import request

from mbs.app import create_app
from mbs.foundation.security import public

app = create_app()


@app.post("/fail")
@public
def fail() -> Any:
    body = request.get_json()
    held_locally = body["local"]
    raise LookupError(f"no account for {body['text']} {held_locally[:0]}")
