"""A web page as rows: lines of text and tables in order, spans resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from xltool.importing.rows import (
    MAX_COLUMNS,
    MAX_ROWS,
    FormCell,
    FormRow,
    NotImportable,
    place_in_table,
)
from xltool.model import Place

_SKIP = {"script", "style", "head", "noscript", "template", "select", "option", "nav"}
_BLOCKS = {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "pre"}


def read_html(data: bytes, charset: str = "") -> list[FormRow]:
    """The rows of a web page; nothing it points to is fetched."""
    from lxml import etree, html

    from xltool.importing.text import decode

    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", decode(data, charset or _declared(data)))
    try:
        root = html.document_fromstring(
            text, parser=html.HTMLParser(no_network=True, huge_tree=False)
        )
    except etree.ParserError as error:
        raise NotImportable(f"网页是空的：{error}") from error
    return list(_PageWalk().rows(root))


def read_mht(data: bytes) -> list[FormRow]:
    """The rows of a web page that a browser saved as one file; only its page is looked at."""
    import email
    import email.policy

    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        if part.get_content_type() == "text/html":
            page = part.get_payload(decode=True)
            if isinstance(page, bytes) and page.strip():
                return read_html(page, part.get_content_charset() or "")
    raise NotImportable("单个文件网页（.mht）里没有网页")


def _declared(data: bytes) -> str:
    match = re.search(rb"charset\s*=\s*[\"']?\s*([\w-]+)", data[:4096], re.I)
    return match[1].decode("ascii") if match else ""


class _PageWalk:
    def __init__(self) -> None:
        self.tables = self.lines = 0

    def rows(self, element: Any) -> Iterator[FormRow]:
        pieces: list[str] = []
        yield from self._walk(element, pieces)
        yield from self._flush(pieces)

    def _walk(self, element: Any, pieces: list[str]) -> Iterator[FormRow]:
        tag = element.tag if isinstance(element.tag, str) else None
        if tag is not None and tag not in _SKIP:
            if tag == "table" and not element.xpath(".//table"):
                yield from self._flush(pieces)
                yield from self._table(element)
            else:
                if tag in _BLOCKS or tag == "br":
                    yield from self._flush(pieces)
                pieces.append(_squeeze(element.text))
                for child in element:
                    yield from self._walk(child, pieces)
                if tag in _BLOCKS:
                    yield from self._flush(pieces)
        pieces.append(_squeeze(element.tail))

    def _flush(self, pieces: list[str]) -> Iterator[FormRow]:
        line = "".join(pieces).strip()
        pieces.clear()
        if line:
            self.lines += 1
            yield FormRow((FormCell(line, 0, Place("正文", f"第{self.lines}段")),))

    def _table(self, table: Any) -> Iterator[FormRow]:
        self.tables += 1
        taken: dict[tuple[int, int], bool] = {}
        for row_number, tr in enumerate(table.iter("tr")):
            if row_number >= MAX_ROWS:
                return
            column, cells = 0, []
            for column_number, td in enumerate(tr.iterchildren("td", "th"), start=1):
                while (row_number, column) in taken:
                    column += 1
                if column >= MAX_COLUMNS:
                    break
                width, height = (
                    _span(td, "colspan", MAX_COLUMNS - column),
                    _span(td, "rowspan", 500),
                )
                taken.update(
                    {
                        (row_number + i, column + j): True
                        for i in range(height)
                        for j in range(width)
                    }
                )
                place = place_in_table(f"表{self.tables}", row_number + 1, column_number)
                cells.append(FormCell(_cell_text(td), column, place, width))
                column += width
            yield FormRow(tuple(cells), self.tables)


def _span(td: Any, name: str, most: int) -> int:
    text = (td.get(name) or "1").strip()
    return max(1, min(int(text), most)) if text.isdecimal() and len(text) < 6 else 1


def _squeeze(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\xa0]+", " ", text or "")


def _cell_text(td: Any) -> str:
    pieces: list[str] = []

    def walk(element: Any) -> None:
        tag = element.tag if isinstance(element.tag, str) else None
        if tag is not None and tag not in _SKIP:
            if tag in _BLOCKS or tag == "br":
                pieces.append("\n")
            pieces.append(_squeeze(element.text))
            for child in element:
                walk(child)
            if tag in _BLOCKS:
                pieces.append("\n")
        if element is not td:
            pieces.append(_squeeze(element.tail))

    walk(td)
    return "\n".join(line.strip(" ") for line in "".join(pieces).split("\n")).strip("\n")
