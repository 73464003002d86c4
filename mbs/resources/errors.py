"""What can go wrong with resources."""

from typing import ClassVar

from mbs.foundation.errors import Conflict, FieldFault, Invalid, InvalidReference


class UnknownReference(InvalidReference):
    """`field` names what the business does not have."""

    field: ClassVar[str] = "body"

    def __init__(self) -> None:
        super().__init__(errors=[FieldFault(self.field, "invalid_reference", self.sentence)])


class UnknownLocation(UnknownReference):
    sentence = "There is no such location."
    field = "locationId"


class UnknownMember(UnknownReference):
    sentence = "There is no such member of this business."
    field = "memberId"


class UnknownParent(UnknownReference):
    sentence = "There is no such resource."
    field = "parentId"


class CircularParent(Invalid):
    def __init__(self) -> None:
        message = "Must be neither the resource itself nor one of its parts."
        super().__init__(errors=[FieldFault("parentId", "invalid", message)])


class MemberNotStaff(Invalid):
    def __init__(self) -> None:
        message = "Only staff can be a member of the team."
        super().__init__(errors=[FieldFault("memberId", "invalid", message)])


class MemberTaken(Conflict):
    sentence = "Another resource is this member already."


class CapacityInUse(Conflict):
    code = "CAPACITY_IN_USE"
    sentence = "Bookings hold places above this capacity; move or cancel them first."
