"""A body that may be left out, and one that is there all the same."""

from typing import Any

import pytest

from tests.factories.bookings import book, new_customer, new_service
from tests.factories.callers import Business
from tests.factories.salons import day, problem


@pytest.fixture
def path(owner: Business) -> str:
    id_ = book(owner, new_customer(owner), [new_service(owner)], day())
    return f"/api/bookings/{id_}/cancel"


class TestABody:
    @pytest.mark.parametrize("sent", [{}, {"data": b""}, {"json": {}}, {"content_type": "application/json"}])
    def test_may_be_left_out_or_empty(self, owner: Business, path: str, sent: dict[str, Any]) -> None:
        assert owner.call("POST", path, **sent).status_code == 200

    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ({"data": b"reason=Ill"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
            ({"data": b"{", "content_type": "application/json"}, 400, "INVALID_JSON"),
            ({"data": b"[]", "content_type": "application/json"}, 400, "INVALID_JSON"),
            ({"data": b"x" * 2**21, "content_type": "application/json"}, 413, "PAYLOAD_TOO_LARGE"),
        ],
    )
    def test_that_is_there_is_read_like_any_other(
        self, owner: Business, path: str, sent: dict[str, Any], status: int, code: str
    ) -> None:
        problem(owner.call("POST", path, **sent), status, code)

    def test_is_optional_in_the_document_as_well(self, resident: Business) -> None:
        paths = resident.get("/api/openapi.json").get_json()["paths"]
        assert paths["/api/bookings/{booking_id}/cancel"]["post"]["requestBody"]["required"] is False
        assert paths["/api/customers"]["post"]["requestBody"]["required"] is True
