"""Connection URLs mean the same to libpq and to SQLAlchemy, and those that could not are refused."""

import traceback

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url

from mbs.configuration.postgres import (
    is_encrypted,
    is_local,
    is_pooled,
    postgres_url,
    refuse_sample_login,
    verifies_server,
)
from mbs.configuration.values import Unacceptable

READABLE = [
    "postgres://mbs:k3y@db.internal/mbs",
    "postgresql://mbs:k3y@db.internal:6000/mbs?sslmode=require&application_name=a%20b%2Bc",
    "postgresql+psycopg2://mbs:k3y@db.internal/mbs",
    "postgresql://mbs@db.internal/mbs",
    "postgresql://mbs:p%40s%2Fs%3A%25%23%3F%2B%20@db.internal/mbs",
    "postgresql://mbs:hash#question?plus+@db.internal/mbs",
    "postgresql://mbs:k3y@[2001:db8::1]:5432/mbs",
    "postgresql://mbs:k3y@/mbs?host=/cloudsql/project:region:instance",
    "postgresql://mbs:k3y@%2Fvar%2Frun%2Fpostgresql/mbs",
    "postgresql://mbs:k3y@one.internal:5433,two.internal:5434/mbs?target_session_attrs=read-write",
    "postgresql://mbs:k3y@db.internal/name%20with%2Fslash",
]

UNREADABLE = [
    "mysql://mbs:k3y@db.internal/mbs",
    "postgresql+psycopg://mbs:k3y@db.internal/mbs",
    "db.internal/mbs",
    "host=db.internal dbname=mbs user=mbs",
    "postgresql://db.internal/mbs",
    "postgresql://mbs:k3y@db.internal",
    "postgresql://mbs:k3y@db.internal/",
    "postgresql:///mbs",
    "postgresql://mbs:k3y@db.internal:0/mbs",
    "postgresql://mbs:k3y@db.internal:65536/mbs",
    "postgresql://mbs:k3y@db.internal:five/mbs",
    "postgresql://mbs:with@sign@db.internal/mbs",
    "postgresql://mbs:with/slash@db.internal/mbs",
    "postgresql://mbs:%zz@db.internal/mbs",
    "postgresql://mbs:k3y@db.internal/mbs?schema=public",
    "postgresql://mbs:k3y@db.internal/mbs?sslmode=on",
    "postgresql://mbs:k3y@db.internal/mbs?sslmode=require&sslrootcert=system",
    "postgresql://mbs:k3y@db_.internal-/mbs",
]


def url(host: str = "db.internal", query: str = "") -> str:
    return postgres_url(f"postgresql://mbs:k3y@{host}/mbs{query}")


class TestPostgresUrl:
    @pytest.mark.parametrize("text", READABLE)
    def test_means_to_sqlalchemy_what_the_text_means_to_libpq(self, text: str) -> None:
        parsed = make_url(postgres_url(text))
        positional, arguments = parsed.get_dialect()().create_connect_args(parsed)
        assert parsed.get_driver_name() == "psycopg2"
        assert positional == []
        expected = parse_dsn(text.replace("postgresql+psycopg2:", "postgresql:"))
        assert {name: str(value) for name, value in arguments.items()} == expected

    @pytest.mark.parametrize("text", READABLE)
    def test_is_stable(self, text: str) -> None:
        assert postgres_url(postgres_url(text)) == postgres_url(text)

    @pytest.mark.parametrize("text", UNREADABLE)
    def test_refuses_what_no_connection_could_use(self, text: str) -> None:
        with pytest.raises(Unacceptable) as refusal:
            postgres_url(text)
        assert refusal.value.code == "malformed"
        # libpq's own message quotes the address; neither it nor the reason may end up in a log.
        assert "k3y" not in refusal.value.reason
        shown = traceback.format_exception(refusal.value)
        assert "invalid dsn" not in "".join(shown)


class TestRefuseSampleLogin:
    @pytest.mark.parametrize(
        "login", ["user:pass", "user:password", "mbs:<password>", "mbs:[YOUR-PASSWORD]", "mbs:${PASSWORD}"]
    )
    def test_refuses_samples(self, login: str) -> None:
        with pytest.raises(Unacceptable) as refusal:
            refuse_sample_login(postgres_url(f"postgresql://{login}@host:5432/db?sslmode=require"))
        assert refusal.value.code == "placeholder"

    def test_accepts_a_login_of_ones_own(self) -> None:
        refuse_sample_login(url())


class TestTransport:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "%2Fvar%2Frun"])
    def test_is_local_on_this_machine(self, host: str) -> None:
        assert is_local(url(host))

    @pytest.mark.parametrize(
        "host", ["db.internal", "10.0.0.1", "localhost.example", "localhost,db.internal"]
    )
    def test_is_not_local_elsewhere(self, host: str) -> None:
        assert not is_local(url(host))

    def test_follows_the_address_that_is_dialled(self) -> None:
        assert not is_local(url("localhost", "?hostaddr=10.0.0.1"))

    @pytest.mark.parametrize(
        ("query", "encrypted", "verified"),
        [
            ("", False, False),
            ("?sslmode=disable", False, False),
            ("?sslmode=prefer", False, False),
            ("?sslmode=require", True, False),
            ("?sslmode=require&sslrootcert=/etc/ca.pem", True, True),
            ("?sslmode=verify-ca", True, True),
            ("?sslmode=verify-full", True, True),
            ("?sslrootcert=system", True, True),
        ],
    )
    def test_tells_encryption_and_verification(self, query: str, encrypted: bool, verified: bool) -> None:
        assert is_encrypted(url(query=query)) is encrypted
        assert verifies_server(url(query=query)) is verified

    @pytest.mark.parametrize(
        "host", ["ep-cool-1-pooler.eu.neon.tech", "aws-0.pooler.supabase.com", "db.internal:6432"]
    )
    def test_knows_poolers(self, host: str) -> None:
        assert is_pooled(url(host))
        assert not is_pooled(url("ep-cool-1.eu.neon.tech"))
