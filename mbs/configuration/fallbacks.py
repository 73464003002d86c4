"""What stands in for values that nobody set, where that is no constant."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CGROUP = Path("/sys/fs/cgroup")
GENERATED_BYTES = 48


def fill_fallbacks(values: dict[str, Any], environment: str) -> None:
    """Fill the gaps in `values`, which are by field name."""
    development = environment == "development"
    domains = values["replit_domains"]
    values["base_url"] = values["base_url"] or (f"https://{domains[0]}" if domains else None)
    origins = dict.fromkeys([values["base_url"], *(f"https://{domain}" for domain in domains)])
    origins.pop(None, None)
    hosts = dict.fromkeys(urlsplit(origin).hostname for origin in origins)
    fallbacks = {
        "sentry_environment": environment,
        "log_format": "text" if development else "json",
        "web_concurrency": 2 if development else min(8, max(2, available_processors())),
        "db_pool_size": values["web_threads"],
        "allowed_hosts": tuple(hosts),
        "cors_origins": tuple(origins),
        "docs_enabled": environment in ("development", "test"),
        # Reached in development, and where only some groups are asked for: never sign with an empty key.
        "jwt_access_secret": secrets.token_urlsafe(GENERATED_BYTES),
        "jwt_refresh_secret": secrets.token_urlsafe(GENERATED_BYTES),
        "session_secret": secrets.token_urlsafe(GENERATED_BYTES),
    }
    for name, value in fallbacks.items():
        if values[name] is None:
            values[name] = value
    values["encryption_secret"] = values["encryption_secret"] or values["session_secret"]


def available_processors(cgroup: Path = CGROUP) -> int:
    """Return the number of processors this process may use, at least 1: the CPU set, cut by cgroup quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(cgroup)
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def _cgroup_quota(cgroup: Path) -> float | None:
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    # No limit is "max" in version 2 and -1 in version 1.
    return int(limit) / int(period) if limit.isdecimal() and int(period) else None
