"""Access tokens: everything but one spelling of one signed claim set is the same 401."""

import json
import socket
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from tests.auth.forgery import access_secret, claims_of, encode, forged, header_of, now, sign
from tests.factories.callers import Business, Caller

WRONG: dict[str, tuple[Any, ...]] = {
    "iss": (None, 5, ["mbs"], "", "mbs", "urn:mbs:production", "urn:mbs:TEST"),
    "aud": (None, 5, ["mbs-api"], [], {"mbs-api": 1}, "", "mbs-api-staging", "mbs"),
    "sub": (None, 5, ["x"], {}, "", "nobody", str(uuid.uuid4())),
    "iat": (None, "1", "x", [], {}, True, "", 0, -1, 1.5, 1e308),
    "exp": (None, "9999999999", "x", [], {}, True, "", 0, -1, 1.5, 1e308),
    "jti": (None, 5, [], {}, ""),
    "type": (None, 5, [], {}, "", "refresh", "password_reset", "invite", "oidc_state", "Access"),
    "tenant": (None, 5, [], {}, "", "x", str(uuid.uuid4())),
    "sid": (None, 5, [], {}, "", "x", str(uuid.uuid4())),
}

DEEP = b"{" + b'"a":{' * 500


def ask(app: Flask, token: str) -> TestResponse:
    return Caller(app, token=token).get("/api/auth/me")


def assert_refused(response: TestResponse) -> None:
    assert response.status_code == 401, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="mbs", error="invalid_token"'
    assert response.json is not None
    assert response.json["code"] == "UNAUTHENTICATED"


class TestClaims:
    def test_a_token_signed_by_hand_with_the_right_claims_is_accepted(self, resident: Business) -> None:
        assert ask(resident.app, forged(resident)).status_code == 200

    def test_are_these_nine_and_no_role(self, resident: Business) -> None:
        # `fresh` is flask-jwt-extended's own and decides nothing here.
        assert set(claims_of(resident.token)) == {*WRONG, "fresh"}

    @pytest.mark.parametrize("claim", list(WRONG))
    def test_is_refused_without(self, resident: Business, claim: str) -> None:
        assert_refused(ask(resident.app, forged(resident, claim)))

    @pytest.mark.parametrize("claim", list(WRONG))
    def test_is_refused_with_a_wrong(self, resident: Business, claim: str) -> None:
        for value in WRONG[claim]:
            assert_refused(ask(resident.app, forged(resident, **{claim: value})))

    @pytest.mark.parametrize("extra", [901, 10 * 365 * 86_400, 10**30])
    def test_may_not_outlive_the_maximum(self, resident: Business, extra: int) -> None:
        issued = now()
        assert_refused(ask(resident.app, forged(resident, iat=issued, exp=issued + extra)))
        assert ask(resident.app, forged(resident, iat=issued, exp=issued + 900)).status_code == 200

    @pytest.mark.parametrize(("ahead", "status"), [(10, 200), (120, 401)])
    def test_tolerate_a_clock_that_is_a_little_ahead(
        self, resident: Business, ahead: int, status: int
    ) -> None:
        later = now() + ahead
        assert ask(resident.app, forged(resident, iat=later, exp=later + 900)).status_code == status
        assert ask(resident.app, forged(resident, nbf=later)).status_code == status

    @pytest.mark.parametrize(("ago", "status"), [(10, 200), (120, 401)])
    def test_end_with_their_time(self, resident: Business, ago: int, status: int) -> None:
        ended = now() - ago
        assert ask(resident.app, forged(resident, iat=ended - 900, exp=ended)).status_code == status

    def test_end_with_their_time_for_a_token_seen_before(
        self, resident: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = forged(resident)
        assert ask(resident.app, token).status_code == 200
        for later in (-120, 3600):
            instant = time.time() + later
            with monkeypatch.context() as patch:
                patch.setattr("mbs.foundation.access_tokens.time.time", lambda at=instant: at)
                assert_refused(ask(resident.app, token))

    def test_of_two_people_do_not_mix(self, business: Callable[..., Business]) -> None:
        one, other = business(), business()
        for claim in ("sub", "tenant", "sid"):
            assert_refused(ask(one.app, forged(one, **{claim: claims_of(other.token)[claim]})))


class TestSignature:
    @pytest.mark.parametrize(
        "algorithm",
        ["none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "ES256", "hs256", "", None, 5, []],
    )
    def test_has_one_algorithm(self, resident: Business, algorithm: Any) -> None:
        assert_refused(
            ask(resident.app, sign(claims_of(resident.token), access_secret(resident), algorithm=algorithm))
        )

    @pytest.mark.parametrize("secret", ["JWT_REFRESH_SECRET", "SESSION_SECRET", None, ""])
    def test_has_one_secret(self, resident: Business, environ: dict[str, str], secret: str | None) -> None:
        key = "x" * 64 if secret is None else environ.get(secret, "")
        for header in ({}, {"kid": header_of(resident.token)["kid"]}):
            assert_refused(ask(resident.app, sign(claims_of(resident.token), key, header=header)))

    @pytest.mark.parametrize("extension", [["exp"], ["b64"], ["unknown"], [], "exp", None])
    def test_knows_no_critical_extensions(self, resident: Business, extension: Any) -> None:
        header = {"crit": extension, "exp": 1, "unknown": 1}
        assert_refused(
            ask(resident.app, sign(claims_of(resident.token), access_secret(resident), header=header))
        )

    def test_covers_each_byte(self, resident: Business) -> None:
        assert resident.token is not None
        # Not the last character, some of whose bits base64 leaves unused.
        for place in range(0, len(resident.token) - 1, 7):
            other = "A" if resident.token[place] != "A" else "B"
            token = resident.token[:place] + other + resident.token[place + 1 :]
            assert Caller(resident.app, token=token).get("/api/auth/me").status_code == 401

    @pytest.mark.parametrize(
        "header",
        [
            {"kid": "../../../../etc/passwd"},
            {"kid": "' OR 1=1 --"},
            {"kid": "http://127.0.0.1:9/key"},
            {"jku": "http://127.0.0.1:9/keys.json"},
            {"x5u": "http://127.0.0.1:9/chain.pem"},
            {"jwk": {"kty": "oct", "k": encode(b"x" * 64)}},
            {"x5c": ["AAAA"]},
        ],
    )
    def test_is_not_led_to_a_key_by_its_header(
        self, resident: Business, header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        called: list[Any] = []
        monkeypatch.setattr(socket.socket, "connect", lambda self, address: called.append(address))
        claims = claims_of(resident.token)

        assert_refused(ask(resident.app, sign(claims, "x" * 64, header=header)))
        assert_refused(ask(resident.app, sign(claims, "", header=header)))
        assert ask(resident.app, sign(claims, access_secret(resident), header=header)).status_code == 200
        assert called == []


class TestRotation:
    """Deployments with a new access secret, before and after the old one is retired."""

    NEW = "n3w-Qm5pX0sTz8rLkVb2YdHc7JfGwA1e9uRoBxNiKtPvMqSy"

    @pytest.fixture
    def rotating(self, environ: dict[str, str]) -> Flask:
        old = environ["JWT_ACCESS_SECRET"]
        return create_app(
            Config.load({**environ, "JWT_ACCESS_SECRET": self.NEW, "JWT_ACCESS_SECRET_PREVIOUS": old})
        )

    def test_still_verifies_the_previous_secret(self, resident: Business, rotating: Flask) -> None:
        assert resident.token is not None
        assert ask(rotating, resident.token).status_code == 200

    def test_signs_with_the_new_one_only(self, resident: Business, rotating: Flask) -> None:
        response = Caller(rotating).post("/api/auth/refresh", {"refreshToken": resident.refresh_token})
        assert response.json is not None
        token = response.json["accessToken"]

        assert header_of(token)["kid"] != header_of(resident.token)["kid"]
        assert_refused(ask(resident.app, token))
        assert ask(rotating, token).status_code == 200

    def test_refuses_a_retired_secret(self, resident: Business, environ: dict[str, str]) -> None:
        retired = create_app(Config.load({**environ, "JWT_ACCESS_SECRET": self.NEW}))
        assert resident.token is not None
        assert_refused(ask(retired, resident.token))

    def test_lets_no_one_choose_the_previous_secret_by_leaving_the_key_id_out(
        self, resident: Business, rotating: Flask
    ) -> None:
        assert_refused(ask(rotating, sign(claims_of(resident.token), access_secret(resident))))


class TestRefusal:
    def malformed(self, resident: Business) -> list[str]:
        assert resident.token is not None
        head, body, mac = resident.token.split(".")
        secret = access_secret(resident)
        return [
            "x",
            ".",
            "..",
            "...",
            f"{head}.{body}",
            f"{head}.{body}.",
            f"{head}..{mac}",
            f".{body}.{mac}",
            f"{head}.{body}.{mac}.{mac}",
            f"{head}.{body}.{mac[:-4]}",
            f"{head}.{body}.{mac}AAAA",
            f"{head}.{body}.====",
            f"{head}=.{body}=.{mac}=",
            f"{encode(b'[]')}.{body}.{mac}",
            f"{encode(b'null')}.{body}.{mac}",
            f"{encode(b'not json')}.{body}.{mac}",
            f"{encode(bytes([255, 254]))}.{body}.{mac}",
            f"{encode(b'[' * 2500)}.{body}.{mac}",
            f"{head}.{encode(b'[' * 2500)}.{mac}",
            f"{head}.{encode(DEEP)}.{mac}",
            sign(b"[" * 1500 + b"]" * 1500, secret),
            sign(b"[]", secret),
            sign(b"null", secret),
            sign(b"\xff\xfe", secret),
            sign(b'{"exp":1e999}', secret),
            sign(b'{"exp":' + b"9" * 2900 + b"}", secret),
            sign({}, secret),
            sign({**claims_of(resident.token), "exp": now() - 9999}, secret),
            sign({**claims_of(resident.token), "type": "refresh"}, secret),
            sign(claims_of(resident.token), "y" * 48),
            resident.refresh_token,
            "A" * 4096,
            "A" * 4097,
        ]

    def test_is_one_text_whatever_is_wrong(self, resident: Business) -> None:
        bodies = set()
        for token in self.malformed(resident):
            response = ask(resident.app, token)
            assert_refused(response)
            body = response.get_json()
            del body["correlationId"], body["timestamp"]
            bodies.add(json.dumps(body))
        assert len(bodies) == 1, bodies
        (text,) = bodies
        assert not any(word in text.lower() for word in ("jwt", "signature", "segment", "expired", "decode"))

    def test_names_no_error_when_no_token_came(self, caller: Caller) -> None:
        response = caller.get("/api/auth/me")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="mbs"'

    def test_leaves_public_addresses_alone(self, app: Flask) -> None:
        assert Caller(app, token="x").get("/api/openapi.json").status_code == 200


class TestAuthorizationHeader:
    def ask(self, resident: Business, value: str) -> int:
        return Caller(resident.app).get("/api/auth/me", headers={"Authorization": value}).status_code

    def test_takes_the_scheme_in_any_case(self, resident: Business) -> None:
        for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
            assert self.ask(resident, f"{scheme} {resident.token}") == 200
        assert self.ask(resident, f"  Bearer   {resident.token}  ") == 200

    def test_takes_one_bearer_token_and_nothing_else(self, resident: Business) -> None:
        token = resident.token
        for value in (
            f"Bearer {token}, Bearer {token}",
            f"Basic YTpi, Bearer {token}",
            f"Bearer {token},",
            f"Bearer {token} {token}",
            f"Bearer: {token}",
            f"Bearer={token}",
            f"Bearer{token}",
            f"Token {token}",
            f"Basic {token}",
            f"Bearer\t{token}",
            f"Bearer {token};x",
            f'Bearer "{token}"',
            f"{token}",
            "Bearer",
            "Bearer ",
            "",
        ):
            assert self.ask(resident, value) == 401, value

    def test_is_the_only_place_that_counts(self, resident: Business) -> None:
        caller = Caller(resident.app)
        for name in ("jwt", "token", "access_token", "accessToken", "authorization"):
            assert caller.get(f"/api/auth/me?{name}={resident.token}").status_code in (400, 401)
            cookie = {"Cookie": f"{name}={resident.token}; access_token_cookie={resident.token}"}
            assert caller.get("/api/auth/me", headers=cookie).status_code == 401
            assert caller.patch("/api/auth/me", {name: resident.token}).status_code == 401
            assert caller.get("/api/auth/me", headers={f"X-{name}": str(resident.token)}).status_code == 401

    def test_holds_one_kind_of_token(self, resident: Business) -> None:
        assert self.ask(resident, f"Bearer {resident.refresh_token}") == 401
        for token in (resident.token, forged(resident, type="refresh")):
            response = Caller(resident.app).post("/api/auth/refresh", {"refreshToken": token})
            # An access token is longer than any refresh token may be.
            assert response.status_code in (400, 401)
        assert ask(resident.app, str(resident.token)).status_code == 200
