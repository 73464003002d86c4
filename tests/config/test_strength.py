"""Strong secrets pass, predictable ones do not."""

import base64
import secrets
import string
from collections.abc import Callable

import pytest

from mbs.configuration.strength import refuse_weak_secret
from mbs.configuration.values import Unacceptable

PLACEHOLDERS = [
    "your-secure-random-string-min-32-chars",
    "another-secure-random-string-min-32-chars",
    "session-secret-min-32-characters",
    "change-me-change-me-change-me-change-me",
    "CHANGEME0123456789CHANGEME9876543210",
    "please-changethis-before-you-go-live-1",
    "replace_me_with_something_long_please_1",
    "this-is-an-insecure-key-for-local-use-2",
    "my-super-duper-password-is-long-enough",
    "placeholder-7f3a9c1e5b2d8f4a6c0e9b7d5f",
    "mybizstream-7f3a9c1e5b2d8f4a6c0e9b7d5f",
    "production-7f3a9c1e5b2d8f4a6c0e9b7d5f3",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "${JWT_ACCESS_KEY_FROM_THE_VAULT_OF_PROD}",
    "{{ vault.jwt.access.key.of.this.service }}",
    "<put a long and random text in this place>",
    "$JWT_ACCESS_KEY_FROM_THE_VAULT_OF_PRODS",
]

PREDICTABLE = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "abababababababababababababababababababab",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "9876543210zyxwvutsrqponmlkjihgfedcba",
    "k3Jv9QpLk3Jv9QpLk3Jv9QpLk3Jv9QpLk3Jv",
    "Zr7Qm2Xw9LtVbN4cZr7Qm2Xw9LtVbN4c",
    "11112222333344445555666677778888",
    "0000000000000000000000000000000012345678",
    "kqkqkq7kqkqkqzkqkqkq3kqkqkqWkqkqkq2kq8",
]


def code_of(secret: str) -> str | None:
    try:
        refuse_weak_secret(secret)
    except Unacceptable as refusal:
        return refusal.code
    return None


class TestRefuseWeakSecret:
    @pytest.mark.parametrize("secret", PLACEHOLDERS)
    def test_refuses_placeholders(self, secret: str) -> None:
        assert len(secret) >= 32
        assert code_of(secret) == "placeholder"

    @pytest.mark.parametrize("secret", PREDICTABLE)
    def test_refuses_predictable_texts(self, secret: str) -> None:
        assert len(secret) >= 32
        assert code_of(secret) == "low_entropy"

    def test_draws_the_line_at_32_characters(self) -> None:
        secret = "q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pay"
        assert code_of(secret) is None
        assert code_of(secret[:-1]) == "too_short"

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: base64.b64encode(secrets.token_bytes(24)).decode(), id="base64"),
            pytest.param(lambda: secrets.token_hex(16), id="hex"),
            pytest.param(lambda: secrets.token_urlsafe(48), id="urlsafe"),
            pytest.param(
                lambda: "".join(secrets.choice(string.printable[:94]) for _ in range(40)), id="punctuation"
            ),
        ],
    )
    def test_accepts_random_secrets(self, make: Callable[[], str]) -> None:
        refused = [secret for secret in (make() for _ in range(5000)) if code_of(secret)]
        # About one in a million holds a placeholder's word by chance.
        assert len(refused) <= 1
