"""The calendar of the demo business that `make run` offers: that of the salon among the presets."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from mbs.config import Config
from mbs.foundation.db import Database, Transaction
from mbs.foundation.limits import NoLimits
from mbs.parts import Parts
from mbs.seeds.service import SeedService
from mbs.tenants.models import ROLE_PERMISSIONS
from mbs.wiring import service_factories

SIGNING = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")


def fill(transaction: Transaction, *, database: Database, url: str, customers: Sequence[UUID]) -> None:
    """Let customers book in a salon, in the transaction that has made them."""
    # Nothing that a calendar needs is signed, so any secrets will do.
    thrown_away = {name: secrets.token_urlsafe(48) for name in SIGNING}
    config = Config.load({"APP_ENV": "development", "DATABASE_URL": url, **thrown_away})
    factories = service_factories(Parts.of(config, database=database, throttle=NoLimits()))
    owner = replace(transaction.scope, permissions=ROLE_PERMISSIONS["owner"], open_transaction=transaction)
    factories[SeedService](owner).seed(preset="salon", customers=customers)
