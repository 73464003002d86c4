"""What can go wrong with services."""

from typing import Self

from mbs.foundation.errors import Conflict, FieldFault, Invalid


class InvalidSegments(Invalid):
    code = "INVALID_SEGMENTS"
    sentence = "The segments do not fit the service; `errors` says why."

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        return cls(errors=[FieldFault(field, "invalid", message)])


class ServiceInactive(Conflict):
    code = "SERVICE_INACTIVE"
    sentence = "The service is not offered at present; choose another one, or activate it."


class NoResourceForService(Conflict):
    code = "NO_RESOURCE_FOR_SERVICE"
    sentence = "Nobody and nothing that was asked for does this service; assign resources to it first."
