"""Webhook endpoints over HTTP."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.webhooks.models.tables import MOST_ENDPOINTS
from tests.factories.answers import listed
from tests.factories.api_keys import program
from tests.factories.callers import Business
from tests.factories.webhook_objects import PATH, ended_delivery, new_endpoint

STORED = text("SELECT * FROM webhook_endpoints WHERE id = :id")


def stored(owner: Business, id_: str) -> Any:
    with owner.database.transaction(owner.scope) as transaction:
        return transaction.execute(STORED, {"id": id_}).one()


class TestAnEndpoint:
    def test_is_made_with_a_secret_that_is_shown_once(self, owner: Business) -> None:
        body = {
            "url": "https://example.com/in?x=1",
            "eventTypes": ["booking.*", "booking.*", "invoice.issued"],
        }
        response = owner.post(PATH, {**body, "description": "Web shop"})
        assert response.status_code == 201, response.text
        made = response.get_json()
        assert response.headers["Location"] == f"{PATH}/{made['id']}"
        assert made["secret"].startswith("whsec_")
        assert made["eventTypes"] == ["booking.*", "invoice.issued"]
        shown = owner.get(f"{PATH}/{made['id']}")
        assert shown.headers["ETag"] == '"1"'
        assert shown.get_json() == {name: value for name, value in made.items() if name != "secret"}
        assert listed(owner, PATH) == [shown.get_json()]
        secret = made["secret"].removeprefix("whsec_")
        assert secret not in shown.text
        assert secret not in owner.get("/api/events?limit=100").text
        assert secret not in str(stored(owner, made["id"]))

    def test_tells_nobody_through_whoever_may_not_read_the_trail(self, owner: Business) -> None:
        integrator, made = program(owner, "webhooks:write"), new_endpoint(owner)
        wanted = {"url": "https://example.com/other", "eventTypes": ["*"]}
        path = f"{PATH}/{made['id']}"
        answers = [integrator.post(PATH, wanted)]
        answers += [integrator.patch(path, {name: value}) for name, value in wanted.items()]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert "audit:read" in answers[0].text
        assert integrator.patch(path, {"description": "Web shop"}).status_code == 200
        reader = program(owner, "webhooks:write", "audit:read")
        assert reader.post(PATH, wanted).status_code == 201

    def test_says_nothing_of_its_secret_in_the_log(
        self, owner: Business, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("DEBUG"):
            made = new_endpoint(owner)
            rotated = owner.post(f"{PATH}/{made['id']}/rotate-secret").get_json()
        written = caplog.text + "".join(capfd.readouterr()) + str([vars(one) for one in caplog.records])
        assert "webhook endpoint made" in written
        assert made["secret"] not in written
        assert rotated["secret"] not in written

    def test_changes_and_tells_the_trail(self, owner: Business) -> None:
        id_ = new_endpoint(owner)["id"]
        body = {"url": "https://hooks.example.com/", "description": None, "eventTypes": ["customer.created"]}
        changed = owner.patch(f"{PATH}/{id_}", body, headers={"If-Match": '"1"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"'), changed.text
        assert changed.get_json()["eventTypes"] == ["customer.created"]
        late = owner.patch(f"{PATH}/{id_}", body, headers={"If-Match": '"1"'})
        assert (late.status_code, late.get_json()["code"]) == (412, "PRECONDITION_FAILED")
        event = owner.get("/api/events?types=webhook.updated").get_json()["data"][0]
        assert event["data"]["object"]["url"] == "https://hooks.example.com/"
        assert event["data"]["previous"] == {
            "url": "https://example.com/webhooks",
            "event_types": ["*"],
        }

    def test_is_disabled_and_enabled_by_hand(self, owner: Business) -> None:
        id_ = new_endpoint(owner)["id"]
        owner.post(f"{PATH}/{id_}/test")
        disabled = owner.patch(f"{PATH}/{id_}", {"status": "disabled"}).get_json()
        assert (disabled["status"], disabled["disabledReason"]) == ("disabled", "by_hand")
        assert [one["status"] for one in listed(owner, f"{PATH}/{id_}/deliveries")] == ["cancelled"]
        refused = owner.post(f"{PATH}/{id_}/test")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "INVALID_STATE")
        enabled = owner.patch(f"{PATH}/{id_}", {"status": "enabled"}).get_json()
        assert (enabled["status"], enabled["disabledReason"], enabled["disabledAt"]) == (
            "enabled",
            None,
            None,
        )

    def test_goes_with_its_deliveries(self, owner: Business) -> None:
        ids = ended_delivery(owner)
        path = f"{PATH}/{ids['endpoint_id']}"
        assert owner.delete(path, headers={"If-Match": '"9"'}).status_code == 412
        assert owner.delete(path, headers={"If-Match": '"1"'}).status_code == 204
        assert owner.get(path).status_code == 404
        assert owner.get(f"{path}/deliveries").status_code == 404
        assert owner.get(f"{path}/deliveries/{ids['delivery_id']}").status_code == 404

    def test_is_one_of_twenty_at_most(self, owner: Business) -> None:
        for _ in range(MOST_ENDPOINTS):
            new_endpoint(owner)
        refused = owner.post(PATH, {"url": "https://example.com/", "eventTypes": ["*"]})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "CONFLICT")
        assert "endpoints" in refused.get_json()["detail"]
        page = owner.get(f"{PATH}?limit=15&includeTotal=true").get_json()
        assert page["pagination"]["total"] == MOST_ENDPOINTS
        rest = owner.get(f"{PATH}?limit=15&cursor={page['pagination']['nextCursor']}").get_json()
        assert len({one["id"] for one in page["data"] + rest["data"]}) == MOST_ENDPOINTS

    def test_is_nobody_else_s(self, owner: Business, business: Any) -> None:
        ids, other = ended_delivery(owner), business()
        path = f"{PATH}/{ids['endpoint_id']}"
        assert listed(other, PATH) == []
        for method, rest in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/rotate-secret"),
            ("POST", "/test"),
            ("GET", "/deliveries"),
            ("GET", f"/deliveries/{ids['delivery_id']}"),
            ("POST", f"/deliveries/{ids['delivery_id']}/replay"),
        ):
            assert other.call(method, path + rest).status_code == 404, rest
        assert other.patch(path, {"status": "disabled"}).status_code == 404
        # Nor is a delivery another endpoint's of the same business.
        beside = new_endpoint(owner)["id"]
        assert owner.get(f"{PATH}/{beside}/deliveries/{ids['delivery_id']}").status_code == 404

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("eventTypes", []),
            ("eventTypes", ["*.created"]),
            ("eventTypes", ["booking"]),
            ("eventTypes", ["booking.**"]),
            ("eventTypes", ["webhook.disabled"]),
            ("eventTypes", ["webhook.*"]),
            ("eventTypes", [f"a.b{chr(97 + one % 26) * (1 + one // 26)}" for one in range(101)]),
            ("url", "https://example.com/\r\nX: y"),
            ("url", "http://example.com/"),
            ("url", "https://127.0.0.1/"),
            ("description", "two\nlines"),
        ],
    )
    def test_is_refused_when_a_field_is_faulty(self, owner: Business, field: str, value: Any) -> None:
        body = {"url": "https://example.com/", "eventTypes": ["*"], field: value}
        response = owner.post(PATH, body)
        assert response.status_code == 400, response.text
        assert response.get_json()["errors"][0]["field"].startswith(field)
        change = owner.patch(f"{PATH}/{new_endpoint(owner)['id']}", {field: value})
        assert change.status_code == 400, change.text


class TestInDevelopment:
    def test_an_endpoint_may_be_on_the_same_machine(self, owner: Business, environ: dict[str, str]) -> None:
        app: Flask = create_app(Config.load({**environ, "WEBHOOKS_ALLOW_PRIVATE": "true"}))
        body = {"url": "http://localhost:3000/webhooks", "eventTypes": ["*"]}
        assert owner.post(PATH, body).status_code == 400
        owner._client = app.test_client()
        assert owner.post(PATH, body).status_code == 201
