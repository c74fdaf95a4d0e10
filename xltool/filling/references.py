"""XML cut at the row numbers of its references, so that everything follows when rows grow."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from xltool.template.layout import GrownRows
from xltool.xlsx.references import Area

# Stand for the row's number, the sheet's name and its number; can't occur in XML.
ROW, SHEET, SCOPE = "\0", "\1", "\2"

# A piece of XML around references: text, or a row number (True: the end of an area).
FormulaPiece = str | tuple[int, bool]

_TITLE_ROWS = re.compile(r"(\$)(\d+)(:\$)(\d+)")
_HOLDER = re.compile(
    r'(?P<attribute>\b(?:ref|sqref|activeCell|topLeftCell)="[^"]*")'
    r"|(?P<text><(?:formula1?2?|xm:f|xm:sqref)>[^<]*<)"
    r'|(?P<brk><brk id="\d+")'
)
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_.!'])(?P<c1>\$?[A-Z]{1,3}\$?)(?P<r1>\d+)(?::(?P<c2>\$?[A-Z]{1,3}\$?)(?P<r2>\d+))?(?![A-Za-z0-9_(.])"
)
_LITERAL = re.compile(r'("[^"]*"|&quot;.*?&quot;)')


def references(xml: str) -> tuple[FormulaPiece, ...]:
    """XML cut at the row numbers of its references."""
    pieces: list[FormulaPiece] = []
    last = 0
    for match in _HOLDER.finditer(xml):
        pieces.append(xml[last : match.start()])
        last = match.end()
        if match["attribute"]:
            key, _, value = match[0].partition('"')
            pieces += [f'{key}"', *addresses(value[:-1]), '"']
        elif match["text"]:
            tag, _, value = match[0].partition(">")
            pieces.append(tag + ">")
            for index, part in enumerate(_LITERAL.split(value[:-1])):
                pieces += [part] if index % 2 else addresses(part)
            pieces.append("<")
        else:
            number = re.sub(r"\D", "", match[0])
            pieces += ['<brk id="', (int(number), True), '"']
    pieces.append(xml[last:])
    return joined(pieces)


def addresses(text: str) -> list[FormulaPiece]:
    """A formula or list of areas cut at its row numbers."""
    pieces: list[FormulaPiece] = []
    last = 0
    for match in _ADDRESS.finditer(text):
        pieces += [text[last : match.start()] + match["c1"], (int(match["r1"]), False)]
        if match["c2"]:
            pieces += [":" + match["c2"], (int(match["r2"]), True)]
        last = match.end()
    pieces.append(text[last:])
    return pieces


T = TypeVar("T")


def joined(pieces: Iterable[str | T]) -> tuple[str | T, ...]:
    """Neighbouring texts made one; what is no text stays."""
    merged: list[str | T] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, str) and isinstance(last, str):
            merged[-1] = last + piece
        else:
            merged.append(piece)
    return tuple(merged)


def shifted(pieces: Iterable[FormulaPiece], rows: GrownRows) -> str:
    """The pieces as text, with the row numbers where the rows now stand."""
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        row, is_end = piece
        texts.append(str(rows.end(row) if is_end else rows.start(row)))
    return "".join(texts)


def merge_cells(merges: Iterable[Area]) -> str:
    """The element that merges these areas, in their order; empty where there are none."""
    merged = sorted(merges)
    inner = "".join([f'<mergeCell ref="{area}"/>' for area in merged])
    return f'<mergeCells count="{len(merged)}">{inner}</mergeCells>' if merged else ""


def name_pieces(text: str) -> list[FormulaPiece]:
    """What a name leads to, cut at sheet names and row numbers."""
    pieces: list[FormulaPiece] = []
    for number, part in enumerate(re.split(r"('(?:[^']|'')*'!|[^'!,:$]+!)", text)):
        if number % 2:
            pieces.append(SHEET)
        elif _TITLE_ROWS.fullmatch(part.rstrip(",")):
            first, last = re.findall(r"\d+", part)
            pieces += [
                "$",
                (int(first), False),
                ":$",
                (int(last), True),
                part[len(part.rstrip(",")) :],
            ]
        else:
            pieces += addresses(part)
    return pieces
