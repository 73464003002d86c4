"""gunicorn's settings for `mbs serve`; what may vary comes from the declared configuration.

Only the server's own variables are checked here: with a fault in any other one the service listens all the
same, in degraded mode (docs/runbook.md, section 10).
"""

import os
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

import mbs.app  # noqa: F401 - read once before the fork: a new worker serves at once, and shares the memory
from mbs.config import VARIABLES, Config, ConfigError
from mbs.configuration.announcement import announce
from mbs.foundation.bulkhead import thread_count

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - one file a worker, made by mkstemp


def load() -> Config:
    """Read the server's variables; a faulty one gives way to its default, since degraded mode listens too."""
    try:
        return Config.load(os.environ, groups={"server"})
    except ConfigError as error:
        faulty = {fault.variable for fault in error.faults}
        sound = {name: value for name, value in os.environ.items() if name not in faulty}
        return Config.load(sound, groups={"server"})


server = load()

if not server.is_deployed:
    # Left to themselves, the workers would each generate their own and refuse one another's tokens.
    for secret in (one for one in VARIABLES if one.required and "secrets" in one.groups):
        if not any(os.environ.get(name) for name in secret.names):
            os.environ[secret.name] = getattr(server, secret.name.lower())

wsgi_app = "wsgi:app"
chdir = str(Path(__file__).resolve().parents[1])
proc_name = "mbs"
bind = f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"

worker_class = "gthread"
workers = server.web_concurrency
threads = thread_count(server.web_threads)
# The heartbeat file must not wait for a disk: a slow one would make gunicorn kill healthy workers.
if SHARED_MEMORY.is_dir():
    worker_tmp_dir = str(SHARED_MEMORY)
# A connection pool that crossed a fork served other tenants' rows: every worker builds its own application.
preload_app = False

# Against a stuck process only; stuck requests end by their own deadline.
timeout = 60
graceful_timeout = server.graceful_timeout
keepalive = server.keepalive
max_requests = server.max_requests
max_requests_jitter = server.max_requests_jitter

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# TRUSTED_PROXY_COUNT alone decides whose X-Forwarded-* headers count, in the application. gunicorn would also
# let a trusted peer overwrite PATH_INFO by a header, past every rule that looks at paths.
forwarded_allow_ips = ""
forwarder_headers = ""

# The socket lies under $HOME, which a read-only image does not have; nothing here uses it.
control_socket_disable = True


class ErrorLogger(Logger):
    """gunicorn's own log without its access log: the application writes a line for each request itself."""

    # `logconfig_dict` below would switch it on: a record for each request, which no handler takes.
    access_log_enabled = False


logger_class = ErrorLogger
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "mbs.foundation.logs.JsonFormatter"},
        "text": {"()": "mbs.foundation.logs.TextFormatter"},
    },
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": server.log_format,
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"level": server.log_level.upper(), "handlers": ["stdout"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}


def on_starting(_arbiter: Any) -> None:
    """Log what is wrong with the configuration once a start; every worker will meet it, and keep silent."""
    try:
        found: Config | ConfigError = Config.load(os.environ)
    except ConfigError as error:
        found = error
    announce((*getattr(found, "faults", ()), *found.warnings, *found.ignored))


on_reload = on_starting
