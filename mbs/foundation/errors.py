"""The facts that can go wrong, each with a stable `code`; they know no HTTP (`problems.py` translates).

A room derives its own facts from these and gives them a code of `docs/errors.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One faulty field: its path on the wire (`address.line1`), a stable code, a sentence."""

    field: str
    code: str
    message: str


class MbsError(Exception):
    """A refusal that the caller can understand. `extra` becomes members of the problem document."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    sentence: ClassVar[str] = "The request could not be served."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldFault] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.sentence)
        self.detail = detail or self.sentence
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.retry_after = retry_after


class Invalid(MbsError):
    code = "VALIDATION_ERROR"
    sentence = "The request has faulty fields; `errors` names each of them."


class InvalidJson(Invalid):
    code = "INVALID_JSON"
    sentence = "The body is not acceptable JSON."


class IdempotencyKeyRequired(Invalid):
    code = "IDEMPOTENCY_KEY_REQUIRED"
    sentence = "This moves money: send an Idempotency-Key, so that repeating it moves nothing twice."

    def __init__(self) -> None:
        super().__init__(errors=[FieldFault("Idempotency-Key", "required", "Must be sent.")])


class InvalidReference(Invalid):
    code = "INVALID_REFERENCE"
    sentence = "A field names an object that does not exist."


class InvalidCursor(Invalid):
    code = "INVALID_CURSOR"
    sentence = "The cursor is not one that this list gave out; start again without it."


class Unauthenticated(MbsError):
    """`challenge` is the `error` of the WWW-Authenticate header (RFC 6750 section 3); None: no token came."""

    code = "UNAUTHENTICATED"
    sentence = "A valid access token is needed: send `Authorization: Bearer <access token>`."

    def __init__(
        self,
        detail: str | None = None,
        *,
        challenge: str | None = "invalid_token",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, extra=extra)
        self.challenge = challenge


class Forbidden(MbsError):
    code = "FORBIDDEN"
    sentence = "Your role does not allow this."


class NotFound(MbsError):
    code = "NOT_FOUND"
    sentence = "There is nothing at this address."


class Gone(MbsError):
    code = "GONE"
    sentence = "This was here once and is no longer."


class Conflict(MbsError):
    code = "CONFLICT"
    sentence = "The request contradicts the present state."


class InvalidState(Conflict):
    code = "INVALID_STATE"
    sentence = "Its present state does not allow this."


class DocumentLocked(Conflict):
    code = "DOCUMENT_LOCKED"
    sentence = "It has been issued, so it stays as it is; take it back with a credit note, or void it."


class InUse(Conflict):
    code = "IN_USE"
    sentence = "Other records refer to this one; archive it instead."


class Busy(Conflict):
    """Another request holds what this one needs; the same request may succeed in a moment."""

    code = "BUSY"
    sentence = "Another request is changing the same data; try again."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, retry_after=1)


class PreconditionFailed(MbsError):
    code = "PRECONDITION_FAILED"
    sentence = "The object has changed since you read it; read it again and repeat your change."


class IdempotencyKeyReused(MbsError):
    code = "IDEMPOTENCY_KEY_REUSED"
    sentence = "This Idempotency-Key was used with another request; use a new key."


class PayloadTooLarge(MbsError):
    code = "PAYLOAD_TOO_LARGE"
    sentence = "The body is larger than 1 MiB."


class UnsupportedMediaType(MbsError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    sentence = "Send the body as `Content-Type: application/json`, uncompressed."


class RateLimited(MbsError):
    code = "RATE_LIMITED"
    sentence = "Too many requests; wait as long as `Retry-After` says."


class Unavailable(MbsError):
    """Something this service stands on does not answer. Whether a write took effect may be unknown."""

    code = "SERVICE_UNAVAILABLE"
    sentence = "The service cannot reach its database; try again."

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(detail, retry_after=retry_after)


class Overloaded(Unavailable):
    code = "OVERLOADED"
    sentence = "The service has more requests than it can serve; try again."
