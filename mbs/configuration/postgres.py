"""PostgreSQL connection URLs: read by libpq, rewritten for SQLAlchemy and psycopg2."""

import re
from urllib.parse import quote, urlencode

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

from mbs.configuration.values import Unacceptable, is_host, is_loopback, malformed

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
ENCRYPTED_SSL_MODES = ("require", "verify-ca", "verify-full")
SHAPE = "postgresql://user:password@host:5432/database?sslmode=require"


def postgres_url(value: str) -> str:
    """Accept a connection URL and return it as ``postgresql+psycopg2://...``.

    SQLAlchemy 2.1 reads ``postgresql://`` as psycopg 3 and does not know ``postgres://``. The URL is read by
    libpq, as every connection will be, and written anew with each part quoted, so that both read it alike.

    :raises Unacceptable: if user, host or database is missing, or a port, sslmode or parameter is unknown.
    """
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg2"):
        raise malformed(f"Write {SHAPE}.")
    parts = connection_parameters(f"postgresql://{rest}")
    if not (parts.get("user") and parts.get("host") and parts.get("dbname")):
        raise malformed(f"User, host or database name is missing. Write {SHAPE}.")
    if not all(name.startswith("/") or is_host(name) for name in parts["host"].split(",")):
        raise malformed(
            "The host is no host name. Percent-encode @ : / ? # in the user name and the password."
        )
    if not all(_is_port(port) for port in parts.get("port", "5432").split(",")):
        raise malformed("The port is no number from 1 to 65535. Percent-encode : and / in the password.")
    if parts.get("sslmode", "prefer") not in SSL_MODES:
        raise malformed(f"Unknown sslmode. Write one of: {', '.join(SSL_MODES)}.")
    if parts.get("sslrootcert") == "system" and parts.get("sslmode", "verify-full") != "verify-full":
        raise malformed("sslrootcert=system demands sslmode=verify-full.")
    return _write(parts)


def connection_parameters(url: str) -> dict[str, str]:
    """Return libpq's reading of a PostgreSQL URL: user, password, host, port, dbname, sslmode and others.

    :raises Unacceptable: if libpq cannot read it.
    """
    try:
        parts: dict[str, str] = parse_dsn(url.replace("postgresql+psycopg2://", "postgresql://", 1))
    except (ProgrammingError, ValueError):
        # Not chained: libpq's message quotes the URL.
        raise malformed(
            "PostgreSQL's client cannot read this URL: a parameter it does not know, or a broken %-escape."
        ) from None
    return parts


def refuse_sample_login(url: str) -> None:
    """Refuse the runbook's sample login and a password that is still a template.

    :raises Unacceptable: `placeholder`.
    """
    parts = connection_parameters(url)
    password = parts.get("password", "")
    template = re.search(r"^[\[<].*[\]>]$|\$\{|\{\{|change[-_]?me|your[-_]?password", password, re.IGNORECASE)
    if (parts.get("user"), password) in {("user", "pass"), ("user", "password")} or template:
        raise Unacceptable("placeholder", "This is a sample. Write your own server, user and password.")


def is_local(url: str) -> bool:
    """Tell whether the connection stays on this machine: a Unix socket or a loopback address."""
    parts = connection_parameters(url)
    addresses = parts.get("hostaddr") or parts["host"]
    return all(name.startswith("/") or is_loopback(name) for name in addresses.split(","))


def is_encrypted(url: str) -> bool:
    """Tell whether the connection demands TLS, verified or not."""
    parts = connection_parameters(url)
    return parts.get("sslmode") in ENCRYPTED_SSL_MODES or parts.get("sslrootcert") == "system"


def verifies_server(url: str) -> bool:
    """Tell whether the connection checks the server's certificate.

    libpq treats `require` as `verify-ca` when a root certificate is named (libpq documentation 32.19.1).
    """
    parts = connection_parameters(url)
    return is_encrypted(url) and (parts.get("sslmode") != "require" or "sslrootcert" in parts)


def is_pooled(url: str) -> bool:
    """Tell whether the URL names a transaction pooler: Neon's `-pooler`, Supabase's, PgBouncer's port."""
    parts = connection_parameters(url)
    return bool(re.search(r"-pooler\b|\bpooler\.", parts["host"])) or parts.get("port") in ("6432", "6543")


def _is_port(text: str) -> bool:
    # libpq reads an empty port between commas as the default one.
    return not text or (bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= 65535)


def _write(parts: dict[str, str]) -> str:
    rest = dict(parts)
    login = quote(rest.pop("user"), safe="")
    if "password" in rest:
        login += ":" + quote(rest.pop("password"), safe="")
    name = quote(rest.pop("dbname"), safe="")
    server = ""
    # Sockets and lists of hosts fit into no URL's host part; SQLAlchemy hands the query's to libpq untouched.
    if not rest["host"].startswith("/") and "," not in rest["host"]:
        host = rest.pop("host")
        port = rest.pop("port", "")
        server = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    query = urlencode(rest, quote_via=quote, safe="/,")
    return f"postgresql+psycopg2://{login}@{server}/{name}" + (f"?{query}" if query else "")
