"""The roll-up as an official-looking workbook: 汇总表, 主管部门, 指标, 单位明细, 与上年比较."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from xltool.atomic import writing
from xltool.campaign.rollup import (
    BUDGET,
    PROJECTS,
    Rollup,
    budgets,
    comparison,
    in_unit,
    second_table,
)
from xltool.campaign.scaling import TOTAL, WHOLE, Scaled
from xltool.campaign.sheets import HEAD, Book
from xltool.totals import SIDES

DETAIL = "单位明细"
NO_NAME = {"district": "未分区县", "superior": "未写主管部门"}
_GREY = "#7F7F7F"


def write_rollup(path: Path, book: Rollup) -> None:
    """Write the workbook; it takes its place only when it is whole."""
    scaled = book.scaled("district")
    with writing(path, "wb") as file, Book(file) as pen:
        places = _Details(book)
        _summary(pen, book, "汇总表", "district", scaled, places)
        if book.units["superior"].any():
            by_superior, same = second_table(book, scaled)
            _summary(pen, book, "主管部门汇总", "superior", by_superior, None, same=same)
        _indicators(pen, book)
        places.draw(pen)
        if book.last_year:
            _comparison(pen, book)


def _title(book: Rollup, what: str) -> str:
    return f"{book.campaign.year}年{book.campaign.edition.department.title.removesuffix('绩效目标表')}{what}"


def _cover(book: Rollup) -> str:
    """How many of how many units the totals cover."""
    states = book.units["state"].value_counts().to_dict()
    said = "，".join(f"{state} {n}" for state, n in states.items())
    return f"{book.campaign.title}：应报 {len(book.units)} 个单位，本表汇总 {book.covered} 个（{said}）"


def _heads(pen: Book, sheet: Any, book: Rollup, first: list[str], last: list[str]) -> None:
    """Two rows of heads: plain ones over both rows, the sides' parts under the side's name."""
    style = pen.style(font_name=HEAD, border=1, align="center", text_wrap=True, bg_color="#EDEDED")
    sheet.set_row(2, 22)
    sheet.set_row(3, 48)
    column = 0
    for text in [*first, "资金总额"]:
        sheet.merge_range(2, column, 3, column, text, style)
        column += 1
    for side, group in groupby((c for c in book.columns if c.side), key=lambda c: c.side):
        parts = list(group)
        text = {"revenue": "按收入性质分", "spending": "按支出性质分"}.get(side, SIDES.get(side, side))
        if len(parts) > 1:
            sheet.merge_range(2, column, 2, column + len(parts) - 1, text, style)
        else:
            sheet.write_string(2, column, text, style)
        for part in parts:
            sheet.write_string(3, column, part.label, style)
            column += 1
    for text in last:
        sheet.merge_range(2, column, 3, column, text, style)
        column += 1


def _summary(
    pen: Book,
    book: Rollup,
    name: str,
    by: str,
    scaled: Scaled,
    places: _Details | None,
    *,
    same: bool = True,
) -> None:
    money = [c.id for c in book.columns if c.side]
    first = [{"district": "区县", "superior": "主管部门"}[by], "应报\n单位", "汇总\n单位"]
    last = ["项目\n个数", "项目表\n金额"]
    count = len(first) + 1 + len(money) + len(last)
    sheet = pen.sheet(name, [16, 6, 6, 13, *[12.5] * len(money), 6, 12.5], repeat=3)
    pen.heading(sheet, _title(book, "绩效目标申报汇总表"), _cover(book), count, f"单位：{book.unit}")
    _heads(pen, sheet, book, first, last)
    sums, projects = book.sums(by), budgets(book, by)
    bold = {"bold": True}
    for number, row in enumerate([WHOLE, *scaled.exact.rows], 4):
        style: dict[str, Any] = bold if row == WHOLE else {}
        label = "合计" if row == WHOLE else row or NO_NAME[by]
        units = len(book.units) if row == WHOLE else int(sums.at[row, "units"])
        covered = book.covered if row == WHOLE else int(sums.at[row, "covered"])
        if places is not None:
            link = f"internal:'{DETAIL}'!A{places.row_of(row) + 1}"
            align = "center" if row == WHOLE else "left"
            sheet.write_url(
                number, 0, link, pen.style(border=1, align=align, font_color="#1F3864", **style), label,
                "看这一合计由哪些单位构成",
            )  # fmt: skip
        else:
            pen.put(sheet, number, 0, label, **style)
        pen.put(sheet, number, 1, units, **style)
        pen.put(sheet, number, 2, covered, **style | ({"font_color": "#C00000"} if covered < units else {}))
        amounts = [scaled[row, id_] for id_ in (TOTAL, *money)]
        for column, amount in enumerate(amounts, 3):
            pen.put(sheet, number, column, in_unit(book, amount), book.decimals, **style)
        made = int(book.total(PROJECTS)) if row == WHOLE else int(sums.at[row, PROJECTS])
        pen.put(sheet, number, 4 + len(money), made, **style)
        pen.put(sheet, number, 5 + len(money), in_unit(book, projects[row]), book.decimals, **style)
    sheet.freeze_panes(4, 1)
    _remarks(pen, sheet, 4 + 1 + len(scaled.exact.rows), count, book, scaled, same)


def _remarks(pen: Book, sheet: Any, row: int, columns: int, book: Rollup, scaled: Scaled, same: bool) -> None:
    """Under the table: how it was rounded, who is missing."""
    lines = [
        f"编制时间：{book.made_at}　数据来源：各单位申报表，只汇总审核通过和待核实的申报；"
        "差额＝资金总额－各项之和。"
    ]
    if any(scaled[at] != scaled.exact.exact(*at) for at in scaled.exact):
        lines.append(
            f"本表以{book.unit}为单位保留 {book.decimals} 位小数，已作舍位平衡：先定合计，再使各行各列相加"
            f"都等于合计，每个数的移动不到末位一个单位（{scaled.moved} 个数因此与四舍五入不同）；"
            f"原值见“{DETAIL}”。"
        )
    if not same:
        lines.append("本表单独舍位平衡，合计的末位可能与“汇总表”相差 1。")
    missing = book.missing
    if len(missing):
        lines.append(f"未计入的 {len(missing)} 个单位：")
        for district, group in missing.groupby("district", sort=False):
            named = "、".join(f"{r['name']}（{r['state']}）" for r in group.to_dict("records"))
            lines.append(f"{district or NO_NAME['district']}：{named}")
    style = pen.style(align="left", text_wrap=True, valign="top")
    wide = 150
    for number, line in enumerate(lines, row):
        sheet.merge_range(number, 0, number, columns - 1, line[:32_000], style)
        width = sum(2 if ord(char) > 255 else 1 for char in line)
        sheet.set_row(number, min(409, 16 * (1 + width // wide)))


def _indicators(pen: Book, book: Rollup) -> None:
    """How many projects and indicators, by category."""
    labels = [label for _, _, label in book.categories]
    sheet = pen.sheet("指标汇总", [16, 7, 7, 9, *[9.5] * len(labels)], repeat=3)
    count = 4 + len(labels)
    pen.heading(sheet, _title(book, "绩效指标汇总表"), _cover(book), count, "单位：个")
    style = pen.style(font_name=HEAD, border=1, align="center", text_wrap=True, bg_color="#EDEDED")
    sheet.set_row(3, 48)
    for column, text in enumerate(["区县", "汇总\n单位", "项目\n个数", "指标\n合计"]):
        sheet.merge_range(2, column, 3, column, text, style)
    column = 4
    for level1, group in groupby(book.categories, key=lambda c: c[1]):
        labelled = list(group)
        if len(labelled) > 1:
            sheet.merge_range(2, column, 2, column + len(labelled) - 1, level1, style)
        else:
            sheet.write_string(2, column, level1, style)
        for _, _, label in labelled:
            sheet.write_string(3, column, label, style)
            column += 1
    sums = book.sums("district")
    ids = [c[0] for c in book.categories]
    rows = [("合计", book.covered, [int(book.total(i)) for i in (PROJECTS, *ids)])]
    rows += [
        (str(name) or NO_NAME["district"], int(row["covered"]), [int(row[i]) for i in (PROJECTS, *ids)])
        for name, row in sums.iterrows()
    ]
    for number, (name, covered, counts) in enumerate(rows, 4):
        bold: dict[str, Any] = {"bold": True} if number == 4 else {}
        pen.put(sheet, number, 0, name, **bold | ({"align": "center"} if bold else {}))
        for column, value in enumerate([covered, counts[0], sum(counts[1:]), *counts[1:]], 1):
            pen.put(sheet, number, column, value, **bold)
    sheet.freeze_panes(4, 1)


class _Details:
    """单位明细: under each district's exact total the units that make it, missing ones in grey."""

    def __init__(self, book: Rollup) -> None:
        self.book = book
        self.groups = list(book.units.groupby("district", sort=False))
        self.rows: dict[str, int] = {WHOLE: 4}
        row = 5
        for name, group in self.groups:
            self.rows[str(name)] = row
            row += 1 + len(group)

    def row_of(self, district: str) -> int:
        """The row (0-based) of a district's total."""
        return self.rows[district]

    def draw(self, pen: Book) -> None:
        book, own = self.book, self.book.campaign.edition.unit
        money = [c.id for c in book.columns if c.side]
        first, last = ["区县", "部门编码", "部门名称", "状态"], ["平衡结论", "项目\n个数", "项目表\n金额"]
        count = len(first) + 1 + len(money) + len(last)
        widths = [12, 14, 28, 8, 13, *[12.5] * len(money), 14, 6, 12.5]
        sheet = pen.sheet(DETAIL, widths, repeat=3)
        pen.heading(sheet, _title(book, "绩效目标申报单位明细"), _cover(book), count, f"单位：{own}（原值）")
        _heads(pen, sheet, book, first, last)
        sheet.outline_settings(True, False, False, False)
        sums = book.sums("district")
        whole = {key: book.total(key) for key in (*money, PROJECTS, BUDGET)}
        said = f"{book.covered} / {len(book.units)} 个单位"
        self._line(pen, sheet, 4, ["合计", "", said, ""], whole, "", {"bold": True})
        for name, group in self.groups:
            row, totals = self.rows[str(name)], sums.loc[name]
            said = f"{int(totals['covered'])} / {len(group)} 个单位"
            shaded = {"bold": True, "bg_color": "#F2F2F2"}
            label = str(name) or NO_NAME["district"]
            self._line(pen, sheet, row, [label, "", said, ""], totals, "", shaded)
            for number, unit in enumerate(group.to_dict("records"), row + 1):
                grey = {} if unit["counted"] else {"font_color": _GREY}
                heads = [label, unit["code"], unit["name"], unit["state"]]
                values = unit if unit["counted"] else None
                self._line(pen, sheet, number, heads, values, unit["verdict"], grey)
                sheet.set_row(number, None, None, {"level": 1})
        sheet.freeze_panes(4, 3)
        sheet.autofilter(3, 0, 4 + len(self.groups) + len(book.units), 3)

    def _line(
        self, pen: Book, sheet: Any, row: int, heads: list[str], values: Any, verdict: str, style: Any
    ) -> None:
        """One row; `values` is None for a unit that does not count."""
        book = self.book
        money = [c.id for c in book.columns if c.side]
        first = next((c.side for c in book.columns if c.side), "")
        for column, text in enumerate(heads):
            pen.put(sheet, row, column, text, **style)
        amounts: list[Decimal | None] = [None] * (1 + len(money))
        if values is not None:
            total = sum((values[c.id] for c in book.columns if c.side == first), Decimal(0))
            amounts = [total, *(values[id_] for id_ in money)]
        for column, amount in enumerate(amounts, len(heads)):
            places = max(book.campaign.edition.decimals, _places(amount))
            pen.put(sheet, row, column, amount, places, **style)
        after = len(heads) + len(amounts)
        pen.put(sheet, row, after, verdict, **style)
        made, budget = (None, None) if values is None else (int(values[PROJECTS]), Decimal(values[BUDGET]))
        pen.put(sheet, row, after + 1, made, **style)
        pen.put(sheet, row, after + 2, budget, max(book.campaign.edition.decimals, _places(budget)), **style)


def _places(amount: Decimal | None) -> int:
    """How many decimals an amount has."""
    if amount is None:
        return 0
    return max(0, -int(amount.normalize().as_tuple().exponent))


def _comparison(pen: Book, book: Rollup) -> None:
    """This year beside last year, over the units that have both."""
    labels = {f.id: f.label for f in book.campaign.edition.department.field}
    own = book.campaign.edition.unit
    rows = []
    for name, id_, units, last, this in comparison(book):
        rate = "—" if not last else f"{(this - last) / last * 100:.1f}%"
        rows.append([name or "合计", labels[id_], units, last, this, this - last, rate])
    heads = ["区县", "项目", "可比单位", "上年", "本年", "增减额", "增减"]
    subtitle = f"只比较两年都有数的单位。金额单位：{own}（原值）"
    pen.table(
        "与上年比较", _title(book, "绩效目标申报与上年比较"), subtitle, heads, rows,
        [16, 22, 10, 16, 16, 16, 10], landscape=False,
    )  # fmt: skip
