"""How much one answer tells."""

import pytest

from mbs.availability import service
from tests.factories.callers import Business
from tests.factories.salons import day, new_salon, problem


class TestAnAnswer:
    def test_that_would_be_too_long_is_refused(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        salon = new_salon(owner, staff=2)
        of_one_day = f"{day():%Y-%m-%d}"
        path = f"/api/availability?serviceId={salon.service['id']}&from={of_one_day}&to={of_one_day}"
        offered = owner.get(path).get_json()["slots"]
        choices = sum(len(slot["staffIds"]) for slot in offered)
        assert choices > 100
        monkeypatch.setattr(service, "MOST_CHOICES", choices - 1)
        problem(owner.get(path), 400, "RANGE_TOO_LONG")
        assert owner.get(f"{path}&staffId={salon.staff[0]}").status_code == 200
