"""The one composition root: configuration in, WSGI application out. Read it top to bottom.

The whole HTTP surface is `BLUEPRINTS`; what each service is made of is in `wiring.py`.
"""

import logging
import os
from pathlib import Path

from flask import Flask

import mbs.accounts.blueprint
import mbs.accounts.models
import mbs.allocations.models
import mbs.api_keys.blueprint
import mbs.auth.blueprint
import mbs.availability.blueprint
import mbs.bookings.blueprint
import mbs.bookings.models
import mbs.branding.blueprint
import mbs.catalog.blueprint
import mbs.consents.blueprint
import mbs.credit_notes.blueprint
import mbs.customers.blueprint
import mbs.dashboard.blueprint
import mbs.events.blueprint
import mbs.exchange_rates.blueprint
import mbs.foundation.tables
import mbs.health.blueprint
import mbs.invitations.blueprint
import mbs.invoices.blueprint
import mbs.locations.blueprint
import mbs.mail.models
import mbs.notifications.blueprint
import mbs.outbox.models
import mbs.payments.blueprint
import mbs.printing.blueprint
import mbs.receipts.blueprint
import mbs.reservations.blueprint
import mbs.resources.blueprint
import mbs.schedules.blueprint
import mbs.second_factor.blueprint
import mbs.seeds.blueprint
import mbs.sessions.blueprint
import mbs.sign_ins.blueprint
import mbs.sso.blueprint
import mbs.taxes.blueprint
import mbs.team.blueprint
import mbs.templates.blueprint
import mbs.tenants.blueprint
import mbs.waitlist.blueprint
import mbs.webhooks.blueprint
from mbs import degraded
from mbs.api_keys.repository import ApiKeyFinder
from mbs.auth.repository import SessionFinder
from mbs.config import Config, ConfigError, secret_values
from mbs.configuration.announcement import announce
from mbs.foundation import (
    access_tokens,
    cors,
    documentation,
    http,
    idempotency,
    logs,
    passwords,
    security,
    sentry,
    services,
    session_cookies,
)
from mbs.foundation.api import Api
from mbs.foundation.bulkhead import Bulkhead, Liveness
from mbs.foundation.caller import Identity, KeyIdentity
from mbs.foundation.db import Base, Database
from mbs.foundation.limits import REDIS_PATIENCE, Limits, NoLimits
from mbs.foundation.pages import CursorCodec
from mbs.foundation.schema_version import known_revisions
from mbs.foundation.session_cookies import SessionCookies
from mbs.health.service import HealthService
from mbs.parts import Parts, messages_by
from mbs.wiring import service_factories

log = logging.getLogger("mbs.startup")

BLUEPRINTS = (
    mbs.health.blueprint.blueprint,
    mbs.auth.blueprint.blueprint,
    mbs.second_factor.blueprint.blueprint,
    mbs.accounts.blueprint.blueprint,
    mbs.sign_ins.blueprint.blueprint,
    mbs.sso.blueprint.blueprint,
    mbs.invitations.blueprint.blueprint,
    mbs.team.blueprint.blueprint,
    mbs.tenants.blueprint.blueprint,
    mbs.branding.blueprint.blueprint,
    mbs.locations.blueprint.blueprint,
    mbs.api_keys.blueprint.blueprint,
    mbs.customers.blueprint.blueprint,
    mbs.consents.blueprint.blueprint,
    mbs.resources.blueprint.blueprint,
    mbs.resources.blueprint.staff,
    mbs.schedules.blueprint.staff,
    mbs.schedules.blueprint.resources,
    mbs.schedules.blueprint.locations,
    mbs.catalog.blueprint.blueprint,
    mbs.reservations.blueprint.blueprint,
    mbs.bookings.blueprint.blueprint,
    mbs.sessions.blueprint.blueprint,
    mbs.waitlist.blueprint.blueprint,
    mbs.availability.blueprint.blueprint,
    mbs.payments.blueprint.blueprint,
    mbs.payments.blueprint.refunds,
    mbs.credit_notes.blueprint.blueprint,
    mbs.exchange_rates.blueprint.blueprint,
    mbs.templates.blueprint.blueprint,
    mbs.taxes.blueprint.blueprint,
    mbs.invoices.blueprint.blueprint,
    mbs.printing.blueprint.blueprint,
    mbs.notifications.blueprint.blueprint,
    mbs.receipts.blueprint.blueprint,
    mbs.dashboard.blueprint.blueprint,
    mbs.webhooks.blueprint.blueprint,
    mbs.events.blueprint.blueprint,
)

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations" / "versions"
PROBE_MS = 1500

LIMITER_POOL = 2
"""The limiter's own connections, so that a drained main pool cannot disable it."""


def create_app(config: Config | None = None) -> Flask:
    """Build the application. A fault in the configuration builds the degraded one instead of failing.

    :param config: None reads the process's environment.
    """
    if config is None:
        try:
            config = Config.load(os.environ)
        except ConfigError as error:
            return create_degraded_app(error)
    app = Flask("mbs", static_folder=None)
    logs.configure(
        level=config.log_level,
        form=config.log_format,
        secrets=secret_values(config),
        release=config.release,
        environment=config.environment,
    )
    if config.sentry_dsn:
        sentry.install(config.sentry_dsn, environment=config.sentry_environment, release=config.release)
    database = open_database(config, pool_size=config.db_pool_size)

    # The hooks run in the order in which they are installed here.
    http.install(
        app,
        strict_transport=config.is_deployed,
        slow_request_ms=config.slow_request_ms,
        allowed_hosts=config.allowed_hosts,
        proxies=config.trusted_proxy_count,
    )
    if not config.seed_routes_enabled:
        security.install_blocked_paths(app)
    access_tokens.install(
        app,
        secret=config.jwt_access_secret,
        previous=config.jwt_access_secret_previous,
        lifetime=config.jwt_access_ttl,
        environment=config.environment,
    )
    session_cookies.install(
        app, SessionCookies(config.session_secret, config.session_secret_previous, config.cors_origins)
    )
    finders: security.Finders = {Identity: SessionFinder(database), KeyIdentity: ApiKeyFinder(database)}
    security.install_identify(app, finders)
    limits: Limits | NoLimits = NoLimits()
    if config.limits_enforced:
        counters = open_database(config, pool_size=LIMITER_POOL)
        limits = Limits(
            storage_uri=config.ratelimit_storage_uri or "mbs+postgresql://",
            storage_options=REDIS_PATIENCE if config.ratelimit_storage_uri else {"database": counters},
            proxies=config.trusted_proxy_count,
        )
        limits.install(app)
    security.install_authorize(app, finders)

    api = Api(app)
    api.install(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    if config.seed_routes_enabled:
        api.register_blueprint(mbs.seeds.blueprint.blueprint)
    if config.docs_enabled:
        documentation.install(app)
    if config.cors_origins:
        cors.install(app, config.cors_origins)

    app.extensions[idempotency.EXTENSION] = database
    app.extensions[http.CURSORS] = CursorCodec(config.jwt_access_secret)
    parts = Parts.of(config, database=database, throttle=limits)
    health = HealthService(
        probe=open_probe(config),
        tenant_tables=tenant_tables(),
        known_revisions=known_revisions(MIGRATIONS),
        limits_reachable=limits.reachable,
        provider_answers=parts.provider.answers if parts.provider is not None else None,
        messages_by=messages_by(config),
        warnings=tuple(fault.variable for fault in config.warnings),
        release={"version": config.release, "commit": config.git_sha},
    )
    app.extensions[services.EXTENSION] = {HealthService: lambda _: health, **service_factories(parts)}
    app.wsgi_app = Bulkhead(Liveness(app.wsgi_app), config.web_threads)  # type: ignore[method-assign]
    passwords.prepare()
    announce((*config.warnings, *config.ignored))
    log.info("application built", extra={"event": "startup.built"})
    return app


def create_degraded_app(error: ConfigError) -> Flask:
    """Build what is served while the configuration is incomplete: health, and 503 for the rest.

    Nothing else is registered, so nothing else can answer.
    """
    app = Flask("mbs", static_folder=None)
    # A fault in one of these groups is a warning at most, so this never fails.
    known = Config.load(os.environ, groups={"monitoring", "release"})
    logs.configure(
        level=known.log_level,
        form=known.log_format,
        secrets=secret_values(known),
        release=known.release,
        environment=known.environment,
    )
    http.install(app, strict_transport=True, slow_request_ms=known.slow_request_ms)
    app.register_blueprint(degraded.blueprint)
    app.register_blueprint(mbs.health.blueprint.blueprint)
    health = HealthService(
        probe=open_degraded_probe(error),
        faults=tuple((fault.variable, fault.code) for fault in error.faults),
        release={"version": known.release, "commit": known.git_sha},
    )
    app.extensions[services.EXTENSION] = {HealthService: lambda _: health}
    announce((*error.faults, *error.warnings, *error.ignored))
    return app


def open_database(config: Config, *, pool_size: int) -> Database:
    assert config.database_url is not None
    return Database(
        config.database_url,
        pool_size=pool_size,
        connect_seconds=config.db_connect_timeout_s,
        statement_ms=config.db_statement_timeout_ms,
        lock_ms=config.db_lock_timeout_ms,
        idle_transaction_ms=config.db_idle_tx_timeout_ms,
        pool_wait_seconds=config.db_pool_timeout_s,
        recycle_seconds=config.db_pool_recycle_s,
    )


def open_probe(config: Config) -> Database:
    """Return the health checks' own connection, which gives up before a prober does."""
    assert config.database_url is not None
    return Database(
        config.database_url,
        pool_size=1,
        connect_seconds=config.db_connect_timeout_s,
        statement_ms=PROBE_MS,
        application_name="mbs-health",
    )


def open_degraded_probe(error: ConfigError) -> Database | None:
    """Return the health checks' connection, or None if the environment names no usable database."""
    faulty = {fault.variable for fault in error.faults}
    sound = {name: value for name, value in os.environ.items() if name not in faulty}
    try:
        config = Config.load(sound, groups={"database"})
    except ConfigError:
        return None
    return open_probe(config) if config.database_url else None


def tenant_tables() -> tuple[str, ...]:
    """Return the names of the tables whose rows belong to one tenant."""
    named = (name for name, table in Base.metadata.tables.items() if "tenant_id" in table.columns)
    return tuple(sorted(set(named) - {"login_sessions", "account_mails"}))
