"""What a good answer made or lists."""

from typing import Any

from tests.factories.callers import Business


def made(
    owner: Business, path: str, body: Any, method: str = "POST", *, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return what a request made, or changed."""
    response = owner.call(method, path, body, headers=headers)
    assert response.status_code in (200, 201), response.get_data(as_text=True)
    answer: dict[str, Any] = response.get_json()
    return answer


def listed(owner: Business, path: str) -> list[dict[str, Any]]:
    response = owner.get(path)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found
