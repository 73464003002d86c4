"""Every error that the API can answer is in docs/errors.md, with its status, and nothing else is."""

import ast
import re
from collections.abc import Iterator

import pytest
from flask import Flask

import mbs.app  # noqa: F401 - loads every room, and with it every error
from mbs.foundation.errors import MbsError
from mbs.foundation.problems import FIELD_CODES, HTTP_ERRORS, status_of
from tests.architecture.sources import ROOT, sources

DOCUMENT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ERRORS, FIELDS = DOCUMENT.split("## Codes of fields")


def errors(parent: type[MbsError] = MbsError) -> Iterator[type[MbsError]]:
    """Yield every kind of error below a class."""
    for child in parent.__subclasses__():
        yield child
        yield from errors(child)


def codes_of_fields() -> set[str]:
    """Return the second argument of each FieldFault in the source, where it is written out."""
    found = set(FIELD_CODES.values())
    for source in sources("mbs"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "FieldFault":
                code = node.args[1]
                found |= {str(one.value) for one in ast.walk(code) if isinstance(one, ast.Constant)}
    return found


KINDS: list[type[MbsError]] = sorted(set(errors()), key=lambda kind: str(kind))


class TestTheListOfErrors:
    def test_has_every_code_with_its_status(self) -> None:
        kinds = {(kind.code, status_of(kind())) for kind in errors() if kind.__module__.startswith("mbs.")}
        wire = {(code, status) for status, (code, _) in HTTP_ERRORS.items()}
        listed = re.findall(r"^\| `([A-Z_]+)` \| (\d{3}) \| .+ \| .+ \|$", ERRORS, re.MULTILINE)
        assert {(code, int(status)) for code, status in listed} == kinds | wire
        assert len(listed) == len(set(listed))

    def test_is_ordered_by_status(self) -> None:
        statuses = re.findall(r"^\| `[A-Z_]+` \| (\d{3}) \|", ERRORS, re.MULTILINE)
        assert statuses == sorted(statuses)

    def test_has_every_code_of_a_field(self) -> None:
        listed = re.findall(r"^\| `([a-z_]+)` \| .+ \|$", FIELDS, re.MULTILINE)
        assert sorted(listed) == sorted(codes_of_fields())

    def test_shows_what_a_caller_gets(self, app: Flask) -> None:
        example = re.findall(r'^  "(\w+)":', ERRORS, re.MULTILINE)
        answer = app.test_client().post("/api/auth/login", json={"email": "nobody", "password": "x"})
        assert answer.json is not None
        assert sorted(example) == sorted(answer.json)


class TestEveryError:
    @pytest.mark.parametrize("kind", KINDS)
    def test_says_what_is_wrong(self, kind: type[MbsError]) -> None:
        assert re.fullmatch(r"[A-Z][A-Z_]+[A-Z]", kind.code)
        assert kind.sentence.endswith("."), "a sentence for the caller, with what to do if that is not plain"
        assert kind.sentence != MbsError.sentence
        assert 400 <= status_of(kind()) < 600
