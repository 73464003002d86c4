"""What each plan allows in a month (domain: roles and plans): plans.json, where null is no end."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("plans.json")

DEMO_PLAN = "pro"
"""Of businesses that show what there is to see."""

METRIC_OF: Mapping[str, str] = {"email": "emailsPerMonth", "whatsapp": "whatsappPerMonth"}
"""What a message of each channel counts as."""


@cache
def plans() -> Mapping[str, Mapping[str, int | None]]:
    """Return the plans, the smallest first: what each allows of every metric; None: there is no end to it."""
    content: Mapping[str, Mapping[str, int | None]] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return content


def limits_of(plan: str) -> Mapping[str, int | None]:
    """Return what a plan allows of every metric.

    :raises KeyError: if there is no such plan, which `mbs tenant plan` lets nobody have.
    """
    return plans()[plan]
