"""Guessing at an account is slowed, and its owner is not locked out by the guesses of others."""

from tests.factories.callers import PASSWORD, Business, Caller

ATTEMPTS_AN_ADDRESS = 5


def guess(owner: Business, *, addresses: int) -> list[int]:
    return [
        stranger.post(
            "/api/auth/login", {"email": owner.email, "password": "wrong guess number one"}
        ).status_code
        for stranger in (Caller(owner.app) for _ in range(addresses))
        for _ in range(ATTEMPTS_AN_ADDRESS)
    ]


def log_in(caller: Caller, email: str) -> int:
    return caller.post("/api/auth/login", {"email": email, "password": PASSWORD}).status_code


class TestAnAttackFromManyAddresses:
    def test_is_stopped_after_ten_guesses(self, owner: Business) -> None:
        assert guess(owner, addresses=3) == [401] * 10 + [429] * 5

    def test_does_not_keep_the_owner_out_where_they_have_signed_in_before(
        self, caller: Caller, owner: Business
    ) -> None:
        assert log_in(caller, owner.email) == 200
        guess(owner, addresses=3)

        assert log_in(caller, owner.email) == 200
        assert log_in(Caller(owner.app), owner.email) == 429

    def test_counts_guesses_from_a_known_address_too(self, owner: Business) -> None:
        known = Caller(owner.app)
        assert log_in(known, owner.email) == 200
        guesses = [
            known.post("/api/auth/login", {"email": owner.email, "password": "wrong guess number one"})
            for _ in range(ATTEMPTS_AN_ADDRESS)
        ]

        assert [answer.status_code for answer in guesses] == [401] * 4 + [429]
