"""Where a browser may be sent after signing in: to pages of this service (OWASP ASVS 3.7.2)."""

from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.sso.browsers import Browser, new_subject

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    r"/\evil.example",
    r"\\evil.example",
    r"\/evil.example",
    r"/\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "HTTPS://evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nLocation: https://evil.example",
    " //evil.example",
    "/ /evil.example",
    "\x00//evil.example",
    "/a//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/\u2028/evil.example",
    "/\uff0f/evil.example",
    "/。evil.example",
    "?next=https://evil.example",
    "#//evil.example",
    "/a#ticket=made-up",
    "",
    "/" + "a" * 500,
]

HERE = [
    "/",
    "/today",
    "/today/",
    "/customers/0198c5a2-7b1e-7c3a-9f00-3d2b8a6e4c11?tab=visits&page=2",
    "/a?next=https://example.com/b",
    "/%2F%2Fevil.example",
    "/%5Cevil.example",
    "/a;b=1,2/~c/(d)!",
    "/?a",
]


class TestReturnTo:
    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_elsewhere_is_refused_before_anybody_is_sent_anywhere(
        self, browser: Browser, address: str
    ) -> None:
        response = browser.get(f"/api/auth/sso/start?returnTo={quote(address, safe='')}")
        assert response.status_code == 400
        assert "Location" not in response.headers
        assert "evil.example" not in response.get_data(as_text=True)

    @pytest.mark.parametrize("address", HERE)
    def test_here_is_where_one_ends_up(self, browser: Browser, address: str) -> None:
        response = browser.sign_in(new_subject(), query={"returnTo": address})
        location = response.headers["Location"]
        assert location.partition("#")[0] == address
        assert urlsplit(urljoin("https://mbs.test/api/auth/sso/callback", location)).netloc == "mbs.test"

    def test_is_the_front_page_unless_it_is_named(self, browser: Browser) -> None:
        assert browser.sign_in(new_subject()).headers["Location"].startswith("/#ticket=")
