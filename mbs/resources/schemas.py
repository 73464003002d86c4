"""Resources on the wire; a member of staff is one of them, whose kind nobody has to say."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Flag, Id, Int, Tags, Text
from mbs.resources.models import KINDS, MOST_SLOTS, SORTS

EXAMPLE = {"kind": "room", "name": "Dormitory 6", "capacity": 6, "tags": ["mixed"], "color": "#1e90ff"}
STAFF_EXAMPLE = {"name": "Meera", "tags": ["color"], "color": "#1e90ff"}

CAPACITY = {"description": "How many it serves at a time: the beds of a dormitory. 1 unless given."}
BOOKABLE = {
    "description": "How much of the capacity is open to bookings. All of it unless given; what was all of it"
    " stays so when the capacity changes."
}
LOCATION = {"description": "The business's default location unless given."}
MEMBER = {"description": "The member of the team that this person is; only staff can be one."}
PARENT = {"description": "What it is a part of, as a bed is of its room, whose time off is its own too."}


class Color(Text):
    """A color for calendars, `#1e90ff`."""

    def __init__(self) -> None:
        example = {"example": "#1e90ff"}
        super().__init__(minimum=7, maximum=7, pattern="#[0-9a-fA-F]{6}", allow_none=True, metadata=example)


class CreateStaff(WireSchema):
    name = Text(maximum=200, required=True)
    location_id = Id(metadata=LOCATION)
    member_id = Id(allow_none=True, metadata=MEMBER)
    parent_id = Id(allow_none=True, metadata=PARENT)
    capacity = Int(minimum=1, maximum=MOST_SLOTS, load_default=1, metadata=CAPACITY)
    bookable_capacity = Int(minimum=0, maximum=MOST_SLOTS, metadata=BOOKABLE)
    tags = Tags()
    color = Color()


class CreateResource(CreateStaff):
    kind = Choice(*KINDS, required=True)

    @validates_schema
    def member_is_staff(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("member_id") is not None and data["kind"] != "staff":
            raise ValidationError("Only staff can be a member of the team.", "member_id")


class ChangeResource(MergePatch):
    name = Text(maximum=200)
    location_id = Id()
    member_id = Id(allow_none=True, metadata=MEMBER)
    parent_id = Id(allow_none=True, metadata=PARENT)
    capacity = Int(minimum=1, maximum=MOST_SLOTS, metadata=CAPACITY)
    bookable_capacity = Int(minimum=0, maximum=MOST_SLOTS, metadata=BOOKABLE)
    tags = Tags()
    color = Color()
    active = Flag(data_key="is_active")


class StaffQuery(PageQuery):
    location_id = Id()
    tag = Text(maximum=40)
    active = Flag(data_key="is_active", load_default=True, metadata={"description": "`true` unless given."})
    service_id = Id(metadata={"description": "Those that are assigned to this service."})
    sort_by = Choice(*SORTS, load_default="name")


class ResourceQuery(StaffQuery):
    kind = Choices(*KINDS)


class RemoveResourceQuery(QuerySchema):
    purge = Flag(load_default=False, metadata={"description": "Remove for good instead of archiving."})


class ResourceView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    name = fields.String(required=True)
    location_id = fields.UUID(required=True)
    member_id = fields.UUID(required=True, allow_none=True)
    parent_id = fields.UUID(required=True, allow_none=True)
    capacity = fields.Integer(required=True)
    bookable_capacity = fields.Integer(required=True)
    tags = fields.List(fields.String(), required=True)
    color = fields.String(required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


ResourcePage = page_schema("ResourcePage", ResourceView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a resource as `ResourceView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "kind": row.kind,
        "name": row.name,
        "locationId": row.location_id,
        "memberId": row.member_id,
        "parentId": row.parent_id,
        "capacity": row.capacity,
        "bookableCapacity": row.bookable_capacity,
        "tags": row.tags,
        "color": row.color,
        "isActive": row.active,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
