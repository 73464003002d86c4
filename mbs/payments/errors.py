"""What can go wrong with payments."""

from decimal import Decimal

from mbs.foundation.errors import Conflict, FieldFault, Forbidden, Invalid, InvalidReference
from mbs.foundation.money import shown
from mbs.resources.errors import UnknownReference


class UnknownCustomer(UnknownReference):
    sentence = "There is no such customer."
    field = "customerId"


class UnknownBooking(UnknownReference):
    sentence = "There is no such booking."
    field = "bookingId"


class UnknownInvoice(InvalidReference):
    @classmethod
    def at(cls, field: str) -> "UnknownInvoice":
        """Name the field that names no invoice of the customer's."""
        message = "The customer has no such invoice."
        return cls(message, errors=[FieldFault(field, "invalid_reference", message)])


class CurrencyMismatch(Invalid):
    code = "CURRENCY_MISMATCH"
    sentence = "An invoice is paid in its own currency."

    @classmethod
    def at(cls, field: str, currency: str) -> "CurrencyMismatch":
        """Name the field whose invoice is in another currency."""
        message = f"The invoice is in {currency}; it is paid in that currency."
        return cls(message, errors=[FieldFault(field, "invalid", message)])


class MethodForbidden(Forbidden):
    sentence = "Your role records payments in cash and by UPI only."


class Overpayment(Conflict):
    """`amountDue` is what may still be paid or, of a surplus, what the payment's invoices take of it."""

    code = "OVERPAYMENT"
    sentence = "This is more than is due."

    @classmethod
    def of_invoice(cls, field: str, due: Decimal, currency: str) -> "Overpayment":
        """Name the invoice for which too much was given, and what is due."""
        message = f"{shown(due, currency)} {currency} is due on this invoice."
        return cls(
            message,
            errors=[FieldFault(field, "conflict", message)],
            extra={"amountDue": shown(due, currency)},
        )

    @classmethod
    def surplus(cls, taken: Decimal, currency: str) -> "Overpayment":
        """Say that invoices take less than the payment."""
        message = (
            f"The allocations take {shown(taken, currency)} {currency}, which is less than the payment;"
            " allocate all of it, or send `allowUnapplied` to keep the rest as the customer's balance."
        )
        return cls(
            message,
            errors=[FieldFault("amount", "conflict", message)],
            extra={"amountDue": shown(taken, currency)},
        )


class RefundExceedsPayment(Conflict):
    code = "REFUND_EXCEEDS_PAYMENT"
    sentence = "This is more than is left of the payment."

    @classmethod
    def beyond(cls, left: Decimal, currency: str) -> "RefundExceedsPayment":
        """Say what can be given back."""
        message = f"{shown(left, currency)} {currency} of the payment can still be given back."
        return cls(
            message,
            errors=[FieldFault("amount", "conflict", message)],
            extra={"amountRefundable": shown(left, currency)},
        )


class NotEnoughUnapplied(Conflict):
    """A conflict; `amountUnapplied` is what is left."""

    @classmethod
    def beyond(cls, left: Decimal, currency: str) -> "NotEnoughUnapplied":
        """Say what can be applied."""
        message = f"{shown(left, currency)} {currency} of the payment is not applied yet."
        return cls(
            message,
            errors=[FieldFault("allocations", "conflict", message)],
            extra={"amountUnapplied": shown(left, currency)},
        )
