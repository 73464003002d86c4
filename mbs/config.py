"""The declared environment variables, and the :class:`Config` that is read from them.

The class is the only list of variables: parsing, checks, docs/configuration.md, deploy/env.example, redaction
in the log and the tests are all read off it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import partial
from typing import Any, Self
from urllib.parse import unquote

from mbs import __version__
from mbs.configuration import values as v
from mbs.configuration.declaration import ConfigError, Fault, Report, Variable, env
from mbs.configuration.fallbacks import fill_fallbacks
from mbs.configuration.postgres import postgres_url, refuse_sample_login
from mbs.configuration.rules import DEPLOYED_RULES, RULES
from mbs.configuration.sources import (
    DEPLOYED,
    ENVIRONMENTS,
    read_value,
    report_lookalikes,
    resolve_environment,
)
from mbs.configuration.strength import refuse_weak_secret

# Whoever loads the configuration also handles its faults, so both names are part of this module.
__all__ = ["GROUPS", "VARIABLES", "Config", "ConfigError", "Fault", "secret_values"]

signing_secret = partial(env, parse=v.text, check=refuse_weak_secret, secret=True, also_in=("secrets",))
SHORTEST_REDACTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One sound configuration. It never changes, and secrets stay out of its repr."""

    # A table is read by its rows, so the formatter keeps off it.
    # fmt: off
    environment: str = env("APP_ENV", v.choice(*ENVIRONMENTS), "critical",
        "Environment: production, staging, development or test. Nothing set means production.",
        aliases=("NODE_ENV",), default="production", example="production")
    database_url: str | None = env("DATABASE_URL", postgres_url, "critical",
        "PostgreSQL connection string of the service's own login. Off this machine TLS is demanded.",
        required=True, secret=True, check=refuse_sample_login, also_in=("database",),
        example="postgresql://user:pass@host:5432/db?sslmode=require",
        fallback="in development and test an embedded server")
    jwt_access_secret: str = signing_secret("JWT_ACCESS_SECRET", group="critical", required=True,
        description="Signs access tokens. At least 32 random characters.",
        fallback="in development and test generated")
    jwt_refresh_secret: str = signing_secret("JWT_REFRESH_SECRET", group="critical", required=True,
        description="Signs refresh tokens. At least 32 random characters.",
        fallback="in development and test generated")
    session_secret: str = signing_secret("SESSION_SECRET", group="critical", required=True,
        description="Signs the browser's session cookie. At least 32 random characters.",
        fallback="in development and test generated")

    replit_domains: tuple[str, ...] = env("REPLIT_DOMAINS", v.host_list, "recommended",
        "Host names on Replit, separated by commas. Stand in for BASE_URL, ALLOWED_HOSTS and CORS_ORIGINS.",
        default=(), example="mybizstream.replit.app")
    issuer_url: str | None = env("ISSUER_URL", v.issuer_url, "recommended",
        "OpenID Connect issuer for single sign-on. Needs OIDC_CLIENT_ID.", example="https://replit.com")
    oidc_client_id: str | None = env("OIDC_CLIENT_ID", v.text, "recommended",
        "Client id at the OpenID Connect issuer.", aliases=("REPL_ID",))
    oidc_client_secret: str | None = env("OIDC_CLIENT_SECRET", v.text, "recommended",
        "Client secret at the OpenID Connect issuer.", secret=True)
    base_url: str | None = env("BASE_URL", v.origin, "recommended",
        "Address under which people reach the service.", deprecated=("APP_URL",),
        example="https://mybizstream.example.com", fallback="the first of REPLIT_DOMAINS")

    sendgrid_api_key: str | None = env("SENDGRID_API_KEY",
        v.api_key(r"SG\.[\w.-]{20,}", "a SendGrid key: SG. and 20 or more characters"), "notifications",
        "SendGrid key for e-mail. With both e-mail keys set, SendGrid goes first.",
        secret=True, example="SG.xxxxx")
    resend_api_key: str | None = env("RESEND_API_KEY",
        v.api_key(r"re_\w{16,}", "a Resend key: re_ and 16 or more characters"), "notifications",
        "Resend key for e-mail.", secret=True, example="re_xxxxx")
    email_from: str | None = env("EMAIL_FROM", v.email_address, "notifications",
        "Address that e-mail comes from, known to the provider. Needed with an e-mail key.",
        example="hello@mybizstream.example.com")
    email_reply_to: str | None = env("EMAIL_REPLY_TO", v.email_address, "notifications",
        "Address that answers to e-mail go to, where a business has named none.",
        example="support@mybizstream.example.com")
    twilio_account_sid: str | None = env("TWILIO_ACCOUNT_SID",
        v.api_key("AC[0-9a-f]{32}", "AC and 32 hexadecimal digits"), "notifications",
        "Twilio account. The three Twilio variables go together, and need BASE_URL.", example="ACxxxxx")
    twilio_auth_token: str | None = env("TWILIO_AUTH_TOKEN",
        v.api_key("[0-9a-f]{32}", "32 hexadecimal digits"), "notifications",
        "Twilio token.", secret=True, example="xxxxx")
    twilio_whatsapp_from: str | None = env("TWILIO_WHATSAPP_FROM",
        v.pattern(r"whatsapp:\+[1-9][0-9]{6,14}", "whatsapp:+ and the number with its country code"),
        "notifications", "Sender of WhatsApp messages.", deprecated=("TWILIO_WHATSAPP_NUMBER",),
        example="whatsapp:+1234567890")
    sendgrid_webhook_public_key: str | None = env("SENDGRID_WEBHOOK_PUBLIC_KEY",
        v.p256_public_key, "notifications",
        "Verifies what SendGrid tells of e-mail. Unset: it is not believed.")
    resend_webhook_secret: str | None = env("RESEND_WEBHOOK_SECRET",
        v.api_key("whsec_([A-Za-z0-9+/]{4}){6,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
            "a signing secret of Resend: whsec_ and base64"),
        "notifications", "Verifies what Resend tells of e-mail. Unset: it is not believed.",
        secret=True, example="whsec_xxxxx")
    sendgrid_api_base: str = env("SENDGRID_API_BASE", v.provider_origin, "notifications",
        "Where SendGrid is reached.", default="https://api.sendgrid.com")
    resend_api_base: str = env("RESEND_API_BASE", v.provider_origin, "notifications",
        "Where Resend is reached.", default="https://api.resend.com")
    twilio_api_base: str = env("TWILIO_API_BASE", v.provider_origin, "notifications",
        "Where Twilio is reached.", default="https://api.twilio.com")
    allow_provider_override: bool = env("ALLOW_PROVIDER_OVERRIDE", v.boolean, "notifications",
        "Let the three *_API_BASE variables act in production and staging, too.", default=False)

    sentry_dsn: str | None = env("SENTRY_DSN", v.sentry_dsn, "monitoring",
        "Sentry project that receives errors. Unset: none does.",
        secret=True, example="https://xxx@sentry.io/xxx")
    sentry_environment: str = env("SENTRY_ENVIRONMENT", v.text, "monitoring",
        "Name of the environment in Sentry.", fallback="APP_ENV")
    log_level: str = env("LOG_LEVEL", v.log_level, "monitoring",
        "Threshold of the log: debug, info, warning or error.", default="INFO", example="info")
    log_format: str = env("LOG_FORMAT", v.choice("json", "text"), "monitoring",
        "json: one object a line; text: for people.", fallback="json, in development text")

    host: str = env("HOST", v.host, "server", "Address to listen on.",
        default="0.0.0.0")  # noqa: S104  # nosec B104 - a container is reached from outside
    port: int = env("PORT", v.integer(1, 65_535), "server", "Port to listen on.", default=5000)
    web_concurrency: int = env("WEB_CONCURRENCY", v.integer(1, 64), "server",
        "Worker processes.", fallback="one a processor, from 2 to 8; in development 2")
    web_threads: int = env("WEB_THREADS", v.integer(1, 64), "server",
        "Threads of a worker process.", default=4)
    graceful_timeout: int = env("GRACEFUL_TIMEOUT", v.integer(1, 300), "server",
        "Seconds that running requests get at shutdown. Less than the platform's grace period.", default=25)
    keepalive: int = env("KEEPALIVE", v.integer(1, 3600), "server",
        "Seconds an idle connection stays open. More than the load balancer's idle time-out.", default=75)
    max_requests: int = env("MAX_REQUESTS", v.integer(0, 10_000_000), "server",
        "Requests after which a worker is replaced; 0 is never.", default=2000)
    max_requests_jitter: int = env("MAX_REQUESTS_JITTER", v.integer(0, 1_000_000), "server",
        "Largest random addition to MAX_REQUESTS, so that workers are not replaced together.", default=200)
    slow_request_ms: int = env("SLOW_REQUEST_MS", v.integer(1, 60_000), "server",
        "Milliseconds after which a request is logged as slow.", default=1000)

    migration_database_url: str | None = env("MIGRATION_DATABASE_URL", postgres_url, "database",
        "Connection of the schema's owner, past any pooler. Only `mbs migrate` uses it.",
        aliases=("DIRECT_URL",), secret=True, check=refuse_sample_login, fallback="DATABASE_URL",
        example="postgresql://owner:pass@host:5432/db?sslmode=require")
    db_connect_timeout_s: int = env("DB_CONNECT_TIMEOUT_S", v.integer(1, 60), "database",
        "Seconds to wait for a new connection.", default=2)
    db_statement_timeout_ms: int = env("DB_STATEMENT_TIMEOUT_MS", v.integer(1, 60_000), "database",
        "Milliseconds after which the server ends a statement.", default=3000)
    db_lock_timeout_ms: int = env("DB_LOCK_TIMEOUT_MS", v.integer(1, 60_000), "database",
        "Milliseconds to wait for a row or table that is locked.", default=1000)
    db_idle_tx_timeout_ms: int = env("DB_IDLE_TX_TIMEOUT_MS", v.integer(1, 600_000), "database",
        "Milliseconds after which the server ends a transaction that does nothing.", default=10_000)
    db_pool_size: int = env("DB_POOL_SIZE", v.integer(1, 256), "database",
        "Connections of a worker process. At least WEB_THREADS.", fallback="WEB_THREADS")
    db_pool_timeout_s: int = env("DB_POOL_TIMEOUT_S", v.integer(1, 60), "database",
        "Seconds to wait for a free connection of the pool.", default=1)
    db_pool_recycle_s: int = env("DB_POOL_RECYCLE_S", v.integer(1, 86_400), "database",
        "Seconds after which a pooled connection is replaced.", default=300)

    allowed_hosts: tuple[str, ...] = env("ALLOWED_HOSTS", v.host_list, "security",
        "Host names that are answered, separated by commas; .example.com includes subdomains. Empty: all.",
        fallback="the hosts of BASE_URL and REPLIT_DOMAINS", example="mybizstream.example.com")
    cors_origins: tuple[str, ...] = env("CORS_ORIGINS", v.origin_list, "security",
        "Origins whose browsers may call the API, separated by commas.",
        fallback="the origins of BASE_URL and REPLIT_DOMAINS", example="https://mybizstream.example.com")
    trusted_proxy_count: int = env("TRUSTED_PROXY_COUNT", v.integer(0, 10), "security",
        "Proxies in front of the service whose X-Forwarded-* headers are believed.", default=0)
    jwt_access_secret_previous: str | None = signing_secret("JWT_ACCESS_SECRET_PREVIOUS", group="security",
        description="The access secret before the last change: it verifies and never signs.")
    jwt_refresh_secret_previous: str | None = signing_secret("JWT_REFRESH_SECRET_PREVIOUS", group="security",
        description="The refresh secret before the last change: it verifies and never signs.")
    session_secret_previous: str | None = signing_secret("SESSION_SECRET_PREVIOUS", group="security",
        description="The session secret before the last change: it verifies and never signs.")
    encryption_secret: str = signing_secret("ENCRYPTION_SECRET", group="security", fallback="SESSION_SECRET",
        description="Encrypts what the database keeps and only the service may read. At least 32 characters.")
    encryption_secret_previous: str | None = signing_secret("ENCRYPTION_SECRET_PREVIOUS", group="security",
        description="The encryption secret before the last change: it decrypts and never encrypts.")
    jwt_access_ttl: timedelta = env("JWT_ACCESS_TTL",  # noqa: RUF009 - env() gives a dataclass field
        v.duration(timedelta(minutes=1), timedelta(hours=1)), "security",
        "Lifetime of an access token, from 1m to 1h.", default=timedelta(minutes=15), example="15m")
    webhooks_allow_private: bool = env("WEBHOOKS_ALLOW_PRIVATE", v.boolean, "security",
        "Let webhooks go to http and to private addresses. Ignored in production and staging.",
        default=False, development_only=True)
    docs_enabled: bool = env("DOCS_ENABLED", v.boolean, "security",
        "Serve the interactive API page at /docs.", fallback="false, in development and test true")

    ratelimit_storage_uri: str | None = env("RATELIMIT_STORAGE_URI", v.storage_uri, "limits",
        "Where requests are counted.", aliases=("REDIS_URL",), secret=True, fallback="the database",
        example="redis://host:6379/0")
    skip_rate_limit: bool = env("SKIP_RATE_LIMIT", v.boolean, "limits",
        "Switch rate limits off. Ignored in production and staging.", default=False, development_only=True)

    git_sha: str | None = env("GIT_SHA",
        v.pattern("[0-9a-f]{7,40}", "a commit id of 7 to 40 hexadecimal digits"), "release",
        "Commit this release was built from.")
    build_time: str | None = env("BUILD_TIME", v.timestamp, "release",
        "When this release was built.", example="2026-01-31T12:00:00Z")
    release: str = env("RELEASE",
        v.pattern(r"[\w.+-]{1,64}", "at most 64 letters, digits and . + - _"), "release",
        "Name of this release.", default=__version__)

    smoke_test_url: str | None = env("SMOKE_TEST_URL", v.origin, "smoke",
        "Service that `mbs smoke` tests.", example="https://mybizstream.example.com")
    smoke_test_token: str | None = env("SMOKE_TEST_TOKEN", v.text, "smoke",
        "Access token for the smoke tests that need one.", secret=True)
    smoke_test_tenant_id: str | None = env("SMOKE_TEST_TENANT_ID", v.uuid, "smoke", "Tenant of that token.")
    smoke_test_foreign_tenant_id: str | None = env("SMOKE_TEST_FOREIGN_TENANT_ID", v.uuid, "smoke",
        "Another tenant, which that token must not reach.")
    smoke_test_foreign_path: str | None = env("SMOKE_TEST_FOREIGN_PATH",
        v.pattern("/[!-~]*", "a path that starts with /"), "smoke", "Path of an object of that other tenant.")
    # fmt: on

    warnings: tuple[Fault, ...] = field(default=(), repr=False)
    ignored: tuple[Fault, ...] = field(default=(), repr=False)

    @property
    def is_deployed(self) -> bool:
        """Whether strangers can reach the service: production and staging."""
        return self.environment in DEPLOYED

    @property
    def seed_routes_enabled(self) -> bool:
        """Whether seed and demo paths may answer (runbook section 11)."""
        return not self.is_deployed

    @property
    def limits_enforced(self) -> bool:
        """Whether rate limits act; always in production and staging (runbook section 11)."""
        return not self.skip_rate_limit

    @classmethod
    def load(cls, environ: Mapping[str, str], *, groups: Collection[str] | None = None) -> Self:
        """Read and check every variable; with `groups`, only faults in variables of those groups count.

        :raises ConfigError: if there is a critical fault; it holds all of them, and no value.
        :raises ValueError: if a group is unknown.
        """
        if groups is not None and not GROUPS.issuperset(groups):
            raise ValueError(f"Unknown group of variables; there are {', '.join(sorted(GROUPS))}.")
        report = Report()
        environment = resolve_environment(environ, report)
        deployed = environment in DEPLOYED
        values: dict[str, Any] = {"environment": environment}
        for name, variable in FIELDS.items():
            if name not in values:
                values[name] = read_value(variable, environ, deployed, report)
        for rule in RULES + (DEPLOYED_RULES if deployed else ()):
            rule(values, report)
        fill_fallbacks(values, environment)
        if groups is None:
            counted = report_lookalikes(VARIABLES, environ, report) | {one.name for one in VARIABLES}
        else:
            counted = frozenset(one.name for one in VARIABLES if one.groups & set(groups))
        faults, warnings, ignored = (report.of(one, counted) for one in ("critical", "warning", "ignored"))
        if faults:
            raise ConfigError(environment, faults, warnings, ignored)
        return cls(**values, warnings=warnings, ignored=ignored)


FIELDS: dict[str, Variable] = {
    one.name: one.metadata["variable"] for one in fields(Config) if "variable" in one.metadata
}
VARIABLES: tuple[Variable, ...] = tuple(FIELDS.values())
GROUPS: frozenset[str] = frozenset().union(*(variable.groups for variable in VARIABLES))


def secret_values(config: Config) -> frozenset[str]:
    """Return the texts that must never be printed: each secret, and the passwords inside connection URLs.

    Passwords of fewer than 8 characters are left out: to redact them would also redact ordinary words.
    """
    texts = [getattr(config, name) for name, variable in FIELDS.items() if variable.secret]
    found = {text for text in texts if text}
    for text in tuple(found):
        authority = text.partition("://")[2].rpartition("@")[0]
        password = authority.partition(":")[2]
        found |= {form for form in (password, unquote(password)) if len(form) >= SHORTEST_REDACTED}
    return frozenset(found)
