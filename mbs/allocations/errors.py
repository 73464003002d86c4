"""What can go wrong when slots are taken."""

from mbs.foundation.errors import Conflict


class SlotUnavailable(Conflict):
    code = "SLOT_UNAVAILABLE"
    sentence = "That time is taken; `alternatives` names up to three that are free."


class SessionFull(Conflict):
    code = "SESSION_FULL"
    sentence = "The class has not so many seats left; its waiting list takes more."
