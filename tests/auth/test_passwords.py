"""Which passwords are taken, how they are kept, and what a login's hash may cost."""

import os
import threading
import time

import argon2
import pytest

from mbs.foundation import passwords
from mbs.foundation.errors import Invalid, Unavailable

KNOWN = ("asha.rao", "Asha's Salon", "Asha", "Rao")


def refusal(password: str, known: tuple[str, ...] = KNOWN) -> str | None:
    """Return why a password is refused, or None."""
    try:
        passwords.check_strength(password, field="newPassword", known=known)
    except Invalid as error:
        ((field, code, message),) = [(one.field, one.code, one.message) for one in error.errors]
        assert (field, code) == ("newPassword", "weak_password")
        return message
    return None


class TestStrength:
    @pytest.mark.parametrize(("length", "taken"), [(1, 0), (11, 0), (12, 1), (128, 1), (129, 0), (1024, 0)])
    def test_is_a_matter_of_length(self, length: int, taken: int) -> None:
        text = ("wq7 ümlaut-" * 100)[:length]
        assert (refusal(text) is None) is bool(taken)

    def test_counts_characters_as_people_do(self) -> None:
        assert refusal("e\u0301" * 6 + "abcdef") is None
        assert refusal("e\u0301fgh" * 2 + "kl") is not None  # ten letters, two accents
        assert refusal("🌂🌵🎈🎻🐙🐝🍉🍇🍍🥝🥑🍓") is None

    @pytest.mark.parametrize(
        "password",
        [
            "correct horse battery staple",
            "            x y z",
            "пароль из трёх слов",
            "三四五六七八九十雨伞伞盖伞布",
            "UPPER CASE ONLY!",
        ],
    )
    def test_asks_for_no_kinds_of_characters(self, password: str) -> None:
        assert refusal(password) is None

    @pytest.mark.parametrize(
        "password",
        [
            "password1234", "PASSWORD1234", "passwordpassword", "123456789012", "qwertyuiop123",
            "administrator", "aaaaaaaaaaaa", "abababababab", "abcabcabcabc", "            ", "abcdefghijkl",
            "lkjihgfedcba", "acegikmoqsuw",
        ],
    )  # fmt: skip
    def test_refuses_what_guessing_finds_first(self, password: str) -> None:
        assert len(password) >= passwords.MINIMUM
        assert refusal(password) is not None

    @pytest.mark.parametrize(
        "password",
        ["asha.rao2026", "ASHA.RAO!!!!", "1234asha.rao", "asha's salon", "Asha's Salon!", "my Asha's Salon"],
    )
    def test_refuses_what_is_made_of_what_everybody_knows(self, password: str) -> None:
        assert len(password) >= passwords.MINIMUM
        assert refusal(password) is not None
        assert refusal(password, known=()) is None

    def test_takes_a_long_password_that_merely_mentions_it(self) -> None:
        assert refusal("asha's salon opens at dawn on holidays") is None
        assert refusal("Rao walks three green dogs") is None

    def test_never_shows_the_password(self) -> None:
        for password in ("short-9x", "password1234", "asha.rao2026"):
            assert password not in str(refusal(password))


class TestHash:
    def test_is_argon2id_with_todays_parameters(self) -> None:
        stored = passwords.hash_password("three green umbrellas")
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert stored != passwords.hash_password("three green umbrellas")
        assert not passwords.needs_rehash(stored)

    def test_under_weaker_parameters_wants_to_be_made_anew(self) -> None:
        for cost, memory, lanes in ((1, 19_456, 1), (2, 1024, 1), (2, 19_456, 2)):
            hasher = argon2.PasswordHasher(time_cost=cost, memory_cost=memory, parallelism=lanes)
            assert passwords.needs_rehash(hasher.hash("x"))

    def test_of_nobody_fits_no_password(self) -> None:
        for stored in (None, "", "x"):
            for password in ("", "x", "no account has this password"):
                assert not passwords.verify(password, stored)


class TestHashingAtOnce:
    def test_takes_no_more_than_the_processors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        running, most, lock = 0, 0, threading.Lock()

        class SlowHasher:
            def verify(self, stored: str, password: str) -> bool:
                nonlocal running, most
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.05)
                with lock:
                    running -= 1
                return True

        monkeypatch.setattr(passwords, "_hasher", SlowHasher())
        threads = [threading.Thread(target=passwords.verify, args=("x", "y")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == (os.cpu_count() or 1)

    def test_gives_up_after_a_second_instead_of_queueing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "_slots", threading.BoundedSemaphore(1))
        monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.05)
        with passwords._slots, pytest.raises(Unavailable) as refused:
            passwords.verify("x", None)
        assert refused.value.retry_after == 1
        assert not passwords.verify("x", None)
