"""The one door for JSON: strict where parsers are lenient, bounded where they are not.

Python's parser takes NaN, duplicate keys, lone surrogates and nesting until its stack ends; each of
those once became a 500 or a wrong value further in. Sources: RFC 8259 sections 6 and 8, RFC 7493.
"""

import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any, NoReturn

from mbs.foundation.errors import FieldFault, InvalidJson

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 16
MAXIMUM_NODES = 10_000
MAXIMUM_DIGITS = 40
LARGEST_INTEGER = 2**63 - 1

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL has no place for, and lone surrogates, which are not text."""

TOKENS_PER_VALUE = 6
"""Strings, brackets and commas: a bound that acts before parsing, which is what a long text attacks."""

# Possessive, and an open string runs to the end: each byte is looked at once, whatever the text.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{\]},]', re.DOTALL)

Path = tuple[Any, ...]


def parse(data: bytes, *, most: int = MAXIMUM_NODES) -> Any:
    """Return the value of a JSON text; fractions as Decimal.

    :param most: how many values it may hold.
    :raises InvalidJson: if it is not UTF-8 JSON, is too deep or too large, or holds a duplicate key, a
        NaN or infinity, a NUL or lone surrogate, or an integer beyond 64 bits.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise _refusal("starts with a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("is not UTF-8") from None
    _check_size(data, most)
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_parse_fraction,
            parse_int=_parse_integer,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise _refusal("is not JSON") from None
    _check_nodes(value, most)
    return value


def _check_size(data: bytes, most: int) -> None:
    # Before parsing, because the parser's recursion and memory are what a deep or long text attacks.
    depth = 0
    for count, token in enumerate(_TOKENS.finditer(data)):
        if count > TOKENS_PER_VALUE * most:
            raise _refusal(f"has more than {most} values")
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise _refusal(f"is nested deeper than {MAXIMUM_DEPTH} levels")
        elif first in b"]}":
            depth -= 1


def _check_nodes(value: Any, most: int) -> None:
    # A path is a chain of steps, spelled out only for a refusal: else a long name is copied per value.
    count = 0
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        path, node = pending.pop()
        count += 1
        if count > most:
            raise _refusal(f"has more than {most} values")
        if isinstance(node, str):
            if UNSTORABLE.search(node):
                raise _refusal("holds a NUL character or a lone surrogate", _spelled(path))
        elif isinstance(node, dict):
            for key, item in node.items():
                if UNSTORABLE.search(key):
                    raise _refusal(
                        "has a field name with a NUL character or a lone surrogate", _spelled(path)
                    )
                pending.append(((path, key), item))
        elif isinstance(node, list):
            pending.extend(((path, index), item) for index, item in enumerate(node))


def _spelled(path: Path) -> str:
    steps = []
    while path:
        path, step = path
        steps.append(str(step)[:100])
    return ".".join(reversed(steps))


def _parse_integer(digits: str) -> int:
    if len(digits) > MAXIMUM_DIGITS or abs(int(digits)) > LARGEST_INTEGER:
        raise _refusal("holds an integer beyond 64 bits")
    return int(digits)


def _parse_fraction(digits: str) -> Decimal:
    number = Decimal(digits)
    if len(digits) > MAXIMUM_DIGITS or abs(number.adjusted()) > MAXIMUM_DIGITS:
        raise _refusal("holds a number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _refusal(f"holds {name}, which JSON does not know")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _refusal("names one field twice", UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", twice)[:100])
    return result


def _refusal(reason: str, field: str = "") -> InvalidJson:
    field = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", field)[:200] or "body"
    return InvalidJson(
        f"The body {reason}.", errors=[FieldFault(field, "invalid_json", f"The body {reason}.")]
    )
