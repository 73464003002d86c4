"""One person opens so many businesses and no more, because each login lists them all."""

import pytest

from mbs.tenants import service
from tests.factories.callers import Business


class TestOpen:
    def test_refuses_one_business_too_many(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MOST_BUSINESSES", 2)
        details = {"businessName": "Second", "businessType": "gym", "countryCode": "IN"}

        assert owner.post("/api/tenants", details).status_code == 201
        answer = owner.post("/api/tenants", details)

        assert answer.status_code == 403
        assert answer.json is not None
        assert answer.json["code"] == "PLAN_LIMIT_REACHED"
