"""Calls to other companies' servers, bounded in time and size: their trouble must not become the service's.

Nothing of the process's environment counts (proxies, .netrc), no redirect is followed and no cookie kept.
What stays unbounded is looking a name up: the system's resolver gives up by a time-out of its own.
"""

import io
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

Admits = Callable[[str], bool]
"""Tells of an IP address, at the moment of connecting, whether it may be spoken to."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one call, in seconds: `connect` for all addresses of a host together, `read` for the whole answer.

    `largest` is of the answer's body, in bytes.
    """

    connect: float = 3.0
    read: float = 10.0
    largest: int = 256 * 1024


class AddressRefused(Exception):
    """The host has no address that may be spoken to."""


def bounded_session(bounds: Bounds | None = None, *, admits: Admits | None = None) -> requests.Session:
    """Return a session all of whose calls are bounded; threads may share it.

    Its calls raise `requests.RequestException` whatever goes wrong (of a redirect `TooManyRedirects`, which
    holds the answer), but `AddressRefused` where `admits` says no to each address of the host.

    :param admits: None: any address may be spoken to.
    """
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "identity"
    bind(session, bounds or Bounds(), admits=admits)
    return session


def bind(session: requests.Session, bounds: Bounds, *, admits: Admits | None = None) -> None:
    """Bound the calls of a session that a library has made."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(bounds, admits=admits))


class BoundedAdapter(HTTPAdapter):
    """Keeps the bounds: `requests` bounds each read of a socket, and neither their sum nor the size."""

    def __init__(self, bounds: Bounds, *, admits: Admits | None = None) -> None:
        self._bounds = bounds
        self._admits = admits
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pool, of connections that keep the bounds."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._pool(HTTPConnectionPool, _PlainConnection),
            "https": self._pool(HTTPSConnectionPool, _EncryptedConnection),
        }

    def _pool(self, kind: type[HTTPConnectionPool], connection: type["_Connecting"]) -> Any:
        def make(*args: Any, **options: Any) -> HTTPConnectionPool:
            pool = kind(*args, **options)
            pool.ConnectionCls = partial(connection, admits=self._admits)  # type: ignore[assignment]
            return pool

        return make

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read its whole answer.

        :raises requests.RequestException: if there is none in time, or it is larger than it may be.
        """
        options |= {"stream": True, "timeout": (self._bounds.connect, self._bounds.read)}
        response = super().send(request, *args, **options)
        body = bytearray()
        try:
            while part := response.raw.read1(65536):
                body += part
                if len(body) > self._bounds.largest:
                    raise requests.RequestException("the answer is too long")
        except HTTPError as error:
            response.raw.close()
            raise requests.ConnectionError from error
        except requests.RequestException:
            response.raw.close()
            raise
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return response


class _TimedReader(io.RawIOBase):
    """Reads a socket until an instant: a server that drips bytes restarts every other time-out."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        patience = sock.gettimeout()
        assert patience is not None
        timed = _TimedReader(sock, time.monotonic() + patience)
        self.fp.close()
        self.fp = io.BufferedReader(timed)


class _Connecting(HTTPConnection):
    """Connects within one time for all addresses of a host, and to none that is not admitted."""

    response_class = _TimedResponse

    def __init__(self, *args: Any, admits: Admits | None, **options: Any) -> None:
        self._admits = admits
        super().__init__(*args, **options)

    def _new_conn(self) -> socket.socket:
        assert isinstance(self.timeout, int | float)
        until, failure = time.monotonic() + self.timeout, None
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise NewConnectionError(self, "no name of a host") from error
        admitted = [one for one in found if self._admits is None or self._admits(str(one[4][0]))]
        if not admitted:
            raise AddressRefused
        for family, kind, protocol, _, address in admitted:
            left = until - time.monotonic()
            if left <= 0:
                raise ConnectTimeoutError(self, "no address answered in time")
            connection = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    connection.setsockopt(*option)
                connection.settimeout(left)
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise NewConnectionError(self, "no address answered") from failure


class _PlainConnection(_Connecting):
    pass


class _EncryptedConnection(_Connecting, HTTPSConnection):
    pass
