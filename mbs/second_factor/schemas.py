"""Second factors on the wire."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import segno
from marshmallow import fields

from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Secret

CODE_EXAMPLE = {"code": "123456"}


class Code(WireSchema):
    code = Secret(
        maximum=40,
        required=True,
        metadata={"description": "The present code of your authenticator app, or a recovery code."},
    )


class FirstCode(WireSchema):
    code = Secret(
        maximum=40, required=True, metadata={"description": "The present code of your authenticator app."}
    )


class SecondFactorView(WireSchema):
    enabled = fields.Boolean(required=True)
    since = fields.DateTime(required=True, allow_none=True)
    recovery_codes_left = fields.Integer(required=True)
    demanded = fields.Boolean(
        required=True, metadata={"description": "Whether this business demands one of you."}
    )


class ProposalView(WireSchema):
    secret = fields.String(required=True, metadata={"description": "To be typed: base32."})
    uri = fields.String(required=True, metadata={"description": "What the QR code says (otpauth)."})
    qr = fields.String(required=True, metadata={"description": "The QR code as SVG."})


class RecoveryCodesView(WireSchema):
    recovery_codes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each works once instead of a code. They are not shown again."},
    )


def present_state(since: datetime | None, left: int, *, demanded: bool) -> dict[str, Any]:
    return {
        "enabled": since is not None,
        "since": since,
        "recoveryCodesLeft": left,
        "demanded": demanded,
    }


def present_proposal(secret: str, uri: str) -> dict[str, Any]:
    picture = io.BytesIO()
    segno.make(uri, micro=False).save(picture, kind="svg", scale=4, light="#fff", xmldecl=False)
    return {"secret": secret, "uri": uri, "qr": picture.getvalue().decode()}


def present_recovery_codes(codes: Sequence[str]) -> dict[str, Any]:
    return {"recoveryCodes": list(codes)}
