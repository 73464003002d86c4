"""The OpenID provider over HTTP: what it says of itself, codes for identities, its keys.

Nothing is asked before somebody wants to sign in, so the service starts whether the provider answers or not.
Every call is bounded in time, size and number: the provider's trouble must not become the service's.
"""

import base64
import ipaddress
import logging
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlsplit

import jwt
import orjson
import requests
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]

from mbs.foundation.http_client import Bounds, bind
from mbs.sso.errors import SsoRefused, SsoUnavailable
from mbs.sso.models import OLDEST_PROOF, Flow, Jwk, KeyRing, ProviderIdentity, identity_of

log = logging.getLogger("mbs.auth")

T = TypeVar("T")

BOUNDS = Bounds(connect=3.0, read=5.0)
PATIENCE_SECONDS = 4.0
"""For all that a request asks of the provider."""

RESERVED_SECONDS = 0.5
"""What the database gets of a request's time when the provider has used up the rest."""

CACHE_SECONDS = 3600.0
PROBE_SECONDS = 60.0
"""How long the answer of the readiness check stands."""

PAUSE_SECONDS = 5.0
"""How long nobody asks again after a failure: each who did would wait in vain."""

CALLS = 2
"""Requests of a process that may wait for the provider at the same time; the others go on serving."""

QUEUE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0 section 3), as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool
    """Whether it says in its responses who it is (RFC 9207 section 3)."""


class Provider:
    """One provider, with what is remembered of it in this process."""

    def __init__(self, issuer_url: str, client_id: str, client_secret: str | None) -> None:
        self.issuer_url = issuer_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._metadata: tuple[float, Metadata] | None = None
        self._keys = KeyRing()
        self._contact: tuple[float, bool] | None = None
        self._lines = threading.BoundedSemaphore(CALLS)
        # Threads of their own, because nothing else bounds the time that looking a name up takes. One more
        # than requests may use is for the readiness check.
        self._threads = ThreadPoolExecutor(CALLS + 1, thread_name_prefix="mbs-sso")

    def authorization_url(self, flow: Flow, state: str, *, deadline: float | None) -> str:
        """Return where to send a browser that is to sign in.

        :param deadline: the request's, an instant of `time.monotonic()`.
        :raises SsoUnavailable: if the provider does not answer.
        """
        metadata = self._in_line(self._current_metadata, deadline)
        with self._session() as session:
            url, _ = session.create_authorization_url(
                metadata.authorization_endpoint,
                state=state,
                code_verifier=flow.verifier,
                redirect_uri=flow.redirect_uri,
                scope="openid email profile",
                nonce=flow.nonce,
                max_age=0 if flow.proof_after else int(OLDEST_PROOF.total_seconds()),
                prompt="login" if flow.proof_after else None,
            )
        return str(url)

    def identity(
        self, flow: Flow, code: str, *, issuer: str | None, deadline: float | None
    ) -> ProviderIdentity:
        """Exchange a code for who somebody is.

        :param issuer: the `iss` of the provider's response, if it had one.
        :raises SsoRefused: if the response is another provider's, or code or ID token are not good.
        :raises SsoUnavailable: if the provider does not answer.
        """
        return self._in_line(lambda: self._exchange(flow, code, issuer), deadline)

    def answers(self, patience: float) -> bool:
        """Tell whether the provider answered within the last minute; ask it if that is not known."""
        contact = self._contact
        if contact is not None and time.monotonic() - contact[0] < PROBE_SECONDS:
            return contact[1]
        try:
            self._bounded(self._fetch_metadata, patience)
        except SsoUnavailable:
            return False
        return True

    def _in_line(self, call: Callable[[], T], deadline: float | None) -> T:
        left = math.inf if deadline is None else deadline - time.monotonic()
        patience = min(PATIENCE_SECONDS, left - RESERVED_SECONDS)
        if not self._lines.acquire(timeout=max(0.0, min(QUEUE_SECONDS, patience))):
            raise SsoUnavailable
        try:
            return self._bounded(call, patience)
        finally:
            self._lines.release()

    def _bounded(self, call: Callable[[], T], patience: float) -> T:
        future = self._threads.submit(call)
        try:
            return future.result(max(0.0, patience))
        except TimeoutError:
            future.cancel()
            self._lost("timeout")
            raise SsoUnavailable from None
        except (requests.RequestException, ValueError) as error:
            self._lost(str(error) if isinstance(error, ValueError) else type(error).__name__)
            raise SsoUnavailable from None

    def _lost(self, reason: str) -> None:
        # With it goes what was remembered, so that nobody is sent to a provider that is away.
        self._contact, self._metadata = (time.monotonic(), False), None
        log.warning("sign-in provider away", extra={"event": "auth.sso_unavailable", "reason": reason})

    def _current_metadata(self) -> Metadata:
        known, contact, now = self._metadata, self._contact, time.monotonic()
        if known is not None and now - known[0] < CACHE_SECONDS:
            return known[1]
        if contact is not None and not contact[1] and now - contact[0] < PAUSE_SECONDS:
            raise SsoUnavailable
        return self._fetch_metadata()

    def _fetch_metadata(self) -> Metadata:
        said = self._get(f"{self.issuer_url}/.well-known/openid-configuration")
        # The configured address lost its closing slash; what the provider writes is what its tokens must say.
        if str(said.get("issuer", "")).rstrip("/") != self.issuer_url:
            raise ValueError("issuer")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        metadata = Metadata(
            issuer=said["issuer"],
            **{name: _endpoint(said.get(name), self.issuer_url) for name in names},
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )
        self._metadata = (time.monotonic(), metadata)
        self._contact = (time.monotonic(), True)
        return metadata

    def _exchange(self, flow: Flow, code: str, issuer: str | None) -> ProviderIdentity:
        metadata = self._current_metadata()
        if issuer != metadata.issuer and (issuer is not None or metadata.names_itself):
            raise SsoRefused("response issuer")
        try:
            with self._session() as session:
                answer = session.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=flow.redirect_uri,
                    code_verifier=flow.verifier,
                )
        except OAuthError as error:
            if error.error in ("invalid_client", "unauthorized_client"):
                raise ValueError("the provider refuses the client") from None
            raise SsoRefused("code") from None
        try:
            return self._named(answer.get("id_token"), flow, metadata)
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise SsoRefused(str(error)) from None

    def _named(self, token: Any, flow: Flow, metadata: Metadata) -> ProviderIdentity:
        """Return whom an ID token names.

        :raises ValueError: if there is none, or a claim is wrong.
        :raises jwt.PyJWTError: if it is not signed as it must be.
        """
        if not isinstance(token, str):
            raise ValueError("no ID token")
        # The signature alone: PyJWT takes numbers that are texts, and lists of which one fits.
        signatures = jwt.PyJWS(options={"enforce_minimum_key_length": True})
        header = signatures.get_unverified_header(token)
        key = self._keys.pick(header, lambda: self._fetch_keys(metadata.jwks_uri))
        claims = orjson.loads(signatures.decode(token, key, [key.algorithm_name]))
        if not isinstance(claims, dict):
            raise ValueError("claims")
        return identity_of(
            claims,
            issuer=metadata.issuer,
            client_id=self._client_id,
            nonce=flow.nonce,
            now=datetime.now(UTC),
        )

    def _fetch_keys(self, jwks_uri: str) -> list[Jwk]:
        try:
            keys = self._get(jwks_uri).get("keys")
        except ValueError as error:
            # Not the token's fault: the caller tells the two apart.
            raise requests.RequestException("keys") from error
        return [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []

    def _get(self, url: str) -> dict[str, Any]:
        with self._session() as session:
            response = session.get(url, withhold_token=True)
        said = orjson.loads(response.content) if response.status_code == 200 else None
        if not isinstance(said, dict):
            raise ValueError("not a JSON object")
        return said

    def _session(self) -> Any:
        # Nothing of the process's environment counts (proxies, .netrc), and no redirect is followed.
        session = OAuth2Session(
            self._client_id,
            self._client_secret,
            code_challenge_method="S256",
            trust_env=False,
            max_redirects=0,
        )
        session.register_client_auth_method(("client_secret_basic", _basic))
        session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
        bind(session, BOUNDS)
        return session


def _basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[Any, ...]:
    # RFC 6749 section 2.3.1: both are form-encoded first, which Authlib leaves out.
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(text.encode()).decode()}"
    return uri, headers, body


def _endpoint(url: Any, issuer_url: str) -> str:
    """Return an address that a provider names for itself.

    :raises ValueError: if it is not https; http will do on loopback, for an issuer that is there itself.
    """
    if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]+", url, re.ASCII):
        raise ValueError("endpoint")
    split = urlsplit(url)
    local = issuer_url.startswith("http://") and _is_loopback(split.hostname or "")
    if split.username is not None or not split.hostname or not (split.scheme == "https" or local):
        raise ValueError("endpoint")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
