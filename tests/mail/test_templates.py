"""What mails say, and that the names in them are nothing but names."""

import io
import string

import pytest

from mbs.mail.gateways.console import ConsoleGateway
from mbs.mail.models import TEMPLATES, compose, harmless

VARIABLES = {
    "to": "person@example.com",
    "token": "t0ken",
    "inviter": "Asha Rao",
    "business": "Asha's Salon",
}


class TestTemplates:
    @pytest.mark.parametrize("name", TEMPLATES)
    def test_are_complete(self, name: str) -> None:
        message = compose(name, VARIABLES, base_url="https://mbs.test/")
        assert message.to == "person@example.com"
        assert message.subject
        assert "\n" not in message.subject
        assert "{" not in message.subject + message.text
        template = TEMPLATES[name]
        links = [line for line in message.text.splitlines() if "://" in line]
        assert links == ([f"https://mbs.test{template.page}#token=t0ken"] if template.page else [])

    @pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "invitation"])
    def test_to_whom_nobody_invited_name_no_names(self, name: str) -> None:
        # Whoever registers with a stranger's address would choose what the stranger reads.
        text = TEMPLATES[name].subject + TEMPLATES[name].text
        assert {field for _, field, _, _ in string.Formatter().parse(text) if field} <= {"link"}

    def test_are_not_filled_from_what_they_are_filled_with(self) -> None:
        hostile = {**VARIABLES, "business": "{token} {0.__class__} {link} %(token)s {{7*7}}"}
        message = compose("invitation", hostile, base_url="https://mbs.test")
        assert "{token}" in message.subject
        assert message.text.count("t0ken") == 1


class TestNames:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Asha's Salon", "Asha's Salon"),
            ("Salon & Söhne, Inc.", "Salon & Söhne, Inc."),
            ("Salon\r\nBcc: everybody@example.com", "Salon Bcc: everybody@ example. com"),
            ("A\u2028B\x00C\x85D", "A B C D"),
            ("\u202emoc.live", "moc. live"),
            ("You won https://evil.io/win", "You won https: / / evil. io/ win"),
            ("evil\u3002io evil\uff0eio", "evil\u3002 io evil\uff0e io"),
            ("x" * 500, "x" * 80),
        ],
    )
    def test_forge_neither_header_nor_link(self, name: str, shown: str) -> None:
        assert harmless(name) == shown
        message = compose("invitation", {**VARIABLES, "business": name}, base_url="https://mbs.test")
        assert message.subject == f"Asha Rao invites you to {shown}"
        assert [line for line in message.text.splitlines() if "://" in line] == [
            "https://mbs.test/invitation#token=t0ken"
        ]


class TestConsole:
    def test_shows_a_developer_the_link(self) -> None:
        written = io.StringIO()
        ConsoleGateway(written).send(compose("reset_password", VARIABLES, base_url="http://localhost:5000"))
        assert "mail to person@example.com: Choose a new password" in written.getvalue()
        assert "\nhttp://localhost:5000/reset-password#token=t0ken\n" in written.getvalue()
