"""What an operator can do about a person, for `mbs user`. A password is never set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mbs.accounts.models import RESET_PASSWORD
from mbs.accounts.repository import OneTimeTokenRepository
from mbs.auth.repository import SessionRepository, UserRepository
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Transaction
from mbs.foundation.sealing import Sealer
from mbs.mail.repository import MailRepository
from mbs.second_factor.repository import SecondFactorRepository


@dataclass(frozen=True, slots=True)
class Act:
    """What can be done about a person: `change` does it, under the identity role.

    `needs` is what must be so before; otherwise there is nothing to do.
    """

    help: str
    type: str
    change: Callable[[Transaction, UUID, Sealer], None]
    needs: Mapping[str, Any]
    becomes: Mapping[str, Any]


def disable(transaction: Transaction, person: UUID, _sealer: Sealer) -> None:
    """Let a person sign in nowhere; end their sessions, and what mails to them would open."""
    UserRepository(transaction).change(person, {"status": "disabled"}, version=None)
    OneTimeTokenRepository(transaction).revoke_all(person)
    _end_sessions(transaction, person, "disabled")


def enable(transaction: Transaction, person: UUID, _sealer: Sealer) -> None:
    """Let a person sign in again."""
    UserRepository(transaction).change(person, {"status": "active"}, version=None)


def sign_out(transaction: Transaction, person: UUID, _sealer: Sealer) -> None:
    """End a person's sessions in all businesses."""
    _end_sessions(transaction, person, "operator")


def reset_second_factor(transaction: Transaction, person: UUID, sealer: Sealer) -> None:
    """Take a person's second factor and recovery codes away, and end their sessions."""
    SecondFactorRepository(transaction, sealer).remove(person)
    _end_sessions(transaction, person, "second_factor_reset")


def send_reset(transaction: Transaction, person: UUID, sealer: Sealer) -> None:
    """Mail a person a link to choose a new password by."""
    token = OneTimeTokenRepository(transaction).issue(person, RESET_PASSWORD, at=SystemClock().now())
    email = UserRepository(transaction).get(person).email
    MailRepository(transaction, sealer).enqueue("reset_password", to=email, token=token)


def _end_sessions(transaction: Transaction, person: UUID, reason: str) -> None:
    SessionRepository(transaction).revoke_all(person, at=SystemClock().now(), reason=reason)


ACTS = {
    "disable": Act(
        "let a person sign in nowhere, and end their sessions",
        "user.disabled",
        disable,
        {"status": "active"},
        {"status": "disabled"},
    ),
    "enable": Act(
        "let a disabled person sign in again",
        "user.enabled",
        enable,
        {"status": "disabled"},
        {"status": "active"},
    ),
    "sign-out": Act("end a person's sessions in all businesses", "user.signed_out", sign_out, {}, {}),
    "reset-second-factor": Act(
        "take a lost second factor and its recovery codes away, and end the person's sessions",
        "user.second_factor_reset",
        reset_second_factor,
        {"secondFactor": True},
        {"secondFactor": False},
    ),
    "send-reset": Act(
        "mail a person a link to choose a new password by; needs all of the service's variables",
        "user.password_reset_sent",
        send_reset,
        {"status": "active"},
        {},
    ),
}
