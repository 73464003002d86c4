"""What a demo business has in its books: of some of what was done it wrote invoices, and some are paid."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mbs.seeds.models.timelines import Act

MOST_BILLED = 8
"""All of a demo must fit into the deadline of its one request."""

RULES: Mapping[str, Any] = {"dueDays": 5, "terms": "Due within five days. Thank you!"}
SELLER_IN_INDIA: Mapping[str, Any] = {"tax_registration": "27AAPFU0939F1ZV", "invoice_prefix": "MUM"}
"""An example of a GSTIN, that of Maharashtra."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FATES: Sequence[Sequence[tuple[timedelta, str, Mapping[str, Any]]]] = (
    (),
    ((HOUR, "pay", {"percent": 100, "method": "cash"}),),
    ((HOUR, "pay", {"percent": 100, "method": "card"}), (DAY, "credit", {"percent": 20})),
    ((HOUR, "pay", {"percent": 50, "method": "bank_transfer"}),),
    ((DAY, "pay", {"percent": 100, "method": "upi"}),),
    ((HOUR, "pay", {"percent": 40, "method": "cash"}), (DAY, "pay", {"percent": 60, "method": "upi"})),
    (),
)
"""What happens to one invoice after the other; the last one that is written stays a draft."""


def billed(acts: Sequence[Act], *, now: datetime) -> Iterator[Act]:
    """Yield what happens in the books: `bill`, `pay` and `credit`, each with the number of its booking.

    :param acts: what happens in the calendar, in its order.
    """
    done = [act for act in acts if act.kind == "complete"]
    chosen = done[:: max(1, len(done) // MOST_BILLED)][:MOST_BILLED]
    for number, act in enumerate(chosen):
        is_last = number == len(chosen) - 1
        yield Act(act.at, "bill", act.number, {"issue": not is_last})
        for later, kind, values in () if is_last else FATES[number % len(FATES)]:
            if act.at + later < now:
                yield Act(act.at + later, kind, act.number, values)
