"""Degraded mode under gunicorn: one log line a fault and start, and the way out is a restart."""

from collections import Counter

import pytest

from tests.factories.servers import RunningService, serve

TARGETS = (
    "//health",
    "/health/../api/customers",
    "/HEALTH",
    "/%2e%2e/api/customers",
    "/",
    "/metrics",
    "/a%00b",
)


def faults_told(service: RunningService) -> Counter[str]:
    """Count the log's lines for faults of the configuration, by variable."""
    return Counter(
        line["variable"]
        for line in service.lines()
        if line["category"] == "config" and line["level"] == "error"
    )


class TestServer:
    def test_stays_up_and_tells_each_fault_once_a_start(self, sound: dict[str, str]) -> None:
        missing = {"JWT_ACCESS_SECRET", "SESSION_SECRET"}
        faulty = {name: value for name, value in sound.items() if name not in missing}
        with serve(faulty, workers=3) as service:
            for _ in range(20):
                assert service.get("/health")[0] == 200
                for target in TARGETS:
                    status, headers, _body = service.get(target)
                    assert (status, headers["retry-after"]) == (503, "60"), target
                status, _headers, body = service.get("/health/ready")
                assert (status, b"JWT_ACCESS_SECRET" in body) == (503, True)
            assert faults_told(service) == dict.fromkeys(missing, 1)
            assert len(service.workers()) == 3
        for name in ("JWT_REFRESH_SECRET", "DATABASE_URL"):
            assert sound[name] not in service.written()

    @pytest.mark.slow
    def test_tells_nothing_again_when_a_worker_is_replaced(self, sound: dict[str, str]) -> None:
        faulty = {**sound, "SESSION_SECRET": "short", "MAX_REQUESTS": "5", "MAX_REQUESTS_JITTER": "0"}
        with serve(faulty, workers=2) as service:
            first = set(service.workers())
            while first & set(service.workers()):
                assert service.get("/api/customers")[0] == 503
            assert faults_told(service) == {"SESSION_SECRET": 1}

    def test_serves_after_a_restart_with_the_variable(self, sound: dict[str, str]) -> None:
        with serve({**sound, "SESSION_SECRET": ""}, workers=1) as service:
            assert service.get("/health/ready")[0] == 503
        with serve(sound, workers=1) as service:
            assert service.get("/health/ready")[0] == 200
            assert faults_told(service) == {}
