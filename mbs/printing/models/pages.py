"""Draws a sheet on pages of A4, as PDF. Loaded at the first print: its libraries are slow to start."""

from io import BytesIO

import segno
from PIL import Image

from mbs.printing.models import fonts
from mbs.printing.models.paper import BOTTOM, GRAY, INK, MARGIN, PALE, WIDTH, Paper
from mbs.printing.models.sheet import Item, Party, Sheet

LOGO = (50.0, 22.0)
LARGEST_PIXEL = 25.4 / 72
"""In millimetres: a small logo is not blown up until it blurs."""

CODE_SIDE = 30.0
KEPT_TOGETHER = 80.0
"""A row taller than this is torn by the end of a page; any other begins on the next."""

Column = tuple[str, float, str]


def draw(sheet: Sheet) -> bytes:
    """Return the PDF of a sheet; equal sheets give equal bytes."""
    pages = Pages(fonts.cleaned(sheet))
    try:
        pages.add_page()
        pages.head()
        pages.items()
        pages.sums()
        pages.texts()
        fonts.forget_shaping(pages)
        return bytes(pages.output())
    finally:
        fonts.close(pages)


class Pages(Paper):
    """One document. Every text goes through `_line` or `_block`, which take it as it is: no markup."""

    def head(self) -> None:
        """Draw who sells, who buys, and what the document is."""
        sheet, half = self.sheet, WIDTH / 2
        top = self.get_y()
        if sheet.logo:
            self.set_y(top + self._logo(sheet.logo, top) + 3)
        self._party(MARGIN, half, sheet.seller, 13)
        left = self.get_y()
        self.set_y(top)
        self.block(MARGIN + half, half, sheet.title, 18, "B", self.legible(), align="R", spacing=9)
        for label, said in sheet.facts:
            at = self.get_y()
            self.one_line(MARGIN + half, half - 52, label, 8.5, color=GRAY, align="R")
            self.set_y(at)
            self.block(MARGIN + WIDTH - 52, 52, said, 8.5, align="R")
        self.set_y(max(left, self.get_y()) + 4)
        self.set_draw_color(*self.color)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self.ln(3)
        self._party(MARGIN, WIDTH, sheet.buyer, 10)
        self.ln(4)

    def items(self) -> None:
        """Draw the table of lines, its heading anew on every page."""
        self._columns = self._measured()
        self._heading()
        for item in self.sheet.items:
            cells = self._cells(item)
            rows = max(len(cell) for cell in cells)
            if self.get_y() + min(rows * 4.0 + 2, KEPT_TOGETHER) > BOTTOM:
                self._next_page()
            self.ln(1)
            for number in range(rows):
                if self.get_y() + 5 > BOTTOM:
                    self._next_page()
                self._row([cell[number] if number < len(cell) else ("", False) for cell in cells])
            self.ln(1)
            self.set_draw_color(*PALE)
            self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self._columns = []

    def sums(self) -> None:
        """Draw taxes by rate on the left, the totals on the right, and what is to be paid how."""
        sheet = self.sheet
        code = CODE_SIDE + 12 if sheet.payment_code else 0
        needed = max(len(sheet.totals) * 6, (len(sheet.taxes) + 1) * 4.5 + code) + 10
        if self.get_y() + needed > BOTTOM:
            self.add_page()
        self.ln(4)
        top, left, right = self.get_y(), 95.0, 75.0
        if sheet.taxes:
            for number, row in enumerate([("Tax", "Taxable amount", "Tax amount"), *sheet.taxes]):
                at, style = self.get_y(), "B" if number == 0 else ""
                for offset, width, align, text in zip((0, 37, 64), (37, 27, 27), "LRR", row, strict=True):
                    self.set_y(at)
                    self.one_line(MARGIN + offset, width, text, 7.5, style, GRAY, align, 4.5)
        if sheet.payment_code:
            self._payment_code(sheet.payment_code, sheet.payment_caption)
        bottom = self.get_y()
        self.set_y(top)
        for total in sheet.totals:
            at, style = self.get_y(), "B" if total.strong else ""
            size = 10.5 if total.strong else 9
            self.one_line(MARGIN + WIDTH - right, 30, total.label, size, style, spacing=6)
            self.set_y(at)
            self.one_line(MARGIN + WIDTH - right + 30, right - 30, total.amount, size, style, INK, "R", 6)
        if sheet.stamp:
            self._stamp(sheet.stamp, MARGIN + left + 10)
        self.set_y(max(bottom, self.get_y()) + 4)

    def texts(self) -> None:
        """Draw what is said besides: statements of the law, notes and terms."""
        for statement in self.sheet.statements:
            self.flowing(statement, 8.5, "B")
        for heading, text in self.sheet.paragraphs:
            self.ln(2)
            self.flowing(heading, 8.5, "B")
            self.flowing(text, 8.5)

    def _logo(self, logo: bytes, top: float) -> float:
        """Draw a logo at the left, and return its height."""
        with Image.open(BytesIO(logo)) as picture:
            size = picture.size
        scale = min(LARGEST_PIXEL, *(most / pixels for most, pixels in zip(LOGO, size, strict=True)))
        width, height = (pixels * scale for pixels in size)
        self.image(BytesIO(logo), MARGIN, top, width, height, alt_text="Logo")
        return height

    def _party(self, x: float, width: float, party: Party, size: float) -> None:
        if party.heading:
            self.one_line(x, width, party.heading, 8, color=GRAY)
        self.block(x, width, party.name, size, "B", spacing=size * 0.5)
        for line in party.lines:
            self.block(x, width, line, 8.5)

    def _measured(self) -> list[Column]:
        """Return the columns that have something to say, each as wide as its longest figure."""
        items = self.sheet.items
        taxed = any(item.tax for item in items)
        named = [("Quantity", "quantity", 16.0, True), ("Unit price", "price", 19.0, True)]
        named.append(("Discount", "discount", 17.0, any(item.discount for item in items)))
        named += [("Net", "net", 19.0, taxed), ("Tax", "tax", 22.0, taxed), ("Amount", "total", 21.0, True)]
        self.ink(8)
        columns: list[Column] = []
        for heading, name, least, wanted in named:
            longest = max((getattr(item, name) for item in items), key=len, default="")
            if wanted:
                columns.append((heading, max(least, self.get_string_width(longest) + 3), name))
        rest = WIDTH - 8 - sum(width for _, width, _ in columns)
        return [("#", 8.0, "position"), ("Description", rest, "description"), *columns]

    def _cells(self, item: Item) -> list[list[tuple[str, bool]]]:
        """Return what stands in each column of an item, line by line, and whether it is small."""
        cells = []
        for _, width, name in self._columns:
            lines = [(line, False) for line in self.wrapped(getattr(item, name), width, 8)]
            below = {"description": item.small, "tax": item.tax_note}.get(name, "")
            lines += [(line, True) for line in self.wrapped(below, width, 6.5)] if below else []
            cells.append(lines)
        return cells

    def _row(self, cells: list[tuple[str, bool]]) -> None:
        x, y = MARGIN, self.get_y()
        for (text, small), (_, width, name) in zip(cells, self._columns, strict=True):
            if text:
                self.set_y(y)
                align = "L" if name in ("position", "description") else "R"
                self.one_line(x, width, text, 6.5 if small else 8, "", GRAY if small else INK, align, 4.0)
            x += width
        self.set_y(y + 4.0)

    def _heading(self) -> None:
        x, y = MARGIN, self.get_y()
        self.set_fill_color(*self.color)
        self.rect(MARGIN, y, WIDTH, 6.5, "F")
        for heading, width, name in self._columns:
            self.set_y(y + 0.75)
            align = "L" if name in ("position", "description") else "R"
            self.one_line(x, width, heading, 8, "B", self.on_color, align, 5)
            x += width
        self.set_y(y + 6.5)

    def _next_page(self) -> None:
        self.add_page()
        if self._columns:
            self._heading()

    def _payment_code(self, said: str, caption: str) -> None:
        self.ln(3)
        code = segno.make(said, micro=False, error="m")
        modules = [bytes(row) for row in code.matrix]
        side, top = CODE_SIDE / len(modules), self.get_y()
        self.set_fill_color(0, 0, 0)
        for number, row in enumerate(modules):
            column = 0
            while (column := row.find(1, column)) >= 0:
                end = row.find(0, column)
                end = len(row) if end < 0 else end
                self.rect(MARGIN + 1 + column * side, top + number * side, (end - column) * side, side, "F")
                column = end
        self.set_y(top + CODE_SIDE + 2)
        self.block(MARGIN, 91, caption, 8, color=GRAY)

    def _stamp(self, text: str, x: float) -> None:
        green, y = (25, 135, 84), self.get_y() + 2
        self.ink(16, "B", green)
        width = self.get_string_width(text) + 8
        self.set_draw_color(*green)
        with self.local_context(line_width=0.8):
            self.rect(MARGIN + WIDTH - width - 2, y, width, 11, round_corners=True, corner_radius=2)
        self.set_y(y + 1)
        self.one_line(MARGIN + WIDTH - width - 2, width, text, 16, "B", green, "C", 9)
        self.set_y(y + 13)
