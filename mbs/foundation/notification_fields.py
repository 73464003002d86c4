"""How a business's messages are sent, on the wire (domain 2.9 and 6)."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from mbs.foundation.policies import NOTIFICATION_RULES
from mbs.foundation.policy_fields import ClockTime
from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Choice, EmailAddress, Flag, Int, Text

CHANNELS = ("email", "whatsapp")


class QuietHours(WireSchema):
    """A window of the day in which customers get no message; it may go over midnight.

    Loaded, its keys are those of the wire, as they are kept.
    """

    from_ = ClockTime(required=True, metadata={"examples": ["21:00"]})
    to = ClockTime(required=True, metadata={"examples": ["09:00"]})

    @validates_schema
    def two_times(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["from_"] == data["to"]:
            raise ValidationError("Must be another time than `from`; null is no quiet hours.", "to")

    @post_load
    def as_kept(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"from": data["from_"], "to": data["to"]}


class Channels(fields.List[Any]):
    """Channels in the order in which they are tried, each once."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"minItems": 1, "uniqueItems": True, "maxItems": len(CHANNELS)}
        super().__init__(Choice(*CHANNELS), metadata={**metadata, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        channels = list(super()._deserialize(value, attr, data, **kwargs))
        if not channels or len(set(channels)) < len(channels):
            raise ValidationError("Must name at least one channel, and none twice.")
        return channels


class RuleSwitch(WireSchema):
    enabled = Flag(required=True)


class RulesByKey(WireSchema):
    """One switch a rule. On the wire and loaded it has the rule's key, dots included."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Leave the key as it is."""

    @post_load
    def as_kept(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {str(self.fields[name].data_key): value for name, value in data.items()}


# marshmallow reads a dot in a field's own name as a way into an object.
_SWITCHES: Mapping[str, Any] = {
    key.replace(".", "_"): fields.Nested(RuleSwitch, data_key=key) for key in NOTIFICATION_RULES
}
RuleSwitches = RulesByKey.from_dict(dict(_SWITCHES), name="RuleSwitches")


class NotificationRules(WireSchema):
    channels = Channels(metadata={"description": "Which are tried, in this order."})
    quiet_hours = fields.Nested(
        QuietHours,
        allow_none=True,
        metadata={"description": "In the customer's time zone. What is urgent is sent all the same."},
    )
    reply_to = EmailAddress(allow_none=True)
    sender_name = Text(maximum=120, allow_none=True, metadata={"description": "null: the business's name."})
    digest_hour = Int(
        minimum=0,
        maximum=23,
        metadata={"description": "The hour of the business's day at which its owner is told what failed."},
    )
    rules = fields.Nested(
        RuleSwitches, metadata={"description": "Those that were turned off or on; any other is on."}
    )
