"""What becomes of an invoice: which state may follow which, and what it is called when it is issued."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from mbs.foundation.errors import FieldFault, Invalid, InvalidState
from mbs.foundation.policies import void_same_period_only
from mbs.taxes.errors import MissingSellerTaxId

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"open", "paid"}),
    "open": frozenset({"paid", "void", "uncollectible"}),
    "uncollectible": frozenset({"paid", "open", "void"}),
    "paid": frozenset({"open"}),
    "void": frozenset(),
}
"""Which state may follow which; the trigger of migration 0026 says the same."""

WITHOUT_REGISTRATION = frozenset({"none", "sales_tax"})
"""Regimes of sellers whose invoices name no registration."""

UNTAXED = frozenset({"exempt", "zero", "out_of_scope"})


def refuse_transition(status: str, target: str) -> None:
    """Refuse a state that does not follow an invoice's own.

    :raises InvalidState: if it does not.
    """
    if target not in TRANSITIONS[status]:
        raise InvalidState(f"An invoice that is {status} does not become {target}.")


def refuse_unregistered(context: Any) -> None:
    """Refuse a seller who charges tax without a registration.

    :raises MissingSellerTaxId: if that is so.
    """
    if context.tax_regime not in WITHOUT_REGISTRATION and not context.tax_registration:
        raise MissingSellerTaxId


def issue_date(asked: date | None, *, today: date) -> date:
    """Return on which day an invoice is issued.

    :param today: at the location.
    :raises Invalid: if somebody asks for a day to come.
    """
    if asked is not None and asked > today:
        message = f"Must not be in the future: at the location it is {today}."
        raise Invalid(errors=[FieldFault("issueDate", "invalid", message)])
    return asked or today


def due_date(asked: date | None, *, issued_on: date, days: int) -> date:
    """Return until when an invoice is to be paid.

    :param days: as many the settings give.
    :raises InvalidState: if the draft says a day before that of issue.
    """
    if asked is not None and asked < issued_on:
        message = f"Its due date, {asked}, is before the date of issue, {issued_on}: change the draft."
        raise InvalidState(message, errors=[FieldFault("dueDate", "conflict", message)])
    return asked or issued_on + timedelta(days=days)


def title(*, country: str, regime: str, kinds: Collection[str]) -> str:
    """Return what an invoice is called.

    In India one of exempt supplies alone is a bill of supply (CGST Act 2017, section 31(3)(c)).

    :param kinds: how its lines are taxed.
    """
    if regime == "none":
        return "Invoice"
    if country == "IN" and UNTAXED.issuperset(kinds):
        return "Bill of supply"
    return "Tax invoice"


def refuse_void(invoice: Any, rules: Mapping[str, Any], *, country: str, today: date) -> None:
    """Refuse to void what money was moved for, or what the month's return has reported.

    :param rules: of the settings' group `invoicing`.
    :param country: the location's.
    :param today: at the location.
    :raises InvalidState: if it may not be voided.
    """
    refuse_transition(invoice.status, "void")
    if invoice.amount_paid or invoice.amount_credited:
        raise InvalidState("Something of it was paid or credited: take that back first, or credit the rest.")
    period = (invoice.issue_date.year, invoice.issue_date.month)
    if void_same_period_only(rules, country) and period != (today.year, today.month):
        raise InvalidState("It was issued in another month: take it back with a credit note instead.")
