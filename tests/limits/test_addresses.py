"""Whose address counts: the connection's own, unless proxies that are known stand before it."""

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import passwords
from mbs.foundation.limits import Limits
from tests.factories.callers import Caller, new_address

PEER = "192.0.2.1"


def counted(proxies: int, *forwarded: str, peer: str | None = PEER) -> str:
    """Return the address under which a request is counted."""
    limits = Limits(storage_uri="memory://", storage_options={}, proxies=proxies)
    headers = [("X-Forwarded-For", value) for value in forwarded]
    with Flask("test").test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": peer}):
        return limits.address()


class TestAddress:
    @pytest.mark.parametrize(
        "forwarded", [(), ("198.51.100.7",), ("198.51.100.7, 203.0.113.9",), ("x",), ("",), ("127.0.0.1",)]
    )
    def test_is_the_peers_when_no_proxy_is_known(self, forwarded: tuple[str, ...]) -> None:
        assert counted(0, *forwarded) == PEER

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "expected"),
        [
            (1, ("198.51.100.7",), "198.51.100.7"),
            (1, ("203.0.113.9, 198.51.100.7",), "198.51.100.7"),
            (1, ("203.0.113.9", "198.51.100.7"), "198.51.100.7"),
            (1, ("<script>, 198.51.100.7",), "198.51.100.7"),
            (2, ("203.0.113.9, 198.51.100.7",), "203.0.113.9"),
            (2, ("x, 203.0.113.9,198.51.100.7 ",), "203.0.113.9"),
            (3, ("a, b, 203.0.113.9", "198.51.100.7, 198.51.100.8"), "203.0.113.9"),
            (1, ("198.51.100.7:443",), "198.51.100.7"),
            (1, ("[2001:db8::7]:443",), "2001:db8::/64"),
        ],
    )
    def test_is_the_one_that_the_outermost_known_proxy_saw(
        self, proxies: int, forwarded: tuple[str, ...], expected: str
    ) -> None:
        assert counted(proxies, *forwarded) == expected

    @pytest.mark.parametrize(
        ("proxies", "forwarded"),
        [
            (1, ()),
            (1, ("",)),
            (1, ("198.51.100.7,",)),
            (1, ("unknown",)),
            (1, ("198.51.100.007",)),
            (1, ("198.51.100.7/24",)),
            (1, ("0x7f000001",)),
            (1, ("2130706433",)),
            (1, ("<script>alert(1)</script>",)),
            (1, ("١٩٨.٥١.١٠٠.٧".encode().decode("latin-1"),)),
            (2, ("198.51.100.7",)),
            (2, ("x, 198.51.100.7",)),
        ],
    )
    def test_is_the_peers_when_the_header_holds_no_address_there(
        self, proxies: int, forwarded: tuple[str, ...]
    ) -> None:
        assert counted(proxies, *forwarded) == PEER

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
            ("2001:DB8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("::ffff:c633:6407", "198.51.100.7"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_of_version_six_counts_by_its_network(self, address: str, expected: str) -> None:
        assert counted(0, peer=address) == expected
        assert counted(1, address) == expected

    def test_may_be_missing(self) -> None:
        assert counted(0, peer=None) == "unknown"
        assert counted(0, peer="") == "unknown"


class TestLogin:
    def statuses(self, app: Flask, forwarded: list[str], peer: str) -> list[int]:
        caller = Caller(app, address=peer)
        return [
            caller.post(
                "/api/auth/login",
                {"email": f"nobody-{peer}-{number}@example.com", "password": "x"},
                headers={"X-Forwarded-For": value},
            ).status_code
            for number, value in enumerate(forwarded)
        ]

    @pytest.fixture(autouse=True)
    def _no_hash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "verify", lambda password, stored: False)

    def test_cannot_be_had_more_often_by_naming_other_addresses(self, app: Flask) -> None:
        forged = [f"198.51.100.{number}" for number in range(8)]
        assert self.statuses(app, forged, new_address()) == [401] * 5 + [429] * 3

    def test_behind_one_proxy_counts_what_the_proxy_saw(self, environ: dict[str, str]) -> None:
        app = create_app(Config.load({**environ, "TRUSTED_PROXY_COUNT": "1"}))
        proxy, one, other = new_address(), new_address(), new_address()
        forged = [f"203.0.113.{number}, {one}" for number in range(6)]
        assert self.statuses(app, forged, proxy) == [401] * 5 + [429]
        assert self.statuses(app, [other], proxy) == [401]
