"""How much of a document a request may print itself, and how often the rest is tried."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

MOST_WAITING = 20
"""Long documents of one business that wait at a time: the queue is everybody's."""

LINES_IN_REQUEST = 80
"""So many take at most 0.35 s of processor time (0.2 s in Latin); a longer document is left to a worker."""

LETTERS_IN_LINE = 60

LEASE = timedelta(minutes=5)
"""How long a print is one worker's; the longest that the API accepts takes a fraction of it."""

PAUSES = (timedelta(seconds=30), timedelta(minutes=5))
"""Between one attempt and the next; after the last attempt the print has failed."""

FORGIVEN = timedelta(hours=1)
"""How long a print that failed is not tried again, however often it is asked for."""


def lines_on_paper(document: Any, lines: Sequence[Any]) -> int:
    """Return about how many lines of text a document has; what it is made of grows with no other number."""
    texts = [document.notes, document.terms, document.reason, *(line.description for line in lines)]
    return sum(1 + text.count("\n") + len(text) // LETTERS_IN_LINE for text in texts if text)
