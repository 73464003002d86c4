"""Every role at every call, held against one table; and docs/permissions.md against the code."""

import argparse
import re
import uuid
from pathlib import Path

import pytest
from flask import Flask

from mbs.operations import permissions_document
from tests.auth.permission_table import CALLS
from tests.factories.callers import PASSWORD, Business, Caller

ROLES = ("owner", "admin", "manager", "staff", "accountant")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENDING = ("/api/auth/logout", "/api/auth/logout-all")
BODILESS = (
    *ENDING,
    "/api/auth/sessions/revoke-others",
    "/api/auth/verify-email/send",
    "/api/auth/second-factor",
    "/api/auth/second-factor/recovery-codes",
)

SIGNED = "/api/webhooks/"
SIGNED_ONLY = {(403, "SIGNATURE_REFUSED"), (415, "UNSUPPORTED_MEDIA_TYPE")}
"""Whoever calls in a provider's name without its signature; Twilio's calls are forms."""

A_MINUTE = 90
"""How many calls one person may make in a minute, with room for what else is asked in their name."""


def letter(role: str) -> str:
    return "c" if role == "accountant" else role[0]


def call(caller: Caller, method: str, path: str) -> tuple[int, str | None]:
    """Send a call that is well-formed as far as its method and address; return status and code."""
    empty: dict[str, str] | None = None if method in ("GET", "DELETE") or path in BODILESS else {}
    response = caller.call(method, addressed(path), empty)
    return response.status_code, (response.get_json(silent=True) or {}).get("code")


def addressed(path: str) -> str:
    """Return a path with ids that never were."""
    return re.sub(r"\{\w+\}", lambda _: str(uuid.uuid4()), path)


class TestRoles:
    def test_of_the_table_are_all_that_there_are(self) -> None:
        from_code = tuple(permissions_document.ROLE_PERMISSIONS)
        assert from_code == ROLES

    def test_table_names_every_call(self, app: Flask) -> None:
        assert {(method, path) for method, path, _ in permissions_document.routes(app)} == set(CALLS)

    @pytest.mark.parametrize("role", ROLES)
    def test_may_do_what_the_table_says_and_nothing_else(self, resident: Business, role: str) -> None:
        member = resident.colleague(role)
        found, expected = {}, {}
        asked = [call for call, letters in CALLS.items() if letters != "P"]
        # Those that end the session go last.
        for number, (method, path) in enumerate(sorted(asked, key=lambda one: (one[1] in ENDING, one)), 1):
            letters = CALLS[method, path]
            if number % A_MINUTE == 0:
                member = resident.colleague(role)
            if path in ENDING:
                login = {"email": member.email, "password": PASSWORD}
                member.token = Caller(resident.app).post("/api/auth/login", login).get_json()["accessToken"]
            status, code = call(member, method, path)
            # What is neither 401 nor 403 is the schema's or the service's answer: the call has let us in.
            assert status in (200, 201, 202, 204, 400, 403, 404, 409), (method, path)
            assert code == "FORBIDDEN" or status != 403
            found[method, path] = status != 403
            expected[method, path] = letters == "S" or letter(role) in letters
        assert found == expected

    def test_none_is_let_in_where_the_table_does_not_say_anybody(self, app: Flask) -> None:
        for (method, path), letters in CALLS.items():
            status, code = call(Caller(app), method, path)
            if path.startswith(SIGNED):
                assert (status, code) in SIGNED_ONLY, (method, path)
            elif letters == "P":
                assert status in (200, 400, 404), (method, path)
            else:
                assert (status, code) == (401, "UNAUTHENTICATED"), (method, path)

    def test_have_no_other_methods(self, resident: Business) -> None:
        for path in sorted({path for _, path in CALLS}):
            served = {method for method in METHODS if (method, path) in CALLS}
            for method in set(METHODS) - served:
                response = Caller(resident.app).call(method, addressed(path))
                assert (response.status_code, response.get_json()["code"]) == (405, "METHOD_NOT_ALLOWED")
                allowed = {word.strip() for word in response.headers["Allow"].split(",")}
                assert allowed - {"HEAD", "OPTIONS"} == served


class TestOwnRows:
    def test_are_all_that_staff_see(self, owner: Business) -> None:
        staff, other = owner.colleague("staff"), owner.colleague("staff")
        own = staff.post("/api/customers", {"name": "Mine"}).get_json()["id"]
        theirs = [caller.post("/api/customers", {"name": "Mine"}).get_json() for caller in (owner, other)]

        assert [row["id"] for row in staff.get("/api/customers?includeTotal=true").get_json()["data"]] == [
            own
        ]
        assert staff.get("/api/customers?includeTotal=true").get_json()["pagination"]["total"] == 1
        assert staff.get(f"/api/customers/{own}").status_code == 200
        for row in theirs:
            response = staff.get(f"/api/customers/{row['id']}")
            assert (response.status_code, response.get_json()["code"]) == (404, "NOT_FOUND")
        assert len(owner.get("/api/customers").get_json()["data"]) == 3
        # A likeness would tell of rows that staff do not see.
        assert staff.post("/api/customers", {"name": "Mine"}).get_json()["possibleDuplicates"] == []


class TestPurge:
    @pytest.mark.parametrize(("role", "status"), [("manager", 403), ("admin", 204), ("owner", 204)])
    def test_needs_more_than_archiving(self, owner: Business, role: str, status: int) -> None:
        member = owner if role == "owner" else owner.colleague(role)
        id_ = owner.post("/api/customers", {"name": "Jane"}).get_json()["id"]
        assert member.delete(f"/api/customers/{id_}?purge=true").status_code == status
        assert owner.get(f"/api/customers/{id_}").status_code == (200 if status == 403 else 404)


class TestDocument:
    def test_is_what_the_code_says(self, app: Flask) -> None:
        assert DOCUMENT.read_text(encoding="utf-8") == permissions_document.render(app)

    def test_has_a_row_for_each_call_with_the_tables_cells(self, app: Flask) -> None:
        lines = permissions_document.render(app).splitlines()
        for (method, path), letters in CALLS.items():
            ((_, _, _, *cells, _),) = [
                [cell.strip() for cell in line.split("|")] for line in lines if f"`{method} {path}`" in line
            ]
            expected = [letters in ("P", "S") or letter(role) in letters for role in ROLES]
            assert [bool(cell) for cell in cells] == expected, (method, path)

    def test_is_written_and_checked_by_a_command(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        parser = argparse.ArgumentParser()
        permissions_document.add_arguments(parser)
        target = tmp_path / "permissions.md"

        def run(*words: str) -> int:
            return permissions_document.run(parser.parse_args(words))

        assert run("--check") == 2
        assert run("--check", "--output", str(target)) == 1
        assert run("--output", str(target)) == 0
        assert run("--check", "--output", str(target)) == 0
        target.write_text(target.read_text() + "\n")
        assert run("--check", "--output", str(target)) == 1
        capsys.readouterr()
        assert run() == 0
        assert capsys.readouterr().out == DOCUMENT.read_text(encoding="utf-8")
