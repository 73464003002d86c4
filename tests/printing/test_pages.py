"""What stands on the pages of a document."""

import re
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest

from mbs.printing.models.fonts import ARABIC, MAIN, coverage, printable
from tests.printing.paper import printed, text_of, texts_of
from tests.printing.samples import JANE, SALON, business, line

VAT = [{"code": "VAT", "rate": "5", "amount": "5.00"}]


class TestASalonBill:
    def test_shows_what_is_inside_the_price(self) -> None:
        text = text_of(printed())
        assert text.count("23.79") == 2
        assert "CGST 2.5% 951.42 23.79 SGST 2.5% 951.42 23.79" in text
        assert "Subtotal ₹951.42 Tax ₹47.58 Total ₹999.00" in text
        assert "Prices include tax." in text

    def test_says_who_sells_to_whom_and_where(self) -> None:
        text = text_of(printed(buyer={**JANE, "taxId": "27AAPFU0939F1ZV", "taxStatus": "registered"}))
        for said in (
            *(
                "Tax invoice",
                "MUM/2526/00042",
                "2 Mar 2026",
                "9 Mar 2026",
                "27 Maharashtra",
                "HSN/SAC 999721",
            ),
            *("Asha's Salon", "12 MG Road", "Mumbai 400001", "India", "Jane Smith", "jane@example.com"),
        ):
            assert said in text
        assert text.count("GSTIN: 27AAPFU0939F1ZV") == 2

    def test_shows_notes_terms_and_footer(self) -> None:
        text = text_of(printed(notes="See you\nsoon.", terms="Within seven days.", footer="Thank you"))
        assert "Notes See you soon." in text
        assert "Terms Within seven days." in text
        assert "Thank you" in text


class TestAmounts:
    def test_are_grouped_as_the_locale_groups(self) -> None:
        large = line(price="12345678.90", net="12345678.90", taxes=())
        assert "₹1,23,45,678.90" in text_of(printed(large))
        assert "₹12,345,678.90" in text_of(printed(large, of=business(locale="en-US")))

    def test_have_the_decimals_of_their_currency(self) -> None:
        yen = line(price="1200", net="1200", taxes=[{"code": "JCT", "rate": "10", "amount": "120"}])
        text = text_of(printed(yen, currency="JPY", of=business(locale="en-JP")))
        assert "Total ¥1,320" in text
        assert "¥1,320." not in text
        dinar = line(price="1.250", net="1.250", taxes=())
        assert "Total KWD 1.250" in text_of(printed(dinar, currency="KWD", of=business(locale="en-KW")))

    def test_are_exact_however_large(self) -> None:
        largest = line(price="999999999999.99", net="999999999999.99", taxes=())
        assert "₹9,99,99,99,99,999.99" in text_of(printed(largest))

    def test_show_what_is_due_and_what_was_paid(self) -> None:
        text = text_of(printed(amount_paid=Decimal("500.00"), amount_due=Decimal("499.00")))
        assert "Paid ₹500.00 Amount due ₹499.00" in text

    def test_show_discount_and_rounding_only_if_there_are_any(self) -> None:
        plain = text_of(printed())
        assert "Discount" not in plain
        assert "Rounding" not in plain
        cut = line(document_discount=Decimal("100.00"), net="856.19", taxes=())
        text = text_of(printed(cut, discount_total=Decimal("100.00"), rounding=Decimal("-0.19")))
        assert "Discount, taken off above ₹100.00" in text
        assert "Rounding -₹0.19" in text

    def test_are_written_in_english_beside_english_words_where_the_script_runs_leftwards(self) -> None:
        dirham = line(price="100.00", net="100.00", taxes=VAT)
        assert "Total AED 105.00" in text_of(printed(dirham, currency="AED", of=business(locale="ar-AE")))


class TestTheState:
    @pytest.mark.parametrize(("status", "mark"), [("draft", "DRAFT"), ("void", "VOID")])
    def test_lies_under_what_must_not_be_paid(self, status: str, mark: str) -> None:
        number = None if status == "draft" else "MUM/2526/00042"
        text = text_of(printed(status=status, number=number, of=business(upiId="asha@okbank")))
        assert mark in text
        assert "Amount due" not in text
        assert "UPI" not in text

    def test_is_stamped_on_what_was_paid(self) -> None:
        paid: Any = {"status": "paid", "amount_paid": Decimal("999.00"), "amount_due": Decimal(0)}
        text = text_of(printed(**paid, of=business(upiId="asha@okbank")))
        assert "PAID" in text
        assert "UPI" not in text
        assert "PAID" not in text_of(printed())

    def test_of_a_credit_note_names_its_invoice(self) -> None:
        credit: Any = {"type": "credit_note", "status": "issued", "title": "Credit note", "due_date": None}
        text = text_of(printed(**credit, original_number="MUM/2526/00041", reason="A mistake"))
        assert "Credit note" in text
        assert "For invoice MUM/2526/00041" in text
        assert "A mistake" in text
        assert "Amount due" not in text

    def test_says_that_the_recipient_pays_the_tax(self) -> None:
        charged = line(taxes=(), tax_kind="reverse_charge")
        text = text_of(printed(charged, reverse_charge=True))
        assert "payable by the recipient" in text
        assert "Reverse charge 951.42 0.00" in text

    def test_of_a_business_without_taxes_shows_none(self) -> None:
        untaxed = {**SALON, "taxRegime": "none", "taxRegistration": None}
        text = text_of(printed(line(taxes=()), title="Invoice", seller=untaxed))
        assert "Tax" not in text
        assert "Place of supply" not in text


class TestPages:
    def test_repeat_the_heading_and_are_numbered(self) -> None:
        pages = texts_of(printed(*(line(f"Haircut number {n}", position=n) for n in range(1, 201))))
        assert len(pages) > 5
        for number, page in enumerate(pages, start=1):
            assert f"Page {number} of {len(pages)}" in page
            assert ("# Description" in page) is ("Haircut number" in page)
            assert "MUM/2526/00042" in page
        text = " ".join(pages)
        assert [n for n in range(1, 201) if f"Haircut number {n} " not in text] == []
        assert "Total ₹1,99,800.00" in pages[-1]

    def test_wrap_what_is_long_and_tear_what_is_longer_than_a_page(self) -> None:
        words = [f"word{number}" for number in range(1200)]
        pages = texts_of(printed(line(" ".join(words))))
        assert len(pages) > 2
        assert [word for word in words if not re.search(rf"\b{word}\b", " ".join(pages))] == []

    def test_are_equal_for_equal_documents(self) -> None:
        assert printed() == printed()
        assert printed() != printed(number="MUM/2526/00043")

    def test_tell_title_and_language(self) -> None:
        file = printed()
        opened = pypdfium2.PdfDocument(file)
        assert opened.get_metadata_value("Title") == "Tax invoice MUM/2526/00042"
        assert opened.get_metadata_value("CreationDate").startswith("D:20260302043000")
        opened.close()
        assert b"/Lang (en-IN)" in file

    def test_load_nothing_and_run_nothing(self) -> None:
        file = printed(notes="https://example.com javascript:alert(1)", footer="/URI /JS /JavaScript")
        for key in (b"/URI", b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/OpenAction <<", b"/AA"):
            assert key not in file


class TestEveryScript:
    def test_stands_on_one_page(self) -> None:
        words = ["Haircut", "बाल कटवाना", "Zoë", "Жанна", "Ελένη"]
        joined = "حلاقة क्षत्रिय فاطمة الهاشمي"
        text = text_of(printed(line(" ₹ ".join(words)), buyer={**JANE, "name": joined}))
        assert [word for word in words if word not in text] == []
        # What is drawn as one glyph, or as a letter and its dots, is told in another order.
        assert set(joined) <= set(text)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("刀 Sharpening", "\ufffd Sharpening"),
            ("Cut \U0001f600\u2702\ufe0f", "Cut "),
            ("தமிழ்", "\ufffd\ufffd\ufffd"),
            ("\U0001f1ee\U0001f1f3 ok\ud800", " ok"),
            ("क्षत्रिय حلاقة ₹", "क्षत्रिय حلاقة ₹"),
        ],
    )
    def test_without_a_face_is_marked_and_never_an_empty_box(self, text: str, shown: str) -> None:
        assert printable(text) == shown
        assert set(map(ord, shown)) <= coverage(MAIN) | coverage(ARABIC)
        printed(line(text), notes=text)

    @pytest.mark.parametrize("run", ["漢", "- ", "漢\n"])
    def test_may_have_thousands_of_signs_without_a_direction(self, run: str) -> None:
        text = text_of(printed(notes=f"كلمة {run * 2000} end"))
        assert "end" in text


HOSTILE = [
    "**bold** __under__ ~~gone~~ --x--",
    "<b>bold</b> <script>alert(1)</script>",
    "{nb} {nb} %s %(x)s {0}",
    "(((\\)) /Type /Catalog >> endobj stream",
    "x" * 200,
    "[link](https://example.com)",
]


class TestNames:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_are_printed_as_they_are(self, name: str) -> None:
        text = text_of(printed(line(name), buyer={**JANE, "name": name}, notes=name, footer=name))
        # Lines end where they must, which the text does not tell.
        assert text.replace(" ", "").count(name.replace(" ", "")) >= 3

    def test_cannot_turn_the_text_around_or_hide_in_it(self) -> None:
        text = text_of(printed(line("pay \u202e00.1\u202c \u200bnow\x1b[31m\ue000")))
        assert "pay 00.1 now [31m" in text

    def test_of_tax_numbers_follow_the_country(self) -> None:
        emirates = {**SALON, "country": "AE", "taxRegime": "vat", "taxRegistration": "100123456700003"}
        assert "TRN: 100123456700003" in text_of(printed(seller=emirates, place_of_supply="AE"))
        britain = {**SALON, "country": "GB", "taxRegime": "vat", "taxRegistration": "GB980780684"}
        assert "VAT number: GB980780684" in text_of(printed(seller=britain, place_of_supply="GB"))
