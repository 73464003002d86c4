"""What can go wrong when somebody asks when a service can be had."""

from mbs.foundation.errors import Conflict, Invalid


class RangeTooLong(Invalid):
    code = "RANGE_TOO_LONG"
    sentence = "The dates are too far apart; ask for fewer days at a time."


class ServiceInactive(Conflict):
    code = "SERVICE_INACTIVE"
    sentence = "The service is not offered at present; choose another one, or activate it."


class NoResourceForService(Conflict):
    code = "NO_RESOURCE_FOR_SERVICE"
    sentence = "Nobody and nothing that was asked for does this service; assign resources to it first."
