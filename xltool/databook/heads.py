"""The heads of a table: which column is which, what is missing, unknown or doubled;
then its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xltool.databook.answers import SourceCell, SourceRecord, hollow
from xltool.databook.assembly import Assembly
from xltool.databook.columns import BookTable, nearest
from xltool.databook.sources import SourceTable
from xltool.files.table_habits import aside, visible
from xltool.model import Place
from xltool.xlsx.grid import columns_in_words, row_in_words
from xltool.xlsx.references import cell_name

_UNIT_OF_MONEY = re.compile(r"单位[:：]?(元|千元|万元|百万元|亿元)(?![\u4e00-\u9fff])")


class TableRows:
    """The rows of one table by column id. Faults of the heads are reported to the assembly."""

    def __init__(self, work: Assembly, table: BookTable, sheet: SourceTable) -> None:
        self.work, self.table, self.sheet = work, table, sheet
        self.at: dict[str, int] = {}
        for title in sheet.titles:
            self._unit_of_money(title)
        self._place_heads()
        # Without its keys no row can be told whose it is.
        keys = {"unit", "project"} & {column.id for column in table.columns}
        self.keyed = keys <= set(self.at)

    def _place_heads(self) -> None:
        labels = {column.label: column for column in self.table.columns}
        written = {visible(head.text) for head in self.sheet.heads.values()}
        absent = [label for label in labels if label not in written]
        for number, head in sorted(self.sheet.heads.items()):
            label = visible(head.text)
            column = labels.get(label)
            if column is None:
                if label:
                    self._unknown(head, label, nearest(label, absent) or nearest(label, labels))
            elif column.id in self.at:
                self.work.report("B005", f"列“{label}”出现两次，请只留一列", head, "", found=label)
            else:
                self.at[column.id] = number
        for column in self.table.columns:
            if column.id not in self.at and not column.optional:
                message = f"缺少列“{column.label}”"
                self.work.report("B003", message, Place(self.sheet.name, ""), "", field=column.id)

    def _unit_of_money(self, title: SourceCell) -> None:
        """The unit of money stated above the heads must be that of the edition."""
        unit_match = _UNIT_OF_MONEY.search("".join(title.text.split()))
        if unit_match and unit_match[1] != self.work.edition.unit:
            message = (
                f"表上方写着“{unit_match[0]}”，这个版式的金额单位是{self.work.edition.unit}："
                "请换算后改掉这一行"
            )
            self.work.report("B022", message, title, "", found=title.text[:200])

    def _unknown(self, head: SourceCell, label: str, near: str) -> None:
        hint = f"，是不是“{near}”？" if near else "，请删去这一列"
        # Whom it concerns shows in the rows: the units with something in this column.
        message = f"不认识的列“{label}”{hint}"
        self.work.report("B004", message, head, None, found=label, expected=near)

    def __iter__(self) -> Iterator[tuple[SourceRecord, str]]:
        """Each row's cells by column id, and the unit's name in it."""
        last = None
        hidden: list[int] = []
        for row, cells in self.sheet.rows:
            if row in self.sheet.hidden_rows:
                hidden.append(row)
            record = {column.id: self._cell(column.id, row, cells) for column in self.table.columns}
            unit = record["unit"].text.strip()
            strays = self._strays(cells)
            if label := self._aside(cells, unit):
                message = f"“{label[:40]}”这一行不是单位，没有读"
                self.work.report("B104", message, Place(self.sheet.name, cell_name(row, 1)), None)
                continue
            if hollow((record[c.id] for c in self.table.content), self.work.edition) and not strays:
                continue
            if unit:
                self._keep_back(strays, unit)
                yield record, unit
            else:
                # Most often a merged cell: the row was meant for the unit above.
                label = self.table["unit"].label
                message = f"没有写{label}；合并的单元格请取消合并，每行都要填写"
                self.work.report("B007", message, record["unit"], last, field="unit")
            last = unit or last
        self._say_hidden(hidden)

    def _say_hidden(self, rows: list[int]) -> None:
        """What was read though a filter or somebody hides it."""
        hidden = self.sheet.hidden_columns
        read = {at for at in self.at.values() if any(at in columns for columns in hidden)}
        lines = [columns_in_words(range(at, at + 1)) for at in sorted(read)]
        lines += map(row_in_words, rows)
        if lines:
            more = f"等 {len(lines)} 处" if len(lines) > 5 else ""
            message = f"有隐藏的行列，里面的内容也读了：{'、'.join(lines[:5])}{more}"
            self.work.report("B107", message, Place(self.sheet.name, ""), None)

    def _aside(self, cells: dict[int, SourceCell], unit: str) -> str:
        """The words of a row that is a sum or a remark; empty for any other row."""
        text = unit
        if not unit:
            filled = [cell.text.strip() for _, cell in sorted(cells.items()) if not cell.blank]
            text = filled[0] if filled else ""
        return text if text and aside(text) else ""

    def _strays(self, cells: dict[int, SourceCell]) -> list[tuple[int, SourceCell]]:
        head_columns = set(self.at.values())
        return [
            (n, cell)
            for n, cell in sorted(cells.items())
            if n not in head_columns and not cell.blank
        ]

    def _keep_back(self, strays: list[tuple[int, SourceCell]], unit: str) -> None:
        """Nothing is dropped unsaid: what stands in no known column keeps its unit back."""
        for number, cell in strays:
            self.work.spoilt.add(unit)
            if number not in self.sheet.heads or self.sheet.heads[number].blank:
                message = f"“{cell.text[:40]}”所在的列没有表头"
                self.work.report("B004", message, cell, unit, found=cell.text[:200])

    def _cell(self, id_: str, row: int, cells: dict[int, SourceCell]) -> SourceCell:
        column = self.at.get(id_, 0)
        cell = cells.get(column)
        if cell is None:
            return SourceCell("", Place(self.sheet.name, cell_name(row, column or 1)))
        return self.work.seen(cell)
