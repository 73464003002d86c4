"""A request that has done its work does not fail because nobody reads the log any more."""

import io
import sys

import pytest

from tests.factories.callers import Business


class GonePipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class TestAClosedLog:
    def test_fails_no_request(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdout", GonePipe())

        assert owner.post("/api/customers", {"name": "Jane"}).status_code == 201
