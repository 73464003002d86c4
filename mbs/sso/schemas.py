"""Single sign-on on the wire."""

from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields

from mbs.auth.schemas import WantedSession
from mbs.foundation import problems
from mbs.foundation.schemas import QuerySchema, WireSchema
from mbs.foundation.wire_fields import Choice, EmailAddress, Flag, Id, Secret, Text
from mbs.sso.models import INTENTS, LONGEST_NAME, ProviderIdentity
from mbs.tenants.schemas import EXAMPLE, OpenBusiness

LONGEST_TICKET = 4000
SEGMENT = r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
RETURN_TO = rf"/({SEGMENT}(/{SEGMENT})*/?)?(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
"""A path on this service and nothing else: `//host`, `/\\host`, `https:host` and line breaks do not fit."""

REGISTER_EXAMPLE = {"ticket": "the `ticket` that the sign-in ended with", **EXAMPLE}
JOIN_EXAMPLE = {
    "ticket": "the `ticket` that the sign-in ended with",
    "invitation": "the token of the mail that invited you",
}
LINK_EXAMPLE = {"ticket": "the `ticket` that the sign-in ended with"}


class SsoView(WireSchema):
    enabled = fields.Boolean(required=True)
    issuer = fields.String()


class StartQuery(QuerySchema):
    return_to = Text(
        maximum=500,
        pattern=RETURN_TO,
        load_default="/",
        metadata={
            "description": "Path on this service where the browser ends up.",
            "example": "/today?new=1",
        },
    )
    intent = Choice(
        *INTENTS,
        load_default="login",
        metadata={"description": "`link`: bring a ticket for the account that you are signed in to."},
    )
    tenant_id = Id(
        load_default=None, metadata={"description": "Which of your businesses; else the last one."}
    )
    reauthenticate = Flag(
        load_default=False, metadata={"description": "Prove anew who you are, for what is sensitive."}
    )


class CallbackQuery(QuerySchema):
    """What a provider sends back; it may add parameters of its own (RFC 6749 section 4.1.2)."""

    class Meta:
        unknown = EXCLUDE

    state = Secret(maximum=100, required=True)
    code = Secret(maximum=4000, load_default=None)
    iss = Secret(maximum=500, load_default=None)


class RegisterWithTicket(OpenBusiness, WantedSession):
    ticket = Secret(maximum=LONGEST_TICKET, required=True)
    email = EmailAddress(metadata={"description": "Needed when the provider does not name one."})
    first_name = Text(maximum=LONGEST_NAME)
    last_name = Text(maximum=LONGEST_NAME)


class JoinWithTicket(WantedSession):
    ticket = Secret(maximum=LONGEST_TICKET, required=True)
    invitation = Secret(
        maximum=200, required=True, metadata={"description": "The token of the mail that invited you."}
    )
    first_name = Text(maximum=LONGEST_NAME)
    last_name = Text(maximum=LONGEST_NAME)


class LinkTicket(WireSchema):
    ticket = Secret(maximum=LONGEST_TICKET, required=True)


class Names(WireSchema):
    first_name = Text(maximum=LONGEST_NAME, required=True)
    last_name = Text(maximum=LONGEST_NAME, required=True)


class Person(Names):
    email = EmailAddress(required=True)


class IdentityView(WireSchema):
    id = fields.UUID(required=True)
    issuer = fields.String(required=True)
    email = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "As the provider knows it; not your address here."},
    )
    created_at = fields.DateTime(required=True)
    last_login_at = fields.DateTime(required=True, allow_none=True)


class IdentitiesView(WireSchema):
    data = fields.List(fields.Nested(IdentityView), required=True)


def take_person(body: dict[str, Any], identity: ProviderIdentity, schema: Names) -> dict[str, Any]:
    """Take the person's part out of a body, with what the provider says where they say nothing themselves.

    :raises Invalid: if something is still missing, or what the provider says will not do.
    """
    said = {"email": identity.email, "firstName": identity.first_name, "lastName": identity.last_name}
    wire = {}
    for name, field in schema.fields.items():
        key = field.data_key or name
        value = body.pop(name, said[key])
        if value is not None:
            wire[key] = value
    try:
        person: dict[str, Any] = schema.load(wire)
    except ValidationError as error:
        raise problems.invalid(error) from None
    return person


def present_identity(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "issuer": row.issuer,
        "email": row.email,
        "createdAt": row.created_at,
        "lastLoginAt": row.last_login_at,
    }
