"""What happens in a demo business: who books what, who comes and who does not, two weeks back and two ahead.

The days are those of the business's time zone, and nothing collides: each person is given one thing after the
other, and each bed one guest after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from mbs.foundation.local_time import local, opens
from mbs.schedules.models import DAYS
from mbs.seeds.models.presets import Offer, Preset, Thing

DAYS_BACK = 14
DAYS_AHEAD = 14
OPENED = timedelta(days=30)
"""So long ago the business began to use the service."""

STEP = 15
"""Appointments begin on the quarter of an hour."""

MOST_A_DAY = 2
"""Appointments of one person; all of a demo must fit into the deadline of its one request."""

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

CHECK_IN, CHECK_OUT = 14 * 60, 11 * 60


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does at an instant: `book`, or what becomes of booking `number`.

    `values` of `book` name customer (a number), service, and staff, resource or class (its start).
    """

    at: datetime
    kind: str
    number: int
    values: Mapping[str, Any] = field(default_factory=dict)


class Timeline:
    """Writes the acts of a business. The same chance and the same day write the same."""

    def __init__(self, preset: Preset, *, chance: Random, now: datetime, timezone: str) -> None:
        self._preset = preset
        self._chance = chance
        self._now = now
        self.timezone = timezone
        today = local(now, timezone).date()
        self.days = [today + timedelta(days=number) for number in range(-DAYS_BACK, DAYS_AHEAD)]
        self.opened = now - OPENED
        self._acts: list[Act] = []

    def acts(self) -> list[Act]:
        """Return what happens, in the order in which it does."""
        for thing in self._preset.things:
            offers = [one for one in self._preset.offers if thing.name in one.by]
            appointments = [one for one in offers if one.mode == "appointment"]
            if thing.kind == "staff" and appointments:
                self._work(thing, appointments)
            for offer in offers:
                if offer.mode == "stay":
                    self._stay(thing, offer)
        for number, course in enumerate(self._preset.courses):
            for start in self.meetings(number):
                self._attend(number, start, self._preset.offer(course.service))
        return sorted(self._acts, key=lambda act: act.at)

    def meetings(self, course: int) -> list[datetime]:
        """Return when the classes of a course start."""
        plan = self._preset.courses[course]
        return [
            opens(day, plan.start, self.timezone) for day in self.days if DAYS[day.weekday()] in plan.days
        ]

    def _work(self, person: Thing, offers: list[Offer]) -> None:
        for day in self.days:
            for start, offer in self._day(person, offers, day):
                values = {"service": offer.name, "staff": person.name, "start_at": start}
                self._book(values, start, start + (offer.minutes or 0) * MINUTE)

    def _day(self, person: Thing, offers: list[Offer], day: date) -> Iterator[tuple[datetime, Offer]]:
        ahead = (day - self.days[DAYS_BACK]).days
        busy = 0.075 if ahead < 0 else 0.08 if ahead < 7 else 0.04
        made = 0
        for first, last in (person.week or {}).get(DAYS[day.weekday()], ()):
            minute = first
            while made < MOST_A_DAY:
                offer = self._chance.choice(offers)
                taken = (offer.minutes or 0) + offer.more.get("buffer_before_min", 0)
                if minute + taken > last:
                    break
                if self._chance.random() > busy * self._preset.pace:
                    minute += 3 * STEP
                    continue
                start = minute + offer.more.get("buffer_before_min", 0)
                start += -start % STEP
                if start + (offer.minutes or 0) > last:
                    break
                yield opens(day, start, self.timezone), offer
                made += 1
                yield from self._meanwhile(offers, offer, day, start)
                minute = start + (offer.minutes or 0) + offer.more.get("buffer_after_min", 0)
                minute += -minute % STEP

    def _meanwhile(
        self, offers: list[Offer], offer: Offer, day: date, start: int
    ) -> Iterator[tuple[datetime, Offer]]:
        """Let a person who is free while color works do something short."""
        minute = start
        for segment in offer.more.get("segments", ()):
            short = [one for one in offers if (one.minutes or 0) <= segment["minutes"] and not one.more]
            if "staff" not in segment["needs"] and short:
                yield opens(day, minute, self.timezone), short[0]
            minute += segment["minutes"]

    def _stay(self, room: Thing, offer: Offer) -> None:
        for _bed in range(room.capacity):
            number = self._chance.randrange(3)
            while number < len(self.days) - 1:
                nights = self._chance.randrange(2, 8)
                arrival = self.days[number]
                guests = 1 if room.capacity > 1 else self._chance.randrange(1, 3)
                values = {
                    "service": offer.name,
                    "resource": room.name,
                    "check_in": arrival,
                    "check_out": arrival + timedelta(days=nights),
                    "party_size": guests,
                }
                start = opens(arrival, CHECK_IN, self.timezone)
                end = opens(arrival + timedelta(days=nights), CHECK_OUT, self.timezone)
                self._book(values, start, end)
                number += nights + self._chance.choice((0, 1, 2))

    def _attend(self, course: int, start: datetime, offer: Offer) -> None:
        seats = int(offer.more["max_capacity"])
        end = start + (offer.minutes or 0) * MINUTE
        full = course == 0 and start == min(one for one in self.meetings(course) if one > self._now)
        coming = seats if full else self._chance.randrange(1, seats)
        people = self._chance.sample(range(self._preset.customers), coming + 2)
        for customer in people[:coming]:
            values = {"service": offer.name, "class": start, "customer": customer}
            self._book(values, start, end, certain=full)
        for customer in people[coming:] if full else ():
            values = {"class": start, "customer": customer}
            self._acts.append(Act(self._now - MINUTE, "wait", 0, values))
        if end < self._now:
            self._acts.append(Act(end, "complete_class", 0, {"class": start}))

    def _book(
        self, values: Mapping[str, Any], start: datetime, end: datetime, *, certain: bool = False
    ) -> None:
        number = len(self._acts)
        customer = self._chance.randrange(self._preset.customers)
        made = self._made(start)
        self._acts.append(Act(made, "book", number, {"customer": customer, **values}))
        for at, kind, told in () if certain else self._fate(made, start, end):
            self._acts.append(Act(at, kind, number, told))

    def _made(self, start: datetime) -> datetime:
        # Whoever comes first has booked first: so the beds of a dormitory never end up in pieces.
        span = opens(self.days[-1] + timedelta(days=1), 0, self.timezone) - self.opened
        share = (start - self.opened) / span
        return self.opened + HOUR + share * (self._now - self.opened - 2 * HOUR)

    def _fate(
        self, made: datetime, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, str, Mapping[str, Any]]]:
        luck = self._chance.random()
        if luck < 0.08:
            middle = made + (min(start, self._now) - made) / 2
            yield middle, "cancel", {"reason": "Something came up", "cancelled_by": "customer"}
        elif start + 30 * MINUTE > self._now:
            return
        elif luck < 0.13:
            yield start - HOUR, "cancel", {"reason": "Ill", "cancelled_by": "customer"}
        elif luck < 0.19:
            yield start + 20 * MINUTE, "no_show", {}
        elif end + 5 * MINUTE > self._now:
            yield start + 2 * MINUTE, "check_in", {}
        else:
            yield end, "complete", {}
