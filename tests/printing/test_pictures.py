"""What can be seen of a document and not read: its colours, its logo, the code that a phone reads."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pypdfium2
import segno
from PIL import Image

from mbs.printing.models.pages import CODE_SIDE
from mbs.printing.models.paper import MARGIN
from tests.printing.paper import printed
from tests.printing.samples import SALON, business

DOTS = 8.0
"""Of a picture, per millimetre."""


def seen(file: bytes) -> Image.Image:
    """Return the first page as it looks."""
    opened = pypdfium2.PdfDocument(file)
    picture: Image.Image = opened[0].render(scale=DOTS * 25.4 / 72).to_pil().convert("RGB")
    opened.close()
    return picture


def at(picture: Image.Image, x: float, y: float) -> Any:
    """Return the colour of a point, which is given in millimetres."""
    return picture.getpixel((round(x * DOTS), round(y * DOTS)))


def top_of_code(picture: Image.Image) -> float:
    """Return where the code begins: the first place at its left edge that is black for a finder's width."""
    column = [at(picture, MARGIN + 1.3, y / 10) == (0, 0, 0) for y in range(600, 2500)]
    return next(60 + y / 10 for y in range(len(column)) if all(column[y : y + 30]))


def shows_code(picture: Image.Image, said: str) -> bool:
    """Tell whether every module of a text's code stands where it should."""
    matrix = [bytes(row) for row in segno.make(said, micro=False, error="m").matrix]
    side, top = CODE_SIDE / len(matrix), top_of_code(picture)
    return all(
        (at(picture, MARGIN + 1 + (x + 0.5) * side, top + (y + 0.5) * side) == (0, 0, 0)) is bool(module)
        for y, row in enumerate(matrix)
        for x, module in enumerate(row)
    )


class TestTheCode:
    def test_asks_for_what_is_due(self) -> None:
        due = {"amount_paid": Decimal("500.00"), "amount_due": Decimal("499.00")}
        picture = seen(printed(of=business(upiId="asha@okbank"), **due))
        tail = "pn=Asha%27s%20Salon&am=499.00&cu=INR&tn=MUM%2F2526%2F00042"
        assert shows_code(picture, f"upi://pay?pa=asha@okbank&{tail}")
        assert not shows_code(picture, f"upi://pay?pa=asha@okbank&{tail}1")

    def test_holds_a_name_as_a_name(self) -> None:
        seller = {**SALON, "name": "A&am=1.00&pa=thief@bank"}
        picture = seen(printed(of=business(upiId="asha@okbank"), seller=seller))
        tail = "pn=A%26am%3D1.00%26pa%3Dthief@bank&am=999.00&cu=INR&tn=MUM%2F2526%2F00042"
        assert shows_code(picture, f"upi://pay?pa=asha@okbank&{tail}")


class TestTheBrand:
    def test_colours_the_page(self) -> None:
        assert at(seen(printed(of=business(brandColor="#7A1F5C"))), 100, 1) == (0x7A, 0x1F, 0x5C)

    def test_shows_the_logo_in_its_own_shape(self) -> None:
        kept = BytesIO()
        Image.new("RGB", (600, 100), (200, 30, 30)).save(kept, "PNG")
        picture = seen(printed(of=business(logo=kept.getvalue())))
        assert at(picture, MARGIN + 25, MARGIN + 4) == (200, 30, 30)
        assert at(picture, MARGIN + 25, MARGIN + 9.5) == (255, 255, 255)
