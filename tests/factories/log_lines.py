"""What the service logs, line by line, as standard output would get it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mbs.foundation.logs import JsonFormatter

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    """Return a function that gives the lines logged since the test began, each parsed as one JSON object."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
