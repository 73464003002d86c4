"""Owners of businesses whose calendars the reports are about."""

from typing import Any

from flask import Flask

from tests.factories.callers import Business, Caller, new_business


def new_owner(app: Flask, **details: Any) -> Business:
    """Register a business of New York."""
    return new_business(Caller(app), countryCode="US", timezone="America/New_York", **details)
