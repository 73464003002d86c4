"""A provider that is away, slow, huge or astray costs single sign-on and nothing else (operations 5.11)."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask

from mbs.sso.gateways import Provider
from tests.factories.callers import PASSWORD, Caller, new_business
from tests.factories.servers import free_port
from tests.sso.browsers import Browser, carried, new_subject
from tests.sso.conftest import NewApp
from tests.sso.stand_in import CLIENT, StandIn, sound_claims, stand_in

Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def unavailable(response: Any) -> bool:
    assert response.status_code == 503, response.get_data(as_text=True)
    assert int(response.headers["Retry-After"]) > 0
    return (response.json or {})["code"] == "SSO_UNAVAILABLE"


def logs_in_by_password(app: Flask) -> bool:
    owner = new_business(Caller(app))
    login = {"email": owner.email, "password": PASSWORD}
    return Caller(app).post("/api/auth/login", login).status_code == 200


def auth_check(app: Flask) -> dict[str, Any]:
    response = Caller(app).get("/health/ready")
    body = response.json or {}
    assert response.status_code == 200, body
    assert (body["ready"], body["status"]) == (True, "ok")
    return next(check for check in body["checks"] if check["name"] == "auth")


class TestAProviderThatIsAwayFromTheStart:
    def test_costs_single_sign_on_alone(self, new_app: NewApp) -> None:
        app = new_app(f"http://127.0.0.1:{free_port()}")
        assert unavailable(Caller(app).get("/api/auth/sso/start"))
        assert logs_in_by_password(app)
        check = auth_check(app)
        assert (check["status"], check["critical"]) == ("degraded", False)
        assert check["message"].startswith("SSO degraded")
        assert (Caller(app).get("/api/auth/sso").json or {})["enabled"] is True

    def test_is_found_when_it_comes(self, new_app: NewApp, monkeypatch: pytest.MonkeyPatch) -> None:
        port = free_port()
        app = new_app(f"http://127.0.0.1:{port}")
        assert unavailable(Caller(app).get("/api/auth/sso/start"))
        with stand_in(port) as provider:
            real = time.monotonic
            monkeypatch.setattr("mbs.sso.gateways.time.monotonic", lambda: real() + 6)
            own_browser = Browser(app, provider)
            own_browser.register(new_subject())
            monkeypatch.undo()
        # The readiness check knows it from there, without asking.
        assert auth_check(app)["status"] == "ok"

    def test_is_not_asked_by_everybody(self, new_app: NewApp) -> None:
        with stand_in() as provider:
            provider.metadata["issuer"] = "https://somebody.else.example"
            app = new_app(provider.url)
            for _ in range(5):
                assert unavailable(Caller(app).get("/api/auth/sso/start"))
            assert len(provider.asked) == 1


class TestAProviderThatGoesAway:
    def test_refuses_the_sign_in_that_is_under_way(self, new_app: NewApp) -> None:
        with stand_in() as provider:
            app = new_app(provider.url)
            own_browser = Browser(app, provider)
            asked = own_browser.start()
        assert unavailable(own_browser.come_back(asked["state"]))
        # And sends nobody else to where nobody is.
        assert unavailable(own_browser.get("/api/auth/sso/start"))
        assert logs_in_by_password(app)
        assert auth_check(app)["status"] == "degraded"

    def test_leaves_those_who_are_signed_in(self, new_app: NewApp) -> None:
        with stand_in() as provider:
            own_browser = Browser(new_app(provider.url), provider)
            own_browser.register(new_subject())
        assert own_browser.person() is not None

    def test_between_code_and_keys_is_no_fault_of_the_token(self, own_browser: Browser) -> None:
        own_browser.provider.special["/keys"] = lambda handler: handler.send_error(500)
        assert unavailable(own_browser.sign_in(new_subject()))

    @pytest.mark.parametrize(
        "answer",
        [
            (500, {"error": "server_error"}),
            (502, b"<html>bad gateway</html>"),
            (200, b"<html>maintenance</html>"),
            (200, ["a list"]),
            (401, {"error": "invalid_client"}),
        ],
    )
    def test_in_its_own_way_is_told_from_a_refusal(
        self, own_browser: Browser, answer: tuple[int, Any]
    ) -> None:
        own_browser.provider.token_answer = answer
        assert unavailable(own_browser.sign_in(new_subject()))


class TestAProviderThatSaysNothing:
    def test_costs_nobody_more_than_a_request_s_time(self, new_app: NewApp) -> None:
        with black_hole() as port:
            app = new_app(f"http://127.0.0.1:{port}", WEB_THREADS="8")
            took: list[float] = []

            def ask() -> None:
                before = time.monotonic()
                assert unavailable(Caller(app).get("/api/auth/sso/start"))
                took.append(time.monotonic() - before)

            threads = [threading.Thread(target=ask) for _ in range(6)]
            for thread in threads:
                thread.start()
            # Two wait for the provider; the others are told at once, and everything else is served.
            assert logs_in_by_password(app)
            for thread in threads:
                thread.join()
            assert len(took) == 6
            assert max(took) < 5
            assert sum(one > 2 for one in took) <= 2

    def test_costs_a_prober_a_second(self, new_app: NewApp) -> None:
        with black_hole() as port:
            app = new_app(f"http://127.0.0.1:{port}")
            before = time.monotonic()
            assert auth_check(app)["status"] == "degraded"
            assert time.monotonic() - before < 3


class TestReadiness:
    def test_asks_the_provider_once_a_minute(
        self, own_app: Flask, own_provider: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = time.monotonic
        for seconds in (0, 10, 30, 59):
            monkeypatch.setattr("mbs.sso.gateways.time.monotonic", lambda ahead=seconds: real() + ahead)
            monkeypatch.setattr("mbs.health.service.CACHE_SECONDS", 0.0)
            assert auth_check(own_app)["message"] == "single sign-on ready"
        assert len(own_provider.asked) == 1
        monkeypatch.setattr("mbs.sso.gateways.time.monotonic", lambda: real() + 61)
        assert auth_check(own_app)["message"] == "single sign-on ready"
        assert len(own_provider.asked) == 2

    def test_says_nothing_of_a_provider_that_nobody_named(self, app: Flask) -> None:
        assert auth_check(app)["message"] == "single sign-on not configured"


def redirecting(to: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


def writing(*parts: bytes, pause: float = 0, times: int = 1, **headers: str) -> Reply:
    """Return a reply without a length: its parts come one after the other, then the connection is closed."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        try:
            for _ in range(times):
                for part in parts:
                    handler.wfile.write(part)
                    handler.wfile.flush()
                    time.sleep(pause)
        except OSError:
            pass  # the service has gone, which is what the test is about

    return reply


def noise(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"\x00\x01 not HTTP")


METADATA = "/.well-known/openid-configuration"


class TestMetadata:
    def test_are_asked_for_once_an_hour(self, own_browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        real = time.monotonic
        for seconds, hits in ((0, 1), (3500, 1), (3700, 2)):
            monkeypatch.setattr("mbs.sso.gateways.time.monotonic", lambda ahead=seconds: real() + ahead)
            # A test request's own deadline is of the present.
            monkeypatch.setattr("mbs.foundation.http.REQUEST_SECONDS", 4.5 + seconds)
            own_browser.start()
            assert own_browser.provider.hits(METADATA) == hits

    @pytest.mark.parametrize(
        "said",
        [
            {"issuer": "https://elsewhere.example.com"},
            {"issuer": None},
            {"issuer": ["http://127.0.0.1"]},
            {"token_endpoint": None},
            {"token_endpoint": "http://elsewhere.example.com/token"},
            {"token_endpoint": "http://169.254.169.254/latest/meta-data"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": "//127.0.0.1/keys"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"authorization_endpoint": "http://127.0.0.1/a\r\nSet-Cookie: a=b"},
            {"authorization_endpoint": "https://user@elsewhere.example.com/"},
            {"authorization_endpoint": ["http://127.0.0.1/authorize"]},
            {"authorization_endpoint": "https://[::1"},
        ],
    )
    def test_that_lead_astray_are_not_followed(self, said: dict[str, Any]) -> None:
        with stand_in() as provider:
            provider.metadata = said
            assert not Provider(provider.url, CLIENT, None).answers(2)
            assert provider.hits(METADATA) == len(provider.asked) == 1

    def test_may_write_the_issuer_with_a_slash(self, own_browser: Browser) -> None:
        provider = own_browser.provider
        provider.metadata = {"issuer": f"{provider.url}/"}
        asked = own_browser.start()
        provider.claims = sound_claims(provider, asked["nonce"], sub=new_subject(), iss=f"{provider.url}/")
        assert "ticket" in carried(own_browser.come_back(asked["state"]))
        # Then its tokens must write it so too.
        assert own_browser.sign_in(new_subject()).status_code == 401

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda said: redirecting("/elsewhere"),
            lambda said: writing(b"not json"),
            lambda said: writing(b"[" * 5000),
            lambda said: writing(said, b" " * 300_000),
            lambda said: writing(gzip.compress(said), Content_Encoding="gzip"),
            lambda said: writing(b""),
            lambda said: noise,
        ],
        ids=["redirect", "text", "deep", "huge", "compressed", "empty", "noise"],
    )
    def test_of_no_use_are_refused(self, spoil: Callable[[bytes], Reply]) -> None:
        with stand_in() as provider:
            said = json.dumps(provider.document()).encode()
            provider.special[METADATA] = spoil(said)
            provider.special["/elsewhere"] = writing(said)
            assert not Provider(provider.url, CLIENT, None).answers(2)
            assert provider.hits("/elsewhere") == 0
            # The same words are good where they belong.
            provider.special[METADATA] = writing(said, b" " * 1000)
            assert Provider(provider.url, CLIENT, None).answers(2)

    def test_that_drip_are_not_waited_for(self) -> None:
        with stand_in() as provider:
            provider.special[METADATA] = writing(b" ", pause=0.1, times=40)
            before = time.monotonic()
            assert not Provider(provider.url, CLIENT, None).answers(1)
            assert time.monotonic() - before < 3
