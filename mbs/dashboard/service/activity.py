"""How the business is doing, in figures. A request reads a handful of statements, however much there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.availability.models.offer import Candidate
from mbs.availability.repository import AvailabilityRepository
from mbs.dashboard.models import (
    ALL_THE_TIME,
    RATE_DAYS,
    SPANS,
    STAFF,
    Period,
    Place,
    Tally,
    Use,
    month_of,
    open_minutes,
)
from mbs.dashboard.repository.bookings import BookingFigures
from mbs.dashboard.repository.stats import PlaceRepository
from mbs.dashboard.repository.utilization import TakenRepository, UsableRepository
from mbs.dashboard.repository.visitors import VisitRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.local_time import local

SHARED_OUT = ("service", "staff")
"""By these a booking may count for several keys, so that the keys do not add up to the whole."""


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of a report by key, in the order in which they are shown, with their label; and the whole."""

    place: Place
    period: Period
    rows: Sequence[tuple[Any, Any, Any]]
    total: Any


class DashboardService:
    """`shows_money`: whether the dashboard tells what was invoiced and paid."""

    def __init__(self, *, begin: Begin, clock: Clock, shows_money: bool) -> None:
        self._begin = begin
        self._clock = clock
        self._shows_money = shows_money

    def stats(self, *, location_id: UUID | None = None) -> tuple[Place, datetime, Row[Any], Use]:
        """Return how the business is doing now: the figures, and how much of today's staff is booked.

        :raises InvalidReference: if there is no such location.
        """
        at = self._clock.now()
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            day = local(at, place.timezone).date()
            today = Period.of(day, day, place.timezone)
            figures = PlaceRepository(transaction).stats(
                today=today,
                month=month_of(day, place.timezone),
                lately=Period.of(day - timedelta(days=RATE_DAYS - 1), day, place.timezone),
                at=at,
                currency=place.currency,
                location_id=location_id,
                last_month=month_of(day.replace(day=1) - timedelta(days=1), place.timezone)
                if self._shows_money
                else None,
            )
            _, uses = _uses(transaction, today, kinds=(STAFF,), location_id=location_id)
        use = Use()
        for parts in uses.values():
            use += parts[0]
        return place, at, figures, use

    def bookings(self, *, from_: date, to: date, group_by: str, location_id: UUID | None = None) -> Report:
        """Return how many bookings there were, what became of them and what they are worth, as `Tally`s.

        :raises Invalid: if the report ends before it begins.
        :raises RangeTooLong: if it has more days than a report covers.
        :raises InvalidReference: if there is no such location.
        """
        at = self._clock.now()
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            period = Period.of(from_, to, place.timezone, by=group_by, week_begins=place.week_begins)
            figures = BookingFigures(transaction)
            found = figures.grouped(period, by=group_by, at=at, location_id=location_id)
            whole = found
            if group_by in SHARED_OUT:
                whole = figures.grouped(period, by="", at=at, location_id=location_id)
        tallies: dict[Any, Tally] = {}
        labels: dict[Any, str | None] = {}
        if group_by in SPANS:
            tallies = {key: Tally() for key in period.keys}
        total = Tally()
        for row in found:
            key = period.keys[row.key] if group_by in SPANS else row.key
            labels[key] = row.label
            tallies.setdefault(key, Tally()).add(row, place.currency)
        for row in whole:
            total.add(row, place.currency)
        rows = [(key, labels.get(key) or key, tally) for key, tally in tallies.items()]
        if group_by not in SPANS:
            rows.sort(key=lambda one: (-one[2].bookings, str(one[1] or ""), str(one[0])))
        return Report(place, period, rows, total)

    def utilization(self, *, from_: date, to: date, group_by: str, location_id: UUID | None = None) -> Report:
        """Return how much of the open time of people, rooms and things was booked, as `Use`s.

        Those that are no longer active are shown if they were booked. A day is that of all people.

        :raises Invalid: if the report ends before it begins.
        :raises RangeTooLong: if it has more days than a report covers.
        :raises InvalidReference: if there is no such location.
        """
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            period = Period.of(from_, to, place.timezone, by=group_by)
            kinds = () if group_by == "resource" else (STAFF,)
            usable, uses = _uses(transaction, period, kinds=kinds, location_id=location_id)
        total = Use()
        for parts in uses.values():
            for part in parts:
                total += part
        if group_by in SPANS:
            days = [Use() for _ in period.keys]
            for parts in uses.values():
                for day, part in zip(days, parts, strict=True):
                    day += part
            return Report(
                place, period, [(key, key, day) for key, day in zip(period.keys, days, strict=True)], total
            )
        return Report(place, period, [(one, one.name, uses[one.id][0]) for one in usable], total)

    def customers(
        self, *, from_: date, to: date, location_id: UUID | None = None
    ) -> tuple[Place, Period, Sequence[Row[Any]]]:
        """Return the customers who came most or paid most, each with figures of all who came.

        :raises Invalid: if the report ends before it begins.
        :raises RangeTooLong: if it has more days than a report covers.
        :raises InvalidReference: if there is no such location.
        """
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            period = Period.of(from_, to, place.timezone)
            rows = VisitRepository(transaction).visitors(
                period, currency=place.currency, location_id=location_id
            )
        return place, period, rows


def _uses(
    transaction: Transaction, period: Period, *, kinds: Sequence[str], location_id: UUID | None
) -> tuple[Sequence[Row[Any]], Mapping[UUID, list[Use]]]:
    """Return resources with how they are used in each part of a period; inactive ones only if they are."""
    found = UsableRepository(transaction).find(kinds=kinds, location_id=location_id)
    uses = {one.id: [Use() for _ in period.keys] for one in found}
    for row in TakenRepository(transaction).minutes(period, kinds=kinds):
        if row.resource_id in uses:
            uses[row.resource_id][row.part].booked += round(row.minutes)
    usable = [one for one in found if one.active or any(use.booked for use in uses[one.id])]
    candidates = {
        one.id: Candidate(
            id=one.id,
            kind=one.kind,
            name=one.name,
            location_id=one.location_id,
            timezone=one.timezone,
            parent_id=one.parent_id,
        )
        for one in usable
    }
    hours = AvailabilityRepository(transaction).hours(candidates.values(), period.start, period.end)
    for one in usable:
        candidate = candidates[one.id]
        windows = ALL_THE_TIME if one.hosts else hours.calendar(candidate).open
        minutes = open_minutes(windows, hours.off(candidate), period.boundaries)
        for use, open_ in zip(uses[one.id], minutes, strict=True):
            use.open += open_ * one.bookable_capacity
    return usable, {one.id: uses[one.id] for one in usable}
