"""A small model of invoices, payments and credit notes: sums, and who gets what back, and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
UNITS: Mapping[str, Decimal] = {"INR": Decimal("0.01"), "JPY": Decimal(1)}


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(UNITS[currency], ROUND_HALF_UP)


class Refused(Exception):
    """The model refuses; so must the service."""


@dataclass(eq=False)
class Line:
    """`credited`, and by which quantity, if not as an amount."""

    id: str
    quantity: Decimal
    total: Decimal
    credited: Decimal = ZERO
    by: Decimal = ZERO

    @property
    def is_credited(self) -> bool:
        return self.credited == self.total and (self.total > 0 or self.by == self.quantity)


@dataclass(eq=False)
class Invoice:
    id: str
    customer: str
    currency: str
    total: Decimal
    lines: list[Line]
    status: str = "draft"
    credited: Decimal = ZERO

    @property
    def is_issued(self) -> bool:
        return self.status in ("open", "paid", "uncollectible")


@dataclass(eq=False)
class Payment:
    id: str
    customer: str
    currency: str
    amount: Decimal
    refunded: Decimal = ZERO
    reversed: bool = False

    @property
    def status(self) -> str:
        if self.reversed:
            return "reversed"
        if not self.refunded:
            return "succeeded"
        return "refunded" if self.refunded == self.amount else "partially_refunded"


@dataclass(eq=False)
class Allocation:
    payment: Payment
    invoice: Invoice
    amount: Decimal


Part = tuple[Line, str, Decimal]
"""A line, `quantity` or `amount`, and how much."""


@dataclass
class Ledger:
    """Allocations stand in the order in which they were made: the last is taken out first."""

    invoices: list[Invoice] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)

    def paid(self, invoice: Invoice) -> Decimal:
        return sum((one.amount for one in self.allocations if one.invoice is invoice), ZERO)

    def due(self, invoice: Invoice) -> Decimal:
        return invoice.total - self.paid(invoice) - invoice.credited

    def applied(self, payment: Payment) -> Decimal:
        return sum((one.amount for one in self.allocations if one.payment is payment), ZERO)

    def unapplied(self, payment: Payment) -> Decimal:
        return ZERO if payment.reversed else payment.amount - self.applied(payment) - payment.refunded

    def settle(self) -> None:
        for invoice in self.invoices:
            if invoice.is_issued:
                if not self.due(invoice):
                    invoice.status = "paid"
                elif invoice.status == "paid":
                    invoice.status = "open"

    def apply(self, payment: Payment, wanted: Mapping[Invoice, Decimal]) -> None:
        for invoice, amount in wanted.items():
            same = (invoice.customer, invoice.currency) == (payment.customer, payment.currency)
            if not same or not invoice.is_issued or amount > self.due(invoice):
                raise Refused
        if payment.reversed or sum(wanted.values()) > self.unapplied(payment):
            raise Refused
        self.allocations += [Allocation(payment, invoice, amount) for invoice, amount in wanted.items()]
        self.settle()

    def pay(self, payment: Payment, wanted: Mapping[Invoice, Decimal], *, surplus: bool) -> None:
        if sum(wanted.values()) < payment.amount and not surplus:
            raise Refused
        self.apply(payment, wanted)
        self.payments.append(payment)

    def take(self, which: Callable[[Allocation], bool], amount: Decimal) -> Iterator[tuple[Payment, Decimal]]:
        """Take an amount out of allocations, the last first; what is left of one is a new one."""
        for one in [*reversed(self.allocations)]:
            if amount and which(one):
                part = min(amount, one.amount)
                amount -= part
                self.allocations.remove(one)
                if part < one.amount:
                    self.allocations.append(Allocation(one.payment, one.invoice, one.amount - part))
                yield one.payment, part

    def refund(self, payment: Payment, amount: Decimal) -> None:
        if payment.reversed or amount > payment.amount - payment.refunded:
            raise Refused
        missing = max(amount - self.unapplied(payment), ZERO)
        list(self.take(lambda one: one.payment is payment, missing))
        payment.refunded += amount
        self.settle()

    def reverse(self, payment: Payment) -> None:
        if payment.refunded:
            raise Refused
        self.allocations = [one for one in self.allocations if one.payment is not payment]
        payment.reversed = True
        self.settle()

    def credit(self, invoice: Invoice, parts: list[Part] | None, *, settle: str) -> Decimal:
        """Credit parts of an invoice, or all that is left; return what the note comes to."""
        taken = self._taken(invoice, parts)
        lines = sum((amount for amount, _ in taken.values()), ZERO)
        last = all(self._after(line, *taken.get(line, (ZERO, ZERO))).is_credited for line in invoice.lines)
        left = invoice.total - invoice.credited
        total = left if last else min(lines, left)
        back = max(total - self.due(invoice), ZERO)
        if back and settle == "apply":
            raise Refused
        for payment, amount in self.take(lambda one: one.invoice is invoice, back):
            if settle == "refund":
                payment.refunded += amount
        for line, (amount, by) in taken.items():
            line.credited, line.by = line.credited + amount, line.by + by
        invoice.credited += total
        self.settle()
        return total

    def _taken(self, invoice: Invoice, parts: list[Part] | None) -> dict[Line, tuple[Decimal, Decimal]]:
        if not invoice.is_issued:
            raise Refused
        if parts is None:
            left = [line for line in invoice.lines if not line.is_credited]
            if not left:
                raise Refused
            return {line: self._rest(line, invoice.currency) for line in left}
        taken = {}
        for line, kind, much in parts:
            amount, by = much, ZERO
            if kind == "quantity":
                if line.by + much > line.quantity:
                    raise Refused
                before, after = (
                    rounded(line.total * quantity / line.quantity, invoice.currency)
                    for quantity in (line.by, line.by + much)
                )
                amount, by = after - before, much
            if amount > line.total - line.credited:
                raise Refused
            taken[line] = (amount, by)
        return taken

    @staticmethod
    def _rest(line: Line, currency: str) -> tuple[Decimal, Decimal]:
        whole = line.credited == rounded(line.total * line.by / line.quantity, currency)
        return line.total - line.credited, line.quantity - line.by if whole else ZERO

    @staticmethod
    def _after(line: Line, amount: Decimal, by: Decimal) -> Line:
        return Line(line.id, line.quantity, line.total, line.credited + amount, line.by + by)
