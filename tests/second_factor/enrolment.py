"""People with an authenticator app, and what time does to their codes and proofs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyotp
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from mbs.foundation.db import Role
from mbs.second_factor.models import SecondFactor
from tests.factories.callers import PASSWORD, Business, Caller, signed_in

PATH = "/api/auth/second-factor"


@dataclass
class Enrolment:
    """A person's secret and recovery codes, as they have them on their phone and on paper."""

    person: Business
    secret: str
    recovery_codes: list[str]

    def code(self) -> str:
        """Return the present code, as if the last one had been used long ago."""
        with self.person.database.transaction(self.person.scope, Role.IDENTITY) as transaction:
            own = SecondFactor.user_id == self.person.user_id
            transaction.execute(update(SecondFactor).where(own).values(last_step=0))
        return self.at_step(0)

    def at_step(self, offset: int) -> str:
        """Return the code of the present step, or of one before or after it."""
        return pyotp.TOTP(self.secret).at(int(time.time()), counter_offset=offset)

    def wrong_code(self) -> str:
        """Return a code that no step near the present one has."""
        near = {self.at_step(offset) for offset in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)

    def challenge(self, caller: Caller, **details: Any) -> str:
        """Log in as far as the password goes; return the challenge."""
        body = {"email": self.person.email, "password": PASSWORD, **details}
        response = caller.post("/api/auth/login", body)
        assert problem(response, 401)["code"] == "SECOND_FACTOR_REQUIRED"
        return str(problem(response, 401)["challenge"])


def propose(person: Caller) -> str:
    """Return a new secret, which waits for its first code."""
    response = person.post(PATH)
    assert response.status_code == 201, response.get_data(as_text=True)
    return str((response.json or {})["secret"])


def enrol(person: Business) -> Enrolment:
    """Give a person a second factor."""
    secret = propose(person)
    response = person.post(f"{PATH}/confirm", {"code": pyotp.TOTP(secret).now()})
    assert response.status_code == 200, response.get_data(as_text=True)
    return Enrolment(person, secret, (response.json or {})["recoveryCodes"])


def answer(caller: Caller, challenge: str, code: str, **details: Any) -> TestResponse:
    """Show the second factor."""
    return caller.post("/api/auth/login/second-factor", {"challenge": challenge, "code": code, **details})


def log_in(enrolment: Enrolment, caller: Caller) -> Business:
    """Sign in with password and code, from where the caller is."""
    response = answer(caller, enrolment.challenge(caller), enrolment.code())
    return signed_in(caller.app, enrolment.person.email, response)


def age_proof(person: Business, minutes: int = 11) -> None:
    """Let a person's last proof of who they are lie back, in all of their sessions."""
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        transaction.execute(
            text(
                "UPDATE login_sessions SET authenticated_at = now() - make_interval(mins => :minutes)"
                " WHERE user_id = :user"
            ),
            {"minutes": minutes, "user": person.user_id},
        )


def problem(response: TestResponse, status: int) -> Mapping[str, Any]:
    """Return the problem document of a refusal."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    return response.json or {}


def event_types(owner: Business) -> list[str]:
    """Return what happened in a business, newest first."""
    response = owner.get("/api/audit-logs?limit=100")
    assert response.status_code == 200, response.get_data(as_text=True)
    return [event["action"] for event in (response.json or {})["data"]]
