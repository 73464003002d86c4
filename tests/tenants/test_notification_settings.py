"""The settings group `notifications`: what a business may set, and what it refuses."""

from typing import Any

import pytest

from mbs.foundation.policies import NOTIFICATION_RULES
from tests.factories.callers import Business

URL = "/api/tenant/settings"


def changed(owner: Business, **keys: Any) -> Any:
    response = owner.patch(URL, {"notifications": keys})
    assert response.status_code == 200, response.get_json()
    return response.get_json()["notifications"]


class TestNotificationSettings:
    def test_change_key_by_key_and_rule_by_rule(self, owner: Business) -> None:
        changed(owner, channels=["email"], replyTo="desk@example.com", senderName="Asha at the desk")
        changed(owner, rules={"booking.feedback": {"enabled": False}})
        after = changed(owner, digestHour=0, rules={"invoice.overdue_7": {"enabled": False}})
        assert after == owner.get(URL).get_json()["notifications"]
        assert after == {
            "channels": ["email"],
            "quietHours": {"from": "21:00", "to": "09:00"},
            "replyTo": "desk@example.com",
            "senderName": "Asha at the desk",
            "digestHour": 0,
            "rules": {"booking.feedback": {"enabled": False}, "invoice.overdue_7": {"enabled": False}},
        }

    def test_go_without_quiet_hours_and_back(self, owner: Business) -> None:
        assert changed(owner, quietHours=None)["quietHours"] is None
        assert changed(owner, quietHours={"from": "13:00", "to": "15:30"})["quietHours"] == {
            "from": "13:00",
            "to": "15:30",
        }

    def test_turn_every_rule_off(self, owner: Business) -> None:
        off = {key: {"enabled": False} for key in NOTIFICATION_RULES}
        assert changed(owner, rules=off)["rules"] == off

    @pytest.mark.parametrize(
        ("keys", "field"),
        [
            ({"channels": []}, "channels"),
            ({"channels": ["email", "email"]}, "channels"),
            ({"channels": ["email", "sms"]}, "channels.1"),
            ({"quietHours": {"from": "21:00"}}, "quietHours.to"),
            ({"quietHours": {"from": "21:00", "to": "21:00"}}, "quietHours.to"),
            ({"quietHours": {"from": "24:00", "to": "09:00"}}, "quietHours.from"),
            ({"quietHours": {"from": "9:00", "to": "10:00"}}, "quietHours.from"),
            ({"quietHours": {"from": "21:00", "to": "09:00", "zone": "UTC"}}, "quietHours.zone"),
            ({"replyTo": "desk"}, "replyTo"),
            ({"replyTo": "desk@example.com\r\nBcc: all@example.com"}, "replyTo"),
            ({"replyTo": "desk@example.com, all@example.com"}, "replyTo"),
            ({"senderName": "Asha\r\nBcc: all@example.com"}, "senderName"),
            ({"senderName": "Asha\nBcc: all@example.com"}, "senderName"),
            ({"senderName": "Asha\u2028Bcc"}, "senderName"),
            ({"senderName": ""}, "senderName"),
            ({"digestHour": 24}, "digestHour"),
            ({"digestHour": -1}, "digestHour"),
            ({"digestHour": "8"}, "digestHour"),
            ({"rules": {"booking.exploded": {"enabled": False}}}, "rules.booking.exploded"),
            ({"rules": {"booking.feedback": False}}, "rules.booking.feedback"),
            ({"rules": {"booking.feedback": {}}}, "rules.booking.feedback.enabled"),
            ({"rules": {"booking.feedback": {"enabled": 1}}}, "rules.booking.feedback.enabled"),
            ({"rules": None}, "rules"),
            ({"provider": "sendgrid"}, "provider"),
        ],
    )
    def test_refuse_what_is_no_setting(
        self, resident_owner: Business, keys: dict[str, Any], field: str
    ) -> None:
        response = resident_owner.patch(URL, {"notifications": keys})
        body = response.get_json()
        assert (response.status_code, body["code"]) == (400, "VALIDATION_ERROR")
        assert [fault["field"] for fault in body["errors"]] == [f"notifications.{field}"]
