"""The demo business that `make run` offers: made through the services, like any other, and only once."""

import importlib
from dataclasses import replace
from functools import partial
from itertools import product

from mbs.auth.models import Origin
from mbs.auth.repository import UserRepository
from mbs.auth.service import AuthService
from mbs.customers.service import CustomerService
from mbs.foundation.challenges import ChallengeCodec
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Database, Role
from mbs.foundation.keys import email_key
from mbs.foundation.limits import NoLimits
from mbs.foundation.pages import PageRequest
from mbs.foundation.refresh_tokens import RefreshTokenCodec
from mbs.foundation.scope import Scope, TenantId, tenant_of
from mbs.foundation.sealing import Sealer
from mbs.tenants.models import DEMO_PLAN
from mbs.tenants.repository import MembershipRepository, TenantRepository

EMAIL = "demo@example.com"
PASSWORD = "twelve paper lanterns"  # noqa: S105 - of a database on a developer's own machine
CUSTOMERS = 150

FIRST_NAMES = (
    "Asha", "Ravi", "Meera", "Arjun", "Fatima", "Omar", "Layla", "Chen", "Mei", "Kofi",
    "Amara", "José", "Sofía", "Lukas", "Zoë",
)  # fmt: skip
LAST_NAMES = ("Rao", "Sharma", "Nair", "Khan", "Al Farsi", "Wong", "Mensah", "García", "Müller", "O'Brien")
CITIES = (("Mumbai", "IN"), ("Pune", "IN"), ("Dubai", "AE"), ("London", "GB"), ("Singapore", "SG"))
TAGS: tuple[list[str], ...] = (["vip"], [], ["new"], [], ["regular", "mornings"])


def seed_demo(url: str, *, environment: str) -> bool:
    """Make the demo business with 150 customers and a calendar, unless it is there; tell whether it was made.

    :raises RuntimeError: outside development and test: nowhere else has an account a password that all know.
    """
    if environment not in ("development", "test"):
        raise RuntimeError(f"the demo business is for development and test, not for {environment}")
    database, clock = Database(url, pool_size=1, statement_ms=30_000), SystemClock()
    try:
        scope = _owner(database) or _register(database, clock)
        begin = partial(database.transaction, scope)
        newest = PageRequest(sort="created_at", descending=True, limit=1)
        if CustomerService(begin=begin, clock=clock, only_of=None).search(request=newest).rows:
            return False
        with database.transaction(scope, Role.IDENTITY) as transaction:
            TenantRepository(transaction).set_plan(tenant_of(scope), DEMO_PLAN)
        # All or none: an interrupted first run starts over.
        with begin() as transaction:
            joined = partial(database.transaction, replace(scope, open_transaction=transaction))
            customers = CustomerService(begin=joined, clock=clock, only_of=None)
            made = []
            for number, (last, first) in enumerate(product(LAST_NAMES, FIRST_NAMES)):
                city, country = CITIES[number % len(CITIES)]
                customer, _ = customers.create(
                    kind="person",
                    name=f"{first} {last}",
                    email=f"customer{number + 1}@example.com",
                    phone=f"+91987650{number:04d}",
                    address={"line1": f"{number + 1} Market Road", "city": city, "country": country},
                    tags=TAGS[number % len(TAGS)],
                )
                made.append(customer.id)
            # Looked up only now: it needs all services, whose import would slow down every later start.
            calendar = importlib.import_module("mbs.operations.demo_calendar")
            calendar.fill(transaction, database=database, url=url, customers=made)
        return True
    finally:
        database.dispose()


def _owner(database: Database) -> Scope | None:
    with database.transaction(Scope(correlation_id="demo"), Role.IDENTITY) as transaction:
        user = UserRepository(transaction).find_by_email(email_key(EMAIL))
        if user is None:
            return None
        tenant = MembershipRepository(transaction).open_to(user.id)[0]
        return Scope(correlation_id="demo", tenant_id=TenantId(tenant.id), actor_id=user.id)


def _register(database: Database, clock: SystemClock) -> Scope:
    nobody = Scope(correlation_id="demo")
    service = AuthService(
        begin=partial(database.transaction, nobody),
        clock=clock,
        throttle=NoLimits(),
        # Its session is thrown away, so any key will do to sign it.
        tokens=RefreshTokenCodec("thrown away", None),
        challenges=ChallengeCodec("thrown away", None),
        sealer=Sealer(["thrown away"]),
        welcome=lambda _transaction, _user, _at: None,
    )
    signed_in = service.register(
        email=EMAIL,
        password=PASSWORD,
        first_name="Asha",
        last_name="Rao",
        business_name="Lotus Salon",
        business_type="salon",
        country_code="IN",
        origin=Origin(None, None),
    )
    return replace(nobody, tenant_id=TenantId(signed_in.tenant.id), actor_id=signed_in.user.id)
