"""Requests that another site makes a browser send (CSRF), and what keeps them from working."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from mbs.foundation import passwords
from mbs.foundation.session_cookies import CSRF_HEADER, NAME
from tests.auth.conftest import Sql
from tests.factories.apps import PUBLIC_HOST
from tests.factories.browsers import Browser
from tests.factories.callers import Business, Caller, new_business
from tests.second_factor.enrolment import problem
from tests.sign_ins.signed_in import browser_of, current, is_signed_in

CUSTOMERS = "/api/customers"
JANE = {"name": "Jane"}

A_MINUTE = 50
"""How many requests one person is made to send; their limit is a hundred a minute."""

FOREIGN = [
    "https://evil.example",
    "null",
    "",
    f"http://{PUBLIC_HOST}",
    f"https://{PUBLIC_HOST}:8443",
    f"https://{PUBLIC_HOST}.evil.example",
    f"https://evil-{PUBLIC_HOST}",
    f"https://app.{PUBLIC_HOST}",
    f"https://{PUBLIC_HOST}@evil.example",
    f"https://evil.example/{PUBLIC_HOST}",
    f"https://{PUBLIC_HOST}/",
    f"https://{PUBLIC_HOST}, https://evil.example",
    f"ftp://{PUBLIC_HOST}",
    "https://",
    "https://app.example.com.evil.example",
    "http://app.example.com",
    "https://admin.example.com",
    "http://localhost",
    "file://",
]


def signed_in_browser(app: Flask, person: Business) -> Browser:
    """Return a browser on a page of the service, as a deployment has it."""
    browser = Browser(app, host=PUBLIC_HOST, origin=f"https://{PUBLIC_HOST}")
    assert browser.log_in(person.email).status_code == 200
    return browser


@pytest.fixture
def browser(production_app: Flask, owner: Business) -> Browser:
    return signed_in_browser(production_app, owner)


@pytest.fixture(scope="class")
def victim(app: Flask, production_app: Flask) -> Browser:
    """A browser for a whole class, for requests that are refused; its business has no customers."""
    return signed_in_browser(production_app, new_business(Caller(app)))


def names(browser: Browser) -> list[str]:
    return [one["name"] for one in (browser.get(CUSTOMERS).json or {})["data"]]


class TestAnOrigin:
    @pytest.mark.parametrize("origin", FOREIGN)
    def test_that_is_foreign_is_refused(self, victim: Browser, origin: str) -> None:
        refused = victim.post(CUSTOMERS, JANE, headers={"Origin": origin})

        assert problem(refused, 403)["code"] == "CSRF_REFUSED"
        assert names(victim) == []

    @pytest.mark.parametrize(
        "origin", [f"https://{PUBLIC_HOST}", "https://app.example.com", "https://admin.example.com:8443"]
    )
    def test_that_is_our_own_is_let_in(self, browser: Browser, origin: str) -> None:
        assert browser.post(CUSTOMERS, JANE, headers={"Origin": origin}).status_code == 201

    @pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none", "", "same-origin, none"])
    def test_that_is_missing_is_refused(self, victim: Browser, site: str | None) -> None:
        headers = {"Origin": None, "Sec-Fetch-Site": site}

        refused = victim.post(CUSTOMERS, JANE, headers=headers)
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"
        assert names(victim) == []

    def test_may_be_missing_where_the_browser_says_as_much(self, browser: Browser) -> None:
        headers = {"Origin": None, "Sec-Fetch-Site": "same-origin"}

        assert browser.post(CUSTOMERS, JANE, headers=headers).status_code == 201

    def test_that_is_foreign_is_not_excused_by_anything(self, victim: Browser) -> None:
        headers = {
            "Origin": "https://evil.example",
            "Sec-Fetch-Site": "same-origin",
            "Referer": f"https://{PUBLIC_HOST}/",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "host=evil.example",
        }
        assert problem(victim.post(CUSTOMERS, JANE, headers=headers), 403)["code"] == "CSRF_REFUSED"

    @pytest.mark.parametrize("port", ["", ":5000"])
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
    def test_of_the_developer_s_own_machine_needs_no_encryption(
        self, app: Flask, owner: Business, host: str, port: str
    ) -> None:
        browser = Browser(app, host=host + port, origin=f"http://{host}{port}")

        assert browser.log_in(owner.email).status_code == 200

    @pytest.mark.parametrize("host", ["localhost.evil.example", "192.168.1.5", "127.0.0.1.evil.example:80"])
    def test_of_another_machine_needs_it(self, app: Flask, owner: Business, host: str) -> None:
        browser = Browser(app, host=host, origin=f"http://{host}")

        assert problem(browser.log_in(owner.email), 403)["code"] == "CSRF_REFUSED"


class TestATokenOfThePage:
    @pytest.mark.parametrize(
        "bend",
        [
            lambda _: None,
            lambda _: "",
            lambda token: token[:-1],
            lambda token: token + "A",
            lambda token: ("A" if token[0] != "A" else "B") + token[1:],
            lambda token: token.swapcase(),
            lambda _: "é",
        ],
    )
    def test_must_be_the_session_s(self, victim: Browser, bend: Callable[[str], str | None]) -> None:
        bent = bend(str(victim.csrf_token))

        refused = victim.post(CUSTOMERS, JANE, headers={CSRF_HEADER: bent})
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"
        assert names(victim) == []

    def test_of_another_session_is_refused(self, browser: Browser, owner: Business) -> None:
        other = browser_of(owner)

        refused = browser.post(CUSTOMERS, JANE, headers={CSRF_HEADER: other.csrf_token})
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"

    def test_is_not_the_cookie(self, victim: Browser) -> None:
        refused = victim.post(CUSTOMERS, JANE, headers={CSRF_HEADER: victim.cookie})
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"

    def test_is_read_from_its_header_alone(self, browser: Browser) -> None:
        token, browser.csrf_token = browser.csrf_token, None

        assert browser.post(f"{CUSTOMERS}?csrfToken={token}", JANE).status_code in (400, 403)
        assert browser.post(CUSTOMERS, {**JANE, "csrfToken": token}).status_code == 403
        cookies = {"Cookie": f"{NAME}={browser.cookie}; {CSRF_HEADER}={token}"}
        assert browser.post(CUSTOMERS, JANE, headers=cookies).status_code == 403
        assert names(browser) == []

    def test_is_asked_of_whoever_logs_out_or_steps_up(self, browser: Browser) -> None:
        browser.csrf_token = None

        for method, path in (
            ("POST", "/api/auth/logout"),
            ("POST", "/api/auth/logout-all"),
            ("POST", "/api/auth/sessions/revoke-others"),
            ("POST", "/api/auth/second-factor"),
            ("DELETE", f"/api/auth/sessions/{current(browser)}"),
        ):
            refused = browser.call(method, path)
            assert problem(refused, 403)["code"] == "CSRF_REFUSED", path
        assert is_signed_in(browser)

    def test_is_not_asked_of_a_program(self, owner: Business) -> None:
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

        assert owner.post(CUSTOMERS, JANE, headers=headers).status_code == 201


class TestEveryUnsafeRoute:
    def test_is_closed_to_another_site(self, owner: Business, production_app: Flask) -> None:
        asked = 0
        for rule in production_app.url_map.iter_rules():
            view = production_app.view_functions[rule.endpoint]
            for method in {"POST", "PUT", "PATCH", "DELETE"} & (rule.methods or set()):
                if getattr(view, "permission", "public") == "public":
                    continue
                path = production_app.url_map.bind(PUBLIC_HOST).build(
                    rule.endpoint,
                    dict.fromkeys(rule.arguments, "00000000-0000-0000-0000-000000000000"),
                    method,
                )
                if asked % A_MINUTE == 0:
                    browser = signed_in_browser(production_app, owner.colleague("owner"))
                refused = browser.call(method, path, {}, headers={"Origin": "https://evil.example"})
                assert problem(refused, 403)["code"] == "CSRF_REFUSED", f"{method} {path}"
                asked += 1
        assert asked > 20


class TestAForm:
    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    )
    def test_is_no_json(self, victim: Browser, content_type: str) -> None:
        # The three that a page of another site may send without asking first.
        refused = victim.post(CUSTOMERS, data=b'{"name": "Jane"}', content_type=content_type)

        assert problem(refused, 415)["code"] == "UNSUPPORTED_MEDIA_TYPE"
        assert names(victim) == []

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_signs_nobody_in(self, app: Flask, owner: Business, content_type: str) -> None:
        body = f'{{"email":"{owner.email}","password":"three green umbrellas","session":"browser"}}'
        response = Browser(app).post("/api/auth/login", data=body.encode(), content_type=content_type)

        assert response.status_code == 415
        assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize(
        "trick",
        [
            {"headers": {"X-HTTP-Method-Override": "DELETE"}},
            {"headers": {"X-Method-Override": "DELETE"}},
            {"headers": {"X-HTTP-Method": "DELETE"}},
            {"query_string": {"_method": "DELETE"}},
        ],
    )
    def test_cannot_pretend_another_method(self, browser: Browser, trick: dict[str, Any]) -> None:
        created = browser.post(CUSTOMERS, JANE).json or {}

        response = browser.get(f"{CUSTOMERS}/{created['id']}", **trick)
        assert response.status_code in (200, 400)
        assert names(browser) == ["Jane"]


class TestReading:
    def test_changes_nothing(self, wide_app: Flask, sql: Sql) -> None:
        browser = browser_of(new_business(Caller(wide_app)))
        created = browser.post(CUSTOMERS, JANE).json or {}
        tables = [
            name
            for (name,) in sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('rate_limits', 'login_attempts', 'sso_flows')"
            )
        ]
        contents = " UNION ALL ".join(
            f"SELECT '{table}', md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
            for table in tables
        )
        before = sql(contents)
        answered = 0
        for rule in wide_app.url_map.iter_rules():
            if rule.rule.startswith("/api") and "GET" in (rule.methods or set()):
                ids = dict.fromkeys(rule.arguments, created["id"])
                path = wide_app.url_map.bind("localhost").build(rule.endpoint, ids, "GET")
                headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
                for method in ("GET", "HEAD", "OPTIONS"):
                    answered += browser.call(method, path, headers=headers).status_code == 200

        assert len(before) > 10
        assert answered > 20
        assert sql(contents) == before

    def test_by_another_site_is_not_shown_to_it(self, browser: Browser) -> None:
        for origin in ("https://evil.example", "null", "https://app.example.com"):
            response = browser.get(CUSTOMERS, headers={"Origin": origin})
            assert "Access-Control-Allow-Credentials" not in response.headers
            allowed = response.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if origin == "https://app.example.com" else None)
            asked = browser.call(
                "OPTIONS",
                CUSTOMERS,
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": CSRF_HEADER,
                },
            )
            assert "Access-Control-Allow-Credentials" not in asked.headers
            assert CSRF_HEADER.lower() not in asked.headers.get("Access-Control-Allow-Headers", "").lower()


class TestLoggingInFromAnotherSite:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": None},
            {"Origin": None, "Sec-Fetch-Site": "cross-site"},
            {"Origin": None, "Sec-Fetch-Site": "same-site"},
        ],
    )
    @pytest.mark.parametrize("way", ["login", "register"])
    def test_plants_no_session(
        self,
        app: Flask,
        owner: Business,
        headers: dict[str, str | None],
        way: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(passwords, "verify", lambda *_: pytest.fail("the password was looked at"))
        monkeypatch.setattr(passwords, "hash_password", lambda *_: pytest.fail("a password was hashed"))
        body: dict[str, str] = {
            "email": owner.email,
            "password": "three green umbrellas",
            "session": "browser",
        }
        if way == "register":
            body |= {"firstName": "A", "lastName": "B", "businessName": "C", "countryCode": "IN"}
            body["businessType"] = "gym"

        refused = Browser(app).post(f"/api/auth/{way}", body, headers=headers)
        assert problem(refused, 403)["code"] == "CSRF_REFUSED"
        assert "Set-Cookie" not in refused.headers
