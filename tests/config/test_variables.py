"""Every declared variable takes good values, refuses bad ones, and never shows what it refused."""

import dataclasses
import json
import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from mbs.config import VARIABLES, Config, ConfigError
from mbs.configuration.declaration import Variable
from tests.config.deployments import findings, sound, summary

CANARY = "canary7Qx"
DSN = "https://abc123@sentry.test/42"

# One good text with its value, then bad texts with the code of their fault.
P256 = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceE"
    "u/1FwCM/QmGUhA=="
)
ED25519 = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

CASES: dict[str, tuple[str, object, list[tuple[str, str]]]] = {
    "APP_ENV": ("Staging", "staging", [("prod", "invalid_choice"), ("live", "invalid_choice")]),
    "DATABASE_URL": (
        "postgres://a:b@localhost/c",
        "postgresql+psycopg2://a:b@localhost/c",
        [
            ("sqlite:///mbs.db", "malformed"),
            ("postgresql://user:pass@host/db?sslmode=require", "placeholder"),
        ],
    ),
    "REPLIT_DOMAINS": ("A.replit.app, b.test", ("a.replit.app", "b.test"), [("https://a.test", "malformed")]),
    "ISSUER_URL": (
        "https://id.test/realm/",
        None,
        [("http://id.test", "malformed"), ("id.test", "malformed")],
    ),
    "OIDC_CLIENT_ID": ("client", "client", [("a\nb", "malformed")]),
    "OIDC_CLIENT_SECRET": ("words", "words", [("a\nb", "malformed")]),
    "BASE_URL": (
        "HTTPS://App.test:8443/",
        "https://app.test:8443",
        [
            ("https://app.test/path", "malformed"),
            ("app.test", "malformed"),
            ("ftp://app.test", "malformed"),
            ("https://app.test:99999", "malformed"),
            ("https://user:pw@app.test", "malformed"),
            ("https://", "malformed"),
        ],
    ),
    "SENDGRID_API_KEY": (
        "SG." + "aB3-_." * 8,
        "SG." + "aB3-_." * 8,
        [("SG.xxxxx", "placeholder"), ("SG.short", "malformed"), ("re_0123456789abcdef0123", "malformed")],
    ),
    "RESEND_API_KEY": (
        "re_0123456789abcdef",
        "re_0123456789abcdef",
        [("re_xxxxx", "placeholder"), ("re_1", "malformed")],
    ),
    "EMAIL_FROM": (
        "hello@mbs.test",
        "hello@mbs.test",
        [("mbs.test", "malformed"), ("Salon <hello@mbs.test>", "malformed"), ("a@b@mbs.test", "malformed")],
    ),
    "EMAIL_REPLY_TO": ("a+b@mbs.test", "a+b@mbs.test", [("a@", "malformed"), ("a\n@mbs.test", "malformed")]),
    "SENDGRID_WEBHOOK_PUBLIC_KEY": (
        P256,
        P256,
        [
            *(("MFkw", "malformed"), ("MFkw" * 31, "malformed"), (P256[:-4], "malformed")),
            *((P256.replace("HBcep", "HBdep"), "malformed"), (f" {P256[:60]} {P256[60:]}", "malformed")),
            (ED25519, "malformed"),
        ],
    ),
    "RESEND_WEBHOOK_SECRET": (
        "whsec_" + "aB3+" * 8,
        "whsec_" + "aB3+" * 8,
        [
            *(("whsec_xxxxx", "placeholder"), ("aB3+" * 8, "malformed"), ("whsec_aB3", "malformed")),
            ("whsec_" + "aB3+" * 8 + "a", "malformed"),
        ],
    ),
    "ALLOW_PROVIDER_OVERRIDE": ("1", True, [("maybe", "invalid_choice")]),
    "TWILIO_ACCOUNT_SID": (
        "AC" + "0f" * 16,
        None,
        [("ACxxxxx", "placeholder"), ("AC" + "0F" * 16, "malformed"), ("AC12", "malformed")],
    ),
    "TWILIO_AUTH_TOKEN": ("0f" * 16, None, [("xxxxx", "placeholder"), ("0f" * 15, "malformed")]),
    "TWILIO_WHATSAPP_FROM": (
        "whatsapp:+1234567890",
        None,
        [("+1234567890", "malformed"), ("whatsapp:+0123456789", "malformed"), ("whatsapp:+1", "malformed")],
    ),
    "SENTRY_DSN": (
        DSN,
        DSN,
        [
            ("https://xxx@sentry.io/xxx", "malformed"),
            ("https://sentry.test/42", "malformed"),
            ("on", "malformed"),
        ],
    ),
    "SENTRY_ENVIRONMENT": ("blue", "blue", [("a\nb", "malformed")]),
    "LOG_LEVEL": ("warn", "WARNING", [("loud", "invalid_choice"), ("10", "invalid_choice")]),
    "LOG_FORMAT": ("TEXT", "text", [("xml", "invalid_choice")]),
    "HOST": ("::1", "::1", [("http://0.0.0.0", "malformed"), ("a b", "malformed")]),
    "JWT_ACCESS_TTL": (
        "30m",
        timedelta(minutes=30),
        [("30", "malformed"), ("soon", "malformed"), ("59s", "out_of_range"), ("2h", "out_of_range")],
    ),
    "MIGRATION_DATABASE_URL": (
        "postgresql://a:b@localhost/c",
        "postgresql+psycopg2://a:b@localhost/c",
        [
            ("nonsense", "malformed"),
            ("postgresql://a:b@x-pooler.test/c?sslmode=verify-full", "pooled_migration_url"),
        ],
    ),
    "ALLOWED_HOSTS": (
        ".a.test, 10.0.0.1",
        (".a.test", "10.0.0.1"),
        [("*", "invalid_choice"), ("https://a.test", "malformed"), ("a.test:80", "malformed")],
    ),
    "CORS_ORIGINS": (
        "https://a.test/,http://localhost:3000",
        ("https://a.test", "http://localhost:3000"),
        [("*", "invalid_choice"), ("a.test", "malformed"), ("https://a.test/x", "malformed")],
    ),
    "DOCS_ENABLED": ("Yes", True, [("maybe", "invalid_choice")]),
    "RATELIMIT_STORAGE_URI": (
        "rediss://:pw@redis.test:6380/1",
        "rediss://:pw@redis.test:6380/1",
        [
            ("http://redis.test", "malformed"),
            ("redis://", "malformed"),
            ("memory://", "unshared_rate_limit_store"),
        ],
    ),
    "GIT_SHA": ("0123abc", "0123abc", [("main", "malformed"), ("0123AB", "malformed")]),
    "BUILD_TIME": (
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z",
        [("yesterday", "malformed"), ("2026-01-31", "malformed")],
    ),
    "RELEASE": ("v1.2.3+4", "v1.2.3+4", [("a b", "malformed"), ("a" * 65, "malformed")]),
    "SMOKE_TEST_URL": ("http://localhost:5000", "http://localhost:5000", [("localhost:5000", "malformed")]),
    "SMOKE_TEST_TOKEN": ("token", "token", [("a\nb", "malformed")]),
    "SMOKE_TEST_FOREIGN_PATH": ("/api/x", "/api/x", [("api/x", "malformed"), ("/a b", "malformed")]),
}
for name in ("SENDGRID_API_BASE", "RESEND_API_BASE", "TWILIO_API_BASE"):
    CASES[name] = (
        "https://api.eu.test",
        None,
        [
            ("http://api.eu.test", "malformed"),
            ("https://api.eu.test/v3", "malformed"),
            ("https://api.eu.test", "ignored_in_production"),
        ],
    )
for name in ("SMOKE_TEST_TENANT_ID", "SMOKE_TEST_FOREIGN_TENANT_ID"):
    text = "0198F0A0-0000-7000-8000-000000000001"
    CASES[name] = (text, text.lower(), [("1", "malformed")])
for variable in VARIABLES:
    if "secrets" in variable.groups:
        secret = f"9fQ2{variable.name[:11]}Lk7Tz4Wm1Xc8Rv5Bn3{variable.name[-11:]}"
        weak = [
            ("short", "too_short"),
            ("your-random-string-min-32-chars!", "placeholder"),
            ("ab" * 20, "low_entropy"),
        ]
        CASES[variable.name] = (secret.replace("SECRET", "S3CR3T"), secret.replace("SECRET", "S3CR3T"), weak)

NUMBERS = {
    "PORT": (1, 65_535),
    "WEB_CONCURRENCY": (1, 64),
    "WEB_THREADS": (1, 64),
    "GRACEFUL_TIMEOUT": (1, 300),
    "KEEPALIVE": (1, 3600),
    "MAX_REQUESTS": (0, 10_000_000),
    "MAX_REQUESTS_JITTER": (0, 1_000_000),
    "SLOW_REQUEST_MS": (1, 60_000),
    "DB_CONNECT_TIMEOUT_S": (1, 60),
    "DB_STATEMENT_TIMEOUT_MS": (1, 60_000),
    "DB_LOCK_TIMEOUT_MS": (1, 60_000),
    "DB_IDLE_TX_TIMEOUT_MS": (1, 600_000),
    "DB_POOL_SIZE": (4, 256),
    "DB_POOL_TIMEOUT_S": (1, 60),
    "DB_POOL_RECYCLE_S": (1, 86_400),
    "TRUSTED_PROXY_COUNT": (0, 10),
}
NOT_NUMBERS = ["ten", "1.5", "1_000", "0x10", "\u0661\u0662", "1" * 40, "5s"]
for name, (low, high) in NUMBERS.items():
    outside = [(str(low - 1), "out_of_range"), (str(high + 1), "out_of_range")]
    CASES[name] = (str(high), high, [(text, "malformed") for text in NOT_NUMBERS] + outside)

REFUSALS = [
    pytest.param(variable, text, code, id=f"{variable.name}-{code}-{number}")
    for variable in VARIABLES
    for number, (text, code) in enumerate(CASES.get(variable.name, ("", None, []))[2])
]
DEVELOPMENT_ONLY = {"SKIP_RATE_LIMIT", "WEBHOOKS_ALLOW_PRIVATE"}
# The others act only in company, or in development: see the tests of the rules.
INDEPENDENT = [
    variable
    for variable in VARIABLES
    if variable.name not in {"ISSUER_URL", *DEVELOPMENT_ONLY}
    and not variable.name.startswith("TWILIO")
    and not variable.name.endswith("_API_BASE")
]
each_variable = pytest.mark.parametrize("variable", VARIABLES, ids=lambda one: one.name)


def field_of(variable: Variable) -> str:
    return next(one.name for one in dataclasses.fields(Config) if one.metadata.get("variable") is variable)


def everything_said(environ: dict[str, str], variable: Variable) -> str:
    """Return all texts that could reach a log or a terminal."""
    said = json.dumps([dataclasses.asdict(one) for one in findings(environ)])
    try:
        config = Config.load(environ)
    except ConfigError as error:
        return said + str(error) + repr(error) + "".join(traceback.format_exception(error))
    # A repr shows accepted values that are no secrets.
    return said + (repr(config) if variable.secret else "")


class TestEveryVariable:
    def test_has_cases_here(self) -> None:
        assert {one.name for one in VARIABLES} - DEVELOPMENT_ONLY == set(CASES)

    def test_has_a_name_of_its_own(self) -> None:
        names = [name for variable in VARIABLES for name in variable.names]
        assert len(names) == len(set(names))

    @each_variable
    def test_is_explained_in_a_sentence(self, variable: Variable) -> None:
        assert variable.help.endswith(".")
        assert "|" not in variable.help + variable.fallback + variable.example

    @pytest.mark.parametrize("variable", INDEPENDENT, ids=lambda one: one.name)
    def test_takes_its_good_value(self, variable: Variable) -> None:
        text, value, _ = CASES[variable.name]
        config = Config.load(sound(**{variable.name: f"  {text} "}))
        assert getattr(config, field_of(variable)) == value

    @pytest.mark.parametrize(("variable", "text", "code"), REFUSALS)
    def test_refuses_its_bad_values(self, variable: Variable, text: str, code: str) -> None:
        found = summary(sound(**{variable.name: text}))
        severity = "ignored" if code == "ignored_in_production" else variable.severity
        assert (variable.name, code, severity) in found

    @each_variable
    def test_never_shows_a_value(self, variable: Variable, tmp_path: Path) -> None:
        texts = [
            CANARY,
            CANARY * 8,
            f"{CANARY}\nsecond line",
            f"https://{CANARY}:{CANARY}@{CANARY}.test/{CANARY}?{CANARY}#{CANARY}",
            f"postgresql://{CANARY}:{CANARY}@{CANARY}:{CANARY}/{CANARY}?{CANARY}={CANARY}",
            f"postgresql://{CANARY}:{CANARY}@db.test/{CANARY}?sslmode={CANARY}",
            f"postgresql://{CANARY}:{CANARY}@db-pooler.test/{CANARY}",
        ]
        environs = [sound(**{variable.name: text}) for text in texts]
        if variable.secret:
            absent, file = tmp_path / f"absent-{CANARY}", tmp_path / CANARY
            file.write_text(CANARY * 8)
            environs += [
                sound(**{variable.name: None, variable.file_name: str(one)}) for one in (absent, file)
            ]
        said = "".join(everything_said(environ, variable) for environ in environs)
        assert variable.name in said
        assert CANARY not in said
