"""The logo on the wire."""

import base64
import binascii
from typing import Any

from marshmallow import ValidationError, fields

from mbs.foundation.schemas import WireSchema

LARGEST = 256 * 1024
LONGEST = 4 * -(-LARGEST // 3)

EXAMPLE = {
    "image": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNgYGAAAAAEAAHI6uv5AAAAAElFTkSuQmCC"
}
"""A pixel."""


class FileContent(fields.String):
    """The bytes of a file of at most 256 KiB, in base64 (RFC 4648 section 4)."""

    def __init__(self, **kwargs: Any) -> None:
        shape = {"minLength": 4, "maxLength": LONGEST, "pattern": "^[A-Za-z0-9+/]+={0,2}$"}
        metadata = {**shape, "contentEncoding": "base64", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("Must be a text.")
        if len(value) > LONGEST:
            raise ValidationError(f"Must be a file of at most {LARGEST} bytes.")
        try:
            decoded = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValidationError("Must be base64, without line breaks.") from None
        if not 1 <= len(decoded) <= LARGEST:
            raise ValidationError(f"Must be a file of 1 to {LARGEST} bytes.")
        return decoded


class PutLogo(WireSchema):
    image = FileContent(required=True, metadata={"description": "A PNG or JPEG of at most 256 KiB."})


class LogoView(WireSchema):
    width = fields.Integer(required=True, metadata={"description": "In pixels, of what was kept of it."})
    height = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


def present(logo: Any) -> dict[str, Any]:
    """Return what is known of a logo as `LogoView` describes it."""
    return {
        "width": logo.width,
        "height": logo.height,
        "createdAt": logo.created_at,
        "updatedAt": logo.updated_at,
        "version": logo.version,
    }
