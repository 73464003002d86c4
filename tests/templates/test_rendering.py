"""From words and values to what is sent."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from mbs.templates.errors import Unrenderable
from mbs.templates.models.page import DEFAULT_COLOR, Look, readable_on
from mbs.templates.models.rendering import Rendered, render
from mbs.templates.models.words import Words

LOOK = Look("Asha's Salon")
URL = "https://example.com/b?r=1&t=2"
ALLOWED = {"html", "head", "meta", "title", "body", "div", "p", "br", "a", "bdi"}


class Page(HTMLParser):
    """The elements, addresses and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said += data

    @property
    def links(self) -> list[str | None]:
        return [value for name, value in self.attributes if name == "href"]


def mail(
    body: str, subject: str = "Hello", *, locale: str = "en", look: Look = LOOK, **values: Any
) -> Rendered:
    return render(Words("email", locale, body, subject=subject), values, look)


def page(rendered: Rendered) -> Page:
    assert rendered.html is not None
    return Page(rendered.html)


class TestValues:
    @pytest.mark.parametrize(
        "value",
        [
            "{{business}}",
            "{{ business }} {{customer}}",
            "{{7*7}}",
            "{0.__class__}",
            "%(business)s %s",
            "${business} #{business}",
            "{business}",
            "\\1 \\g<1>",
            "{% raw %}",
        ],
    )
    def test_stay_as_they_are_whatever_they_look_like(self, value: str) -> None:
        rendered = mail("{{customer}}!", "For {{customer}}", customer=value, business="SECRET")

        assert rendered.text == f"{value}!"
        assert rendered.subject == f"For {value}"
        assert f"{value}!" in page(rendered).said
        assert "SECRET" not in (rendered.html or "")

    @pytest.mark.parametrize(
        "value",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</title></head><body onload=alert(1)>",
            "<a href='https://evil.example'>click</a>",
            "</p></div><iframe src=//evil.example>",
            "&lt;script&gt; &amp;",
        ],
    )
    def test_are_text_in_the_page(self, value: str) -> None:
        rendered = mail("Hello {{customer}}", "{{customer}}", look=Look(value), customer=value)
        shown = page(rendered)

        assert set(shown.tags) <= ALLOWED
        assert shown.links == []
        # Header, title and paragraph.
        assert shown.said.count(value) == 3
        assert rendered.text == f"Hello {value}"

    @pytest.mark.parametrize("value", ["Eve\r\nBcc: x@example.com", "Eve\nBcc: x", "Eve\x0bBcc", "E\x00ve\r"])
    def test_bring_no_line_into_a_subject(self, value: str) -> None:
        subject = mail("Hello", "For {{customer}}", customer=value).subject

        assert subject is not None
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", subject)

    def test_of_several_lines_stay_so_in_the_body(self) -> None:
        rendered = mail("Reason: {{reason}}", reason="Ill.\r\n\r\nSorry <3")

        assert rendered.text == "Reason: Ill.\n\nSorry <3"
        assert page(rendered).tags.count("p") == 2

    @pytest.mark.parametrize("value", [None, "", "  ", "\x00", "\n"])
    def test_that_are_missing_are_a_fault_and_never_a_blank(self, value: str | None) -> None:
        with pytest.raises(Unrenderable, match="customer"):
            mail("Hello {{customer}}", customer=value)
        with pytest.raises(Unrenderable, match="customer"):
            mail("Hello", "For {{customer}}", customer=value)

    def test_that_may_be_missing_take_their_line_with_them(self) -> None:
        body = "Confirmed.\n\nWith: {{staff}}\n\nChange it: {{manageUrl}}\n\nBye"

        assert mail(body).text == "Confirmed.\n\nBye"
        assert mail(body, staff="Maya").text == "Confirmed.\n\nWith: Maya\n\nBye"

    def test_that_may_be_missing_never_leave_nothing(self) -> None:
        with pytest.raises(Unrenderable, match="reason"):
            mail("Reason: {{reason}}")

    def test_turn_no_words_around(self) -> None:
        rendered = mail("Hello {{customer}}, welcome", customer="Eve\u202emoc.live")

        assert rendered.text == "Hello Evemoc.live, welcome"
        assert "<bdi>Evemoc.live</bdi>, welcome" in (rendered.html or "")

    def test_need_not_be_texts(self) -> None:
        assert mail("{{count}} messages", count=3).text == "3 messages"


class TestAPage:
    def test_loads_nothing_and_runs_nothing(self) -> None:
        shown = page(mail("Hello\n\n{{manageUrl}}", manageUrl=URL))

        assert set(shown.tags) <= ALLOWED
        assert {name for name, _ in shown.attributes} <= {
            "lang",
            "dir",
            "charset",
            "name",
            "content",
            "style",
            "href",
        }
        assert not any("url(" in (value or "") for name, value in shown.attributes if name == "style")

    def test_has_paragraphs_and_lines_as_the_text_has(self) -> None:
        shown = page(mail("One\nTwo\n\nThree"))

        assert (shown.tags.count("p"), shown.tags.count("br")) == (2, 1)

    def test_makes_a_link_of_an_address_that_the_program_gave(self) -> None:
        assert page(mail("Here: {{manageUrl}}", manageUrl=URL)).links == [URL]

    @pytest.mark.parametrize("name", ["customer", "reason", "url"])
    def test_makes_no_link_of_anything_else(self, name: str) -> None:
        values: dict[str, Any] = {name: URL}
        assert page(mail(f"{{{{{name}}}}}\nhttps://example.com/typed", **values)).links == []

    @pytest.mark.parametrize(
        "address", ["javascript:alert(1)", "data:text/html,x", "https://a b", 'https://a"b']
    )
    def test_makes_no_link_of_what_is_no_web_address(self, address: str) -> None:
        shown = page(mail("{{payUrl}}", payUrl=address))

        assert shown.links == []
        assert address in shown.said

    @pytest.mark.parametrize(
        ("locale", "direction"),
        [("en", "ltr"), ("hi-IN", "ltr"), ("ar", "rtl"), ("he", "rtl"), ("ur-PK", "rtl"), ("ar-AE", "rtl")],
    )
    def test_says_its_language_and_how_it_is_written(self, locale: str, direction: str) -> None:
        html = mail("Hello", locale=locale).html

        assert html is not None
        assert f'<html lang="{locale}" dir="{direction}">' in html

    def test_is_in_the_color_of_the_business(self) -> None:
        assert "background:#FFEE00;color:#000000" in (mail("x", look=Look("A", "#FFEE00")).html or "")
        assert "background:#102030;color:#FFFFFF" in (mail("x", look=Look("A", "#102030")).html or "")

    @pytest.mark.parametrize(
        "color", [None, "red", "#FFF", "#1234567", "#12345G", "#123456;background:url(x)", ""]
    )
    def test_takes_nothing_else_for_a_color(self, color: str | None) -> None:
        html = mail("x", look=Look("A", color)).html

        assert html is not None
        assert f"background:{DEFAULT_COLOR}" in html
        assert "url(x)" not in html

    @pytest.mark.parametrize(
        "color", ["#000000", "#FFFFFF", "#FF0000", "#00FF00", "#0000FF", "#777777", "#1F3A5F"]
    )
    def test_can_be_read_on_every_color(self, color: str) -> None:
        assert readable_on(color) == (
            "#000000" if color in ("#FFFFFF", "#FF0000", "#00FF00", "#777777") else "#FFFFFF"
        )


class TestWhatsApp:
    @staticmethod
    def rendered(
        body: str = "Hello {{customer}}", places: dict[str, str] | None = None, **values: Any
    ) -> Rendered:
        return render(Words("whatsapp", "en", body, content_variables=places or {}), values, LOOK)

    def test_has_text_and_the_values_of_its_places(self) -> None:
        rendered = self.rendered(
            places={"1": "customer", "2": "service"}, customer="Asha", service="Cut {{1}}"
        )

        assert rendered.text == "Hello Asha"
        assert rendered.content_variables == {"1": "Asha", "2": "Cut {{1}}"}
        assert (rendered.subject, rendered.html) == (None, None)

    def test_takes_no_line_breaks_in_its_places(self) -> None:
        places = self.rendered(places={"1": "customer"}, customer="A\n\tB     C\x07").content_variables
        assert places == {"1": "A B C"}

    def test_leaves_no_place_empty(self) -> None:
        with pytest.raises(Unrenderable, match="staff"):
            self.rendered(places={"1": "staff"}, customer="Asha")

    def test_is_not_longer_than_whatsapp_takes(self) -> None:
        assert len(self.rendered(customer="x" * 1018).text) == 1024
        with pytest.raises(Unrenderable, match="1024"):
            self.rendered(customer="x" * 1019)
