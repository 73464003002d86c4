"""ID tokens as they must not be, each signed or unsigned with real keys, at the provider's own door."""

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask

from tests.sso.browsers import Browser, carried, new_subject
from tests.sso.stand_in import (
    ALGORITHMS,
    KEYS,
    OTHER_KEYS,
    Claims,
    StandIn,
    key_set,
    public_key,
    signed,
    sound_claims,
    spelled,
)

SUBJECT = "the-same-subject"
Forge = Callable[[Claims], Any]


def without(*names: str) -> Forge:
    return lambda said: signed({name: value for name, value in said.items() if name not in names})


def saying(**claims: Any) -> Forge:
    return lambda said: signed({**said, **claims})


def raw(payload: bytes) -> Forge:
    """Return a forger who signs a payload that no JSON library would write."""
    return lambda _: signed(payload)


def pem() -> bytes:
    key: rsa.RSAPublicKey = KEYS["RS256"].public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_shared_secret(secret: bytes) -> Forge:
    """Return a forger who signs with what everybody knows (RFC 8725 section 2.1)."""

    def forge(said: Claims) -> str:
        text = f"{spelled({'alg': 'HS256', 'kid': 'RS256'})}.{spelled(said)}"
        return f"{text}.{spelled(hmac.digest(secret, text.encode(), 'sha256'))}"

    return forge


def tampered(said: Claims) -> str:
    head, _, signature = signed(said).split(".")
    return f"{head}.{spelled({**said, 'sub': 'somebody-else'})}.{signature}"


def now() -> int:
    return int(time.time())


ECDSA = ec.generate_private_key(ec.SECP384R1())

BAD: dict[str, Forge] = {
    "no algorithm": lambda said: f"{spelled({'alg': 'none', 'kid': 'RS256'})}.{spelled(said)}.",
    "no algorithm, another spelling": lambda said: f"{spelled({'alg': 'nOnE'})}.{spelled(said)}.",
    "no algorithm, a signature all the same": lambda said: ".".join(
        [spelled({"alg": "none"}), spelled(said), signed(said).split(".")[2]]
    ),
    "algorithm is a list": lambda said: f"{spelled({'alg': ['RS256']})}.{spelled(said)}.AAAA",
    "HS256 with the public key": with_shared_secret(pem()),
    "HS256 with the key as the provider writes it": with_shared_secret(
        json.dumps(public_key(KEYS["RS256"], "RS256")).encode()
    ),
    "HS256 with nothing": with_shared_secret(b""),
    "an algorithm that is not accepted": lambda said: signed(
        said, algorithm="RS512", key=KEYS["RS256"], kid="RS256"
    ),
    "the key's algorithm is another": lambda said: signed(said, algorithm="PS256", kid="RS256"),
    "a curve that is not accepted": lambda said: signed(said, algorithm="ES384", key=ECDSA, kid="ES256"),
    "another issuer": saying(iss="https://elsewhere.example.com"),
    "the issuer with a slash": lambda said: signed({**said, "iss": f"{said['iss']}/"}),
    "the issuer in a list": lambda said: signed({**said, "iss": [said["iss"]]}),
    "no issuer": without("iss"),
    "another audience": saying(aud="another-client"),
    "no audience": without("aud"),
    "an empty audience": saying(aud=[]),
    "several audiences, no party named": saying(aud=["mbs", "another-client"]),
    "several audiences, another party": saying(aud=["mbs", "another-client"], azp="another-client"),
    "an audience that only holds us": saying(aud="mbs another-client"),
    "audiences that are no texts": saying(aud=["mbs", 7], azp="mbs"),
    "one audience, another party": saying(azp="another-client"),
    "expired": lambda said: signed({**said, "exp": now() - 31, "iat": now() - 400}),
    "expires never": without("exp"),
    "expires as a text": lambda said: signed({**said, "exp": str(now() + 300)}),
    "expires as true": saying(exp=True),
    "expires at infinity": raw(b'{"exp": Infinity}'),
    "issued in the future": lambda said: signed({**said, "iat": now() + 120, "exp": now() + 300}),
    "issued never": without("iat"),
    "issued as a text": lambda said: signed({**said, "iat": str(now())}),
    "not valid yet": lambda said: signed({**said, "nbf": now() + 120}),
    "no nonce": without("nonce"),
    "another nonce": saying(nonce="n" * 43),
    "the nonce in a list": lambda said: signed({**said, "nonce": [said["nonce"]]}),
    "an empty nonce": saying(nonce=""),
    "no subject": without("sub"),
    "an empty subject": saying(sub=""),
    "a list of subjects": saying(sub=[SUBJECT]),
    "a number as subject": saying(sub=7),
    "no text as subject": saying(sub=None),
    "a subject with NUL": saying(sub="a\x00b"),
    "a long subject": saying(sub="x" * 256),
    "a subject beyond ASCII": saying(sub="ＳＵＢ"),
    "an unknown key": lambda said: signed(said, kid="unknown"),
    "a key id that is a number": lambda said: f"{spelled({'alg': 'RS256', 'kid': 7})}.{spelled(said)}.AAAA",
    "a key id that is a path": lambda said: signed(said, kid="../../etc/passwd"),
    "no key id, where there are several keys": lambda said: signed(said, key=OTHER_KEYS["RS256"], kid=None),
    "the signature of another key": lambda said: signed(said, key=OTHER_KEYS["RS256"]),
    "a key of its own": lambda said: signed(
        said, key=OTHER_KEYS["RS256"], jwk=public_key(OTHER_KEYS["RS256"], "RS256")
    ),
    "a critical header that nobody knows": lambda said: signed(said, crit=["exp"], exp=1),
    "truncated": lambda said: signed(said)[:-10],
    "without its signature": lambda said: signed(said).rpartition(".")[0] + ".",
    "two parts": lambda said: signed(said).rpartition(".")[0],
    "tampered with": tampered,
    "claims that are a list": raw(b"[]"),
    "claims that are no JSON": raw(b"not json"),
    "claims so deep that a parser breaks": raw(b"[" * 100_000),
    "an authentication in no time": saying(auth_time="yesterday"),
    "no text": lambda _: {"alg": "none"},
    "an empty text": lambda _: "",
    "nothing": lambda _: None,
}


class TestABadToken:
    @pytest.mark.parametrize("kind", BAD)
    def test_is_refused_and_says_nothing(self, browser: Browser, kind: str) -> None:
        browser.provider.id_token = BAD[kind]
        response = browser.sign_in(SUBJECT)
        assert response.status_code == 401, kind
        body = {**(response.json or {})}
        for changing in ("correlationId", "timestamp"):
            body.pop(changing)
        assert body == {
            "type": "urn:mbs:problem:sso-refused",
            "title": "Sso refused",
            "status": 401,
            "detail": "The sign-in provider did not confirm who you are; begin again.",
            "instance": "/api/auth/sso/callback",
            "code": "SSO_REFUSED",
        }
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="mbs"'
        assert "Set-Cookie" not in response.headers

    def test_is_told_from_a_good_one(self, browser: Browser) -> None:
        browser.provider.id_token = lambda said: signed(said)
        assert "ticket" in carried(browser.sign_in(SUBJECT))

    def test_shows_itself_in_the_log_alone(self, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
        browser.provider.id_token = BAD["another audience"]
        browser.sign_in(SUBJECT)
        (record,) = [one for one in caplog.records if getattr(one, "event", "") == "security.sso_refused"]
        assert getattr(record, "reason", "") == "aud"


class TestAGoodToken:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_may_be_signed_in_several_ways(self, browser: Browser, algorithm: str) -> None:
        browser.provider.id_token = lambda said: signed(said, algorithm=algorithm)
        assert "ticket" in carried(browser.sign_in(SUBJECT))

    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": ["mbs"]},
            {"aud": ["another-client", "mbs"], "azp": "mbs"},
            {"azp": "mbs"},
            {"exp": int(time.time()) + 3600.5},
        ],
    )
    def test_may_spell_its_claims_otherwise(self, browser: Browser, claims: Claims) -> None:
        browser.provider.id_token = saying(**claims)
        assert "ticket" in carried(browser.sign_in(SUBJECT))

    @pytest.mark.parametrize("shift", [-20, 20])
    def test_may_come_from_a_clock_that_is_off(self, browser: Browser, shift: int) -> None:
        browser.provider.id_token = lambda said: signed(
            {**said, "iat": now() + shift, "auth_time": now() + shift, "exp": now() + min(shift, 0) + 5}
        )
        assert "ticket" in carried(browser.sign_in(SUBJECT))


class TestKeys:
    def test_are_asked_for_once(self, own_browser: Browser) -> None:
        for _ in range(3):
            own_browser.ticket(new_subject())
        assert own_browser.provider.hits("/keys") == 1

    def test_that_nobody_knows_are_looked_for_once_a_minute(self, own_browser: Browser) -> None:
        own_browser.provider.id_token = lambda said: signed(said, kid="unknown")
        for _ in range(5):
            assert own_browser.sign_in(new_subject()).status_code == 401
        assert own_browser.provider.hits("/keys") == 1

    def test_that_replaced_others_are_found_a_minute_later(
        self, own_browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own_browser.ticket(new_subject())
        own_browser.provider.keys = key_set(OTHER_KEYS, prefix="new-")
        own_browser.provider.id_token = lambda said: signed(said, key=OTHER_KEYS["RS256"], kid="new-RS256")
        assert own_browser.sign_in(new_subject()).status_code == 401
        real = time.monotonic
        monkeypatch.setattr("mbs.sso.models.time.monotonic", lambda: real() + 61)
        assert "ticket" in carried(own_browser.sign_in(new_subject()))
        assert own_browser.provider.hits("/keys") == 2

    def test_are_found_without_an_id_where_there_is_one(self, own_browser: Browser) -> None:
        provider = own_browser.provider
        provider.keys = [key for key in key_set(KEYS) if key["alg"] != "PS256"]
        provider.id_token = lambda said: signed(said, kid=None)
        assert "ticket" in carried(own_browser.sign_in(new_subject()))

    def test_that_encrypt_do_not_sign(self, own_browser: Browser) -> None:
        own_browser.provider.keys = [{**key, "use": "enc"} for key in key_set(KEYS)]
        assert own_browser.sign_in(new_subject()).status_code == 401

    def test_that_are_short_do_not_sign(self, own_browser: Browser) -> None:
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        own_browser.provider.keys = [{**public_key(short, "RS256"), "kid": "short"}]
        own_browser.provider.id_token = lambda said: signed(said, key=short, kid="short")
        assert own_browser.sign_in(new_subject()).status_code == 401

    @pytest.mark.parametrize("key", [{}, {"kty": "RSA", "n": 7}, {"kty": ["RSA"]}, "text", None])
    def test_that_are_none_harm_nobody(self, own_browser: Browser, key: Any) -> None:
        spoiled = {**key, "kid": "RS256"} if isinstance(key, dict) else key
        own_browser.provider.keys = [spoiled]
        assert own_browser.sign_in(new_subject()).status_code == 401


class TestTheIssuerOfAResponse:
    """RFC 9207: a provider that says who it is must say so each time, and truly."""

    def answer(self, own_browser: Browser, **query: Any) -> int:
        asked = own_browser.start()
        own_browser.provider.claims = sound_claims(own_browser.provider, asked["nonce"], sub=new_subject())
        return own_browser.come_back(asked["state"], **query).status_code

    def test_is_compared_where_it_is_named(self, own_browser: Browser) -> None:
        assert self.answer(own_browser, iss=own_browser.provider.url) == 303
        assert self.answer(own_browser, iss="https://elsewhere.example.com") == 401
        assert self.answer(own_browser, iss=f"{own_browser.provider.url}/") == 401
        assert self.answer(own_browser, iss="") == 400
        assert self.answer(own_browser) == 303
        assert own_browser.provider.hits("/token") == 2

    def test_is_demanded_of_a_provider_that_promises_it(self, own_app: Flask, own_provider: StandIn) -> None:
        own_provider.metadata["authorization_response_iss_parameter_supported"] = True
        own_browser = Browser(own_app, own_provider)
        assert self.answer(own_browser) == 401
        assert self.answer(own_browser, iss=own_provider.url) == 303
