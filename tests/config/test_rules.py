"""Rules between variables: each finds its fault, and leaves sound deployments and development alone."""

import pytest

from mbs.config import Config
from tests.config.deployments import SIGNING_SECRETS, findings, sound, summary

SECRET = "q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pay"
SID, TOKEN, SENDER = "AC" + "0f" * 16, "1e" * 16, "whatsapp:+1234567890"
TWILIO = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_WHATSAPP_FROM": SENDER}


def critical(*names: str, code: str) -> list[tuple[str, str, str]]:
    return [(name, code, "critical") for name in names]


class TestSecretsAreDistinct:
    @pytest.mark.parametrize("other", [SECRET, f"{SECRET}x", f"x{SECRET}"])
    @pytest.mark.parametrize("pair", [SIGNING_SECRETS[:2], SIGNING_SECRETS[1:], SIGNING_SECRETS[::2]])
    def test_refuses_equal_ones_and_parts_and_names_both(self, pair: tuple[str, str], other: str) -> None:
        found = findings(sound(**dict(zip(pair, (SECRET, other), strict=True))))
        assert [(one.variable, one.code) for one in found] == [(name, "not_distinct") for name in pair]
        assert [one.variable in two.message for one, two in zip(found, found[::-1], strict=True)] == [
            True
        ] * 2

    @pytest.mark.parametrize("name", SIGNING_SECRETS)
    def test_refuses_the_current_one_as_the_previous(self, name: str) -> None:
        environ = sound(**{f"{name}_PREVIOUS": SECRET, name: SECRET})
        assert summary(environ) == critical(name, f"{name}_PREVIOUS", code="not_distinct")

    @pytest.mark.parametrize("name", SIGNING_SECRETS)
    def test_accepts_another_previous_one(self, name: str) -> None:
        assert findings(sound(**{f"{name}_PREVIOUS": SECRET})) == ()

    def test_refuses_one_that_is_also_the_database_password(self) -> None:
        url = f"postgresql://mbs:{SECRET}@localhost/mbs"
        assert summary(sound(SESSION_SECRET=SECRET, DATABASE_URL=url)) == critical(
            "SESSION_SECRET", code="not_distinct"
        )


class TestDatabaseIsEncrypted:
    @pytest.mark.parametrize("query", ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"])
    @pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATION_DATABASE_URL"])
    def test_refuses_connections_without_tls(self, name: str, query: str) -> None:
        environ = sound(**{name: f"postgresql://mbs:k3y@db.internal/mbs{query}"})
        assert summary(environ) == critical(name, code="insecure_ssl")

    def test_warns_of_a_server_that_is_not_verified(self) -> None:
        environ = sound(DATABASE_URL="postgresql://mbs:k3y@db.internal/mbs?sslmode=require")
        assert summary(environ) == [("DATABASE_URL", "insecure_ssl", "warning")]

    @pytest.mark.parametrize(
        "address",
        ["localhost/mbs", "127.0.0.1/mbs", "[::1]/mbs", "/mbs?host=/cloudsql/project:region:instance"],
    )
    def test_leaves_connections_on_this_machine_alone(self, address: str) -> None:
        assert findings(sound(DATABASE_URL=f"postgresql://mbs:k3y@{address}")) == ()

    def test_leaves_development_alone(self) -> None:
        environ = sound(APP_ENV="development", DATABASE_URL="postgresql://mbs:k3y@db.internal/mbs")
        assert findings(environ) == ()


class TestMigrationsBypassThePooler:
    POOLED = "postgresql://mbs:k3y@ep-1-pooler.neon.tech/mbs?sslmode=verify-full"
    DIRECT = "postgresql://mbs:k3y@ep-1.neon.tech/mbs?sslmode=verify-full"

    def test_refuses_a_pooler_for_migrations(self) -> None:
        assert summary(sound(MIGRATION_DATABASE_URL=self.POOLED)) == critical(
            "MIGRATION_DATABASE_URL", code="pooled_migration_url"
        )

    def test_warns_when_migrations_fall_back_to_a_pooler(self) -> None:
        assert summary(sound(DATABASE_URL=self.POOLED)) == [
            ("MIGRATION_DATABASE_URL", "pooled_migration_url", "warning")
        ]

    def test_accepts_a_direct_address_beside_the_pooler(self) -> None:
        assert findings(sound(DATABASE_URL=self.POOLED, MIGRATION_DATABASE_URL=self.DIRECT)) == ()


class TestRateLimitsAreShared:
    def test_refuses_memory_of_several_workers(self) -> None:
        assert summary(sound(RATELIMIT_STORAGE_URI="memory://")) == critical(
            "RATELIMIT_STORAGE_URI", code="unshared_rate_limit_store"
        )

    def test_warns_of_memory_of_one_worker(self) -> None:
        environ = sound(RATELIMIT_STORAGE_URI="memory://", WEB_CONCURRENCY="1")
        assert summary(environ) == [("RATELIMIT_STORAGE_URI", "unshared_rate_limit_store", "warning")]

    def test_leaves_development_alone(self) -> None:
        assert findings(sound(APP_ENV="test", RATELIMIT_STORAGE_URI="memory://")) == ()


class TestPoolServesEveryThread:
    def test_refuses_fewer_connections_than_threads(self) -> None:
        environ = sound(WEB_THREADS="8", DB_POOL_SIZE="7")
        assert summary(environ) == critical("DB_POOL_SIZE", code="out_of_range")
        assert findings(sound(WEB_THREADS="8", DB_POOL_SIZE="8")) == ()


class TestWildcardsAreAbsent:
    @pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "CORS_ORIGINS"])
    def test_refuses_them_where_strangers_come(self, name: str) -> None:
        assert summary(sound(**{name: "*"})) == critical(name, code="invalid_choice")
        assert findings(sound(**{name: "*", "APP_ENV": "development"})) == ()


class TestPublicAddressIsSound:
    def test_warns_when_any_host_name_is_answered(self) -> None:
        assert summary(sound(BASE_URL=None)) == [("BASE_URL", "missing", "warning")]
        assert findings(sound(BASE_URL=None, ALLOWED_HOSTS="mbs.test")) == ()

    def test_warns_of_unencrypted_links(self) -> None:
        assert summary(sound(BASE_URL="http://mbs.test")) == [("BASE_URL", "insecure_ssl", "warning")]
        assert findings(sound(BASE_URL="http://127.0.0.1:5000")) == ()


class TestProvidersAreTheRealOnes:
    OTHER = "https://collector.test"

    @pytest.mark.parametrize("provider", ["sendgrid", "resend", "twilio"])
    def test_sends_keys_nowhere_else(self, provider: str) -> None:
        name = f"{provider.upper()}_API_BASE"
        environ = sound(**{name: self.OTHER})
        assert getattr(Config.load(environ), name.lower()) == f"https://api.{provider}.com"
        assert summary(environ) == [(name, "ignored_in_production", "ignored")]

    def test_stands_back_where_it_is_told_to(self) -> None:
        environ = sound(RESEND_API_BASE=self.OTHER, ALLOW_PROVIDER_OVERRIDE="1")
        assert Config.load(environ).resend_api_base == self.OTHER
        assert findings(environ) == ()

    def test_lets_development_use_a_stand_in(self) -> None:
        environ = sound(RESEND_API_BASE="http://127.0.0.1:9", APP_ENV="test")
        assert Config.load(environ).resend_api_base == "http://127.0.0.1:9"
        assert findings(environ) == ()


class TestDebugLogIsPointedOut:
    def test_keeps_the_level_and_warns(self) -> None:
        environ = sound(LOG_LEVEL="debug")
        assert Config.load(environ).log_level == "DEBUG"
        assert summary(environ) == [("LOG_LEVEL", "invalid_choice", "warning")]
        assert findings(sound(LOG_LEVEL="debug", APP_ENV="test")) == ()


class TestGroupsAreComplete:
    def test_accepts_all_of_twilio(self) -> None:
        config = Config.load(sound(**TWILIO))
        assert (config.twilio_account_sid, config.twilio_auth_token) == (SID, TOKEN)
        assert (config.twilio_whatsapp_from, config.warnings) == (SENDER, ())

    @pytest.mark.parametrize("name", TWILIO)
    def test_switches_twilio_off_when_one_is_absent(self, name: str) -> None:
        config = Config.load(sound(**{**TWILIO, name: None}))
        assert (config.twilio_account_sid, config.twilio_auth_token, config.twilio_whatsapp_from) == (
            None,
        ) * 3
        assert [(one.variable, one.code) for one in config.warnings] == [(name, "incomplete_group")]

    def test_understands_the_old_name_of_the_sender(self) -> None:
        environ = sound(**{**TWILIO, "TWILIO_WHATSAPP_FROM": None, "TWILIO_WHATSAPP_NUMBER": SENDER})
        assert Config.load(environ).twilio_whatsapp_from == SENDER
        assert summary(environ) == [("TWILIO_WHATSAPP_FROM", "deprecated_name", "warning")]

    def test_switches_twilio_off_without_an_address_for_its_callbacks(self) -> None:
        environ = sound(**TWILIO, BASE_URL=None, ALLOWED_HOSTS="mbs.test")
        assert Config.load(environ).twilio_account_sid is None
        assert summary(environ) == [("BASE_URL", "incomplete_group", "warning")]
        replit = sound(**TWILIO, BASE_URL=None, REPLIT_DOMAINS="mbs.test")
        assert Config.load(replit).twilio_account_sid == SID

    @pytest.mark.parametrize(
        "key", [{"SENDGRID_API_KEY": "SG." + "a" * 20}, {"RESEND_API_KEY": "re_" + "a" * 16}]
    )
    def test_asks_for_a_sender_of_mails(self, key: dict[str, str]) -> None:
        assert summary(sound(**key)) == [("EMAIL_FROM", "incomplete_group", "warning")]
        assert findings(sound(**key, EMAIL_FROM="hello@mbs.test")) == ()
        assert findings(sound(EMAIL_FROM="hello@mbs.test")) == ()

    def test_accepts_an_issuer_with_a_client_id(self) -> None:
        config = Config.load(sound(ISSUER_URL="https://id.test/realm/", OIDC_CLIENT_ID="client"))
        assert (config.issuer_url, config.oidc_client_id, config.warnings) == (
            "https://id.test/realm",
            "client",
            (),
        )

    def test_switches_sign_on_off_without_a_client_id(self) -> None:
        environ = sound(ISSUER_URL="https://id.test")
        assert Config.load(environ).issuer_url is None
        assert summary(environ) == [("OIDC_CLIENT_ID", "incomplete_group", "warning")]

    def test_demands_no_issuer_for_the_client_id_that_replit_always_sets(self) -> None:
        assert findings(sound(REPL_ID="client")) == ()

    def test_demands_an_issuer_for_a_client_secret(self) -> None:
        found = summary(sound(OIDC_CLIENT_SECRET="words", OIDC_CLIENT_ID="client"))
        assert found == [("ISSUER_URL", "incomplete_group", "warning")]
