"""The faces that documents are printed in, and what of a text they can show.

Noto Sans holds Latin, Greek, Cyrillic, Devanagari and the signs of currencies; Noto Sans Arabic stands in for
what it lacks. What neither holds is left out or marked, so that no empty box is ever printed.
"""

import unicodedata
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from fpdf import FPDF

FOLDER = Path(__file__).resolve().parents[1] / "fonts"
MAIN, ARABIC = "NotoSans", "NotoSansArabic"
LAYOUT = ("GDEF", "GPOS", "GSUB")
JOINERS = "\u200c\u200d"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

DIRECTED = frozenset({"L", "R", "AL", "EN", "AN"})
LONGEST_UNDIRECTED = 300


@cache
def coverage(face: str) -> frozenset[int]:
    """Return the characters that a face can show; its file is read once a process."""
    reader = FPDF()
    reader.add_font(face, "", FOLDER / f"{face}-Regular.ttf")
    font: Any = reader.fonts[face.lower()]
    font.close()
    return frozenset(font.cmap)


def printable(text: str) -> str:
    """Return a text without control characters and overrides of its direction.

    A sign that no face holds (an emoji) is left out; a letter is replaced, so that its loss is seen.
    """
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character == "\n" or character in JOINERS:
            kept.append(character)
        elif category == "Cc" or category[0] == "Z":
            kept.append(" ")
        elif category[0] == "C":
            continue
        elif ord(character) in coverage(MAIN) or ord(character) in coverage(ARABIC):
            kept.append(character)
        elif category[0] in "LN":
            kept.append(UNKNOWN)
    return "".join(kept)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text that is to be shaped; signs without a direction never run on for long.

    fpdf looks for the next letter that has one by calling itself for each sign before it, across line breaks
    too, until the stack is full.
    """
    lines, run = [""], 0
    for character in text:
        if character == "\n" or run == LONGEST_UNDIRECTED:
            lines.append("")
            run = 0
        if character != "\n":
            lines[-1] += character
            run = 0 if unicodedata.bidirectional(character) in DIRECTED else run + 1
    return lines


def cleaned(value: Any) -> Any:
    """Return a sheet, or a part of one, whose texts can all be printed."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return tuple(map(cleaned, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: cleaned(getattr(value, one.name)) for one in fields(value)})
    return value


def texts_of(value: Any) -> str:
    """Return all texts of a sheet in one."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "".join(map(texts_of, value))
    if is_dataclass(value):
        return "".join(texts_of(getattr(value, one.name)) for one in fields(value))
    return ""


def load(pdf: FPDF, text: str) -> None:
    """Give a document the faces that its text needs, and no more: to embed one costs 30 ms."""
    needed = set(map(ord, text)) - coverage(MAIN)
    faces = [MAIN] if needed.isdisjoint(coverage(ARABIC)) else [MAIN, ARABIC]
    for face in faces:
        pdf.add_font(face, "", FOLDER / f"{face}-Regular.ttf")
        pdf.add_font(face, "B", FOLDER / f"{face}-Bold.ttf")
    pdf.set_fallback_fonts(faces[1:])


def forget_shaping(pdf: FPDF) -> None:
    """Drop from a document's faces the tables of shaping, once all is drawn.

    fpdf would leave them out of the file anyway, but only after reading them: half of a print's time.
    """
    for font in pdf.fonts.values():
        face: Any = font
        for table in LAYOUT:
            if table in face.ttfont:
                del face.ttfont[table]


def close(pdf: FPDF) -> None:
    """Close the files of a document's faces; fpdf does so only of a document that came out whole."""
    for font in pdf.fonts.values():
        face: Any = font
        face.close()
