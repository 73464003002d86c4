"""`mbs doctor money`: whatever is changed of money behind the service's back is found, and named."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations import doctor, doctor_money
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.answers import made
from tests.factories.calendar_objects import wish
from tests.factories.callers import Business, Caller, new_business
from tests.factories.invoices import charge_gst, item, new_customer, new_draft, new_invoice
from tests.factories.issued import new_key
from tests.operations.commands import run

Tamper = Callable[..., None]


@dataclass(frozen=True)
class Books:
    """A business with a document of each kind; the ids of those that are tampered with."""

    tenant: str
    open: str
    paid: str
    note: str
    billed: str
    payment: str
    number: str
    """Of the invoice that is open, the first of its series."""


@pytest.fixture(scope="module")
def kept(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> tuple[str, Books]:
    """The name of a database with one business in it, which nobody is connected to."""
    name = new_database()
    url = {"DATABASE_URL": login_url(server, name), "SKIP_RATE_LIMIT": "true"}
    app = create_app(Config.load({**environ, **url}))
    books = write_books(new_business(Caller(app), countryCode="IN"))
    app.extensions[EXTENSION].dispose()
    return name, books


@pytest.fixture
def books(
    server: Server, kept: tuple[str, Books], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Books]:
    """The same business in a database of its own, at which the command looks."""
    name, books = kept
    copy = f"{name}_copy"
    run_as_superuser(server, f"CREATE DATABASE {copy} TEMPLATE {name}")
    for variable, value in {**environ, "DATABASE_URL": login_url(server, copy)}.items():
        monkeypatch.setenv(variable, value)
    yield books
    run_as_superuser(server, f"DROP DATABASE {copy} WITH (FORCE)")


@pytest.fixture
def tamper(server: Server, kept: tuple[str, Books], books: Books) -> Iterator[Tamper]:
    """Change rows as a superuser can, whom no grant, no policy and no trigger stops."""
    with closing(psycopg2.connect(server.url(f"{kept[0]}_copy"))) as connection:
        connection.autocommit = True

        def change(statement: str, *parameters: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                cursor.execute(statement, parameters)
                assert cursor.rowcount != 0, "nothing was tampered with"

        yield change


def pay(owner: Business, invoice: Any, amount: str) -> str:
    body = {
        "customerId": invoice["customerId"],
        "invoiceId": invoice["id"],
        "amount": amount,
        "currency": invoice["currency"],
        "method": "cash",
    }
    id_: str = made(owner, "/api/payments", body, headers=new_key())["id"]
    return id_


def write_books(owner: Business) -> Books:
    """Let happen whatever happens to money: discounts, payments, refunds, credits, voids, billing."""
    charge_gst(owner)
    settings = {"invoicing": {"cashRounding": "1.00", "roundingScope": "line"}}
    exclusive: dict[str, Any] = {"taxMode": "exclusive", "discount": {"type": "percent", "value": "7.5"}}
    odd = [item(quantity="3.333", discount={"type": "amount", "value": "0.01"}), item(unitPrice="0.07")]
    first = new_invoice(owner)
    made(owner, "/api/tenant/settings", settings, "PATCH")
    paid = new_invoice(owner, *odd, **exclusive)
    payment = pay(owner, paid, paid["total"])
    refunded = new_invoice(owner, customerId=paid["customerId"])
    back = pay(owner, refunded, refunded["total"])
    reason = {"amount": "100.00", "reason": "Overcharged"}
    made(owner, f"/api/payments/{back}/refunds", reason, headers=new_key())
    reversed_ = pay(owner, new_invoice(owner), "10.00")
    made(owner, f"/api/payments/{reversed_}/reverse", {"reason": "Bounced"})
    credited = new_invoice(owner, *odd, **exclusive)
    lines = [{"invoiceLineId": credited["items"][0]["id"], "quantity": "1.111"}]
    path = f"/api/invoices/{credited['id']}/credit-notes"
    made(owner, path, {"reason": "Spoiled", "lines": lines})
    note = made(owner, path, {"reason": "Spoiled", "lines": [{**lines[0], "quantity": "0.222"}]})
    whole = new_invoice(owner, *odd)
    pay(owner, whole, "5.00")
    made(owner, f"/api/invoices/{whole['id']}/credit-notes", {"reason": "Never came", "settle": "refund"})
    void = new_invoice(owner)
    made(owner, f"/api/invoices/{void['id']}/void", {"reason": "Mistyped"})
    written_off = new_invoice(owner)
    made(owner, f"/api/invoices/{written_off['id']}/mark-uncollectible", {})
    new_invoice(owner, item(unitPrice="1500"), currency="JPY", customerId=new_customer(owner))
    new_draft(owner, *odd)
    # Where the one is, it is tomorrow already, and the other one numbers behind it.
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        place = {"name": zone, "timezone": zone, "invoicePrefix": "MUM"}
        new_invoice(owner, locationId=made(owner, "/api/locations", place)["id"])
    booking = made(owner, "/api/bookings", wish(owner))
    billed = made(owner, f"/api/bookings/{booking['id']}/invoice", {"issue": True})
    return Books(
        tenant=str(owner.tenant_id),
        open=first["id"],
        paid=paid["id"],
        note=note["id"],
        billed=billed["id"],
        payment=payment,
        number=first["number"],
    )


def examine(books: Books, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(doctor, "money", "--tenant", books.tenant, "--json")
    (tenant,) = json.loads(capsys.readouterr().out)["tenants"]
    return code, tenant


DOCUMENT = "UPDATE documents SET {} WHERE id = %s"
LINE = "UPDATE document_lines SET {} WHERE document_id = %s AND position = 1"
BREAKS = {
    "a line's tax": ("open", LINE.format("tax = tax + 0.01, total = total + 0.01"), "lines.1.tax"),
    "a line's net": ("open", LINE.format("net = net - 1, total = total - 1"), "lines.1.net"),
    "a line's price": ("open", LINE.format("unit_price = 900"), "lines.1.amount"),
    "a tax of a line": (
        "paid",
        LINE.format("""taxes = jsonb_set(taxes, '{0,amount}', '"1.00"')"""),
        "lines.1.taxes",
    ),
    "a rate that is none": ("paid", LINE.format("""taxes = '[{"rate": "x"}]'"""), "lines"),
    "a rate": ("paid", LINE.format("""taxes = jsonb_set(taxes, '{0,rate}', '"1"')"""), "lines.1.taxes"),
    "the total": ("open", DOCUMENT.format("total = total + 1, rounding = rounding + 1"), "rounding"),
    "the tax summary": ("open", DOCUMENT.format("tax_summary = '[]'"), "tax_summary"),
    "the discount": ("paid", DOCUMENT.format("discount_total = discount_total + 1"), "discount_total"),
    "what was paid": ("open", DOCUMENT.format("amount_paid = 1"), "amount_paid"),
    "what was credited": ("open", DOCUMENT.format("amount_credited = 1"), "amount_credited"),
    "the state": ("open", DOCUMENT.format("status = 'void'"), "status"),
    "a number": ("open", DOCUMENT.format("number = number || '7'"), "number"),
    "a credit note's line": ("note", LINE.format("net = net + 1, total = total + 1"), "lines.1.net"),
    "a credit note's place": ("note", DOCUMENT.format("place_of_supply = '07'"), "place_of_supply"),
    "a credit note's rounding": (
        "note",
        DOCUMENT.format("rounding = rounding + 1, total = total + 1"),
        "total",
    ),
    "a mark that it may be billed again": ("billed", LINE.format("released = true"), "lines.1.released"),
    "a payment's sum": ("payment", "UPDATE payments SET amount_applied = 0 WHERE id = %s", "amount_applied"),
    "a payment's amount": (
        "payment",
        "ALTER TABLE payments DROP CONSTRAINT ck__payments__applied;UPDATE payments SET amount=1 WHERE id=%s",
        "amount",
    ),
    "a payment's currency": (
        "payment",
        "UPDATE payments SET currency = 'USD' WHERE id = %s",
        "amount_applied",
    ),
}


class TestMoney:
    def test_is_well_where_only_the_service_wrote(
        self, books: Books, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor_money, "BATCH", 3)

        code, tenant = examine(books, capsys)

        assert (code, tenant["fault"]) == (0, None)
        assert (tenant["documents"], tenant["payments"], tenant["series"]) == (16, 4, 3)

    @pytest.mark.parametrize("what", BREAKS)
    def test_is_not_where_somebody_changed(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str], what: str
    ) -> None:
        which, statement, field = BREAKS[what]
        id_ = getattr(books, which)
        tamper(statement, id_)

        code, tenant = examine(books, capsys)

        assert code == 1
        assert (tenant["fault"]["id"], tenant["fault"]["field"]) == (id_, field)
        assert tenant["fault"]["stored"] != tenant["fault"]["derived"]

    def test_misses_a_number_that_was_removed(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper("DELETE FROM documents WHERE id = %s", books.open)

        code, tenant = examine(books, capsys)

        assert code == 1
        assert (tenant["fault"]["kind"], tenant["fault"]["field"]) == ("invoice", "number")
        assert tenant["fault"]["stored"] == "missing"
        place, _, seq = books.number.rpartition("/")
        assert (tenant["fault"]["number"], tenant["fault"]["id"]) == (f"{place}/{int(seq)}", None)

    @pytest.mark.parametrize(("by", "field"), [(1, "number"), (-1, "next_value")])
    def test_finds_a_counter_that_was_moved(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str], by: int, field: str
    ) -> None:
        tamper(f"UPDATE number_series SET next_value = next_value + {by} WHERE type = 'payment'")

        code, tenant = examine(books, capsys)

        assert code == 1
        assert (tenant["fault"]["kind"], tenant["fault"]["field"]) == ("payment", field)

    def test_finds_numbers_that_do_not_follow_their_days(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper("UPDATE documents SET issue_date = issue_date - 40 WHERE id = %s", books.billed)

        code, tenant = examine(books, capsys)

        assert code == 1
        assert (tenant["fault"]["id"], tenant["fault"]["field"]) == (books.billed, "issue_date")

    def test_finds_what_is_billed_twice(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper("DROP INDEX uq__document_lines__source")
        tamper(
            "UPDATE document_lines SET (source_type, source_id) = (SELECT source_type, source_id"
            " FROM document_lines WHERE document_id = %s AND position = 1) WHERE document_id = %s",
            books.billed,
            books.open,
        )

        code, tenant = examine(books, capsys)

        assert code == 1
        assert tenant["fault"]["id"] == books.billed
        assert (tenant["fault"]["field"], tenant["fault"]["derived"]) == ("lines.1.source", "billed once")

    def test_finds_a_state_that_no_constraint_allows(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper("ALTER TABLE documents DROP CONSTRAINT ck__documents__due")
        tamper(DOCUMENT.format("status = 'paid'"), books.open)

        code, tenant = examine(books, capsys)

        assert (code, tenant["fault"]["id"], tenant["fault"]["field"]) == (1, books.open, "status")
        assert (tenant["fault"]["stored"], tenant["fault"]["derived"]) == ("paid", "open")

    def test_names_the_document_to_people(
        self, books: Books, tamper: Tamper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tamper(DOCUMENT.format("amount_paid = 1"), books.open)
        capsys.readouterr()

        assert run(doctor, "money", "--tenant", books.tenant) == 1
        said = capsys.readouterr()
        assert f"invoice {books.number} ({books.open}): amount_paid is 1.0000 and must be 0" in said.out
        assert "documents" in said.err

    def test_of_a_business_that_is_not_there_is_no_question(
        self, books: Books, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(doctor, "money", "--tenant", "no-such-business") == 2
        assert "there is no tenant no-such-business" in capsys.readouterr().err

    def test_wants_to_know_whose(self) -> None:
        with pytest.raises(SystemExit) as refused:
            run(doctor, "money")
        assert refused.value.code == 2
