"""Which requests are counted, against which limit, and what their answers say of it."""

import re
import time
import uuid
from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from limits import RateLimitItemPerMinute
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config, ConfigError
from mbs.foundation import limits, passwords
from mbs.foundation.limits import ACCOUNT, LOGIN
from tests.config.deployments import sound
from tests.factories.callers import PASSWORD, Business, Caller, new_address
from tests.limits.conftest import Age


def wrong() -> dict[str, str]:
    """Return a login that fails, of an account that nothing else tries."""
    return {"email": f"nobody-{uuid.uuid4().hex[:10]}@example.com", "password": "not this one"}


def window_of(response: TestResponse) -> tuple[str, int, int, int, int]:
    """Return policy, number, seconds, remaining and reset, having held both families of headers together."""
    headers = response.headers
    policy = re.fullmatch(r'"(\w+)";q=(\d+);w=(\d+)', headers["RateLimit-Policy"])
    state = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', headers["RateLimit"])
    assert policy is not None
    assert state is not None
    name, number, seconds = policy[1], int(policy[2]), int(policy[3])
    remaining, reset = int(state[2]), int(state[3])
    assert state[1] == name
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == (str(number), str(remaining))
    assert 0 <= reset <= seconds
    assert abs(int(headers["X-RateLimit-Reset"]) - time.time() - reset) <= 5
    return name, number, seconds, remaining, reset


@pytest.fixture
def no_hash(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take the cost of a hash out of logins; return the passwords that would have been hashed."""
    asked: list[str] = []
    monkeypatch.setattr(passwords, "verify", lambda password, stored: asked.append(password))
    return asked


class TestHeaders:
    def test_stand_on_every_counted_answer(self, resident: Business) -> None:
        stranger = Caller(resident.app)
        answers = {
            "api 200": resident.get("/api/auth/me"),
            "api 400": resident.post("/api/customers", {"nme": "x"}),
            "api 404": resident.get("/api/nothing"),
            "api 405": resident.call("PUT", "/api/auth/me"),
            "api 403": resident.colleague("staff").get("/api/tenant"),
            "anonymous 401": stranger.get("/api/auth/me"),
            "anonymous 404": stranger.get("/api/nothing"),
            "anonymous 200": stranger.get("/api/openapi.json"),
            "login 401": stranger.post("/api/auth/login", wrong()),
            "login 400": stranger.post("/api/auth/login", {}),
            "register 400": stranger.post("/api/auth/register", {}),
        }
        windows = {"api": (100, 60), "anonymous": (100, 60), "login": (5, 900), "register": (10, 900)}
        for label, response in answers.items():
            policy, status = label.split()
            name, number, seconds, remaining, _ = window_of(response)
            assert (str(response.status_code), name) == (status, policy)
            assert (number, seconds) == windows[policy]
            assert remaining < number

    def test_count_down(self, caller: Caller) -> None:
        assert [window_of(caller.get("/api/nothing"))[3] for _ in range(3)] == [99, 98, 97]

    def test_of_a_refusal_say_how_long_to_wait(self, caller: Caller, no_hash: list[str], age: Age) -> None:
        key = LOGIN.key_for(f"ip:{caller.address}")
        for _ in range(5):
            assert caller.post("/api/auth/login", wrong()).status_code == 401
        age(300, key)
        refused = caller.post("/api/auth/login", wrong())

        body = refused.get_json()
        assert (refused.status_code, body["code"]) == (429, "RATE_LIMITED")
        assert body["type"] == "urn:mbs:problem:rate-limited"
        assert refused.content_type == "application/problem+json"
        wait = int(refused.headers["Retry-After"])
        assert window_of(refused)[3:] == (0, wait)
        assert 590 <= wait <= 600
        age(wait - 10, key)
        assert caller.post("/api/auth/login", wrong()).status_code == 429
        age(11, key)
        assert caller.post("/api/auth/login", wrong()).status_code == 401


class TestExemption:
    def test_is_for_health_and_preflight(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(1))
        assert caller.get("/api/nothing").status_code == 404
        assert caller.get("/api/nothing").status_code == 429
        for _ in range(3):
            for path in ("/health", "/health/ready", "/api/health"):
                response = caller.get(path)
                assert response.status_code == 200, path
                assert not [name for name, _ in response.headers if "ratelimit" in name.lower()]
            assert caller.call("OPTIONS", "/api/auth/login").status_code == 200
            assert caller.call("HEAD", "/health").status_code == 200
        assert caller.get("/api/nothing").status_code == 429

    def test_cannot_be_had_by_a_path_that_resembles_health(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(1))
        assert caller.get("/api/nothing").status_code == 404
        for path in (
            "/api/nothing/health",
            "/api//health/../nothing",
            "/api/nothing?/api/health",
            "/api/Health",
        ):
            assert caller.get(path).status_code == 429, path


class TestLogin:
    def test_has_five_tries_and_the_sixth_costs_no_hash(self, resident: Business, no_hash: list[str]) -> None:
        caller = Caller(resident.app)
        right = {"email": resident.email, "password": PASSWORD}
        statuses = [caller.post("/api/auth/login", wrong()).status_code for _ in range(5)]
        statuses += [caller.post("/api/auth/login", right).status_code for _ in range(3)]
        assert statuses == [401] * 5 + [429] * 3
        assert len(no_hash) == 5

    def test_counts_successes_too(self, resident: Business) -> None:
        caller = Caller(resident.app)
        right = {"email": resident.email, "password": PASSWORD}
        assert [caller.post("/api/auth/login", right).status_code for _ in range(6)] == [200] * 5 + [429]

    def test_is_not_had_cheaper_by_another_spelling_of_the_request(
        self, caller: Caller, no_hash: list[str]
    ) -> None:
        paths = ["/api/auth/login", "/api/auth/login/", "/api/auth/login?x=1", "/api/auth/%6cogin"]
        for path in (*paths, paths[0]):
            assert caller.post(path, wrong()).status_code != 429
        for path in paths:
            assert caller.post(path, wrong()).status_code == 429
        assert len(no_hash) == 4


class TestUser:
    def test_has_one_hundred_a_minute_over_all_tokens_and_addresses(self, owner: Business) -> None:
        login = {"email": owner.email, "password": PASSWORD}
        second = Caller(owner.app).post("/api/auth/login", login).get_json()["accessToken"]
        colleague = owner.colleague("staff")
        statuses = []
        for number in range(103):
            token = (owner.token, second)[number % 2]
            statuses.append(Caller(owner.app, token=token).get("/api/auth/me").status_code)

        assert statuses == [200] * 100 + [429] * 3
        neighbour = Caller(owner.app, token=colleague.token, address=owner.address)
        assert neighbour.get("/api/auth/me").status_code == 200

    def test_without_a_valid_token_is_counted_by_address(
        self, resident: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(2))
        address = new_address()
        for token in (f"{resident.token}x", resident.refresh_token):
            assert Caller(resident.app, token=token, address=address).get("/api/auth/me").status_code == 401
        for bad in ("x", None, f"{resident.token}y"):
            assert Caller(resident.app, token=bad, address=address).get("/api/auth/me").status_code == 429
        # A neighbour behind the same address who is signed in is not concerned.
        signed_in = Caller(resident.app, token=resident.token, address=address)
        assert signed_in.get("/api/auth/me").status_code == 200


class TestAccount:
    """Ten failures at one account within fifteen minutes, from wherever they come."""

    def try_in(self, app: Flask, email: str, password: str = "not this one") -> TestResponse:
        return Caller(app).post("/api/auth/login", {"email": email, "password": password})

    def test_is_throttled_alike_whether_it_exists_or_not(self, owner: Business, no_hash: list[str]) -> None:
        refusals = []
        for email in (owner.email, f"nobody-{owner.user_id}@example.com"):
            answers = [self.try_in(owner.app, email.upper() if n % 2 else email) for n in range(12)]
            assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
            body = answers[-1].get_json()
            del body["correlationId"], body["timestamp"]
            assert 1 <= int(answers[-1].headers["Retry-After"]) <= 900
            refusals.append(body)
        assert refusals[0] == refusals[1]
        assert len(no_hash) == 20

    def test_is_never_locked_for_good(self, owner: Business, age: Age) -> None:
        key = ACCOUNT.key_for(f"account:{owner.email}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "verify", lambda password, stored: False)
            for _ in range(15):
                self.try_in(owner.app, owner.email)
        assert self.try_in(owner.app, owner.email, PASSWORD).status_code == 429
        age(901, key)
        assert self.try_in(owner.app, owner.email, PASSWORD).status_code == 200

    def test_starts_afresh_after_a_success(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "ACCOUNT", RateLimitItemPerMinute(3, 15, namespace=limits.DURABLE))
        for _ in range(2):
            assert self.try_in(owner.app, owner.email).status_code == 401
            assert self.try_in(owner.app, owner.email).status_code == 401
            assert self.try_in(owner.app, owner.email, PASSWORD).status_code == 200

    def test_leaves_those_who_are_signed_in_alone(self, owner: Business, no_hash: list[str]) -> None:
        for _ in range(11):
            self.try_in(owner.app, owner.email)
        assert owner.get("/api/auth/me").status_code == 200
        refreshed = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": owner.refresh_token})
        assert refreshed.status_code == 200


class TestSwitch:
    """SKIP_RATE_LIMIT is for development (runbook section 11)."""

    @pytest.mark.parametrize("switch", ["true", "1", "yes", "TRUE"])
    @pytest.mark.parametrize("environment", ["production", "staging", " Production ", None])
    def test_is_ignored_where_strangers_call(self, environment: str | None, switch: str) -> None:
        config = Config.load(sound(APP_ENV=environment, SKIP_RATE_LIMIT=switch))
        assert config.limits_enforced
        assert [one.variable for one in config.ignored] == ["SKIP_RATE_LIMIT"]

    @pytest.mark.parametrize("environment", ["prod", "live", "dev", "testing", "qa", "0"])
    def test_is_ignored_under_an_unknown_name(self, environment: str) -> None:
        # The name itself is a fault, so nothing but the health paths answers.
        with pytest.raises(ConfigError) as refused:
            Config.load(sound(APP_ENV=environment, SKIP_RATE_LIMIT="true"))
        assert refused.value.environment == "production"

    def test_is_without_effect_on_a_deployed_service(
        self, environ: Mapping[str, str], no_hash: list[str]
    ) -> None:
        app = create_app(Config.load({**environ, "APP_ENV": "production", "SKIP_RATE_LIMIT": "true"}))
        caller = Caller(app)
        statuses = [caller.post("/api/auth/login", wrong()).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]

    def test_works_in_development(self, environ: Mapping[str, str], no_hash: list[str]) -> None:
        app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true"}))
        caller = Caller(app)
        answers = [caller.post("/api/auth/login", wrong()) for _ in range(12)]
        assert {answer.status_code for answer in answers} == {401}
        assert "RateLimit" not in answers[0].headers


class TestStoreAway:
    @pytest.fixture
    def cut_off(self, environ: dict[str, str]) -> Flask:
        """A service whose database nobody listens for."""
        return create_app(Config.load({**environ, "DATABASE_URL": "postgresql://mbs:x@127.0.0.1:1/mbs"}))

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/auth/login"),
            ("GET", "/api/customers"),
            ("GET", "/api/openapi.json"),
            ("GET", "/api/x"),
        ],
    )
    def test_closes_the_api_and_not_the_health_paths(
        self, cut_off: Flask, resident: Business, method: str, path: str
    ) -> None:
        for token in (None, resident.token):
            response = Caller(cut_off, token=token).call(method, path, wrong() if method == "POST" else None)
            assert (response.status_code, response.get_json()["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert int(response.headers["Retry-After"]) >= 1
        assert Caller(cut_off).get("/health").status_code == 200


def test_the_limits_are_those_of_the_runbook() -> None:
    stated: dict[str, Callable[[], str]] = {
        "login": lambda: str(limits.NAMED["login"]),
        "register": lambda: str(limits.NAMED["register"]),
        "account": lambda: str(limits.ACCOUNT),
        "api": lambda: str(limits.API),
        "anonymous": lambda: str(limits.ANONYMOUS),
    }
    assert {name: text() for name, text in stated.items()} == {
        "login": "5 per 15 minute",
        "register": "10 per 15 minute",
        "account": "10 per 15 minute",
        "api": "100 per 1 minute",
        "anonymous": "100 per 1 minute",
    }
