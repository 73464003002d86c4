"""The browser's session: one signed cookie, and what a page must add before it may change anything.

The cookie names a row of `login_sessions`, so that logging out ends it on the server. It is bound to its
host by its name (RFC 6265bis section 4.1.3.2). A request that changes something must come from a page of this
service, as the browser says, and carry a token that only such a page could read (OWASP CSRF cheat sheet).
"""

import hmac
import re
import struct
from collections.abc import Collection
from uuid import UUID

from flask import Flask, Request, current_app
from werkzeug.wrappers import Response

from mbs.foundation.caller import Identity
from mbs.foundation.errors import Forbidden
from mbs.foundation.scope import TenantId
from mbs.foundation.signing import Signer

NAME = "__Host-mbs_session"
CSRF_HEADER = "X-CSRF-Token"
KIND = "browser"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
LONGEST_SECONDS = 30 * 24 * 3600

EXTENSION = "mbs.session_cookies"
VERSION = 1
_SIGNED = struct.Struct(">B16s16s16s")


class CsrfRefused(Forbidden):
    code = "CSRF_REFUSED"
    sentence = (
        "A request with the session cookie must come from a page of this service and carry the session's"
        " `csrfToken` in the header `X-CSRF-Token`."
    )


class SessionCookies:
    """Signs with SESSION_SECRET; verifies with it and with the one being retired.

    :param origins: from where pages may send the cookie, besides the service's own host.
    """

    def __init__(self, secret: str, previous: str | None, origins: Collection[str] = ()) -> None:
        self._identities = Signer(secret, previous, "mbs.cookie.v1")
        self._csrf = Signer(secret, previous, "mbs.csrf.v1")
        self._origins = frozenset(origins)

    def encode(self, identity: Identity) -> str:
        ids = (identity.session_id, identity.user_id, identity.tenant_id)
        return self._identities.sign(_SIGNED.pack(VERSION, *(one.bytes for one in ids)))

    def decode(self, text: str) -> Identity | None:
        """Return whom a cookie names, or None when this service did not sign it; no database is asked."""
        value = self._identities.verify(text)
        if value is None or len(value) != _SIGNED.size:
            return None
        version, session, user, tenant = _SIGNED.unpack(value)
        if version != VERSION:
            return None
        return Identity(UUID(bytes=user), TenantId(UUID(bytes=tenant)), UUID(bytes=session), KIND)

    def csrf_token(self, session_id: UUID) -> str:
        """Return what the session's pages send along in `X-CSRF-Token`."""
        return self._csrf.sign(session_id.bytes)

    def refuse_forged(self, request: Request, session_id: UUID) -> None:
        """Refuse a request that changes something unless one of the session's own pages sent it.

        :raises CsrfRefused: if its origin or its token is missing or wrong.
        """
        self.refuse_foreign_page(request)
        named = self._csrf.verify(request.headers.get(CSRF_HEADER, ""))
        if named is None or not hmac.compare_digest(named, session_id.bytes):
            raise CsrfRefused

    def refuse_foreign_page(self, request: Request) -> None:
        """Refuse a request unless the browser says that a page of this service sent it.

        :raises CsrfRefused: if it came from elsewhere, or says nothing about where it came from.
        """
        origin = request.headers.get("Origin")
        if origin is not None:
            if origin not in self._origins and origin not in _own_origins(request.host):
                raise CsrfRefused
        elif request.headers.get("Sec-Fetch-Site") != "same-origin":
            raise CsrfRefused


def _own_origins(host: str) -> tuple[str, ...]:
    # A page that came unencrypted may be anybody's on the way. To browsers only the developer's own machine
    # is as good as encrypted (W3C Secure Contexts section 3.1).
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    return (f"https://{host}", f"http://{host}") if name in LOOPBACK else (f"https://{host}",)


def install(app: Flask, cookies: SessionCookies) -> None:
    app.extensions[EXTENSION] = cookies


def session_cookies() -> SessionCookies:
    cookies: SessionCookies = current_app.extensions[EXTENSION]
    return cookies


def set_cookie(response: Response, identity: Identity) -> None:
    """Hand the browser its session."""
    response.set_cookie(
        NAME,
        session_cookies().encode(identity),
        max_age=LONGEST_SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def clear_cookie(response: Response) -> None:
    """Take the browser's session away."""
    response.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="Lax")
