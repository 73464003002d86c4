"""Two owners against each other at the same instant: one of them stays, always."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.conftest import Sql
from tests.auth.racing import together
from tests.factories.callers import Business, Caller, new_business
from tests.factories.teams import code_of, compose, member_of

ROUNDS = 100
ATTACKS: tuple[tuple[str, Any], ...] = (
    ("PATCH", {"role": "admin"}),
    ("PATCH", {"status": "suspended"}),
    ("DELETE", None),
)
OWNERS = """
SELECT count(*) FROM memberships WHERE tenant_id = %s AND role = 'owner' AND status = 'active'
"""


def at_once(*requests: Callable[[], TestResponse]) -> list[TestResponse]:
    return together(len(requests), lambda number: requests[number]())


@pytest.fixture
def owners(wide_app: Flask) -> tuple[Business, Business]:
    first = new_business(Caller(wide_app))
    return first, first.colleague("owner")


@pytest.mark.slow
class TestTwoOwners:
    def test_never_take_away_the_last(self, owners: tuple[Business, Business], sql: Sql) -> None:
        one, other = owners
        paths = member_of(one, one), member_of(one, other)
        lost: Counter[tuple[int, str | None]] = Counter()

        for number in range(ROUNDS):
            method, body = ATTACKS[number % len(ATTACKS)]
            responses = self.attack(one, other, paths, method, body)
            codes = [code_of(response) for response in responses]
            assert sql(OWNERS, one.tenant_id) == [(1,)], (number, codes)
            (refused,) = [code for code in codes if code[0] >= 400]
            lost[refused] += 1
            self.restore(sql, owners, paths)

        # 401: their session had ended before their request was looked at.
        assert set(lost) <= {(409, "LAST_OWNER"), (403, "FORBIDDEN"), (401, "UNAUTHENTICATED")}
        assert lost[409, "LAST_OWNER"] > 0, f"the two never met: {lost}"

    def test_do_not_both_leave(self, owners: tuple[Business, Business], sql: Sql) -> None:
        one, other = owners
        paths = member_of(one, one), member_of(one, other)
        for _ in range(ROUNDS // 5):
            responses = at_once(lambda: one.delete(paths[0]), lambda: other.delete(paths[1]))
            assert sorted(map(code_of, responses)) == [(204, None), (409, "LAST_OWNER")]
            assert sql(OWNERS, one.tenant_id) == [(1,)]
            self.restore(sql, owners, paths)

    def attack(
        self, one: Business, other: Business, paths: tuple[str, str], method: str, body: Any
    ) -> list[TestResponse]:
        return at_once(
            lambda: one.call(method, paths[1], body),
            lambda: other.call(method, paths[0], body),
        )

    def restore(self, sql: Sql, owners: tuple[Business, Business], paths: tuple[str, str]) -> None:
        tenant = owners[0].tenant_id
        sql("DELETE FROM memberships WHERE tenant_id = %s", tenant)
        for person, path in zip(owners, paths, strict=True):
            sql(
                "INSERT INTO memberships (tenant_id, id, user_id, role) VALUES (%s, %s, %s, 'owner')",
                tenant,
                path.rpartition("/")[2],
                person.user_id,
            )
        sql("UPDATE login_sessions SET revoked_at = NULL WHERE tenant_id = %s", tenant)


class TestARole:
    def test_is_not_removed_under_those_who_get_it(self, wide_app: Flask) -> None:
        owner = new_business(Caller(wide_app))
        path = member_of(owner, owner.colleague("staff"))
        for _ in range(10):
            outcome = self.give_and_remove(owner, path)
            assert outcome in (((200, None), (409, "IN_USE")), ((400, "INVALID_REFERENCE"), (204, None)))

    def give_and_remove(self, owner: Business, path: str) -> tuple[tuple[int, str | None], ...]:
        role = compose(owner, "team:read")
        responses = at_once(
            lambda: owner.patch(path, {"roleId": role}), lambda: owner.delete(f"/api/roles/{role}")
        )
        return tuple(map(code_of, responses))

    def test_of_one_name_is_made_once(self, wide_app: Flask) -> None:
        owner = new_business(Caller(wide_app))
        name = f"Front {uuid.uuid4().hex[:8]}"
        responses = at_once(
            lambda: owner.post("/api/roles", {"name": name.upper(), "permissions": ["team:read"]}),
            lambda: owner.post("/api/roles", {"name": name.lower(), "permissions": ["team:read"]}),
        )
        assert sorted(map(code_of, responses)) == [(201, None), (409, "CONFLICT")]
