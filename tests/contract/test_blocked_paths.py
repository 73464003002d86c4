"""Seed, demo and reset paths: 403 in production, however they are spelled (runbook section 11)."""

import pytest
from flask import Flask

from mbs.foundation.problems import MEDIA_TYPE
from tests.factories.apps import PUBLIC_HOST
from tests.factories.callers import Business, Caller
from tests.factories.log_lines import Lines

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WORDS = ("seed", "demo", "test-data", "mock", "reset-demo", "clear-data")
SPELLINGS = (
    *(f"/api/{word}" for word in WORDS),
    *(f"/api/{word}/" for word in WORDS),
    *(f"/api/{word}/salon" for word in WORDS),
    "/API/SEED",
    "/Api/Seed/Salon",
    "//api/seed",
    "/api//seed",
    "/api///seed//x",
    "/./api/./seed",
    "/api/./././demo",
    "/api/%73eed",
    "/%61pi/seed",
    "/api%2fseed",
    "/api%2Fseed%2Fsalon",
    "/api/%2e/seed",
    "/api/seed%2f",
    "/api/%2573eed",
    "/api/seed;x",
    "/api/seed;jsessionid=1/x",
    "/api/seed?x=1",
    "/api/seed/../seed",
    "/api/customers/../seed",
    "/api/x/%2e%2e/mock",
    "/api/test%2ddata",
    "/api/RESET-demo",
)
ORDINARY = (
    "/api/seedling",
    "/api/seeds",
    "/api/demography",
    "/api/mocks",
    "/api/test-data2",
    "/api/x/seed",
    "/api/customers/seed",
    "/seed",
    "/api-seed",
)


class TestInProduction:
    @pytest.mark.parametrize("path", SPELLINGS)
    def test_is_refused_under_every_spelling_and_method(self, production_app: Flask, path: str) -> None:
        caller = Caller(production_app)
        for method in METHODS:
            response = caller.call(method, path, headers={"Host": PUBLIC_HOST}, environ_overrides=raw(path))

            assert response.status_code == 403, method
            assert response.content_type == MEDIA_TYPE
            if method != "HEAD":
                assert response.json is not None
                assert response.json["code"] == "PRODUCTION_BLOCKED"

    def test_is_refused_with_a_token_and_with_a_bad_one(self, production_app: Flask, owner: Business) -> None:
        for token in (owner.token, "x.y.z"):
            caller = Caller(production_app, token=token)
            response = caller.post("/api/seed/salon", {}, headers={"Host": PUBLIC_HOST})
            assert response.status_code == 403
            assert response.json is not None
            assert response.json["code"] == "PRODUCTION_BLOCKED"

    @pytest.mark.parametrize("path", ORDINARY)
    def test_spares_what_only_looks_alike(self, production_app: Flask, path: str) -> None:
        response = Caller(production_app).get(
            path, headers={"Host": PUBLIC_HOST}, environ_overrides=raw(path)
        )

        assert response.status_code in (404, 401), response.get_data(as_text=True)

    def test_is_told_to_the_log(self, production_app: Flask, log_lines: Lines) -> None:
        Caller(production_app).get("/api/seed", headers={"Host": PUBLIC_HOST})

        told = [line for line in log_lines() if line["event"] == "security.blocked_endpoint"]
        assert [line["category"] for line in told] == ["security"]


class TestInDevelopment:
    @pytest.mark.parametrize("path", ["/api/seed", "/api/demo/x"])
    def test_is_an_ordinary_path(self, wide_app: Flask, path: str) -> None:
        assert Caller(wide_app).post(path).status_code == 404


def raw(path: str) -> dict[str, str]:
    """Return what gunicorn adds to the environ: the path as it was sent."""
    return {"RAW_URI": path}
