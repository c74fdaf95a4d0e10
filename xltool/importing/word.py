"""A Word document (.docx) as rows: paragraphs and tables in order, merged cells once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from xltool.importing.rows import FormCell, FormRow, place_in_table
from xltool.model import Place

# Containers whose content is part of the text: content controls, insertions, custom XML.
_THROUGH = {"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "hyperlink"}


def read_docx(data: bytes) -> list[FormRow]:
    """The rows of a .docx. Raises whatever the damage leads to."""
    import docx

    return list(_WordWalk().rows(docx.Document(io.BytesIO(data)).element.body))


class _WordWalk:
    def __init__(self) -> None:
        self.tables = self.paragraphs = 0

    def rows(self, parent: Any) -> Iterator[FormRow]:
        for element in _children(parent):
            if _tag(element) == "p":
                self.paragraphs += 1
                for line in _text(element).split("\n"):
                    if line.strip():
                        yield FormRow((FormCell(line, 0, Place("正文", f"第{self.paragraphs}段")),))
                for box in _boxes(element):
                    yield from self.rows(box)
            elif _tag(element) == "tbl":
                yield from self.table(element)

    def table(self, table: Any) -> Iterator[FormRow]:
        self.tables += 1
        number, nested = self.tables, []
        rows = (
            child for child in _children(table) if _tag(child) == "tr" and not _deleted_row(child)
        )
        for row_number, tr in enumerate(rows, start=1):
            column, cells = tr.grid_before, []
            for column_number, tc in enumerate(
                (child for child in _children(tr) if _tag(child) == "tc"), start=1
            ):
                width = tc.grid_span
                if tc.vMerge != "continue":
                    place = place_in_table(f"表{number}", row_number, column_number)
                    cells.append(FormCell(_cell_text(tc), column, place, width))
                nested += [child for child in _children(tc) if _tag(child) == "tbl"]
                nested += [t for p in tc for box in _boxes(p) for t in box if _tag(t) == "tbl"]
                column += width
            yield FormRow(tuple(cells), number)
        for inner in nested:
            yield from self.table(inner)


def _tag(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _children(parent: Any) -> Iterator[Any]:
    for element in parent:
        if _tag(element) in _THROUGH:
            yield from _children(element)
        else:
            yield element


def _cell_text(tc: Any) -> str:
    return "\n".join(_text(child) for child in _children(tc) if _tag(child) == "p")


def _boxes(paragraph: Any) -> list[Any]:
    """The text boxes in a paragraph; of two renderings of one box the first."""
    return [e for e in paragraph.iter() if _tag(e) == "txbxContent" and _box_of(e, paragraph) is e]


def _box_of(element: Any, paragraph: Any) -> Any:
    """The outermost text box in this paragraph that an element stands in; itself;
    False in a fallback."""
    box = element if _tag(element) == "txbxContent" else None
    for above in element.iterancestors():
        if above is paragraph:
            break
        if _tag(above) == "txbxContent":
            box = above
        elif _tag(above) == "Fallback":
            return False
    return box


def _deleted_row(tr: Any) -> bool:
    return any(_tag(mark) == "del" for part in tr if _tag(part) == "trPr" for mark in part)


def _hidden(run: Any) -> bool:
    """A run that is set not to be shown."""
    marks = [mark for part in run if _tag(part) == "rPr" for mark in part]
    for mark in marks:
        if _tag(mark) != "vanish":
            continue
        set_to = str(mark.get(mark.tag.replace("vanish", "val")))
        if not set_to.startswith(("0", "f")):  # 0 and false: shown after all
            return True
    return False


def _text(paragraph: Any) -> str:
    """The visible text of a paragraph without its text boxes; field codes are other elements."""
    pieces = []
    for element in paragraph.iter():
        tag = _tag(element)
        if tag not in ("t", "br", "cr", "tab", "noBreakHyphen"):
            continue
        run = element.getparent()
        if _box_of(element, paragraph) is not None or _hidden(run):
            continue
        if tag == "t" and not any(
            _tag(above) in ("del", "moveFrom") for above in element.iterancestors()
        ):
            pieces.append(element.text or "")
        elif tag in ("br", "cr"):
            pieces.append("\n")
        elif tag == "tab" and _tag(run) == "r":
            pieces.append("\t")
        elif tag == "noBreakHyphen":
            pieces.append("-")
    return "".join(pieces)
