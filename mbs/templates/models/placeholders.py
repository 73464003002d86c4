"""Where words name a variable: `{{customer}}`. They are data: nothing in them is ever evaluated."""

import re
from collections.abc import Collection, Mapping

PLACEHOLDER = re.compile(r"(?<!\{)\{\{ *([a-zA-Z]+) *\}\}(?!\})")
STRAY = re.compile(r"\{\{|\}\}")


def named(text: str) -> set[str]:
    """Return the variables that a text names."""
    return set(PLACEHOLDER.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its values, in one pass: what a value holds stays as it is."""
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], text)


def fault_of(text: str, allowed: Collection[str]) -> str | None:
    """Return what is wrong with a text's placeholders; None if nothing is."""
    unknown = sorted(named(text) - set(allowed))
    if unknown:
        these = ", ".join(f"{{{{{name}}}}}" for name in unknown)
        return f"There is no {these} here; it may name: {', '.join(sorted(allowed))}."
    if STRAY.search(PLACEHOLDER.sub("", text)):
        return "Write {{ and }} only around the name of a variable, like {{business}}."
    return None
