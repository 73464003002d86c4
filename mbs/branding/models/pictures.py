"""Decodes a picture that a stranger has sent, and writes it anew. Loaded at the first logo.

What is kept is only what was seen: comments, positions and whatever else a file hides do not survive it.
"""

import warnings
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from mbs.branding.errors import UnusablePicture

MOST_PIXELS = 10_000_000
"""Decoded these take 50 MB at most, for as long as it takes to make the picture smaller."""

MOST_BYTES = 524_288
WIDEST, HIGHEST = 600, 300


class Picture(NamedTuple):
    """A PNG and its size in pixels."""

    image: bytes
    width: int
    height: int


def rewritten(data: bytes) -> Picture:
    """Return a PNG or JPEG as a PNG of at most 600 by 300 pixels.

    :raises UnusablePicture: if it is neither, is cut short, or has more pixels than a logo could need.
    """
    try:
        with warnings.catch_warnings():
            # What is too large is told by its header, before Pillow would warn of it or decode anything.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
            if opened.width * opened.height > MOST_PIXELS:
                raise UnusablePicture.because(f"Must have at most {MOST_PIXELS} pixels.")
            # A JPEG is decoded at about the size that is needed.
            opened.draft("RGB", (2 * WIDEST, 2 * HIGHEST))
            ImageOps.exif_transpose(opened, in_place=True)
            mode = "RGBA" if opened.has_transparency_data else "RGB"
            picture: Image.Image = opened if opened.mode == mode else opened.convert(mode)
    except Image.DecompressionBombError:
        raise UnusablePicture.because(f"Must have at most {MOST_PIXELS} pixels.") from None
    except UnidentifiedImageError:
        raise UnusablePicture.because("Must be a PNG or a JPEG.") from None
    except (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AssertionError, MemoryError):
        # Pillow's decoders raise what they meet.
        raise UnusablePicture.because("Must be a whole PNG or JPEG; this one is damaged.") from None
    picture.thumbnail((WIDEST, HIGHEST))
    written = BytesIO()
    # Without what came along in `info`: a colour profile, a comment.
    picture.info.clear()
    picture.save(written, "PNG", optimize=True)
    if written.tell() > MOST_BYTES:
        picture = picture.quantize(256)
        written = BytesIO()
        picture.save(written, "PNG", optimize=True)
    return Picture(written.getvalue(), picture.width, picture.height)
