"""Loading: the environment's name, the sources of a value, and what is demanded where."""

import dataclasses
from pathlib import Path

import pytest

from mbs.config import Config, ConfigError, secret_values
from mbs.configuration.fallbacks import available_processors
from tests.config.deployments import SIGNING_SECRETS, findings, sound, summary

REQUIRED = ("DATABASE_URL", *SIGNING_SECRETS)
BAD_SECRETS = {
    "missing": None,
    "empty_value": "",
    "placeholder": "your-secure-random-string-min-32-chars",
    "too_short": "q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pa",
    "low_entropy": "abababababababababababababababababababab",
    "malformed": "q7Zt2Lk9Xw4Rv8Nc3Bm6\nHj1Gf5Ds0Pay4Tz",
}
BAD_URLS = {
    "missing": None,
    "empty_value": " \t ",
    "placeholder": "postgresql://user:pass@host:5432/db?sslmode=require",
    "insecure_ssl": "postgresql://mbs:k3y@db.internal/mbs",
    "malformed": "mysql://mbs:k3y@db.internal/mbs",
}
MATRIX = [
    *((name, code, text) for name in SIGNING_SECRETS for code, text in BAD_SECRETS.items()),
    *(("DATABASE_URL", code, text) for code, text in BAD_URLS.items()),
]


class TestEnvironment:
    @pytest.mark.parametrize(
        ("names", "environment"),
        [
            ({}, "production"),
            ({"NODE_ENV": "production"}, "production"),
            ({"NODE_ENV": "development"}, "development"),
            ({"APP_ENV": "", "NODE_ENV": " Test "}, "test"),
            ({"APP_ENV": "STAGING"}, "staging"),
            ({"APP_ENV": "staging", "NODE_ENV": "Staging"}, "staging"),
        ],
    )
    def test_is_named_by_app_env_or_its_alias(self, names: dict[str, str], environment: str) -> None:
        assert Config.load(sound(**names)).environment == environment
        assert findings(sound(**names)) == ()

    @pytest.mark.parametrize("name", ["APP_ENV", "NODE_ENV"])
    def test_counts_as_production_when_unknown(self, name: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load({name: "prod"})
        assert caught.value.environment == "production"
        codes = [(one.variable, one.code) for one in caught.value.faults]
        assert codes == [("APP_ENV", "invalid_choice"), *((name, "missing") for name in REQUIRED)]

    @pytest.mark.parametrize("node_env", ["production", "development"])
    def test_counts_as_production_when_contradictory(self, node_env: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load(sound(APP_ENV="test", NODE_ENV=node_env))
        assert caught.value.environment == "production"
        assert [(one.variable, one.code) for one in caught.value.faults] == [("APP_ENV", "conflicting_alias")]


class TestRequirements:
    @pytest.mark.parametrize("environment", ["production", "staging"])
    @pytest.mark.parametrize(("name", "code", "text"), MATRIX)
    def test_stop_a_deployment(self, environment: str, name: str, code: str, text: str | None) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load(sound(APP_ENV=environment, **{name: text}))
        assert [(one.variable, one.code) for one in caught.value.faults] == [(name, code)]

    @pytest.mark.parametrize("environment", ["development", "test"])
    @pytest.mark.parametrize(("name", "code", "text"), MATRIX)
    def test_do_not_stop_development(self, environment: str, name: str, code: str, text: str | None) -> None:
        config = Config.load(sound(APP_ENV=environment, **{name: text}))
        assert all(len(getattr(config, secret.lower())) >= 16 for secret in SIGNING_SECRETS)
        assert {one.severity for one in config.warnings} <= {"warning"}

    def test_generate_other_secrets_each_time_in_development(self) -> None:
        one, other = (Config.load({"APP_ENV": "development"}) for _ in range(2))
        made = {getattr(config, name.lower()) for config in (one, other) for name in SIGNING_SECRETS}
        assert len(made) == 6
        assert one.database_url is None
        assert [fault.variable for fault in one.warnings] == list(SIGNING_SECRETS)

    def test_use_a_weak_secret_in_development_so_that_workers_agree(self) -> None:
        config = Config.load(sound(APP_ENV="development", SESSION_SECRET="short"))
        assert config.session_secret == "short"
        assert [(one.variable, one.code) for one in config.warnings] == [("SESSION_SECRET", "too_short")]

    def test_leave_out_a_useless_url_in_development(self) -> None:
        config = Config.load(sound(APP_ENV="development", DATABASE_URL="nonsense"))
        assert config.database_url is None
        assert [(one.variable, one.code) for one in config.warnings] == [("DATABASE_URL", "malformed")]

    @pytest.mark.parametrize("environment", ["production", "staging", "development", "test"])
    def test_never_replace_a_bad_number_silently(self, environment: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load(sound(APP_ENV=environment, PORT="http"))
        assert [(one.variable, one.code) for one in caught.value.faults] == [("PORT", "malformed")]

    def test_switch_off_what_is_optional(self) -> None:
        config = Config.load(sound(SENTRY_DSN="on", LOG_LEVEL="loud"))
        assert (config.sentry_dsn, config.log_level) == (None, "INFO")
        assert [(one.variable, one.code, one.severity) for one in config.warnings] == [
            ("SENTRY_DSN", "malformed", "warning"),
            ("LOG_LEVEL", "invalid_choice", "warning"),
        ]

    def test_are_all_told_at_once(self) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load({"APP_ENV": "production", "PORT": "none"})
        told = [(one.variable, one.code) for one in caught.value.faults]
        assert told == [*((name, "missing") for name in REQUIRED), ("PORT", "malformed")]
        assert all(name in str(caught.value) for name in (*REQUIRED, "production"))


class TestFileForm:
    def test_is_read_without_its_line_break(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pay\n")
        environ = sound(JWT_ACCESS_SECRET=None, JWT_ACCESS_SECRET_FILE=f" {file} ")
        assert Config.load(environ).jwt_access_secret == "q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pay"
        assert findings(environ) == ()

    def test_is_no_second_source(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("q7Zt2Lk9Xw4Rv8Nc3Bm6Hj1Gf5Ds0Pay\n")
        found = summary(sound(JWT_ACCESS_SECRET_FILE=str(file)))
        assert found == [("JWT_ACCESS_SECRET", "ambiguous_source", "critical")]

    def test_gives_way_to_a_value_when_blank(self) -> None:
        assert findings(sound(JWT_ACCESS_SECRET_FILE="")) == ()

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"x" * 70_000])
    def test_must_be_readable_text(self, tmp_path: Path, content: bytes | None) -> None:
        file = tmp_path / "secret"
        if content is not None:
            file.write_bytes(content)
        found = summary(sound(SESSION_SECRET=None, SESSION_SECRET_FILE=str(file)))
        assert found == [("SESSION_SECRET", "unreadable_file", "critical")]

    def test_must_not_be_empty(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text(" \n")
        found = summary(sound(SESSION_SECRET=None, SESSION_SECRET_FILE=str(file)))
        assert found == [("SESSION_SECRET", "empty_value", "critical")]

    def test_exists_for_secrets_only(self, tmp_path: Path) -> None:
        file = tmp_path / "port"
        file.write_text("6000")
        assert Config.load(sound(PORT_FILE=str(file))).port == 5000


class TestNames:
    @pytest.mark.parametrize(
        ("alias", "text", "field"),
        [
            ("REPL_ID", "client", "oidc_client_id"),
            ("DIRECT_URL", "postgresql://a:b@localhost/c", "migration_database_url"),
            ("REDIS_URL", "redis://redis.test", "ratelimit_storage_uri"),
        ],
    )
    def test_given_by_a_platform_are_understood(self, alias: str, text: str, field: str) -> None:
        assert text.partition("://")[2] in getattr(Config.load(sound(**{alias: text})), field)
        assert findings(sound(**{alias: text})) == ()

    def test_of_the_service_win_over_aliases(self) -> None:
        assert Config.load(sound(OIDC_CLIENT_ID="own", REPL_ID="platform")).oidc_client_id == "own"

    def test_of_old_work_with_a_warning(self) -> None:
        environ = sound(BASE_URL=None, APP_URL="https://old.test")
        assert Config.load(environ).base_url == "https://old.test"
        assert summary(environ) == [("BASE_URL", "deprecated_name", "warning")]

    @pytest.mark.parametrize(
        ("misspelt", "meant"),
        [
            ("JWT_ACESS_SECRET", "JWT_ACCESS_SECRET"),
            ("APP_EVN", "APP_ENV"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("RATELIMIT_STORAGE_URL", "RATELIMIT_STORAGE_URI"),
            ("SESSION_SECRET_FLIE", "SESSION_SECRET_FILE"),
            ("log_level", "LOG_LEVEL"),
        ],
    )
    def test_misspelt_are_pointed_out(self, misspelt: str, meant: str) -> None:
        (found,) = findings(sound(**{misspelt: "x"}))
        assert (found.variable, found.code, found.severity) == (misspelt, "unknown_variable", "warning")
        assert f"did you mean {meant}?" in found.message

    def test_of_others_are_left_alone(self) -> None:
        foreign = (
            "PATH HOME HOSTNAME HOSTS JAVA_HOME LANG TERM SHELL USER PWD OLDPWD SHLVL _ PYTHONPATH TMPDIR "
            "VIRTUAL_ENV PYTHONUNBUFFERED KUBERNETES_SERVICE_HOST KUBERNETES_PORT MYBIZSTREAM_SERVICE_PORT "
            "POSTGRES_PORT POSTGRES_URL PGHOST PGPASSWORD DATABASE_URL_UNPOOLED REPL_SLUG REPLIT_DEV_DOMAIN "
            "K_SERVICE K_REVISION GITHUB_SHA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY GUNICORN_CMD_ARGS "
            "HTTP_PROXY NO_PROXY SSL_CERT_FILE MAKEFLAGS SUDO_USER XDG_SESSION_ID XDG_SESSION_TYPE "
            "SESSION_MANAGER npm_config_cache"
        )
        assert findings(sound(**dict.fromkeys(foreign.split(), "x"))) == ()


class TestGroups:
    def test_limit_what_is_demanded(self) -> None:
        config = Config.load({"DATABASE_URL": "postgresql://a:b@localhost/c"}, groups={"database"})
        assert config.database_url == "postgresql+psycopg2://a:b@localhost/c"
        assert config.warnings == ()

    def test_never_leave_a_key_empty(self) -> None:
        config = Config.load({}, groups={"server"})
        assert all(len(getattr(config, name.lower())) >= 32 for name in SIGNING_SECRETS)

    @pytest.mark.parametrize(("group", "names"), [("database", REQUIRED[:1]), ("secrets", SIGNING_SECRETS)])
    def test_still_tell_their_own_faults(self, group: str, names: tuple[str, ...]) -> None:
        with pytest.raises(ConfigError) as caught:
            Config.load({"PORT": "x"}, groups={group})
        assert tuple(one.variable for one in caught.value.faults) == names

    def test_let_the_server_start_in_an_unknown_environment(self) -> None:
        assert Config.load({"APP_ENV": "prod"}, groups={"server"}).environment == "production"

    def test_must_exist(self) -> None:
        with pytest.raises(ValueError, match="Unknown group"):
            Config.load(sound(), groups={"databse"})


class TestCapabilities:
    @pytest.mark.parametrize(
        ("environment", "deployed"),
        [("production", True), ("staging", True), ("development", False), ("test", False)],
    )
    def test_follow_the_environment(self, environment: str, deployed: bool) -> None:
        asked = {"SKIP_RATE_LIMIT": "true", "WEBHOOKS_ALLOW_PRIVATE": "true"}
        config = Config.load(sound(APP_ENV=environment, **asked))
        assert config.is_deployed is deployed
        assert config.seed_routes_enabled is not deployed
        assert config.limits_enforced is deployed
        assert config.webhooks_allow_private is not deployed
        assert config.docs_enabled is not deployed
        codes = [(one.variable, one.code, one.severity) for one in config.ignored]
        ignored = [(name, "ignored_in_production", "ignored") for name in asked]
        assert sorted(codes) == (sorted(ignored) if deployed else [])

    @pytest.mark.parametrize("text", ["false", "0", ""])
    def test_are_not_said_to_be_ignored_when_not_asked_for(self, text: str) -> None:
        assert findings(sound(SKIP_RATE_LIMIT=text)) == ()

    def test_enforce_limits_in_development_too(self) -> None:
        assert Config.load({"APP_ENV": "development"}).limits_enforced

    def test_can_open_the_docs_in_production(self) -> None:
        assert Config.load(sound(DOCS_ENABLED="true")).docs_enabled
        assert not Config.load(sound(APP_ENV="test", DOCS_ENABLED="false")).docs_enabled


class TestFallbacks:
    def test_take_hosts_and_origins_from_the_replit_domains(self) -> None:
        config = Config.load(sound(BASE_URL=None, REPLIT_DOMAINS="a.replit.app,b.test"))
        assert config.base_url == "https://a.replit.app"
        assert config.allowed_hosts == ("a.replit.app", "b.test")
        assert config.cors_origins == ("https://a.replit.app", "https://b.test")

    def test_take_host_and_origin_from_the_base_url(self) -> None:
        config = Config.load(sound(BASE_URL="https://app.test:8443", REPLIT_DOMAINS="a.replit.app"))
        assert config.allowed_hosts == ("app.test", "a.replit.app")
        assert config.cors_origins == ("https://app.test:8443", "https://a.replit.app")

    def test_give_every_thread_a_connection(self) -> None:
        assert Config.load(sound(WEB_THREADS="7")).db_pool_size == 7

    def test_suit_development(self) -> None:
        config = Config.load({"APP_ENV": "development"})
        assert (config.web_concurrency, config.web_threads, config.log_format) == (2, 4, "text")

    def test_suit_production(self) -> None:
        config = Config.load(sound(WEB_CONCURRENCY=None))
        assert 2 <= config.web_concurrency <= 8
        assert (config.log_format, config.sentry_environment, config.port) == ("json", "production", 5000)
        assert (config.db_connect_timeout_s, config.db_statement_timeout_ms) == (2, 3000)
        assert (config.db_lock_timeout_ms, config.db_idle_tx_timeout_ms) == (1000, 10_000)
        assert (config.db_pool_timeout_s, config.db_pool_recycle_s, config.trusted_proxy_count) == (1, 300, 0)

    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ({"cpu.max": "100000 100000\n"}, 1),
            ({"cpu.max": "50000 100000\n"}, 1),
            ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ],
    )
    def test_heed_a_container_quota(self, tmp_path: Path, files: dict[str, str], expected: int) -> None:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
        assert available_processors(tmp_path) == expected

    @pytest.mark.parametrize(
        "files",
        [
            {},
            {"cpu.max": "max 100000\n"},
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
        ],
    )
    def test_use_all_processors_without_a_quota(self, tmp_path: Path, files: dict[str, str]) -> None:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
        assert available_processors(tmp_path) == available_processors(tmp_path / "absent")


class TestConfig:
    def test_never_changes(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            Config.load(sound()).port = 1  # type: ignore[misc]

    def test_keeps_secrets_out_of_its_repr(self) -> None:
        environ = sound(SMOKE_TEST_TOKEN="smoke-canary", REDIS_URL="redis://:redis-canary@redis.test")
        shown = repr(Config.load(environ))
        assert "environment='production'" in shown
        assert not any(text in shown for text in (*(environ[name] for name in REQUIRED), "k3y", "canary"))


class TestSecretValues:
    def test_holds_secrets_and_the_passwords_in_addresses(self) -> None:
        environ = sound(
            DATABASE_URL="postgresql://mbs:db%2Fcanary@localhost/mbs",
            REDIS_URL="redis://:redis-canary@redis.test",
            TWILIO_AUTH_TOKEN="0f" * 16,
            TWILIO_ACCOUNT_SID="AC" + "0f" * 16,
            TWILIO_WHATSAPP_FROM="whatsapp:+1234567890",
        )
        found = secret_values(Config.load(environ))
        assert {environ[name] for name in SIGNING_SECRETS} <= found
        assert {"db/canary", "db%2Fcanary", "redis-canary", "0f" * 16} <= found
        assert "" not in found
        assert "AC" + "0f" * 16 not in found

    def test_leaves_out_passwords_that_are_ordinary_words(self) -> None:
        found = secret_values(Config.load(sound(DATABASE_URL="postgresql://mbs:mbs@localhost/mbs")))
        assert "mbs" not in found
