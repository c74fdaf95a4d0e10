"""The roll-up as an official-looking workbook: 汇总表, 主管部门, 指标, 单位明细, 与上年比较."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from xltool.campaign.rollup.scaling import TOTAL, WHOLE, Scaled
from xltool.campaign.rollup.summation import (
    BUDGET,
    BY_NONTAX,
    PROJECTS,
    Rollup,
    budgets,
    comparison,
    in_unit,
    is_rounded,
    second_table,
)
from xltool.campaign.sheets import HEAD, RuledBook, height
from xltool.campaign.units import NO_DISTRICT
from xltool.checks.cross_totals import SIDES
from xltool.files.atomic import writing
from xltool.files.table_column import Column

DETAIL, ORIGINALS = "单位明细", "（原值）"
GROUPS = {"district": "区县", "superior": "主管部门"}
NO_NAME = {"district": NO_DISTRICT, "superior": "未写主管部门"}
_GREY = "#7F7F7F"
_MOST_PLACES = 4  # decimals that an original may have


def write_rollup(path: Path, book: Rollup) -> None:
    """Write the workbook; it takes its place only when it is whole."""
    scaled = book.scaled("district")
    details = [_Details(book, "district", DETAIL, scaled)]
    with writing(path, "wb") as file, RuledBook(file) as pen:
        _summary(pen, book, "汇总表", "district", scaled, details[0])
        if book.units["superior"].any():
            by_superior, same = second_table(book, scaled)
            details.append(_Details(book, "superior", f"主管部门明细{ORIGINALS}"))
            _summary(pen, book, "主管部门汇总", "superior", by_superior, details[1], same=same)
        elif is_rounded(scaled):
            details.append(_Details(book, "district", f"{DETAIL}{ORIGINALS}"))
        _indicators(pen, book)
        for detail in details:
            detail.draw(pen)
        if book.last_year:
            _comparison(pen, book)


def _title(book: Rollup, suffix: str) -> str:
    form = book.campaign.edition.department.title.removesuffix("绩效目标表")
    return f"{book.campaign.year}年{form}{suffix}"


def _cover(book: Rollup) -> str:
    """How many of how many units the totals cover."""
    states = book.units["state"].value_counts().to_dict()
    state_counts = "，".join(f"{state} {n}" for state, n in states.items())
    return f"{book.campaign.title}：应报 {len(book.units)} 个单位，本表汇总 {book.covered} 个（{state_counts}）"


def _heads(pen: RuledBook, sheet: Any, book: Rollup, first: list[str], last: list[str]) -> None:
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
        text = {"revenue": "按收入性质分", "spending": "按支出性质分"}.get(
            side, SIDES.get(side, side)
        )
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
    pen: RuledBook,
    book: Rollup,
    name: str,
    by: str,
    scaled: Scaled,
    details: _Details,
    *,
    same: bool = True,
) -> None:
    money = [c.id for c in book.columns if c.side]
    first = [GROUPS[by], "应报\n单位", "汇总\n单位"]
    last = ["项目\n个数", "项目表\n金额", "经非税\n平衡的\n单位"]
    count = len(first) + 1 + len(money) + len(last)
    wide = _wide(book, book.decimals, 12.5)
    widths = [16, 6, 6, max(13, wide), *[wide] * len(money), 6, wide, 7]
    sheet = pen.sheet(name, widths, repeat=3)
    title = _title(book, "绩效目标申报汇总表")
    pen.heading(sheet, title, _cover(book), count, f"单位：{book.unit}")
    _heads(pen, sheet, book, first, last)
    counts, projects = _group_counts(book, by), budgets(book, by)
    for number, row in enumerate([WHOLE, *scaled.exact.rows], 4):
        style: dict[str, Any] = {"bold": True} if row == WHOLE else {}
        label = "合计" if row == WHOLE else row or NO_NAME[by]
        link = f"internal:'{details.name}'!A{details.rows[row] + 1}"
        align = "center" if row == WHOLE else "left"
        look = pen.style(border=1, align=align, font_color="#1F3864", **style)
        sheet.write_url(number, 0, link, look, label, "看这一合计由哪些单位构成")
        units, covered, project_count, nontax = counts[row]
        short = {"font_color": "#C00000"} if covered < units else {}
        pen.put(sheet, number, 1, units, **style)
        pen.put(sheet, number, 2, covered, **style | short)
        for column, id_ in enumerate((TOTAL, *money), 3):
            amount = in_unit(book, scaled[row, id_])
            pen.put(sheet, number, column, amount, book.decimals, **style)
        pen.put(sheet, number, 4 + len(money), project_count, **style)
        pen.put(sheet, number, 5 + len(money), in_unit(book, projects[row]), book.decimals, **style)
        pen.put(sheet, number, 6 + len(money), nontax, **style)
    sheet.freeze_panes(4, 1)
    _remarks(pen, sheet, 4 + 1 + len(scaled.exact.rows), count, book, scaled, same)


def _group_counts(book: Rollup, by: str) -> dict[str, tuple[int, int, int, int]]:
    """Of each group, WHOLE among them: units, units covered, projects, units balanced by non-tax revenue."""
    nontax = int(book.units[BY_NONTAX].sum())
    counts = {WHOLE: (len(book.units), book.covered, int(book.total(PROJECTS)), nontax)}
    for group, sums in book.sums(by).iterrows():
        units, covered = int(sums["units"]), int(sums["covered"])
        counts[group] = units, covered, int(sums[PROJECTS]), int(sums[BY_NONTAX])
    return counts


def _remarks(
    pen: RuledBook, sheet: Any, row: int, columns: int, book: Rollup, scaled: Scaled, same: bool
) -> None:
    """Under the table: how it was rounded, who is missing."""
    lines = [
        f"编制时间：{book.made_at}　数据来源：各单位申报表，只汇总审核通过和待核实的申报；"
        "差额＝资金总额－各项之和。"
    ]
    if is_rounded(scaled):
        lines.append(
            f"本表以{book.unit}为单位保留 {book.decimals} 位小数，已作舍位平衡：先定合计，再使各行各列相加"
            f"都等于合计，每个数的移动不到末位一个单位"
            + (f"（{scaled.moved} 个数因此与四舍五入不同）" if scaled.moved else "")
            + f"；未舍位的数见标有“{ORIGINALS.strip('（）')}”的明细。"
        )
    if not same:
        lines.append("本表单独舍位平衡，合计的末位可能与“汇总表”相差 1。")
    missing = book.missing
    if len(missing):
        lines.append(f"未计入的 {len(missing)} 个单位：")
        for district, rows in book.grouped("district").items():
            named = [f"{r['name']}（{r['state']}）" for r in rows if not r["counted"]]
            if named:
                lines += _folded(district or NO_NAME["district"], named, 12 * columns)
    style = pen.style(align="left", text_wrap=True, valign="top")
    for number, line in enumerate(lines, row):
        sheet.merge_range(number, 0, number, columns - 1, line, style)
        sheet.set_row(number, height([line], [12.0 * columns]))


_LINES = 20  # of text in one row: more don't fit into the height that a row may have


def _folded(label: str, names: list[str], width: int) -> Iterator[str]:
    """All names, over as many rows as they need: none is cut off at the end of one."""
    most = width * _LINES // 2  # a Chinese character takes two
    text = f"{label}："
    for n, name in enumerate(names):
        more = ("" if n == 0 else "、") + name
        if len(text) + len(more) > most and n:
            yield text
            text = f"{label}（续）：{name}"
        else:
            text += more
    yield text


def _wide(book: Rollup, places: int, least: float) -> float:
    """The width that the largest amount needs, with its thousands marks: never ####."""
    total = max((abs(in_unit(book, book.total(c.id))) for c in book.columns if c.side), default=0)
    digits = len(f"{int(total) * 2:,}") + (1 + places if places else 0) + 1  # a sign
    return max(least, digits * 1.1 + 1.5)


def _indicators(pen: RuledBook, book: Rollup) -> None:
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
        (
            str(name) or NO_NAME["district"],
            int(row["covered"]),
            [int(row[i]) for i in (PROJECTS, *ids)],
        )
        for name, row in sums.iterrows()
    ]
    for number, (name, covered, counts) in enumerate(rows, 4):
        bold: dict[str, Any] = {"bold": True} if number == 4 else {}
        pen.put(sheet, number, 0, name, **bold | ({"align": "center"} if bold else {}))
        for column, value in enumerate([covered, counts[0], sum(counts[1:]), *counts[1:]], 1):
            pen.put(sheet, number, column, value, **bold)
    sheet.freeze_panes(4, 1)


class _Details:
    """Under each group's total the units that make it, missing ones in grey.

    With `scaled` in the unit shown, adding up to the group's row on 汇总表; without, the originals.
    """

    def __init__(self, book: Rollup, by: str, name: str, scaled: Scaled | None = None) -> None:
        self.book, self.by, self.name, self.scaled = book, by, name, scaled
        self.groups = list(book.grouped(by).items())
        self.places = book.decimals if scaled else book.campaign.edition.decimals
        self.rows: dict[str, int] = {WHOLE: 4}
        row = 5
        for key, group in self.groups:
            self.rows[key] = row
            row += 1 + len(group)
        self.money = [c.id for c in book.columns if c.side]

    def draw(self, pen: RuledBook) -> None:
        book = self.book
        unit = book.unit if self.scaled else f"{book.campaign.edition.unit}（原值）"
        first = [GROUPS[self.by], "部门编码", "部门名称", "状态"]
        last = ["平衡结论", "项目\n个数", "项目表\n金额"]
        count = len(first) + 1 + len(self.money) + len(last)
        wide = _wide(book, max(self.places, _MOST_PLACES), 12.5)
        widths = [12, 14, 28, 8, max(13, wide), *[wide] * len(self.money), 20, 6, wide]
        sheet = pen.sheet(self.name, widths, repeat=3)
        pen.heading(
            sheet, _title(book, "绩效目标申报单位明细"), _cover(book), count, f"单位：{unit}"
        )
        _heads(pen, sheet, book, first, last)
        sheet.outline_settings(True, False, False, False)
        coverage = f"{book.covered} / {len(book.units)} 个单位"
        heads = ["合计", "", coverage, ""]
        totals = {key: book.total(key) for key in (*self.money, PROJECTS, BUDGET)}
        amounts = self._shown(WHOLE, totals)
        self._line(pen, sheet, 4, heads, amounts, totals, "", {"bold": True})
        sums = book.sums(self.by)
        for key, group in self.groups:
            self._draw_group(pen, sheet, key, group, sums.loc[key])
        sheet.freeze_panes(4, 3)
        sheet.autofilter(3, 0, 4 + len(self.groups) + len(book.units), 3)

    def _draw_group(
        self, pen: RuledBook, sheet: Any, key: str, group: list[Any], sums: Any
    ) -> None:
        """A group's total, and under it, to be folded away, its units."""
        label = key or NO_NAME[self.by]
        heads = [label, "", f"{int(sums['covered'])} / {len(group)} 个单位", ""]
        shaded = {"bold": True, "bg_color": "#F2F2F2"}
        self._line(pen, sheet, self.rows[key], heads, self._shown(key, sums), sums, "", shaded)
        units = self._units(key)
        for number, row in enumerate(group, self.rows[key] + 1):
            heads = [label, row["code"], row["name"], row["state"]]
            grey = {} if row["counted"] else {"font_color": _GREY}
            own = units(row) if row["counted"] else None
            self._line(pen, sheet, number, heads, own, row, row["verdict"], grey)
            sheet.set_row(number, 20, None, {"level": 1})

    def _shown(self, row: str, totals: Any) -> list[Decimal]:
        """A total and its parts: scaled as on 汇总表, or exact."""
        if self.scaled:
            return [in_unit(self.book, self.scaled[row, id_]) for id_ in (TOTAL, *self.money)]
        return self._exact(totals)

    def _exact(self, values: Any) -> list[Decimal]:
        side = next((c.side for c in self.book.columns if c.side), "")
        total = sum((values[c.id] for c in self.book.columns if c.side == side), Decimal(0))
        return [total, *(values[id_] for id_ in self.money)]

    def _units(self, group: str) -> Callable[[Any], list[Decimal]]:
        """How a unit's amounts are shown."""
        if not self.scaled:
            return self._exact
        units, _ = self.book.scaled_units(group, self.scaled)
        return lambda unit: [
            in_unit(self.book, units[unit["code"], id_]) for id_ in (TOTAL, *self.money)
        ]

    def _line(
        self, pen: RuledBook, sheet: Any, row: int, heads: list[str], amounts: list[Decimal] | None, values: Any,
        verdict: str, style: Any,
    ) -> None:  # fmt: skip
        """One row; `amounts` is None for a unit that does not count."""
        for column, text in enumerate(heads):
            pen.put(sheet, row, column, text, **style)
        shown: list[Decimal | None] = [*amounts] if amounts else [None] * (1 + len(self.money))
        for column, amount in enumerate(shown, len(heads)):
            pen.put(sheet, row, column, amount, _places(amount, self.places), **style)
        after = len(heads) + len(shown)
        pen.put(sheet, row, after, verdict, **style)
        project_count = int(values[PROJECTS]) if amounts else None
        budget = None
        if amounts:
            budget = Decimal(values[BUDGET])
            budget = in_unit(self.book, budget) if self.scaled else budget
        pen.put(sheet, row, after + 1, project_count, **style)
        pen.put(sheet, row, after + 2, budget, _places(budget, self.places), **style)


def _places(amount: Decimal | None, least: int) -> int:
    """How many decimals an amount has, but not fewer than `least`."""
    if amount is None or -int(amount.as_tuple().exponent) <= least:
        return least
    return max(least, -int(amount.normalize().as_tuple().exponent))


class Compared(NamedTuple):
    """One figure of one district in both years."""

    district: str
    label: str
    units: int
    last: Decimal
    this: Decimal

    @property
    def rate(self) -> str:
        if not self.last:
            return "—"
        return f"{(self.this - self.last) / self.last * 100:.1f}%"


COMPARISON_COLUMNS: tuple[Column[Compared], ...] = (
    Column("区县", lambda row: row.district, 16),
    Column("项目", lambda row: row.label, 22),
    Column("可比单位", lambda row: row.units, 10),
    Column("上年", lambda row: row.last, 16),
    Column("本年", lambda row: row.this, 16),
    Column("增减额", lambda row: row.this - row.last, 16),
    Column("增减", lambda row: row.rate, 10),
)


def _comparison(pen: RuledBook, book: Rollup) -> None:
    """This year beside last year, over the units that have both."""
    labels = {f.id: f.label for f in book.campaign.edition.department.field}
    own = book.campaign.edition.unit
    rows = []
    for name, id_, units, last, this in comparison(book):
        rows.append(Compared(name or "合计", labels[id_], units, last, this))
    subtitle = f"只比较两年都有数的单位。金额单位：{own}（原值）"
    pen.table(
        "与上年比较", _title(book, "绩效目标申报与上年比较"), subtitle,
        COMPARISON_COLUMNS, rows, landscape=False,
    )  # fmt: skip
