"""Random requests of four people in two businesses, and a model of what each business must see of them.

Names and e-mail addresses come from a handful that both businesses use; each text that only one of them
knows holds its canary. Whatever is answered is searched for the other's canary and ids.
"""

import random
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import Business, Caller
from tests.factories.members import new_tenant_with
from tests.tenancy.routes import Inspector, seen
from tests.tenancy.storm_model import Tenant

NAMES = ("Ana", "Bo", "Cy")
EMAILS = (None, "ana@example.com", "bo@example.com")
KEYS = (None, None, "key-1", "key-2")
OWNERS = ("own", "own", "own", "foreign", "foreign", "random")
TAGS = (None, None, "own", "stale", "foreign")
CARRIERS = (None, None, None, None, "own header", "header", "query", "body")
STEPS_PER_PAIR = 100


class Storm:
    """Sends what `random` chooses; the actions and their weights are the subclass's."""

    actions: ClassVar[Mapping[str, int]]

    def __init__(self, application: Flask, inspector: Inspector, seed: int) -> None:
        self.application = application
        self.inspector = inspector
        self.seed = seed
        self.random = random.Random(seed)
        self.called: Counter[str] = Counter()
        self.tenants: list[Tenant] = []
        self.who = (0, 0)

    def run(self, steps: int) -> None:
        """Take steps, with two new businesses every hundred, whose rows are counted at the end."""
        done: list[str] = []
        try:
            for step, action in zip(range(steps), self.deal(), strict=False):
                if step % STEPS_PER_PAIR == 0:
                    self.close_the_books()
                    self.tenants, done = [self.new_tenant(), self.new_tenant()], []
                self.who = (self.random.randrange(2), self.random.randrange(2))
                done.append(f"{self.who} {action}")
                getattr(self, action)()
            self.close_the_books()
        except BaseException as error:
            error.add_note(f"seed {self.seed}, after {', '.join(done)}")
            raise

    def deal(self) -> Iterator[str]:
        """Yield actions without end, like cards, so that all have come before one comes too often."""
        while True:
            cards = [action for action, weight in self.actions.items() for _ in range(weight)]
            self.random.shuffle(cards)
            yield from cards

    def new_tenant(self) -> Tenant:
        canary = f"canary{uuid.uuid4().hex[:12]}"
        return Tenant(canary, new_tenant_with(self.application, canary, ("owner", "admin")))

    def close_the_books(self) -> None:
        """Hold the stored rows against the model."""
        for tenant in self.tenants:
            counts = self.inspector.counts(tenant.members[0].tenant_id)
            # A table that the storm does not write to, as a new room's, stays empty.
            kept = {table: count for table, (count,) in counts.items() if count}
            assert kept == {table: count for table, count in tenant.rows().items() if count}

    @property
    def own(self) -> Tenant:
        return self.tenants[self.who[0]]

    @property
    def foreign(self) -> Tenant:
        return self.tenants[1 - self.who[0]]

    @property
    def member(self) -> Business:
        return self.own.members[self.who[1]]

    def maybe(self) -> bool:
        return self.random.random() < 0.5

    # How a request is sent and what every answer must not hold

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        caller: Caller | None = None,
    ) -> TestResponse:
        caller = caller or self.member
        response = caller.call(method, path, body, headers=dict(headers or {}))
        address = self.application.url_map.bind("").match(
            path.partition("?")[0], method=method, return_rule=True
        )
        self.called[f"{method} {address[0].rule}"] += 1
        assert response.status_code < 500, response.get_data(as_text=True)
        # The path comes back in `instance`; the asker knew it.
        text = response.get_data().decode(errors="replace").replace(path.partition("?")[0], "")
        text += str(response.headers)
        found = [secret for secret in self.foreign.secrets() if secret in text]
        assert not found, f"{method} {path} shows {found}: {text}"
        return response

    def expect(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request that must be answered with a status; return the answer's JSON."""
        response = self.send(method, path, body, **options)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json(silent=True)

    def pick(self, of: str = "customers") -> tuple[bool, str] | None:
        """Choose an own or foreign object, or one that never was: whether it is own, and its id."""
        return self.pick_of(getattr(self.own, of), getattr(self.foreign, of))

    def pick_of(self, own: Collection[str], foreign: Collection[str]) -> tuple[bool, str] | None:
        whose = self.random.choice(OWNERS)
        if whose == "random":
            return False, str(uuid.uuid4())
        ids = list(own if whose == "own" else foreign)
        return (whose == "own", self.random.choice(ids)) if ids else None

    def like_one_that_never_was(
        self, method: str, path: str, id_: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        foreign, never = (
            seen(self.send(method, path.format(one), body, headers=headers)) for one in (id_, uuid.uuid4())
        )
        assert foreign == never, path
        assert foreign[0] == 404, path

    def entity_tag(self, id_: str) -> tuple[dict[str, str], bool]:
        """Return an If-Match header, or none, and whether it must be refused."""
        kind = self.random.choice(TAGS)
        if kind is None:
            return {}, False
        mine = self.own.customers[id_]["version"]
        others = [customer["version"] for customer in self.foreign.customers.values()] or [mine]
        version = {"own": mine, "stale": mine + 7, "foreign": others[-1]}[kind]
        return {"If-Match": f'"{version}"'}, version != mine

    # Customers

    def create(self) -> None:
        own, key, dry_run = self.own, self.random.choice(KEYS), self.random.random() < 0.2
        body: dict[str, Any] = {
            "name": self.random.choice(NAMES),
            "email": self.random.choice(EMAILS),
            "notes": own.canary,
        }
        path, headers, refusal = "/api/customers" + ("?dryRun=true" if dry_run else ""), {}, None
        carrier = self.random.choice(CARRIERS)
        if carrier == "own header":
            headers["X-Tenant-ID"] = own.id
        elif carrier == "header":
            headers["X-Tenant-ID"], refusal = self.foreign.id, 403
        elif carrier == "query":
            path, refusal = f"/api/customers?tenantId={self.foreign.id}", 400
        elif carrier == "body":
            body["tenantId"], refusal = self.foreign.id, 400
        keyed = key is not None and not dry_run
        if key is not None and keyed:
            headers["Idempotency-Key"] = key
        response = self.send("POST", path, body, headers=headers)
        if refusal is not None:
            assert response.status_code == refusal
            return
        answer, slot = response.get_json(), (self.who[1], key)
        if keyed and slot in own.kept:
            sent, kept = own.kept[slot]
            assert response.status_code == (201 if sent == body else 422)
            assert answer == kept or sent != body
            return
        assert response.status_code == 201
        self.hold_the_likeness(body, answer.pop("possibleDuplicates"))
        if not dry_run:
            own.customers[answer["id"]] = answer
            own.events += 1
        if keyed:
            own.kept[slot] = (body, response.get_json())

    def hold_the_likeness(self, body: Mapping[str, Any], listed: list[dict[str, Any]]) -> None:
        similar = {
            id_
            for id_, other in self.own.customers.items()
            if other["status"] == "active"
            and (other["name"] == body["name"] or (body["email"] and other["email"] == body["email"]))
        }
        assert {row["id"] for row in listed} <= similar
        assert len(listed) == min(5, len(similar))

    def read(self) -> None:
        if (picked := self.pick()) is None:
            return
        own, id_ = picked
        if not own:
            self.like_one_that_never_was("GET", "/api/customers/{}", id_)
            return
        response = self.send("GET", f"/api/customers/{id_}")
        assert (response.status_code, response.get_json()) == (200, self.own.customers[id_])

    def change(self) -> None:
        if (picked := self.pick()) is None:
            return
        own, id_ = picked
        body = {"name": self.random.choice(NAMES)}
        if not own:
            tag = {"If-Match": '"1"'} if self.maybe() else {}
            self.like_one_that_never_was("PATCH", "/api/customers/{}", id_, body, tag)
            return
        headers, refused = self.entity_tag(id_)
        response = self.send("PATCH", f"/api/customers/{id_}", body, headers=headers)
        assert response.status_code == (412 if refused else 200)
        if not refused:
            before, after = self.own.customers[id_], response.get_json()
            assert after == {
                **before,
                **body,
                "version": before["version"] + 1,
                "updatedAt": after["updatedAt"],
            }
            self.own.customers[id_] = after
            self.own.events += 1

    def remove(self) -> None:
        if (picked := self.pick()) is None:
            return
        own, id_ = picked
        purge = self.maybe()
        path = "/api/customers/{}" + ("?purge=true" if purge else "")
        if not own:
            self.like_one_that_never_was("DELETE", path, id_)
            return
        before = self.own.customers[id_]
        headers, refused = self.entity_tag(id_)
        idle = before["status"] == "archived" and not purge
        status = self.send("DELETE", path.format(id_), headers=headers).status_code
        kept = purge and self.own.uses(id_)
        assert status == (412 if refused and not idle else 409 if kept else 204)
        if status in (409, 412) or idle:
            return
        self.own.events += 1
        if purge:
            del self.own.customers[id_]
            return
        after = self.send("GET", f"/api/customers/{id_}").get_json()
        assert (after["status"], after["version"]) == ("archived", before["version"] + 1)
        self.own.customers[id_] = after

    def search(self) -> None:
        words = self.random.choice((None, "an", "o", "example.com", self.foreign.canary))
        email, status = (
            self.random.choice(EMAILS),
            self.random.choice(("active", "archived", "active,archived")),
        )
        path = f"/api/customers?includeTotal=true&status={status}&limit={self.random.randint(2, 9)}"
        path += f"&sortBy={self.random.choice(('name', 'createdAt', 'updatedAt'))}"
        path += (f"&search={words}" if words else "") + (f"&email={email}" if email else "")
        found, cursor = [], None
        while True:
            page = self.send("GET", path + (f"&cursor={cursor}" if cursor else "")).get_json()
            found += page["data"]
            cursor = page["pagination"]["nextCursor"]
            if cursor is None:
                break
            self.own.cursors.append(cursor)
        expected = {
            id_: customer
            for id_, customer in self.own.customers.items()
            if customer["status"] in status.split(",")
            and (not email or customer["email"] == email)
            and (not words or words in f"{customer['name']} {customer['email'] or ''}".lower())
        }
        assert {row["id"]: row for row in found} == expected
        assert len(found) == page["pagination"]["total"] == len(expected)

    def page_with_a_foreign_cursor(self) -> None:
        if self.foreign.cursors:
            path = f"/api/customers?cursor={self.random.choice(self.foreign.cursors)}"
            assert self.send("GET", path).status_code == 400
