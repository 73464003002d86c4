"""`mbs audit`: whoever changes the trail behind the service's back is found out, and where."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mbs.events.models import canonical, data_hash, instant, link
from mbs.operations import audit
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.factories.callers import Business
from tests.operations.commands import run

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 5

SWAP = """
UPDATE events SET seq = 102 WHERE tenant_id = %(tenant)s AND seq = 2;
UPDATE events SET seq = 2 WHERE tenant_id = %(tenant)s AND seq = 3;
UPDATE events SET seq = 3 WHERE tenant_id = %(tenant)s AND seq = 102
"""

Tamper = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def _at_database(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def owner(business: Callable[..., Business]) -> Business:
    """A business with five events: it was opened, three customers were made, one was changed."""
    owner = business()
    made = [owner.post("/api/customers", {"name": f"Customer {n}"}).json for n in (2, 3, 4)]
    assert made[0] is not None
    changed = owner.patch(f"/api/customers/{made[0]['id']}", {"notes": 'naïve — ₹ 😀 \\ " \t \n /'})
    assert changed.status_code == 200
    return owner


@pytest.fixture
def tamper(server: Server, database_name: str) -> Iterator[Tamper]:
    """Change the trail as a superuser can, whom no grant and no policy stops."""
    with closing(psycopg2.connect(server.url(database_name))) as connection:
        connection.autocommit = True

        def change(statement: str, tenant_id: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement, {"tenant": tenant_id})
                assert cursor.rowcount > 0, "nothing was tampered with"

        yield change


def verify(tenant_id: uuid.UUID, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = run(audit, "verify", "--tenant", str(tenant_id), "--json")
    (trail,) = json.loads(capsys.readouterr().out)["trails"]
    return code, trail


def export(tenant_id: uuid.UUID, path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    assert run(audit, "export", "--tenant", str(tenant_id)) == 0
    path.write_text(capfd.readouterr().out, encoding="utf-8")
    return path


class TestVerify:
    def test_finds_an_honest_trail_whole(self, owner: Business, capsys: pytest.CaptureFixture[str]) -> None:
        code, trail = verify(owner.tenant_id, capsys)
        assert (code, trail["seq"], trail["broken"], trail["erased"]) == (0, EVENTS, None, 0)
        newest = owner.get("/api/events?limit=200").json
        assert newest is not None
        assert trail["hash"] == newest["data"][-1]["hash"]

    @pytest.mark.parametrize(
        ("statement", "broken"),
        [
            *(
                (f"UPDATE events SET {change} WHERE tenant_id = %(tenant)s AND seq = 2", f"event 2: {reason}")
                for change, reason in (
                    ("data = jsonb_set(data, '{object,name}', '\"Else\"')", "its data was changed"),
                    ("data = NULL, data_hash = repeat('0', 64)", "a field was changed"),
                    ("type = 'customer.purged'", "a field was changed"),
                    ("object_type = 'invoice'", "a field was changed"),
                    ("object_id = gen_random_uuid()", "a field was changed"),
                    ("id = gen_random_uuid()", "a field was changed"),
                    ("at = at + interval '1 microsecond'", "a field was changed"),
                    ("actor = jsonb_set(actor, '{id}', 'null')", "a field was changed"),
                    ("hash = repeat('0', 64)", "a field was changed"),
                    ("prev_hash = repeat('0', 64)", "does not follow the event before it"),
                )
            ),
            ("DELETE FROM events WHERE tenant_id = %(tenant)s AND seq = 1", "event 1: missing; 2 follows 0"),
            ("DELETE FROM events WHERE tenant_id = %(tenant)s AND seq = 4", "event 4: missing; 5 follows 3"),
            (
                "DELETE FROM events WHERE tenant_id = %(tenant)s AND seq > 3",
                "event 4: missing, and all behind it; the head is at 5",
            ),
            (SWAP, "event 2: does not follow the event before it"),
            (
                "UPDATE event_heads SET hash = repeat('0', 64) WHERE tenant_id = %(tenant)s",
                "event 5: is not the one that the head names",
            ),
        ],
    )
    def test_names_the_first_event_that_was_tampered_with(
        self,
        owner: Business,
        tamper: Tamper,
        capsys: pytest.CaptureFixture[str],
        statement: str,
        broken: str,
    ) -> None:
        tamper(statement, str(owner.tenant_id))
        code, trail = verify(owner.tenant_id, capsys)
        assert (code, trail["broken"]) == (1, broken)

    def test_allows_data_to_be_erased(
        self, owner: Business, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper("UPDATE events SET data = NULL WHERE tenant_id = %(tenant)s AND seq = 3", str(owner.tenant_id))
        code, trail = verify(owner.tenant_id, capsys)
        assert (code, trail["broken"], trail["erased"]) == (0, None, 1)

    def test_reads_all_trails_and_tells_one_broken_from_one_whole(
        self,
        owner: Business,
        business: Callable[..., Business],
        tamper: Tamper,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        whole = business()
        tamper("DELETE FROM events WHERE tenant_id = %(tenant)s AND seq = 2", str(owner.tenant_id))
        assert run(audit, "verify") == 1
        lines = capsys.readouterr().out.splitlines()
        assert f"{owner.tenant_id}: 1 events, BROKEN at event 2: missing; 3 follows 1" in lines
        assert [line for line in lines if line.startswith(f"{whole.tenant_id}: 1 events, whole, head ")]

    def test_says_when_there_is_no_such_tenant(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(audit, "verify", "--tenant", str(uuid.uuid4())) == 2
        assert "there is no tenant" in capsys.readouterr().err

    def test_says_when_there_is_no_database(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://mbs:x@127.0.0.1:1/mbs")
        assert run(audit, "verify") == 69
        assert "cannot reach its database" in capsys.readouterr().err

    def test_says_when_the_database_is_empty(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        name = f"mbs_test_{uuid.uuid4().hex[:12]}"
        run_as_superuser(server, f"CREATE DATABASE {name}")
        monkeypatch.setenv("DATABASE_URL", server.url(name))
        try:
            assert run(audit, "verify") == 3
        finally:
            run_as_superuser(server, f"DROP DATABASE {name} WITH (FORCE)")
        assert "mbs migrate" in capsys.readouterr().err


class TestExport:
    def test_is_what_the_feed_gives(
        self, owner: Business, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = export(owner.tenant_id, tmp_path / "trail.ndjson", capfd)
        feed = owner.get("/api/events?limit=200").json
        assert feed is not None
        assert [json.loads(line) for line in path.read_text().split("\n")[:-1]] == feed["data"]

    def test_verifies_without_a_database(
        self,
        owner: Business,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        path = export(owner.tenant_id, tmp_path / "trail.ndjson", capfd)
        monkeypatch.setenv("DATABASE_URL", "postgresql://mbs:x@127.0.0.1:1/mbs")
        assert run(audit, "verify", "--file", str(path)) == 0
        assert f"{owner.tenant_id}: {EVENTS} events, whole" in capfd.readouterr().out

    @pytest.mark.parametrize(
        ("old", "new", "broken"),
        [
            ('"Customer 3"', '"Customer X"', "event 3: its data was changed"),
            ('"type":"customer.updated"', '"type":"customer.created"', "event 5: a field was changed"),
        ],
    )
    def test_shows_where_it_was_changed(
        self,
        owner: Business,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
        old: str,
        new: str,
        broken: str,
    ) -> None:
        path = export(owner.tenant_id, tmp_path / "trail.ndjson", capfd)
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        assert run(audit, "verify", "--file", str(path)) == 1
        assert broken in capfd.readouterr().out

    @pytest.mark.parametrize("line", ["", "{}", "[]", "null", "no JSON", '{"createdAt":"2026-01-01T00:00Z"}'])
    def test_that_is_none_is_wrong_usage(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
    ) -> None:
        path = tmp_path / "trail.ndjson"
        path.write_text(f"{line}\n" if line else "")
        assert run(audit, "verify", "--file", str(path)) == 2
        assert str(path) in capsys.readouterr().err

    def test_that_is_absent_is_wrong_usage(self, tmp_path: Path) -> None:
        assert run(audit, "verify", "--file", str(tmp_path / "none")) == 2


class TestDocumentedVectors:
    """docs/audit-trail.md: what another program must arrive at."""

    TEXT = (ROOT / "docs/audit-trail.md").read_text(encoding="utf-8")
    BLOCKS = re.findall(r"```json\n(.+?)\n```\n\n```text\n(.+?)\n```", TEXT, re.DOTALL)

    def test_are_two(self) -> None:
        assert len(self.BLOCKS) == 2

    @pytest.mark.parametrize("number", [0, 1])
    def test_hold(self, number: int) -> None:
        event = json.loads(self.BLOCKS[number][0])
        said = dict(line.split(": ", 1) for line in self.BLOCKS[number][1].splitlines())
        at = datetime.fromisoformat(event["createdAt"])
        fields = {"at": at, **{name: event[name] for name in audit.LINKED_FIELDS}}
        form = canonical({**fields, "prevHash": event["prevHash"], "seq": event["seq"]})
        assert canonical(event["data"]).decode() == said["data"]
        assert data_hash(event["data"]) == event["dataHash"] == said["dataHash"]
        assert form.decode() == said["link"]
        assert link(prev_hash=event["prevHash"], seq=event["seq"], fields=fields) == said["hash"]
        assert event["hash"] == said["hash"]

    def test_follow_each_other_as_a_trail(self, tmp_path: Path) -> None:
        path = tmp_path / "vectors.ndjson"
        path.write_text("".join(json.dumps(json.loads(event)) + "\n" for event, _ in self.BLOCKS))
        assert run(audit, "verify", "--file", str(path)) == 0

    def test_write_instants_with_six_decimals(self) -> None:
        assert instant(datetime(2026, 3, 1, 4, 30, tzinfo=UTC)) == "2026-03-01T04:30:00.000000Z"
