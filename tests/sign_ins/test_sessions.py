"""/api/auth/sessions: where somebody is signed in, and ending what should not be there."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mbs.sign_ins.models import device
from tests.auth.conftest import Sql
from tests.factories.browsers import FIREFOX
from tests.factories.callers import Business, Caller
from tests.second_factor.enrolment import event_types, problem
from tests.sign_ins.signed_in import again, browser_of, current, is_signed_in, join, sessions


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestTheList:
    def test_shows_where_one_is_signed_in(self, owner: Business) -> None:
        browser = browser_of(owner)

        latest, first = sessions(browser)
        assert latest["current"] is True
        assert first["current"] is False
        assert (latest["kind"], first["kind"]) == ("browser", "token")
        assert latest["business"] == {"id": str(owner.tenant_id), "name": "Asha's Salon"}
        assert latest["device"] == "Firefox on Linux"
        assert latest["userAgent"] == FIREFOX
        assert latest["address"] == browser.address
        assert instant(latest["createdAt"]) <= instant(latest["lastUsedAt"])
        lifetime = instant(latest["expiresAt"]) - instant(latest["createdAt"])
        assert timedelta(days=6) < lifetime < timedelta(days=8)

    def test_is_a_page_like_every_list(self, owner: Business) -> None:
        body = owner.get("/api/auth/sessions").json or {}

        assert body["pagination"] == {"limit": 100, "hasMore": False, "nextCursor": None, "total": None}

    def test_shows_those_in_all_businesses(self, owner: Business, business: Callable[..., Business]) -> None:
        other = business()
        join(owner, other, "staff")
        there = again(owner, to=other)

        assert {one["business"]["id"] for one in sessions(there)} == {
            str(owner.tenant_id),
            str(other.tenant_id),
        }
        assert sessions(owner)[0]["id"] == current(there)

    def test_shows_nobody_else_s(self, owner: Business) -> None:
        colleague = owner.colleague("admin")

        (only,) = sessions(colleague)
        assert only["id"] not in {one["id"] for one in sessions(owner)}

    def test_leaves_out_what_does_not_stand(self, owner: Business, sql: Sql) -> None:
        idle, old, out = again(owner), again(owner), again(owner)
        for session, column in ((idle, "idle_until"), (old, "absolute_until")):
            sql(
                f"UPDATE login_sessions SET {column} = now() - interval '1 s' WHERE id = %s", current(session)
            )
        out.post("/api/auth/logout")

        assert [one["id"] for one in sessions(owner)] == [current(owner)]

    def test_leaves_out_a_business_that_one_has_left(
        self, owner: Business, business: Callable[..., Business], sql: Sql
    ) -> None:
        other = business()
        join(owner, other, "staff")
        again(owner, to=other)
        sql("UPDATE memberships SET status = 'suspended' WHERE tenant_id = %s", other.tenant_id)

        assert len(sessions(owner)) == 1

    def test_is_capped(self, owner: Business, sql: Sql) -> None:
        sql(
            "INSERT INTO login_sessions (id, user_id, tenant_id, idle_until, absolute_until)"
            " SELECT gen_random_uuid(), %s, %s, now() + interval '1 d', now() + interval '1 d'"
            " FROM generate_series(1, 120)",
            owner.user_id,
            owner.tenant_id,
        )
        assert len(sessions(owner)) == 100

    def test_needs_a_person(self, caller: Caller) -> None:
        assert problem(caller.get("/api/auth/sessions"), 401)


class TestEndingOne:
    def test_acts_on_the_next_request_and_on_its_refresh_token(self, owner: Business) -> None:
        lost = again(owner)

        assert owner.delete(f"/api/auth/sessions/{current(lost)}").status_code == 204
        assert not is_signed_in(lost)
        refused = Caller(owner.app).post("/api/auth/refresh", {"refreshToken": lost.refresh_token})
        assert refused.status_code == 401
        assert is_signed_in(owner)
        assert event_types(owner)[0] == "session.ended"

    def test_twice_is_a_404(self, owner: Business) -> None:
        path = f"/api/auth/sessions/{current(again(owner))}"

        assert [owner.delete(path).status_code for _ in range(2)] == [204, 404]

    def test_of_somebody_else_is_like_one_that_never_was(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        colleague, stranger = owner.colleague("staff"), business()

        answers = [
            owner.delete(f"/api/auth/sessions/{id_}")
            for id_ in (current(colleague), current(stranger), str(uuid.uuid4()), "x")
        ]
        bodies = [
            {key: value for key, value in problem(one, 404).items() if key in ("code", "detail", "title")}
            for one in answers
        ]
        assert bodies == [bodies[0]] * 4
        assert is_signed_in(colleague)
        assert is_signed_in(stranger)

    def test_in_another_business_is_told_in_that_one_s_trail(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        other = business()
        join(owner, other, "staff")
        there = again(owner, to=other)
        before = event_types(owner)

        assert owner.delete(f"/api/auth/sessions/{current(there)}").status_code == 204
        assert event_types(other)[0] == "session.ended"
        assert event_types(owner) == before

    def test_that_is_the_present_one_signs_out(self, owner: Business) -> None:
        browser = browser_of(owner)
        held = browser.cookie

        response = browser.call("DELETE", f"/api/auth/sessions/{current(browser)}")
        assert response.status_code == 204
        assert browser.cookie is None
        browser.cookie = held
        assert not is_signed_in(browser)


class TestEndingTheOthers:
    def test_leaves_this_one_alone_in_all_businesses(
        self, owner: Business, business: Callable[..., Business]
    ) -> None:
        other = business()
        join(owner, other, "staff")
        elsewhere = [again(owner), again(owner, to=other), browser_of(owner)]
        colleague = owner.colleague("staff")

        assert owner.post("/api/auth/sessions/revoke-others").status_code == 204
        assert [is_signed_in(one) for one in elsewhere] == [False] * 3
        assert is_signed_in(owner)
        assert is_signed_in(colleague)
        assert is_signed_in(other)
        assert event_types(owner)[0] == "session.others_ended"

    def test_with_none_there_changes_nothing(self, owner: Business) -> None:
        assert owner.post("/api/auth/sessions/revoke-others").status_code == 204
        assert is_signed_in(owner)


class TestADevice:
    @pytest.mark.parametrize(
        ("user_agent", "said"),
        [
            (FIREFOX, "Firefox on Linux"),
            (
                (
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                    " Chrome/142.0.0.0 Safari/537.36"
                ),
                "Chrome on Windows",
            ),
            (
                (
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                    " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
                ),
                "Edge on Windows",
            ),
            (
                (
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
                    " Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
                ),
                "Safari on iPhone",
            ),
            (
                (
                    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
                    " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
                ),
                "Samsung Internet on Android",
            ),
            (
                (
                    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
                    " Version/19.0 Safari/605.1.15"
                ),
                "Safari on macOS",
            ),
            ("curl/8.15.0", "curl"),
            ("something else", "Unknown device"),
            ("", "Unknown device"),
            (None, "Unknown device"),
        ],
    )
    def test_is_named_in_a_few_words(self, user_agent: str | None, said: str) -> None:
        assert device(user_agent) == said
