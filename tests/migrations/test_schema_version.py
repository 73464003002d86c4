"""What readiness says of a database's revision, from plain rows."""

from pathlib import Path

import pytest

from mbs.foundation.schema_version import compare, known_revisions

KNOWN = ("0001", "0002", "0003")


def log(*entries: str) -> list[tuple[str, str]]:
    """`0004c` is revision 0004 in the contract phase; e is expand, d is data."""
    phases = {"e": "expand", "d": "data", "c": "contract"}
    return [(entry[:4], phases[entry[4]]) for entry in entries]


class TestCompare:
    def test_is_current_at_the_head(self) -> None:
        state = compare(KNOWN, "0003", log("0001e", "0002e", "0003c"))
        assert (state.state, state.summary, state.ready) == ("current", "current", True)

    def test_counts_what_is_pending(self) -> None:
        state = compare(KNOWN, "0001", log("0001e"))
        assert (state.summary, state.pending, state.ready) == ("pending:2", ("0002", "0003"), False)

    def test_takes_an_empty_database_for_uninitialised(self) -> None:
        state = compare(KNOWN, None, [])
        assert (state.state, state.pending, state.ready) == ("uninitialised", KNOWN, False)

    def test_is_ready_on_a_newer_schema_that_only_added(self) -> None:
        state = compare(KNOWN, "0005", log("0001e", "0002e", "0003e", "0004e", "0005d"))
        assert (state.summary, state.extra, state.ready) == ("ahead (compatible)", ("0004", "0005"), True)

    def test_is_not_ready_once_a_newer_release_took_something_away(self) -> None:
        state = compare(KNOWN, "0005", log("0001e", "0002e", "0003e", "0004c", "0005e"))
        assert (state.state, state.summary, state.ready) == ("ahead", "ahead (incompatible)", False)

    def test_does_not_know_a_revision_that_the_log_lacks(self) -> None:
        state = compare(KNOWN, "beef", log("0001e", "0002e", "0003e"))
        assert (state.summary, state.extra, state.ready) == ("unknown revision", ("beef",), False)

    def test_does_not_take_another_branch_for_a_newer_schema(self) -> None:
        state = compare(KNOWN, "0009", log("0001e", "0002e", "0009e"))
        assert (state.state, state.ready) == ("unknown", False)

    def test_does_not_trust_a_known_version_beside_foreign_log_rows(self) -> None:
        state = compare(KNOWN, "0003", log("0001e", "0002e", "0003e", "0007e"))
        assert (state.state, state.extra) == ("unknown", ("0007",))


class TestKnownRevisions:
    def test_reads_them_off_the_file_names_in_order(self, tmp_path: Path) -> None:
        for name in ("0002_add_users.py", "0001_create_roles.py", "__init__.py", "notes.txt", "0003_x.py~"):
            (tmp_path / name).touch()
        assert known_revisions(tmp_path) == ("0001", "0002")

    @pytest.mark.parametrize("name", ["missing", ""])
    def test_refuses_to_judge_without_any(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(FileNotFoundError):
            known_revisions(tmp_path / name)
