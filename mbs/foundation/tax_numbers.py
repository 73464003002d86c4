"""The tax registration numbers of countries that have a well-known form; a text of up to 40 signs elsewhere.

Sources: India, CGST Rules 2017, rule 10, and the check character of the GST portal; United Kingdom, HMRC's
VATREG 97 and 9755; United Arab Emirates, the TRN of the Federal Tax Authority; Malaysia, the SST number as
the MyInvois guideline of the Inland Revenue Board has it; Singapore, the GST registration numbers and unique
entity numbers of the Inland Revenue Authority.
"""

import re
import string
from collections.abc import Callable, Mapping

from mbs.foundation.errors import FieldFault, Invalid

BASE_36 = string.digits + string.ascii_uppercase
GSTIN = re.compile(r"(\d\d)[A-Z]{5}\d{4}[A-Z][1-9A-Z][1-9A-JZ][0-9A-Z]", re.A)
STATES = {*range(1, 39), 97, 99}
"""97 is Other Territory, 99 the Centre's own jurisdiction."""


def is_state(code: str) -> bool:
    """Tell whether a code is that of a state of India, as its tax numbers begin with."""
    return re.fullmatch(r"\d\d", code, re.A) is not None and int(code) in STATES


def normalized(number: str, *, country: str, field: str) -> str:
    """Return a registration number as it is kept: without spaces where its country's form has none.

    :param country: the two letters of ISO 3166-1.
    :param field: the number's name on the wire, for the refusal.
    :raises Invalid: if it breaks a rule of its country; the message says which.
    """
    form = FORMS.get(country)
    if form is None:
        return number
    compact = re.sub(r"[\s-]", "", number).upper()
    broken = form(compact)
    if broken is not None:
        raise Invalid(errors=[FieldFault(field, "invalid", broken)])
    return _written_malaysian(compact) if country == "MY" else compact


def _india(number: str) -> str | None:
    if len(number) != 15:
        return "A GSTIN has 15 characters, like 27AAPFU0939F1ZV."
    match = GSTIN.fullmatch(number)
    if match is None:
        return "A GSTIN is two digits of the state, the ten characters of a PAN, and three more."
    if int(match[1]) not in STATES:
        return f"A GSTIN begins with the number of a state; {match[1]} is none."
    if number[14] != _gstin_check_character(number[:14]):
        return "The last character of a GSTIN follows from the others; this one does not, so one is mistyped."
    return None


def _gstin_check_character(body: str) -> str:
    total = 0
    for place, character in enumerate(body):
        product = BASE_36.index(character) * (1 + place % 2)
        total += product // 36 + product % 36
    return BASE_36[-total % 36]


def _united_kingdom(number: str) -> str | None:
    if not re.fullmatch(r"GB\d{9}(\d{3})?", number, re.A):
        return "A VAT number of the United Kingdom is GB and 9 or 12 digits, like GB980780684."
    digits = [int(digit) for digit in number[2:11]]
    weighed = sum(weight * digit for weight, digit in zip(range(8, 1, -1), digits[:7], strict=True))
    total = weighed + digits[7] * 10 + digits[8]
    if total % 97 != 0 and (total + 55) % 97 != 0:
        return "Digits 8 and 9 of a VAT number follow from the others; these do not, so one is mistyped."
    return None


def _emirates(number: str) -> str | None:
    return None if re.fullmatch(r"\d{15}", number, re.A) else "A TRN of the Emirates has 15 digits."


def _malaysia(number: str) -> str | None:
    if re.fullmatch(r"[A-Z]\d{14}", number, re.A):
        return None
    return "An SST number of Malaysia is a letter and 14 digits, like W10-1808-31000000."


def _written_malaysian(number: str) -> str:
    return f"{number[:3]}-{number[3:7]}-{number[7:]}"


def _singapore(number: str) -> str | None:
    # M and nine more; or the number of the business itself, of a firm, a company or another entity.
    if re.fullmatch(r"M[A-Z0-9]\d{7}[A-Z0-9]|\d{8,9}[A-Z]|[TSR]\d\d[A-Z]{2}\d{4}[A-Z]", number, re.A):
        return None
    return "A GST registration number of Singapore has 9 or 10 characters, like M90367530Y or 201912345K."


FORMS: Mapping[str, Callable[[str], str | None]] = {
    "AE": _emirates,
    "GB": _united_kingdom,
    "IN": _india,
    "MY": _malaysia,
    "SG": _singapore,
}
"""For each country, what tells the rule that a number breaks; None when it breaks none."""
