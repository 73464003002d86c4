"""Messages over HTTP: what became of each, one sent again, and samples."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from mbs.notifications.models.attempts import RETRYABLE
from mbs.notifications.models.tables import STATUSES
from mbs.notifications.schemas import ListedNotification, NotificationView
from mbs.notifications.service.reading import MOST_SAMPLES
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.message_objects import new_notification

URL = "/api/notifications"


def read(owner: Business, id_: Any) -> Any:
    return owner.get(f"{URL}/{id_}").json


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


class TestTheList:
    def test_shows_the_newest_first_under_both_names(self, owner: Business) -> None:
        ids = [str(new_notification(owner).id) for _ in range(3)]
        assert [one["id"] for one in listed(owner, URL)] == ids[::-1]
        assert listed(owner, "/api/notification-logs") == listed(owner, URL)

    def test_has_the_shape_that_is_documented(self, owner: Business) -> None:
        row = new_notification(owner, body="Thank you.", subject="Thanks")
        (listed_one,) = listed(owner, URL)
        shown = read(owner, row.id)
        assert ListedNotification().validate({}).keys() == listed_one.keys()
        assert NotificationView().validate({}).keys() == shown.keys()
        assert shown == {**listed_one, "body": "Thank you."}
        assert (shown["event"], shown["tenantId"]) == ("payment.received", str(owner.tenant_id))

    def test_goes_on_where_a_page_ends(self, owner: Business) -> None:
        ids = [str(new_notification(owner).id) for _ in range(5)]
        found: list[str] = []
        path = f"{URL}?limit=2"
        for _ in range(3):
            page: Any = owner.get(path).json
            found += [one["id"] for one in page["data"]]
            path = f"{URL}?limit=2&cursor={page['pagination']['nextCursor']}"
        assert found == ids[::-1]
        assert not page["pagination"]["hasMore"]

    def test_is_narrowed_by_each_filter(self, owner: Business) -> None:
        jane = made(owner, "/api/customers", {"name": "Jane"})["id"]
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        wanted = {
            "status=queued,sent": new_notification(owner, status="sent"),
            "channel=whatsapp": new_notification(owner, channel="whatsapp"),
            f"customerId={jane}": new_notification(owner, customer_id=jane),
            "event=booking.confirmed": new_notification(owner, rule="booking.confirmed"),
            f"from={(tomorrow - timedelta(hours=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}": new_notification(
                owner, created_at=tomorrow
            ),
            "to=2026-01-02T00:00:00Z": new_notification(owner, created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        }
        for query, row in wanted.items():
            assert [one["id"] for one in listed(owner, f"{URL}?{query}")] == [str(row.id)], query
        everything: Any = owner.get(f"{URL}?includeTotal=true").json
        assert everything["pagination"]["total"] == len(wanted)

    @pytest.mark.parametrize("query", ["status=lost", "channel=fax", "event=nothing.known", "customerId=1"])
    def test_refuses_a_filter_that_makes_no_sense(self, resident: Business, query: str) -> None:
        assert problem(resident.get(f"{URL}?{query}")) == (400, "VALIDATION_ERROR")

    def test_shows_staff_and_others_nothing(self, owner: Business) -> None:
        row = new_notification(owner)
        staff = owner.colleague("staff")
        for path in (URL, "/api/notification-logs", f"{URL}/{row.id}"):
            assert problem(staff.get(path)) == (403, "FORBIDDEN")
        assert problem(staff.post(f"{URL}/{row.id}/retry")) == (403, "FORBIDDEN")
        assert problem(staff.post(f"{URL}/test", {"channel": "email"})) == (403, "FORBIDDEN")

    def test_is_of_one_business_alone(self, owner: Business, resident: Business) -> None:
        row = new_notification(owner)
        assert str(row.id) not in {one["id"] for one in listed(resident, URL)}
        assert problem(resident.get(f"{URL}/{row.id}")) == (404, "NOT_FOUND")
        assert problem(resident.post(f"{URL}/{row.id}/retry")) == (404, "NOT_FOUND")


class TestSendingAgain:
    @pytest.mark.parametrize("status", STATUSES)
    def test_is_for_what_did_not_go_out(self, resident: Business, status: str) -> None:
        row = new_notification(
            resident,
            status=status,
            attempts=6,
            provider="sendgrid",
            provider_message_id="m-1",
            finished_at=datetime.now(UTC),
        )
        response = resident.post(f"{URL}/{row.id}/retry")
        if status not in RETRYABLE:
            assert problem(response) == (409, "INVALID_STATE")
            assert read(resident, row.id)["attempts"] == 6
            return
        assert response.status_code == 200, response.text
        again = read(resident, row.id)
        assert response.json == again
        shown = ("status", "attempts", "reason", "provider", "providerMessageId", "finishedAt", "version")
        assert [again[name] for name in shown] == ["queued", 0, None, None, None, None, 2]
        assert problem(resident.post(f"{URL}/{row.id}/retry")) == (409, "INVALID_STATE")

    def test_is_written_down(self, owner: Business) -> None:
        row = new_notification(owner)
        owner.post(f"{URL}/{row.id}/retry")
        (event,) = listed(owner, f"/api/events?types=notification.retried&objectId={row.id}")
        assert event["data"]["previous"] == {
            "status": "permanent_failure",
            "reason": "sendgrid answered 400 to",
            "attempts": 1,
        }
        assert "jane@example.com" not in str(event), "the trail forgets nobody"

    def test_is_of_the_version_that_was_seen(self, owner: Business) -> None:
        row = new_notification(owner)
        path = f"{URL}/{row.id}/retry"
        assert problem(owner.post(path, headers={"If-Match": '"7"'})) == (412, "PRECONDITION_FAILED")
        response = owner.post(path, headers={"If-Match": '"1"'})
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')

    def test_needs_one(self, resident: Business) -> None:
        assert problem(resident.post(f"{URL}/{uuid7()}/retry")) == (404, "NOT_FOUND")


class TestASample:
    def test_goes_to_whoever_asks(self, owner: Business) -> None:
        response = owner.post(f"{URL}/test", {"channel": "email"})
        assert response.status_code == 201, response.text
        sample: Any = response.json
        assert response.headers["Location"] == f"{URL}/{sample['id']}"
        shown = ("recipient", "event", "audience", "status")
        assert [sample[name] for name in shown] == [owner.email, "booking.confirmed", "test", "queued"]
        assert read(owner, sample["id"]) == sample

    def test_goes_where_it_is_wanted(self, owner: Business) -> None:
        wanted = {"channel": "whatsapp", "to": "+91 98765 43210", "template": "invoice.overdue"}
        sample: Any = owner.post(f"{URL}/test", wanted).json
        assert (sample["recipient"], sample["event"]) == ("+919876543210", "invoice.overdue")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "channel"),
            ({"channel": "fax"}, "channel"),
            ({"channel": "email", "template": "no.such"}, "template"),
            ({"channel": "whatsapp", "to": "+919876543210", "template": "usage.threshold"}, "template"),
            ({"channel": "email", "to": "+919876543210"}, "to"),
            ({"channel": "email", "to": "jane@example.com\r\nBcc: all@example.com"}, "to"),
            ({"channel": "whatsapp", "to": "jane@example.com"}, "to"),
            ({"channel": "whatsapp"}, "to"),
        ],
    )
    def test_that_could_not_be_sent_is_refused(
        self, resident: Business, body: dict[str, str], field: str
    ) -> None:
        response = resident.post(f"{URL}/test", body)
        assert problem(response) == (400, "VALIDATION_ERROR")
        faults: Any = response.json
        assert [fault["field"] for fault in faults["errors"]] == [field]

    def test_is_one_of_five_in_an_hour(self, owner: Business) -> None:
        manager = owner.colleague("manager")
        for number in range(MOST_SAMPLES):
            asked = (owner, manager)[number % 2]
            assert asked.post(f"{URL}/test", {"channel": "email"}).status_code == 201
        response = manager.post(f"{URL}/test", {"channel": "email"})
        assert problem(response) == (429, "RATE_LIMITED")
        assert response.headers["Retry-After"] == "3600"
        assert owner.post(f"{URL}/test?dryRun=true", {"channel": "email"}).status_code == 429
