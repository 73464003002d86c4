"""Mails that wait to be sent, and what they say.

Names that people gave themselves are data: they reach a stranger's mailbox, so none may forge a header or
become a link there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base

INSTANT = TIMESTAMP(timezone=True)

LEASE = timedelta(seconds=60)
"""How long a mail is one worker's. A gateway must answer well within it, or the mail goes out twice."""

PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
)
"""Between one attempt and the next; after the last attempt the mail has failed."""

KEPT = timedelta(days=30)

LONGEST_NAME = 80
SENDER_NAME = "MyBizStream"


class AccountMail(Base):
    """One mail. `sealed` holds address and contents, and is emptied when the mail has been sent."""

    __tablename__ = "account_mails"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__account_mails__queued", "next_attempt_at", postgresql_where=text("status = 'queued'")),
        Index("ix__account_mails__created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(Uuid)
    template: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInteger)
    next_attempt_at: Mapped[datetime] = mapped_column(INSTANT)
    claimed_until: Mapped[datetime | None] = mapped_column(INSTANT)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    finished_at: Mapped[datetime | None] = mapped_column(INSTANT)


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One mail, ready to be sent.

    `sender_name` stands before the service's own address, in whose name it goes out; `reply_to` gets the
    answers. `id` stays the same from one attempt to the next, so that a provider may notice a second one.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    sender_name: str | None = None
    reply_to: str | None = None
    id: UUID | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """`{link}` in the text becomes the address of `page`, with the variable `token` behind a `#`.

    What stands behind a `#` stays in the browser: no server's log and no Referer header ever holds it.
    """

    subject: str
    text: str
    page: str = ""


TEMPLATES: Mapping[str, Template] = {
    "reset_password": Template(
        "Choose a new password",
        """\
Somebody, probably you, asked for a new password for your MyBizStream account. Choose it within 30 minutes:

{link}

If it was not you, ignore this mail: your password stays as it is.
""",
        "/reset-password",
    ),
    "password_changed": Template(
        "Your password has changed",
        """\
The password of your MyBizStream account was changed, and wherever else you were signed in you are signed out.

If it was not you, choose a new one at once:

{link}
""",
        "/forgot-password",
    ),
    "verify_email": Template(
        "Confirm your e-mail address",
        """\
Please confirm within 24 hours that this is the address of your MyBizStream account:

{link}

If you have no such account, somebody mistyped their address: ignore this mail.
""",
        "/verify-email",
    ),
    "change_email_confirm": Template(
        "Confirm your new e-mail address",
        """\
Please confirm within an hour that your MyBizStream account moves to this address:

{link}

If you have no such account, somebody mistyped their address: ignore this mail.
""",
        "/change-email",
    ),
    "change_email_notice": Template(
        "Your e-mail address is about to change",
        """\
Somebody, probably you, asked to move your MyBizStream account to another e-mail address. It moves as soon as
a mail to that address is answered.

If it was not you, choose a new password at once; that also stops the move:

{link}
""",
        "/forgot-password",
    ),
    "email_changed": Template(
        "Your e-mail address has changed",
        """\
Your MyBizStream account has moved to another e-mail address; this one is not used any more.

If it was not you, tell the owner of your business at once.
""",
    ),
    "sign_in_blocked": Template(
        "Sign-in to your account is blocked for a while",
        """\
Somebody has tried to sign in to your MyBizStream account with wrong passwords or codes, too often. For up to
15 minutes nobody can sign in to it from where that came from, or from a new place.

If it was you, wait, or choose a new password, by which you get in at once. If it was not you and you use the
same password elsewhere, choose a new one, too:

{link}

You get this mail once a day at most.
""",
        "/forgot-password",
    ),
    "second_factor_changed": Template(
        "Your second factor has changed",
        """\
The second factor of your MyBizStream account was turned on or off, or it has new recovery codes.

If it was not you, choose a new password at once, and tell the owner of your business:

{link}
""",
        "/forgot-password",
    ),
    "identity_changed": Template(
        "How you sign in has changed",
        """\
A sign-in at a provider was linked to your MyBizStream account, or taken away from it.

If it was not you, choose a new password at once, sign in with it, and unlink what is not yours:

{link}
""",
        "/forgot-password",
    ),
    "invitation": Template(
        "{inviter} invites you to {business}",
        """\
{inviter} invites you to work with {business} on MyBizStream. Join within seven days:

{link}

If you do not know them, ignore this mail.
""",
        "/invitation",
    ),
}
"""Variables besides `token`: of an invitation `inviter` and `business`."""


def compose(template: str, variables: Mapping[str, str], *, base_url: str) -> Message:
    """Return the mail that a template makes.

    :param variables: `to`, and what the template names.
    :raises KeyError: if there is no such template, or it names a variable that is missing.
    """
    chosen, link = TEMPLATES[template], base_url.rstrip("/")
    if chosen.page:
        link += chosen.page
    if "token" in variables:
        link += f"#token={variables['token']}"
    said = {name: harmless(value) for name, value in variables.items()}
    said["link"] = link
    subject, content = chosen.subject.format_map(said), chosen.text.format_map(said)
    return Message(variables["to"], subject, content, sender_name=SENDER_NAME)


def harmless(name: str) -> str:
    """Return a name on one line, cut to a name's length, that no mail program takes for a link."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", " ", name).split())
    return re.sub(r"([.:/@\u3002\uff0e\uff61])(?=\S)", r"\1 ", line[:LONGEST_NAME])
