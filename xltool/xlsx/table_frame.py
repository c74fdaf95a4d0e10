"""The frame of a workbook of tables:
formats, heads and print set-up by XlsxWriter, the rows joined in.

XlsxWriter takes six microseconds for a cell, which of a report of 20,000 rows was more than the
check of all its files. So the rows are written as they stand in the file, to disk, and put between
the frame's own when the book is closed. Memory stays flat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xltool.xlsx.open_xml import PACKAGE_RELATIONSHIPS, RELATIONSHIPS
from xltool.xlsx.references import cell_name

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# Limits of the file format.
MAX_LINKS = 65_530
# The target of a link that stays in its own book.
INSIDE = "#"
_IN_MEMORY = 2**20  # bytes of a sheet's rows; more go to disk
_PIECE = 2**18
_ROW = re.compile(r'<row r="(\d+)"')
_DIMENSION = re.compile(r'<dimension ref="[^"]*"/>')
_BEHIND_LINKS = re.compile(r"<(?:printOptions|pageMargins)\b")
_HYPERLINK = f"{RELATIONSHIPS}/hyperlink"


# Properties of a cell's format, as XlsxWriter calls them.
Style = Mapping[str, Any]
PLAIN: Style = {}


class Look(NamedTuple):
    """How the tables of a book look: the formats of what stands in them, heights in points.

    `ruled` tables are for printing: the title goes over all columns, lines around every cell, blank
    ones too, and every row has its height. `words` are formats of single words in columns of the
    kind `verdict`.
    """

    base: Style
    text: Style
    number: Style
    amount: Style
    link: Style
    head: Style
    title: Style
    line: Style
    footer: str
    heading_heights: tuple[float, float]
    head_height: float
    line_height: float  # of one line of text in a row
    row_margin: float = 0
    least_height: float = 15
    ruled: bool = False
    words: Mapping[str, Style] = {}


class Link(NamedTuple):
    """A text that opens a file, at a place where `anchor` is given;
    or, INSIDE, a place of this book."""

    text: str
    target: str
    anchor: str = ""
    tip: str = ""


class SheetPart:
    """A sheet of the file: the frame that XlsxWriter makes, and what is joined in."""

    def __init__(self, frame: Worksheet) -> None:
        self.frame = frame
        self.first = 1  # number of the first row that is joined in
        self.last = 1, 1  # row and column of the last cell
        self.levels = 0  # of the outline
        self._rows: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by the book
        self._links: list[str] = []
        self._targets: dict[str, int] = {}

    def write(self, row: str) -> None:
        self._rows.write(row.encode())

    def link(self, at: str, link: Link) -> bool:
        """Let a cell lead somewhere; False where a sheet can have no more links."""
        if len(self._links) >= MAX_LINKS:
            return False
        attributes = f' ref="{at}"'
        if link.target != INSIDE:
            number = self._targets.setdefault(link.target, len(self._targets) + 1)
            attributes += f' r:id="rIdL{number}"'
        for name, value in (("location", link.anchor), ("tooltip", link.tip)):
            attributes += f' {name}="{escape(value)}"' if value else ""
        self._links.append(f"<hyperlink{attributes}/>")
        return True

    def joined(self, xml: str) -> Iterator[bytes]:
        """The frame's XML with the rows and links in it."""
        xml = _DIMENSION.sub(f'<dimension ref="A1:{cell_name(*self.last)}"/>', xml, count=1)
        if self.levels:
            levels = f'<sheetFormatPr outlineLevelRow="{self.levels}"'
            xml = xml.replace("<sheetFormatPr", levels, 1)
        below = (one.start() for one in _ROW.finditer(xml) if int(one[1]) >= self.first)
        at = next(below, xml.find("</sheetData>"))
        yield xml[:at].encode()
        self._rows.seek(0)
        while piece := self._rows.read(_PIECE):
            yield piece
        rest = xml[at:]
        if self._links:
            links = f"<hyperlinks>{''.join(self._links)}</hyperlinks>"
            behind = _BEHIND_LINKS.search(rest)
            assert behind is not None  # XlsxWriter gives every sheet its margins
            rest = rest[: behind.start()] + links + rest[behind.start() :]
        yield rest.encode()

    @property
    def relations(self) -> str:
        """The files that its links lead to; empty where there are none."""
        listed = "".join(
            f'<Relationship Id="rIdL{number}" Type="{_HYPERLINK}"'
            f' Target="{escape(target)}" TargetMode="External"/>'
            for target, number in self._targets.items()
        )
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        relations = f'<Relationships xmlns="{PACKAGE_RELATIONSHIPS}">{listed}</Relationships>'
        return head + relations if listed else ""

    def close(self) -> None:
        self._rows.close()


class BookFrame:
    """A workbook that XlsxWriter makes but for its rows."""

    def __init__(self, file: IO[bytes], look: Look) -> None:
        from xlsxwriter import Workbook

        self.look = look
        self._file, self._made = file, BytesIO()
        options: dict[str, Any] = {"in_memory": True}
        if look.ruled:  # also where nothing is written, and so the widths are of its font
            font = {name: look.base[name] for name in ("font_name", "font_size")}
            options["default_format_properties"] = font
        self.book = Workbook(self._made, options)
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._parts: list[SheetPart] = []

    def cell_format(self, style: Style) -> Format:
        """A format as XlsxWriter has it, made once."""
        key = tuple(style.items())
        if key not in self._formats:
            self._formats[key] = self.book.add_format({**self.look.base, **style})
        return self._formats[key]

    def style(self, style: Style) -> str:
        """The number of a format in the file, wanted before XlsxWriter writes a cell of it."""
        return str(self.cell_format(style)._get_xf_index())

    def add_part(self, name: str) -> SheetPart:
        """One more sheet."""
        part = SheetPart(self.book.add_worksheet(name))
        self._parts.append(part)
        return part

    def finish(self) -> None:
        """Put the workbook together: nothing is in the file before."""
        self.book.close()
        self._join()

    def close(self) -> None:
        for part in self._parts:
            part.close()

    def _join(self) -> None:
        parts = {
            f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(self._parts, 1)
        }
        with ZipFile(self._made) as made, ZipFile(self._file, "w", ZIP_DEFLATED) as whole:
            for info in made.infolist():
                part = parts.get(info.filename)
                if part is None:
                    whole.writestr(info, made.read(info), ZIP_DEFLATED)
                    continue
                with whole.open(_again(info), "w") as file:
                    for piece in part.joined(made.read(info).decode()):
                        file.write(piece)
                if part.relations:
                    name = info.filename.replace("worksheets/", "worksheets/_rels/") + ".rels"
                    whole.writestr(_again(info, name), part.relations)


def _again(info: ZipInfo, name: str = "") -> ZipInfo:
    """An entry like this one, of the same fixed date."""
    again = ZipInfo(name or info.filename, info.date_time)
    again.compress_type = ZIP_DEFLATED
    again.external_attr = info.external_attr
    return again
