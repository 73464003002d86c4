"""Sets of variables for the tests of the configuration, and a shorter way to ask what is wrong with them."""

import secrets

from mbs.config import Config, ConfigError, Fault

SIGNING_SECRETS = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")


def sound(**changes: str | None) -> dict[str, str]:
    """Return a deployment's variables without any fault or warning; a change to None leaves one out."""
    variables: dict[str, str | None] = {name: secrets.token_hex(24) for name in SIGNING_SECRETS}
    variables["DATABASE_URL"] = "postgresql://mbs:k3y@db.internal:5432/mbs?sslmode=verify-full"
    variables["BASE_URL"] = "https://mbs.test"
    variables["WEB_CONCURRENCY"] = "4"
    return {name: value for name, value in {**variables, **changes}.items() if value is not None}


def findings(environ: dict[str, str]) -> tuple[Fault, ...]:
    """Load, and return every fault, warning and ignored variable."""
    try:
        config = Config.load(environ)
    except ConfigError as error:
        return (*error.faults, *error.warnings, *error.ignored)
    return (*config.warnings, *config.ignored)


def summary(environ: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return the findings as variable, code and severity."""
    return [(one.variable, one.code, one.severity) for one in findings(environ)]
