"""The table of rules: complete, and which of them each event sets off."""

from typing import Any

import pytest

from mbs.foundation.policies import NOTIFICATION_RULES
from mbs.notifications.models.rules import PLANNED, RULES, is_enabled, set_off
from mbs.notifications.models.told import CONCERNING
from mbs.templates.models.catalog import CATALOG

BOTH = ("", ".staff")


def told(type_: str, now: Any = None, previous: Any = None) -> list[str]:
    return [rule.key for rule in set_off(type_, now or {}, previous or {})]


class TestTheRules:
    def test_are_those_that_settings_switch(self) -> None:
        assert set(RULES) == set(NOTIFICATION_RULES)

    def test_have_words(self) -> None:
        assert {rule.words for rule in RULES.values()} == set(CATALOG)
        for rule in RULES.values():
            assert CATALOG[rule.words].audience == rule.audience, rule.key

    def test_are_set_off_by_events_that_are_followed(self) -> None:
        assert {rule.event for rule in RULES.values() if not rule.planned} <= CONCERNING
        assert {key for key in PLANNED if RULES[key].event} == set()

    def test_are_on_until_they_are_switched_off(self) -> None:
        rule = RULES["invoice.sent"]
        assert is_enabled(rule, {})
        assert is_enabled(rule, {"invoice.sent": {"enabled": True}, "invoice.issued": {"enabled": False}})
        assert not is_enabled(rule, {"invoice.sent": {"enabled": False}})


class TestAnEvent:
    @pytest.mark.parametrize(
        ("type_", "now", "previous", "rule"),
        [
            ("booking.created", "confirmed", None, "booking.confirmed"),
            ("booking.created", "pending", None, "booking.pending"),
            ("booking.confirmed", "confirmed", "pending", "booking.confirmed"),
            ("booking.confirmed", "confirmed", "held", "booking.confirmed"),
            ("booking.updated", "pending", "held", "booking.pending"),
            ("booking.cancelled", "cancelled", "confirmed", "booking.cancelled"),
            ("booking.declined", "declined", "pending", "booking.declined"),
        ],
    )
    def test_of_a_new_state_tells_both_sides(
        self, type_: str, now: str, previous: str | None, rule: str
    ) -> None:
        before = {"status": previous} if previous else {}
        assert told(type_, {"status": now}, before) == [f"{rule}{side}" for side in BOTH]

    @pytest.mark.parametrize(
        ("type_", "now", "previous"),
        [
            ("booking.held", {"status": "held"}, {}),
            ("booking.updated", {"status": "confirmed"}, {"notes": "Window seat"}),
            ("booking.updated", {"status": "confirmed"}, {}),
            ("booking.confirmed", {"status": "confirmed"}, {"status": "no_show"}),
            ("booking.checked_in", {"status": "checked_in"}, {"status": "confirmed"}),
            ("booking.expired", {"status": "expired"}, {"status": "held"}),
            ("booking.rescheduled", {"status": "confirmed"}, {"resources": []}),
            ("booking.rescheduled", {"status": "held"}, {"start_at": "2031-03-03T10:00:00Z"}),
            ("invoice.paid", {"status": "paid"}, {"status": "open"}),
            ("session.cancelled", {}, {}),
            ("customer.created", {}, {}),
        ],
    )
    def test_of_anything_else_tells_nobody(self, type_: str, now: Any, previous: Any) -> None:
        assert told(type_, now, previous) == []

    def test_of_a_move_tells_both_sides_unless_a_class_moved(self) -> None:
        before = {"start_at": "2031-03-03T10:00:00Z"}
        moved = {"status": "confirmed", "session_id": None}
        assert told("booking.rescheduled", moved, before) == [f"booking.rescheduled{side}" for side in BOTH]
        with_class = {**moved, "session_id": "01900000-0000-7000-8000-000000000000"}
        assert told("booking.rescheduled", with_class, before) == ["booking.rescheduled"]

    @pytest.mark.parametrize(
        ("type_", "rule"),
        [
            ("booking.no_show", "booking.no_show"),
            ("booking.completed", "booking.feedback"),
            *((type_, type_) for type_ in ("waitlist.offered", "invoice.issued", "invoice.sent")),
            *((type_, type_) for type_ in ("payment.received", "refund.succeeded", "credit_note.issued")),
            *((type_, type_) for type_ in ("usage.threshold", "webhook.disabled", "notification.failed")),
        ],
    )
    def test_of_one_side_s_concern_tells_that_side(self, type_: str, rule: str) -> None:
        assert told(type_) == [rule]
