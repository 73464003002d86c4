"""Text as it is compared."""

import pytest

from mbs.foundation.keys import digits, email_key, folded


class TestFolded:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("Jane  Smith\t", "jane smith"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("Jose\u0301", "jos\u00e9"),
            ("ＡＣＭＥ\u3000ﬁsh", "acme fish"),
            ("\u212aelvin", "kelvin"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("", ""),
        ],
    )
    def test_is_one_form_of_many_spellings(self, text: str, key: str) -> None:
        assert folded(text) == key
        assert folded(folded(text)) == key


class TestEmailKey:
    @pytest.mark.parametrize(
        ("address", "key"),
        [
            (" Jane@Example.COM ", "jane@example.com"),
            ("ａdmin@example.com", "admin@example.com"),
            ("\u212aate@example.com", "kate@example.com"),
            ("jane@Exämple.com", "jane@xn--exmple-cua.com"),
            ("jane@XN--EXMPLE-CUA.com", "jane@xn--exmple-cua.com"),
            ("иван@пошта.укр", "иван@xn--80a1acn3a.xn--j1amh"),
            ("a@b@example.com", "a@b@example.com"),
            ("jane@" + "x" * 64 + ".com", "jane@" + "x" * 64 + ".com"),
        ],
    )
    def test_is_one_form_of_many_spellings(self, address: str, key: str) -> None:
        assert email_key(address) == key
        assert email_key(email_key(address)) == key

    def test_keeps_apart_what_differs(self) -> None:
        addresses = ["jane@example.com", "jane+x@example.com", "j.ane@example.com", "jane@example.org"]

        assert len({email_key(address) for address in addresses}) == len(addresses)


class TestDigits:
    def test_are_those_of_ascii(self) -> None:
        assert digits("+91 (98765) 43-210 ٣") == "919876543210"
