"""The fixtures of the foundation's tests."""

from tests.factories.log_lines import log_lines

__all__ = ["log_lines"]
