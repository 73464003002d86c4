"""The judgement whether a signing secret is strong enough to be used."""

import math
import re
from collections import Counter
from itertools import pairwise

from mbs.configuration.values import Unacceptable

MINIMUM_LENGTH = 32
MINIMUM_DISTINCT = 8
MINIMUM_BITS = 80

# Words of five letters and fewer stay out: they refuse about one in 4,000 good base64 secrets. So do template
# marks inside a text: "<" and ">" alone refuse one in 12 of a password manager's secrets with punctuation.
PLACEHOLDER = re.compile(
    r"change[-_ .]?me|change[-_ .]?this|your[-_ .]|replace[-_ .]?me|example|placeholder|default|secret"
    r"|password|random[-_ .]?string|min[-_ .]?\d+[-_ .]?char|insecure|redacted|localhost|development"
    r"|production|staging|generate|mybizstream|qwerty|asdfgh|zxcvbn|x{8,}"
    r"|^<[\w -]+>$|^\$\{?[\w:-]+\}?$|^\{\{[\w .-]+\}\}$|^%\(\w+\)s$",
    re.IGNORECASE,
)
REMEDY = "Generate one with: mbs secrets generate."


def refuse_weak_secret(value: str) -> None:
    """Refuse a signing secret that is a placeholder, short or predictable (runbook section 1, RFC 7518 3.2).

    :raises Unacceptable: `placeholder`, `too_short` (under 32 characters) or `low_entropy`.
    """
    if PLACEHOLDER.search(value):
        raise Unacceptable("placeholder", f"It reads like a placeholder. {REMEDY}")
    if len(value) < MINIMUM_LENGTH:
        raise Unacceptable("too_short", f"It has fewer than {MINIMUM_LENGTH} characters. {REMEDY}")
    if is_predictable(value):
        raise Unacceptable("low_entropy", f"It is too regular to be random. {REMEDY}")


def is_predictable(value: str) -> bool:
    """Tell whether `value` repeats itself, counts up or down, or carries less than 80 bits (Shannon)."""
    counts = Counter(value)
    bits = -sum(n * math.log2(n / len(value)) for n in counts.values())
    if len(counts) < MINIMUM_DISTINCT or bits < MINIMUM_BITS:
        return True
    steps = Counter(ord(later) - ord(earlier) for earlier, later in pairwise(value))
    if steps[0] + max(steps[1], steps[-1]) > len(value) / 2:
        return True
    return any(value[period:] == value[:-period] for period in range(1, len(value) // 2 + 1))
