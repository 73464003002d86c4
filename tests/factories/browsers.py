"""A browser: keeps the session cookie it was given, and sends along what a page of the service would."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.http import parse_cookie
from werkzeug.test import TestResponse

from mbs.foundation.session_cookies import CSRF_HEADER, NAME
from tests.factories.callers import PASSWORD, new_address

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


class Browser:
    """Calls the API with a cookie; `origin` is that of the page which its scripts belong to."""

    def __init__(
        self,
        app: Flask,
        *,
        address: str | None = None,
        host: str = "localhost",
        origin: str = "http://localhost",
    ) -> None:
        self.app = app
        self.address = address or new_address()
        self.host = host
        self.origin = origin
        self.cookie: str | None = None
        self.csrf_token: str | None = None
        self._client = app.test_client(use_cookies=False)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send one request. A header that is None is left out."""
        sent: dict[str, str | None] = {"Host": self.host, "User-Agent": FIREFOX}
        if method in UNSAFE:
            sent |= {"Origin": self.origin, CSRF_HEADER: self.csrf_token}
        if self.cookie is not None:
            sent["Cookie"] = f"{NAME}={self.cookie}"
        sent |= headers or {}
        if body is not None:
            options["json"] = body
        response = self._client.open(
            path,
            method=method,
            headers={name: value for name, value in sent.items() if value is not None},
            environ_base={"REMOTE_ADDR": self.address},
            **options,
        )
        self._keep(response)
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, body, **options)

    def log_in(self, email: str, **details: Any) -> TestResponse:
        """Sign in with the password that all people of the tests have."""
        body = {"email": email, "password": PASSWORD, "session": "browser", **details}
        return self.post("/api/auth/login", body)

    def _keep(self, response: TestResponse) -> None:
        for header in response.headers.getlist("Set-Cookie"):
            value = parse_cookie(header).get(NAME)
            if value is not None:
                self.cookie = value or None
                if value and response.is_json:
                    self.csrf_token = (response.json or {})["csrfToken"]
