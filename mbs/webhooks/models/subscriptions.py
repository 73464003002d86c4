"""Which events an endpoint wants."""

import re
from collections.abc import Collection

ALL = "*"
SILENT = "webhook."
"""Nobody is told of endpoints by way of endpoints: each delivery that failed could make another."""

WANTED = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})", re.ASCII)
MOST_TYPES = 100


def wants(event_types: Collection[str], type_: str) -> bool:
    """Tell whether an event is one that an endpoint wants.

    :param event_types: exact types, all of a kind of object (`booking.*`), or all (`*`).
    """
    if type_.startswith(SILENT):
        return False
    kind = f"{type_.partition('.')[0]}.*"
    return not {ALL, kind, type_}.isdisjoint(event_types)
