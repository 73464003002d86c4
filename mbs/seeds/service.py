"""Building a demo business through the services, like anybody else: each row has its checks and its event."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.local_time import local
from mbs.foundation.money import rounded
from mbs.locations.repository import LocationRepository
from mbs.schedules.models import DAYS, Owner
from mbs.seeds.errors import AlreadyFurnished, NoSuchPreset
from mbs.seeds.models.billing import RULES, SELLER_IN_INDIA, billed
from mbs.seeds.models.businesses import PRESETS
from mbs.seeds.models.presets import FIRST_NAMES, LAST_NAMES, Preset, price
from mbs.seeds.models.timelines import Act, Timeline
from mbs.seeds.repository import FurnishedRepository
from mbs.tenants.repository import TenantRepository

TAGS: tuple[list[str], ...] = (["vip"], [], ["new"], [], ["regular"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The services of other rooms, joined to one transaction; a service knows none of them by name.

    `billing` makes one, which knows the instant of one request alone.
    """

    settings: Any
    locations: Any
    customers: Any
    resources: Any
    schedules: Any
    catalog: Any
    sessions: Any
    reservations: Any
    bookings: Any
    waitlist: Any
    billing: Callable[[], Any]
    payments: Any
    credits: Any


class MovableClock:
    """Shows the time at which something in the demo business happens."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


Equip = Callable[[Transaction, Clock], Tools]


class SeedService:
    """`equip` makes the services that the seed needs, for its transaction and by its clock."""

    def __init__(self, *, begin: Begin, clock: Clock, equip: Equip) -> None:
        self._begin = begin
        self._clock = clock
        self._equip = equip

    def seed(self, *, preset: str, customers: Sequence[UUID] = ()) -> Mapping[str, int]:
        """Fill a business that has no services and resources yet; return how many there are of what.

        The same business on the same day gets the same.

        :param customers: who books, if somebody is to be there already; none: new ones.
        :raises NoSuchPreset: if there is none of this name.
        :raises AlreadyFurnished: if the business has services or resources.
        """
        if preset not in PRESETS:
            raise NoSuchPreset
        now = self._clock.now()
        with self._begin() as transaction:
            # Of two who seed one business at once, the later one finds what the first one made.
            business = TenantRepository(transaction).own(lock=True)
            if FurnishedRepository(transaction).anything():
                raise AlreadyFurnished
            place = LocationRepository(transaction).default()
            chance = Random(f"{business.id}:{preset}")  # noqa: S311  # nosec B311 - a demo, not a secret
            timeline = Timeline(PRESETS[preset], chance=chance, now=now, timezone=place.timezone)
            clock = MovableClock(timeline.opened)
            site = _Site(self._equip(transaction, clock), PRESETS[preset], business.currency, timeline)
            site.open(place)
            site.furnish()
            site.invite(customers, chance)
            acts = timeline.acts()
            for act in sorted([*acts, *billed(acts, now=now)], key=lambda act: act.at):
                clock.at = act.at
                site.perform(act)
            return site.counts()


class _Site:
    """The business while it is built: what its names stand for."""

    def __init__(self, tools: Tools, preset: Preset, currency: str, timeline: Timeline) -> None:
        self._tools = tools
        self._preset = preset
        self._currency = currency
        self._timeline = timeline
        self._customers: list[UUID] = []
        self._things: dict[str, UUID] = {}
        self._services: dict[str, UUID] = {}
        self._classes: dict[datetime, UUID] = {}
        self._bookings: dict[int, UUID] = {}
        self._invoices: dict[int, Any] = {}
        self._taxed: Mapping[str, Any] = {}
        self._waiting = 0

    def counts(self) -> Mapping[str, int]:
        made: Mapping[str, Sequence[Any] | Mapping[Any, Any]] = {
            "customers": self._customers,
            "resources": self._things,
            "services": self._services,
            "sessions": self._classes,
            "bookings": self._bookings,
            "invoices": self._invoices,
        }
        return {**{name: len(found) for name, found in made.items()}, "waiting": self._waiting}

    def open(self, place: Any) -> None:
        """Make the rules, and let a business in India charge GST unless it has said what it charges."""
        tools, preset = self._tools, self._preset
        rules = {"booking": preset.rules, "invoicing": RULES}
        tools.settings.change_settings(version=None, changes=rules, has_second_factor=False)
        if (place.country, place.tax_regime) == ("IN", "none"):
            tools.locations.change(id_=place.id, version=None, **SELLER_IN_INDIA)
            self._taxed = preset.taxed

    def furnish(self) -> None:
        """Make the people and things with their hours, the services and the classes."""
        tools, preset = self._tools, self._preset
        for thing in preset.things:
            made = tools.resources.create(
                kind=thing.kind, name=thing.name, capacity=thing.capacity, tags=list(thing.tags)
            )
            self._things[thing.name] = made.id
            if thing.week is not None:
                week = {day: [list(window) for window in thing.week.get(day, ())] for day in DAYS}
                owner = Owner("resource", made.id)
                tools.schedules.replace(owner, version=None, timezone=None, week=week)
        for number, offer in enumerate(preset.offers):
            made = tools.catalog.create(
                name=offer.name,
                category=offer.category,
                mode=offer.mode,
                price=price(offer.price, self._currency),
                duration_min=offer.minutes,
                sort_order=number,
                **self._taxed,
                **offer.more,
            )
            self._services[offer.name] = made.id
            tools.catalog.assign(id_=made.id, version=None, resources=list(self._assigned(offer.by)))
        for number, course in enumerate(preset.courses):
            self._plan(number, course)

    def invite(self, customers: Sequence[UUID], chance: Random) -> None:
        """Take those who are there for the customers, or make new ones."""
        wanted = self._preset.customers
        self._customers = list(customers[:wanted])
        names = chance.sample(list(product(FIRST_NAMES, LAST_NAMES)), wanted)
        for number, (first, last) in enumerate(names[len(self._customers) :], start=1):
            customer, _ = self._tools.customers.create(
                kind="person",
                name=f"{first} {last}",
                email=f"customer{number}@example.com",
                phone=f"+1202555{100 + number:04d}",
                tags=TAGS[number % len(TAGS)],
            )
            self._customers.append(customer.id)

    def perform(self, act: Act) -> None:
        """Let an act of the timeline happen."""
        if act.kind == "book":
            self._bookings[act.number] = self._tools.reservations.create(**self._asked(act.values)).id
        elif act.kind == "wait":
            self._tools.waitlist.join(
                session_id=self._classes[act.values["class"]],
                customer_id=self._customers[act.values["customer"]],
                party_size=1,
            )
            self._waiting += 1
        elif act.kind in ("bill", "pay", "credit"):
            getattr(self, f"_{act.kind}")(act)
        elif act.kind == "complete_class":
            self._tools.sessions.complete(id_=self._classes[act.values["class"]], version=None)
        else:
            change = getattr(self._tools.bookings, act.kind)
            change(id_=self._bookings[act.number], version=None, **act.values)

    def _bill(self, act: Act) -> None:
        self._invoices[act.number] = self._tools.billing().bill(
            booking_id=self._bookings[act.number], **act.values
        )

    def _pay(self, act: Act) -> None:
        invoice = self._invoices[act.number]
        self._tools.payments.record(
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            amount=_part(invoice, act),
            currency=invoice.currency,
            method=act.values["method"],
        )

    def _credit(self, act: Act) -> None:
        invoice = self._invoices[act.number]
        line = {"invoice_line_id": UUID(str(invoice.lines[0]["id"])), "amount": _part(invoice, act)}
        self._tools.credits.issue(
            invoice_id=invoice.id, version=None, reason="Came too late", lines=[line], settle="refund"
        )

    def _assigned(self, by: Mapping[str, int | None]) -> Iterator[Mapping[str, Any]]:
        for name, own in by.items():
            row = {"resource_id": self._things[name]}
            yield row if own is None else {**row, "price": price(own, self._currency)}

    def _plan(self, number: int, course: Any) -> None:
        meetings = self._timeline.meetings(number)
        first, last = (local(one, self._timeline.timezone) for one in (meetings[0], meetings[-1]))
        _, classes = self._tools.sessions.create_series(
            service_id=self._services[course.service],
            staff_id=self._things[course.person],
            room_id=self._things[course.room],
            days=course.days,
            start_time=first.strftime("%H:%M"),
            from_=first.date(),
            until=last.date(),
        )
        self._classes |= {one.start_at: one.id for one in classes}

    def _asked(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        asked: dict[str, Any] = {"party_size": 1, "customer_id": self._customers[values["customer"]]}
        if "class" in values:
            return {**asked, "session_id": self._classes[values["class"]]}
        asked["service_id"] = self._services[values["service"]]
        for name in ("staff", "resource"):
            if name in values:
                asked[f"{name}_id"] = self._things[values[name]]
        for name in ("start_at", "check_in", "check_out", "party_size"):
            if name in values:
                asked[name] = values[name]
        return asked


def _part(invoice: Any, act: Act) -> Decimal:
    return rounded(invoice.total * act.values["percent"] / 100, invoice.currency)
