"""The shape of things on the wire: camelCase names, unknown fields refused, lists as pages."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from mbs.foundation.pages import DEFAULT_LIMIT, MAXIMUM_LIMIT
from mbs.foundation.wire_fields import Choice, Flag, Int, Secret


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class WireSchema(Schema):
    """Maps snake_case in Python to camelCase on the wire; an unknown field is an error, never ignored."""

    from_text: ClassVar[bool] = False
    """Whether values arrive as text, as in a query string, so that `5` and `true` must be read from it."""

    optional: ClassVar[bool] = False
    """Whether a request may leave its body out, which then is an empty object."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = camel_case(field_obj.data_key or field_name)


class MergePatch(WireSchema):
    """A change of some fields (RFC 7396): null clears a field, an absent one stays; it names at least one."""

    @validates_schema
    def something_to_change(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class QuerySchema(WireSchema):
    """Query parameters: one text each."""

    from_text = True


class Cursor(Secret):
    """The place in a list where a page ended; what it holds is known to the list alone."""

    def __init__(self, *, maximum: int = 4000, metadata: Mapping[str, Any] | None = None) -> None:
        text = {"description": "`pagination.nextCursor` of the page before."}
        super().__init__(maximum=maximum, metadata={**text, **(metadata or {})}, load_only=False)


class PageQuery(QuerySchema):
    """Query parameters of every list. A room adds its filters and the columns it can be sorted by."""

    limit = Int(
        minimum=1,
        maximum=2**31 - 1,
        load_default=DEFAULT_LIMIT,
        metadata={"description": f"Rows per page; more than {MAXIMUM_LIMIT} is served as {MAXIMUM_LIMIT}."},
    )
    cursor = Cursor()
    include_total = Flag(load_default=False, metadata={"description": "Count all rows that match."})
    sort_order = Choice("asc", "desc")


class Pagination(WireSchema):
    limit = fields.Integer(required=True)
    has_more = fields.Boolean(required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True, allow_none=True)


def page_schema(name: str, item: type[Schema]) -> type[Schema]:
    """Return the schema of a list of `item`: `{"data": [...], "pagination": {...}}`."""
    attributes: Mapping[str, Any] = {
        "data": fields.List(fields.Nested(item), required=True),
        "pagination": fields.Nested(Pagination, required=True),
    }
    return WireSchema.from_dict(dict(attributes), name=name)
