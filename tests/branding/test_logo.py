"""A logo is kept as it was seen, and nothing else of the file that brought it."""

import base64
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from mbs.branding.models.pictures import HIGHEST, MOST_PIXELS, WIDEST
from mbs.branding.schemas import LARGEST
from tests.factories.answers import listed
from tests.factories.callers import Business, Caller, new_business

RED = (200, 30, 30)


def picture(size: tuple[int, int] = (120, 40), form: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """Return a picture, all red."""
    written = BytesIO()
    Image.new("RGB", size, RED).convert(mode).save(written, form, **options)
    return written.getvalue()


def put(owner: Business, data: bytes | str) -> Any:
    image = data if isinstance(data, str) else base64.b64encode(data).decode()
    return owner.call("PUT", "/api/tenant/logo", {"image": image})


def kept(owner: Business) -> Any:
    response = owner.get("/api/tenant/logo")
    assert response.status_code == 200
    return Image.open(BytesIO(response.data))


def header_of(width: int, height: int) -> bytes:
    """Return a PNG that says how large it is, and has a few bytes of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class TestALogo:
    def test_is_kept_and_shown(self, owner: Business) -> None:
        response = put(owner, picture())
        assert response.status_code == 200, response.text
        assert (response.json["width"], response.json["height"], response.json["version"]) == (120, 40, 1)
        shown = owner.get("/api/tenant/logo")
        assert shown.content_type == "image/png"
        assert shown.headers["Cache-Control"] == "private, no-store"
        held = owner.get("/api/tenant/logo", headers={"If-None-Match": shown.headers["ETag"]})
        assert (held.status_code, held.data) == (304, b"")
        assert kept(owner).getpixel((5, 5)) == RED

    def test_replaces_the_one_before(self, owner: Business) -> None:
        put(owner, picture())
        tag = owner.get("/api/tenant/logo").headers["ETag"]
        assert put(owner, picture((80, 80))).json["version"] == 2
        assert kept(owner).size == (80, 80)
        assert owner.get("/api/tenant/logo", headers={"If-None-Match": tag}).status_code == 200

    def test_is_gone_when_it_is_removed(self, owner: Business) -> None:
        put(owner, picture())
        assert owner.delete("/api/tenant/logo").status_code == 204
        assert owner.get("/api/tenant/logo").status_code == 404
        assert owner.delete("/api/tenant/logo").status_code == 404

    def test_is_its_business_s_alone(self, owner: Business, caller: Caller) -> None:
        put(owner, picture())
        assert new_business(caller).get("/api/tenant/logo").status_code == 404

    def test_is_told_to_the_trail_by_its_size(self, owner: Business) -> None:
        put(owner, picture())
        put(owner, picture((80, 80)))
        owner.delete("/api/tenant/logo")
        shown = [{"width": 120, "height": 40, "version": 1}, {"width": 80, "height": 80, "version": 2}]
        assert [(one["previous"]["logo"], one["object"]["logo"]) for one in told(owner)] == [
            (None, shown[0]),
            (shown[0], shown[1]),
            (shown[1], None),
        ]

    @pytest.mark.parametrize(
        ("size", "becomes"), [((1200, 300), (600, 150)), ((900, 900), (300, 300)), ((601, 2), (600, 2))]
    )
    def test_is_made_smaller_in_its_own_shape(
        self, owner: Business, size: tuple[int, int], becomes: tuple[int, int]
    ) -> None:
        put(owner, picture(size))
        assert kept(owner).size == becomes
        assert becomes[0] <= WIDEST
        assert becomes[1] <= HIGHEST

    @pytest.mark.parametrize(
        ("form", "mode"),
        [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA")],
    )
    def test_becomes_a_png_whatever_it_was(self, owner: Business, form: str, mode: str) -> None:
        assert put(owner, picture(form=form, mode=mode)).status_code == 200
        assert (kept(owner).format, kept(owner).mode in ("RGB", "RGBA")) == ("PNG", True)

    def test_keeps_what_can_be_seen_through_it(self, owner: Business) -> None:
        written = BytesIO()
        Image.new("RGBA", (10, 10), (*RED, 0)).save(written, "PNG")
        put(owner, written.getvalue())
        assert kept(owner).getpixel((1, 1))[3] == 0

    def test_keeps_nothing_that_cannot_be_seen(self, owner: Business) -> None:
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "taken at 12 MG Road")
        put(owner, picture(pnginfo=text, icc_profile=b"12 MG Road"))
        assert b"MG Road" not in owner.get("/api/tenant/logo").data
        assert "icc_profile" not in kept(owner).info
        exif = Image.Exif()
        exif[0x010E] = "taken at 12 MG Road"
        put(owner, picture(form="JPEG", exif=exif))
        assert b"MG Road" not in owner.get("/api/tenant/logo").data

    def test_stands_upright(self, owner: Business) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        put(owner, picture((120, 40), form="JPEG", exif=exif))
        assert kept(owner).size == (40, 120)


def told(owner: Business) -> list[Any]:
    return [one["data"] for one in listed(owner, "/api/events?types=tenant.logo_updated")]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
WIDE = 1 + MOST_PIXELS // 1000
WITHOUT_PALETTE = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000003c00000028010300000098750bbc00000003504154450000001be42e04"
    "0000000d49444154789c63601805f400000168000195b2e76b0000000049454e44ae426082"
)


class TestAFileThatIsNoLogo:
    @pytest.mark.parametrize(
        "data",
        [
            b"GIF89a" + bytes(40),
            SVG,
            b"%PDF-1.7",
            bytes(100),
            picture(form="GIF"),
            picture(form="WEBP"),
            picture(form="TIFF"),
            picture()[:60],
            picture((300, 300), form="JPEG")[:-400],
            b"\x89PNG\r\n\x1a\n",
            header_of(0, 0),
            header_of(100, 100),
            picture((1000, WIDE)),
            header_of(2**31 - 1, 2**31 - 1),
            picture().replace(b"IDAT", b"IDAX"),
            WITHOUT_PALETTE,
        ],
        ids=[
            *(
                "gif",
                "svg",
                "pdf",
                "zeros",
                "real_gif",
                "webp",
                "tiff",
                "cut_png",
                "cut_jpeg",
                "magic",
                "empty",
            ),
            *("lying", "large", "bomb", "no_pixels", "no_palette"),
        ],
    )
    def test_is_refused(self, owner: Business, data: bytes) -> None:
        refused = put(owner, data)
        assert refused.status_code == 400, refused.text
        assert refused.json["code"] == "VALIDATION_ERROR"
        assert [fault["field"] for fault in refused.json["errors"]] == ["image"]
        assert owner.get("/api/tenant/logo").status_code == 404
        assert told(owner) == []

    @pytest.mark.parametrize("text", ["", "****", "aGk", "aGk=\n", "data:image/png;base64,aGk=", "é"])
    def test_is_refused_when_it_is_not_base64(self, owner: Business, text: str) -> None:
        assert put(owner, text).status_code == 400

    def test_is_refused_when_it_is_too_large(self, owner: Business) -> None:
        fits = picture() + bytes(LARGEST - len(picture()))
        assert put(owner, fits).status_code == 200
        assert put(owner, fits + b"\0").status_code == 400

    def test_of_noise_is_kept_small_enough(self, owner: Business) -> None:
        noise = Image.effect_noise((600, 300), 90)
        written = BytesIO()
        Image.merge("RGB", [noise, noise.rotate(180), noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]).save(
            written, "JPEG", quality=85
        )
        assert put(owner, written.getvalue()).status_code == 200
        assert len(owner.get("/api/tenant/logo").data) <= 524_288
