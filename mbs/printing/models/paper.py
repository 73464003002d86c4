"""A4 pages with a head, a foot and a watermark, and the few ways in which a text is written on them."""

from typing import cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue

from mbs.printing.models import fonts
from mbs.printing.models.sheet import Sheet

MARGIN, WIDTH, HEIGHT = 15.0, 180.0, 297.0
BOTTOM = HEIGHT - 22.0

Color = tuple[int, int, int]
INK: Color = (33, 37, 41)
GRAY: Color = (108, 117, 125)
PALE: Color = (222, 226, 230)

PAGE_COUNT = "\ue000" * 4
"""Stands for the number of pages until it is known; a text of a document never holds it (`printable`)."""

FIRST_SHAPED = "\u0300"
"""Before it are letters that stand side by side; to shape those too would take three times as long."""


class Paper(FPDF):
    """Every text goes through `one_line`, which takes it as it is: no markup."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="A4")
        self.sheet = sheet
        self.set_title(f"{sheet.title} {sheet.number}")
        self.set_author(sheet.seller.name)
        self.set_creator("MyBizStream")
        self.set_lang(sheet.language)
        self.set_creation_date(sheet.created)
        self.set_margin(MARGIN)
        self.c_margin = 1.0
        self.set_auto_page_break(False)
        self.alias_nb_pages(PAGE_COUNT)
        red, green, blue = (int(sheet.color[at : at + 2], 16) for at in (1, 3, 5))
        self.color = (red, green, blue)
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 150
        self.on_color = (255, 255, 255) if dark else INK
        # Last: it opens files, which `draw` closes whatever happens.
        fonts.load(self, fonts.texts_of(sheet))

    def header(self) -> None:
        """Begin a page: the watermark lies under all that follows."""
        if self.sheet.watermark:
            self.ink(110, "B", PALE)
            width = self.get_string_width(self.sheet.watermark)
            with self.rotation(50, self.w / 2, self.h / 2):
                self.text(self.w / 2 - width / 2, self.h / 2 + 14, self.sheet.watermark)
        self.set_fill_color(*self.color)
        self.rect(0, 0, self.w, 3, "F")
        self.set_y(MARGIN)
        if self.page_no() > 1:
            self.block(MARGIN, WIDTH / 2, self.sheet.seller.name, 8, color=GRAY, most=1)
            self.set_y(MARGIN)
            self.one_line(
                MARGIN + WIDTH / 2,
                WIDTH / 2,
                f"{self.sheet.title} {self.sheet.number}",
                8,
                color=GRAY,
                align="R",
            )
            self.set_y(MARGIN + 8)

    def footer(self) -> None:
        self.set_y(HEIGHT - 18)
        self.block(MARGIN, WIDTH - 30, self.sheet.footer, 7, color=GRAY, most=3)
        self.set_y(HEIGHT - 12)
        self.one_line(MARGIN, WIDTH, f"Page {self.page_no()} of {PAGE_COUNT}", 7, color=GRAY, align="R")

    def legible(self) -> Color:
        """Return the brand's color where it can be read on white, else that of the text."""
        return self.color if self.on_color == (255, 255, 255) else INK

    def ink(self, size: float, style: str = "", color: Color = INK) -> None:
        self.set_font(fonts.MAIN, style, size)
        self.set_text_color(*color)

    def _shape(self, text: str) -> bool:
        shaped = max(text, default="") >= FIRST_SHAPED
        self.set_text_shaping(shaped)
        return shaped

    def wrapped(self, text: str, width: float, size: float, style: str = "") -> list[str]:
        """Return a text's lines in a column of a width in millimetres; a longer word is broken."""
        self.ink(size, style)
        wrapped: list[str] = []
        for line in fonts.lines_of(text) if self._shape(text) else text.split("\n"):
            if self.get_string_width(line) <= width - 2 * self.c_margin:
                wrapped.append(line)
            else:
                lines = self.multi_cell(
                    width, 4, line, align="L", dry_run=True, output=MethodReturnValue.LINES
                )
                wrapped += cast(list[str], lines)
        return wrapped

    def one_line(
        self,
        x: float,
        width: float,
        text: str,
        size: float,
        style: str = "",
        color: Color = INK,
        align: str = "L",
        spacing: float = 4.2,
    ) -> None:
        """Write one line, whatever its length, and go to the next."""
        self.ink(size, style, color)
        self._shape(text)
        self.set_x(x)
        self.cell(width, spacing, text, align=align, new_x="LEFT", new_y="NEXT")

    def block(
        self,
        x: float,
        width: float,
        text: str,
        size: float,
        style: str = "",
        color: Color = INK,
        align: str = "L",
        spacing: float = 4.2,
        most: int = 8,
    ) -> None:
        """Write a text in as many lines as it needs, at most so many."""
        for line in self.wrapped(text, width, size, style)[:most] if text else ():
            self.one_line(x, width, line, size, style, color, align, spacing)

    def flowing(self, text: str, size: float, style: str = "") -> None:
        for line in self.wrapped(text, WIDTH, size, style):
            if self.get_y() + 5 > BOTTOM:
                self.add_page()
            self.one_line(MARGIN, WIDTH, line, size, style)
