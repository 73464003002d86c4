"""Rules between variables, run after each has been parsed alone.

A rule takes the values by field name, may clear what cannot be used, and notes faults in the report.
"""

from collections.abc import Callable
from typing import Any

from mbs.configuration.declaration import Report, Severity
from mbs.configuration.postgres import is_encrypted, is_local, is_pooled, verifies_server
from mbs.configuration.values import is_loopback, split_url

Values = dict[str, Any]

SIGNING_SECRETS = (
    "JWT_ACCESS_SECRET",
    "JWT_REFRESH_SECRET",
    "SESSION_SECRET",
    "JWT_ACCESS_SECRET_PREVIOUS",
    "JWT_REFRESH_SECRET_PREVIOUS",
    "SESSION_SECRET_PREVIOUS",
    "ENCRYPTION_SECRET",
    "ENCRYPTION_SECRET_PREVIOUS",
)
EMAIL_KEYS = ("SENDGRID_API_KEY", "RESEND_API_KEY")
PROVIDERS = ("SENDGRID", "RESEND", "TWILIO")
WHATSAPP_GROUP = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_WHATSAPP_FROM")


def secrets_are_distinct(values: Values, report: Report) -> None:
    """Refuse a signing secret that is another secret, or a part of one, or holds one."""
    others = (*SIGNING_SECRETS, "DATABASE_URL", "MIGRATION_DATABASE_URL", "RATELIMIT_STORAGE_URI")
    texts = {name: values[name.lower()] for name in others if values[name.lower()]}
    for name in SIGNING_SECRETS:
        twins = [
            other
            for other, text in texts.items()
            if name in texts and other != name and (texts[name] in text or text in texts[name])
        ]
        if twins:
            message = f"It equals, holds or is part of {', '.join(twins)}. Give {name} a value of its own."
            report.add(name, "not_distinct", "critical", message)


def database_is_encrypted(values: Values, report: Report) -> None:
    """Demand TLS to a database on another machine."""
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        url = values[name.lower()]
        if not url or is_local(url):
            continue
        if not is_encrypted(url):
            message = (
                "The connection may be unencrypted. Add sslmode=verify-full, or at least sslmode=require."
            )
            report.add(name, "insecure_ssl", "critical", message)
        elif not verifies_server(url):
            message = "sslmode=require does not verify the server. Use verify-full, with sslrootcert=system."
            report.add(name, "insecure_ssl", "warning", message)


def migrations_bypass_the_pooler(values: Values, report: Report) -> None:
    """Demand a direct connection for migrations: a pooler keeps locks and leaks settings between clients."""
    remedy = "Set MIGRATION_DATABASE_URL to the server's direct address."
    if values["migration_database_url"]:
        if is_pooled(values["migration_database_url"]):
            message = f"It names a connection pooler. {remedy}"
            report.add("MIGRATION_DATABASE_URL", "pooled_migration_url", "critical", message)
    elif values["database_url"] and is_pooled(values["database_url"]):
        message = f"DATABASE_URL names a connection pooler, which migrations should not use. {remedy}"
        report.add("MIGRATION_DATABASE_URL", "pooled_migration_url", "warning", message)


def rate_limits_are_shared(values: Values, report: Report) -> None:
    """Refuse counters that each worker would keep for itself."""
    if values["ratelimit_storage_uri"] == "memory://":
        severity: Severity = "warning" if values["web_concurrency"] == 1 else "critical"
        message = "memory:// counts per process. Unset it to count in PostgreSQL, or name a Redis server."
        report.add("RATELIMIT_STORAGE_URI", "unshared_rate_limit_store", severity, message)


def pool_serves_every_thread(values: Values, report: Report) -> None:
    """Refuse a pool that makes a worker's threads wait for one another."""
    if values["db_pool_size"] is not None and values["db_pool_size"] < values["web_threads"]:
        message = "It is smaller than WEB_THREADS. Raise it to WEB_THREADS or unset it."
        report.add("DB_POOL_SIZE", "out_of_range", "critical", message)


def wildcards_are_absent(values: Values, report: Report) -> None:
    """Refuse "any host" and "any origin" where strangers can reach the service."""
    for name in ("ALLOWED_HOSTS", "CORS_ORIGINS"):
        if "*" in (values[name.lower()] or ()):
            report.add(name, "invalid_choice", "critical", "Name each one; * is for development only.")


def public_address_is_sound(values: Values, report: Report) -> None:
    """Point out that any host name is answered, and links that would reach customers unencrypted."""
    url = values["base_url"]
    if not (url or values["replit_domains"] or values["allowed_hosts"]):
        message = "Not set, so requests for any host name are answered. Set BASE_URL or ALLOWED_HOSTS."
        report.add("BASE_URL", "missing", "warning", message)
    if url and url.startswith("http://") and not is_loopback(split_url(url).hostname or ""):
        report.add("BASE_URL", "insecure_ssl", "warning", "Links would be unencrypted. Write https://.")


def providers_are_the_real_ones(values: Values, report: Report) -> None:
    """Keep keys and messages from going to another address than the provider's, unless that is meant."""
    if values["allow_provider_override"]:
        return
    for provider in PROVIDERS:
        name = f"{provider}_API_BASE"
        official = f"https://api.{provider.lower()}.com"
        if values[name.lower()] != official:
            message = f"Ignored in production and staging: {official} is used. Unset it, or allow it."
            report.add(name, "ignored_in_production", "ignored", message)
            values[name.lower()] = official


def debug_log_is_pointed_out(values: Values, report: Report) -> None:
    """Point out a log level that is too loud to stay on."""
    if values["log_level"] == "DEBUG":
        report.add("LOG_LEVEL", "invalid_choice", "warning", "debug is for a short search. Go back to info.")


def groups_are_complete(values: Values, report: Report) -> None:
    """Switch a feature off whose variables are set in part."""
    if any(values[name.lower()] for name in WHATSAPP_GROUP):
        _clear_unless_complete(WHATSAPP_GROUP, "WhatsApp", values, report)
    if values["twilio_account_sid"] and not (values["base_url"] or values["replit_domains"]):
        message = "WhatsApp needs it to be told what became of messages; WhatsApp is off until it is set."
        report.add("BASE_URL", "incomplete_group", "warning", message)
        values.update({name.lower(): None for name in WHATSAPP_GROUP})
    keys = [name for name in EMAIL_KEYS if values[name.lower()]]
    if keys and not values["email_from"]:
        message = f"E-mail needs it besides {', '.join(keys)}; e-mail is off until it is set."
        report.add("EMAIL_FROM", "incomplete_group", "warning", message)
    # On Replit the client id is always there, so it alone asks for nothing.
    if values["issuer_url"] or values["oidc_client_secret"]:
        _clear_unless_complete(("ISSUER_URL", "OIDC_CLIENT_ID"), "Single sign-on", values, report)


def _clear_unless_complete(group: tuple[str, ...], feature: str, values: Values, report: Report) -> None:
    absent = [name for name in group if not values[name.lower()]]
    for name in absent:
        present = [other for other in group if other not in absent] or ["its secret"]
        message = f"{feature} needs it besides {', '.join(present)}; {feature} is off until it is set."
        report.add(name, "incomplete_group", "warning", message)
    if absent:
        values.update({name.lower(): None for name in group})


Rule = Callable[[Values, Report], None]

RULES: tuple[Rule, ...] = (migrations_bypass_the_pooler, pool_serves_every_thread, groups_are_complete)

# Besides those above, in production and staging.
DEPLOYED_RULES: tuple[Rule, ...] = (
    secrets_are_distinct,
    database_is_encrypted,
    rate_limits_are_shared,
    wildcards_are_absent,
    public_address_is_sound,
    providers_are_the_real_ones,
    debug_log_is_pointed_out,
)
