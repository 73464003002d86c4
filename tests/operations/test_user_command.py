"""`mbs user`: what an operator does about a person, told in the trail of each business they belong to."""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mbs.foundation.sealing import InvalidToken, Sealer
from mbs.operations import audit, users
from mbs.operations.operators import Operator
from tests.auth.conftest import Sql, sql
from tests.factories.callers import PASSWORD, Business, Caller
from tests.operations.commands import run

__all__ = ["sql"]

REASON = "Lost phone, checked by a call back, ticket 4711"
OPENING = {"businessName": "Second", "businessType": "spa", "countryCode": "IN"}


@pytest.fixture(autouse=True)
def _at_database(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


def act(action: str, person: Business, *words: str) -> int:
    return run(users, action, person.email, "--reason", REASON, "--yes", *words)


def log_in(person: Business, tenant_id: str | None = None) -> Any:
    body = {"email": person.email, "password": PASSWORD}
    if tenant_id is not None:
        body["tenantId"] = tenant_id
    return Caller(person.app).post("/api/auth/login", body)


def events(sql: Sql, tenant_id: Any, type_: str) -> list[Any]:
    rows = sql("SELECT to_jsonb(e) FROM events e WHERE tenant_id = %s AND type = %s", tenant_id, type_)
    return [row for (row,) in rows]


def give_second_factor(sql: Sql, person: Business) -> None:
    sql("INSERT INTO second_factors (user_id, sealed, confirmed_at) VALUES (%s, 'x', now())", person.user_id)
    sql("INSERT INTO recovery_codes (user_id, digest) VALUES (%s, 'x')", person.user_id)


class TestDisable:
    def test_ends_every_session_at_once_and_lets_nobody_in(self, owner: Business, sql: Sql) -> None:
        person = owner.colleague("manager")
        assert person.get("/api/customers").status_code == 200

        assert act("disable", person) == 0

        refresh = {"refreshToken": person.refresh_token}
        assert person.get("/api/customers").status_code == 401
        assert Caller(owner.app).post("/api/auth/refresh", refresh).status_code == 401
        nobody = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD}
        answers = [log_in(person), Caller(owner.app).post("/api/auth/login", nobody)]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert len({answer.json["detail"] for answer in answers}) == 1
        assert owner.get("/api/customers").status_code == 200
        (event,) = events(sql, owner.tenant_id, "user.disabled")
        assert event["actor"]["type"] == "operator"
        assert event["actor"]["id"] is None
        assert event["object_id"] == str(person.user_id)
        assert event["data"]["operator"]["reason"] == REASON
        assert event["data"]["previous"] == {"status": "active"}

        assert act("enable", person) == 0

        # Being let in again brings no session back to life.
        assert person.get("/api/customers").status_code == 401
        assert log_in(person).status_code == 200
        assert len(events(sql, owner.tenant_id, "user.enabled")) == 1

    def test_twice_does_nothing_more(
        self, owner: Business, sql: Sql, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert [act("disable", owner), act("disable", owner, "--json")] == [0, 0]
        assert "nothing to do" in capsys.readouterr().err
        assert len(events(sql, owner.tenant_id, "user.disabled")) == 1

    def test_asks_first(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        assert run(users, "disable", owner.email, "--reason", REASON) == 2
        assert owner.get("/api/customers").status_code == 200


class TestSignOut:
    def test_ends_the_sessions_of_all_businesses_and_tells_each(
        self, owner: Business, sql: Sql, capsys: pytest.CaptureFixture[str]
    ) -> None:
        second = str((owner.post("/api/tenants", OPENING).json or {})["id"])
        there = log_in(owner, second).json["accessToken"]
        assert Caller(owner.app, token=there).get("/api/customers").status_code == 200

        assert act("sign-out", owner) == 0

        for token in (owner.token, there):
            assert Caller(owner.app, token=token).get("/api/customers").status_code == 401
        told = [events(sql, tenant, "user.signed_out") for tenant in (owner.tenant_id, second)]
        assert [len(one) for one in told] == [1, 1]
        assert told[0][0]["actor"]["correlationId"] == told[1][0]["actor"]["correlationId"]
        for tenant in (str(owner.tenant_id), second):
            assert run(audit, "verify", "--tenant", tenant) == 0
        assert log_in(owner, second).status_code == 200

    def test_is_told_before_it_is_done(
        self, owner: Business, sql: Sql, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = str((owner.post("/api/tenants", OPENING).json or {})["id"])
        record, calls = Operator.record, []

        def broken(*arguments: Any) -> None:
            calls.append(arguments)
            if len(calls) == 2:
                raise RuntimeError("the command was killed")
            record(*arguments)

        monkeypatch.setattr(Operator, "record", broken)
        with pytest.raises(RuntimeError):
            act("sign-out", owner)

        assert owner.get("/api/customers").status_code == 200
        assert events(sql, owner.tenant_id, "user.signed_out") == []
        assert len(events(sql, second, "user.signed_out")) == 1
        monkeypatch.undo()

    def test_of_somebody_without_a_business_is_done_too(
        self, owner: Business, sql: Sql, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        person = owner.colleague("staff")
        sql("DELETE FROM memberships WHERE user_id = %s", person.user_id)
        assert act("sign-out", person) == 0
        assert "told in no business" in capsys.readouterr().out
        ended = sql("SELECT revoked_reason FROM login_sessions WHERE user_id = %s", person.user_id)
        assert ended == [("operator",)]


class TestResetSecondFactor:
    def test_takes_it_and_the_recovery_codes_and_ends_the_sessions(self, owner: Business, sql: Sql) -> None:
        give_second_factor(sql, owner)
        assert log_in(owner).status_code == 401

        assert act("reset-second-factor", owner) == 0

        assert owner.get("/api/customers").status_code == 401
        for table in ("second_factors", "recovery_codes"):
            assert sql(f"SELECT FROM {table} WHERE user_id = %s", owner.user_id) == []
        assert log_in(owner).status_code == 200
        (event,) = events(sql, owner.tenant_id, "user.second_factor_reset")
        assert event["data"]["object"] == {"id": str(owner.user_id), "secondFactor": False}

    def test_of_somebody_without_one_does_nothing(
        self, owner: Business, sql: Sql, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert act("reset-second-factor", owner) == 0
        assert "without a second factor" in capsys.readouterr().err
        assert owner.get("/api/customers").status_code == 200
        assert events(sql, owner.tenant_id, "user.second_factor_reset") == []


class TestSendReset:
    def waiting(self, sql: Sql, environ: dict[str, str], email: str) -> list[dict[str, Any]]:
        """Return the mails to an address that wait, opened as the worker opens them."""
        sealer, found = Sealer([environ["SESSION_SECRET"]]), []
        for (sealed,) in sql("SELECT sealed FROM account_mails WHERE sealed IS NOT NULL ORDER BY id"):
            # Other tests' services may have other secrets.
            with suppress(InvalidToken):
                found.append(sealer.open(sealed))
        return [mail for mail in found if mail["to"] == email]

    def test_mails_a_link_by_which_a_password_is_chosen(
        self, owner: Business, sql: Sql, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = len(self.waiting(sql, environ, owner.email))

        assert act("send-reset", owner) == 0

        mail = self.waiting(sql, environ, owner.email)[-1]
        assert len(self.waiting(sql, environ, owner.email)) == before + 1
        assert mail["token"] not in capsys.readouterr().out
        assert owner.get("/api/customers").status_code == 200
        body = {"token": mail["token"], "password": "seven quiet lighthouses"}
        assert Caller(owner.app).post("/api/auth/reset-password", body).status_code == 204
        (event,) = events(sql, owner.tenant_id, "user.password_reset_sent")
        assert mail["token"] not in json.dumps(event)

    def test_of_somebody_disabled_does_nothing_and_what_was_sent_is_worthless(
        self, owner: Business, sql: Sql, environ: dict[str, str]
    ) -> None:
        assert act("send-reset", owner) == 0
        mail = self.waiting(sql, environ, owner.email)[-1]

        assert act("disable", owner) == 0
        assert act("send-reset", owner) == 0

        assert self.waiting(sql, environ, owner.email)[-1] == mail
        assert act("enable", owner) == 0
        body = {"token": mail["token"], "password": "seven quiet lighthouses"}
        refused = Caller(owner.app).post("/api/auth/reset-password", body)
        assert 400 <= refused.status_code < 500

    def test_without_the_service_s_secrets_is_refused(
        self, owner: Business, sql: Sql, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("APP_ENV", "production")
        monkeypatch.delenv("SESSION_SECRET")
        assert act("send-reset", owner) == 78
        assert "SESSION_SECRET" in capsys.readouterr().err
        assert events(sql, owner.tenant_id, "user.password_reset_sent") == []


class TestShow:
    def test_tells_what_an_operator_needs_and_no_secret(
        self, owner: Business, sql: Sql, capsys: pytest.CaptureFixture[str]
    ) -> None:
        give_second_factor(sql, owner)
        second = str((owner.post("/api/tenants", OPENING).json or {})["id"])
        capsys.readouterr()

        assert run(users, "show", owner.email.upper(), "--json") == 0

        text = capsys.readouterr().out
        shown = json.loads(text)
        assert (shown["id"], shown["email"], shown["name"]) == (str(owner.user_id), owner.email, "Asha Rao")
        assert (shown["status"], shown["secondFactor"]) == ("active", True)
        assert [one["id"] for one in shown["businesses"]] == [str(owner.tenant_id), second]
        assert [one["role"] for one in shown["businesses"]] == ["owner", "owner"]
        assert "argon2" not in text
        assert run(users, "show", owner.email) == 0
        assert "second factor: yes" in capsys.readouterr().out

    @pytest.mark.parametrize("words", [("show", "a@\udcff.example"), ("list", "--search", "\udcff")])
    def test_takes_no_bytes_that_are_no_text(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stopped:
            run(users, *words)
        assert stopped.value.code == 2
        assert "must be UTF-8" in capsys.readouterr().err

    @pytest.mark.parametrize("action", ["show", "sessions"])
    def test_says_when_there_is_nobody(self, action: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(users, action, "nobody@example.com") == 2
        assert "there is nobody with the address" in capsys.readouterr().err


class TestSessions:
    def test_lists_where_somebody_is_signed_in(
        self, owner: Business, capsys: pytest.CaptureFixture[str]
    ) -> None:
        headers = {"User-Agent": "curl/8.5\x1b[2J"}
        again = Caller(owner.app)
        body = {"email": owner.email, "password": PASSWORD}
        assert again.post("/api/auth/login", body, headers=headers).status_code == 200
        capsys.readouterr()

        assert run(users, "sessions", owner.email, "--json") == 0
        listed = json.loads(capsys.readouterr().out)["sessions"]
        assert listed[0]["address"] == again.address
        assert {one["tenantId"] for one in listed} == {str(owner.tenant_id)}
        assert len(listed) == 2
        assert run(users, "sessions", owner.email) == 0
        out = capsys.readouterr().out
        assert "curl/8.5?[2J" in out
        assert "\x1b" not in out


class TestList:
    def test_finds_by_name_address_and_state(
        self, business: Callable[..., Business], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mark = uuid.uuid4().hex[:12]
        first, second = (business(email=f"{name}-{mark}@example.com") for name in ("a", "b"))
        assert act("disable", second) == 0
        capsys.readouterr()

        for words, found in (
            ((mark.upper(),), [second.email, first.email]),
            ((mark, "--status", "disabled"), [second.email]),
            ((mark, "--limit", "1"), [second.email]),
        ):
            assert run(users, "list", "--json", "--search", *words) == 0
            assert [one["email"] for one in json.loads(capsys.readouterr().out)["people"]] == found
        assert run(users, "list", "--search", mark) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
