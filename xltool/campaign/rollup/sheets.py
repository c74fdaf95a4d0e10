"""The roll-up as an official-looking workbook: 汇总表, 主管部门, 指标, 单位明细, 与上年比较."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
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
from xltool.campaign.sheets import OFFICIAL
from xltool.campaign.units import NO_DISTRICT
from xltool.checks.cross_totals import SIDES
from xltool.files.atomic import writing
from xltool.files.table_column import Column, cells
from xltool.xlsx.table_book import RowValue, Styled, TableBook, TableSheet
from xltool.xlsx.table_frame import INSIDE, Link

DETAIL, ORIGINALS = "单位明细", "（原值）"
GROUPS = {"district": "区县", "superior": "主管部门"}
NO_NAME = {"district": NO_DISTRICT, "superior": "未写主管部门"}
_GREY = "#7F7F7F"
_MOST_PLACES = 4  # decimals that an original may have


def write_rollup(path: Path, book: Rollup) -> None:
    """Write the workbook; it takes its place only when it is whole."""
    scaled = book.scaled("district")
    details = [_Details(book, "district", DETAIL, scaled)]
    with writing(path, "wb") as file, TableBook(file, OFFICIAL) as pen:
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


_SIDE_HEADS = {"revenue": "按收入性质分", "spending": "按支出性质分"}


def _money_columns(book: Rollup, width: float) -> Iterator[Column[Any]]:
    """资金总额 and the parts of both sides, each side under its name;
    what a row has of them are `amounts`."""
    yield Column("资金总额", _nth_amount(0), max(13, width))
    for number, part in enumerate((column for column in book.columns if column.side), 1):
        group = _SIDE_HEADS.get(part.side) or SIDES.get(part.side, part.side)
        yield Column(part.label, _nth_amount(number), width, group=group)


def _nth_amount(n: int) -> Callable[[Any], RowValue]:
    return lambda row: row.amounts[n]


def _money(amount: Decimal | None, places: int) -> RowValue:
    """An amount with so many decimals."""
    if amount is None:
        return None
    return Styled(amount, {"num_format": "#,##0" + ("." + "0" * places if places else "")})


class GroupRow(NamedTuple):
    """A group on 汇总表: a link to its units,
    how many there are and how many are in the sums, its sums."""

    group: RowValue
    units: int
    covered: RowValue
    amounts: list[RowValue]
    projects: int
    budget: RowValue
    nontax: int


def _summary_columns(book: Rollup, by: str) -> list[Column[GroupRow]]:
    width = _wide(book, book.decimals, 12.5)
    return [
        Column(GROUPS[by], lambda row: row.group, 16),
        Column("应报\n单位", lambda row: row.units, 6),
        Column("汇总\n单位", lambda row: row.covered, 6),
        *_money_columns(book, width),
        Column("项目\n个数", lambda row: row.projects, 6),
        Column("项目表\n金额", lambda row: row.budget, width),
        Column("经非税\n平衡的\n单位", lambda row: row.nontax, 7),
    ]


def _summary(
    pen: TableBook,
    book: Rollup,
    name: str,
    by: str,
    scaled: Scaled,
    details: _Details,
    *,
    same: bool = True,
) -> None:
    columns, title = _summary_columns(book, by), _title(book, "绩效目标申报汇总表")
    unit = f"单位：{book.unit}"
    sheet = pen.sheet(
        name, columns, title=title, line=_cover(book), line_right=unit, fixed_columns=1,
        filter_columns=0,
    )  # fmt: skip
    money = [TOTAL, *(column.id for column in book.columns if column.side)]
    counts, projects = _group_counts(book, by), budgets(book, by)
    for group in (WHOLE, *scaled.exact.rows):
        label = "合计" if group == WHOLE else group or NO_NAME[by]
        link = Link(
            label,
            INSIDE,
            f"'{details.name}'!A{details.rows[group] + 1}",
            "看这一合计由哪些单位构成",
        )
        units, covered, project_count, nontax = counts[group]
        row = GroupRow(
            Styled(link, {"align": "center"}) if group == WHOLE else link,
            units,
            Styled(covered, {"font_color": "#C00000"}) if covered < units else covered,
            [_money(in_unit(book, scaled[group, id_]), book.decimals) for id_ in money],
            project_count,
            _money(in_unit(book, projects[group]), book.decimals),
            nontax,
        )
        sheet.row(cells(columns, row), {"bold": True} if group == WHOLE else {})
    _remarks(sheet, book, scaled, same)


def _group_counts(book: Rollup, by: str) -> dict[str, tuple[int, int, int, int]]:
    """Of each group, WHOLE among them:
    units, units covered, projects, units balanced by non-tax revenue."""
    nontax = int(book.units[BY_NONTAX].sum())
    counts = {WHOLE: (len(book.units), book.covered, int(book.total(PROJECTS)), nontax)}
    for group, sums in book.sums(by).iterrows():
        units, covered = int(sums["units"]), int(sums["covered"])
        counts[group] = units, covered, int(sums[PROJECTS]), int(sums[BY_NONTAX])
    return counts


def _remarks(sheet: TableSheet, book: Rollup, scaled: Scaled, same: bool) -> None:
    """Under the table: how it was rounded, who is missing."""
    lines = [
        f"编制时间：{book.made_at}　数据来源：各单位申报表，只汇总计入的申报（没有错误的和选定、核准的）；"
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
    if book.questions:
        lines.append(f"已计入、金额单位要核实的 {len(book.questions)} 个单位：")
        lines += [f"　{code} {question}" for code, question in book.questions.items()]
    missing = book.missing
    if len(missing):
        lines.append(f"未计入的 {len(missing)} 个单位：")
        for district, rows in book.grouped("district").items():
            named = [f"{row['name']}（{row['state']}）" for row in rows if not row["counted"]]
            if named:
                lines += _folded(district or NO_NAME["district"], named, 12 * len(sheet.columns))
    for line in lines:
        sheet.below(line, {"align": "left", "text_wrap": True, "valign": "top"})


_LINES = 20  # of text in one row: more don't fit into the height that a row may have


def _folded(label: str, names: list[str], width: int) -> Iterator[str]:
    """All names, over as many rows as they need: none is cut off at the end of one."""
    most = width * _LINES // 2  # a Chinese character takes two
    text = f"{label}："
    for number, name in enumerate(names):
        more = ("" if number == 0 else "、") + name
        if len(text) + len(more) > most and number:
            yield text
            text = f"{label}（续）：{name}"
        else:
            text += more
    yield text


def _wide(book: Rollup, places: int, least: float) -> float:
    """The width that the largest amount needs, with its thousands marks: never ####."""
    total = max(
        (abs(in_unit(book, book.total(column.id))) for column in book.columns if column.side),
        default=0,
    )
    digits = len(f"{int(total) * 2:,}") + (1 + places if places else 0) + 1  # a sign
    return max(least, digits * 1.1 + 1.5)


class CategoryCounts(NamedTuple):
    """A district on 指标汇总: how many units, projects, and indicators of each category."""

    district: RowValue
    covered: int
    projects: int
    indicators: list[int]


def _category_columns(book: Rollup) -> list[Column[CategoryCounts]]:
    def count_of(n: int) -> Callable[[CategoryCounts], int]:
        return lambda row: row.indicators[n]

    return [
        Column("区县", lambda row: row.district, 16),
        Column("汇总\n单位", lambda row: row.covered, 7),
        Column("项目\n个数", lambda row: row.projects, 7),
        Column("指标\n合计", lambda row: sum(row.indicators), 9),
        *(
            Column(label, count_of(number), 9.5, group=level1)
            for number, (_, level1, label) in enumerate(book.categories)
        ),
    ]


def _indicators(pen: TableBook, book: Rollup) -> None:
    """How many projects and indicators, by category."""
    columns = _category_columns(book)
    sheet = pen.sheet(
        "指标汇总", columns, title=_title(book, "绩效指标汇总表"), line=_cover(book), line_right="单位：个",
        fixed_columns=1, filter_columns=0,
    )  # fmt: skip
    ids = [category[0] for category in book.categories]
    whole = CategoryCounts(
        Styled("合计", {"align": "center"}),
        book.covered,
        int(book.total(PROJECTS)),
        [int(book.total(id_)) for id_ in ids],
    )
    sheet.row(cells(columns, whole), {"bold": True})
    for name, sums in book.sums("district").iterrows():
        counts = [int(sums[id_]) for id_ in ids]
        district = str(name) or NO_NAME["district"]
        row = CategoryCounts(district, int(sums["covered"]), int(sums[PROJECTS]), counts)
        sheet.row(cells(columns, row))


class DetailRow(NamedTuple):
    """A unit on 单位明细, or a group's total."""

    group: str
    code: str
    name: str
    state: str
    amounts: list[RowValue]
    verdict: str
    projects: int | None
    budget: RowValue


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
        self.money = [column.id for column in book.columns if column.side]

    def draw(self, pen: TableBook) -> None:
        book, columns = self.book, self._columns()
        unit = book.unit if self.scaled else f"{book.campaign.edition.unit}（原值）"
        sheet = pen.sheet(
            self.name, columns, title=_title(book, "绩效目标申报单位明细"), line=_cover(book),
            line_right=f"单位：{unit}", fixed_columns=3, filter_columns=4, sums_above=True,
        )  # fmt: skip
        totals = {key: book.total(key) for key in (*self.money, PROJECTS, BUDGET)}
        coverage = f"{book.covered} / {len(book.units)} 个单位"
        heads = ("合计", "", coverage, "")
        whole = self._row(heads, self._shown(WHOLE, totals), totals)
        sheet.row(cells(columns, whole), {"bold": True})
        sums = book.sums(self.by)
        for key, group in self.groups:
            self._draw_group(sheet, key, group, sums.loc[key])

    def _columns(self) -> list[Column[DetailRow]]:
        width = _wide(self.book, max(self.places, _MOST_PLACES), 12.5)
        return [
            Column(GROUPS[self.by], lambda row: row.group, 12),
            Column("部门编码", lambda row: row.code, 14),
            Column("部门名称", lambda row: row.name, 28),
            Column("状态", lambda row: row.state, 8),
            *_money_columns(self.book, width),
            Column("平衡结论", lambda row: row.verdict, 20),
            Column("项目\n个数", lambda row: row.projects, 6),
            Column("项目表\n金额", lambda row: row.budget, width),
        ]

    def _draw_group(self, sheet: TableSheet, key: str, group: list[Any], sums: Any) -> None:
        """A group's total, and under it, to be folded away, its units."""
        label = key or NO_NAME[self.by]
        heads = (label, "", f"{int(sums['covered'])} / {len(group)} 个单位", "")
        total = self._row(heads, self._shown(key, sums), sums)
        sheet.row(cells(sheet.columns, total), {"bold": True, "bg_color": "#F2F2F2"})
        units = self._units(key)
        for unit in group:
            heads = (label, unit["code"], unit["name"], unit["state"])
            own = units(unit) if unit["counted"] else None
            grey = {} if unit["counted"] else {"font_color": _GREY}
            row = self._row(heads, own, unit, unit["verdict"])
            sheet.row(cells(sheet.columns, row), grey, level=1)

    def _shown(self, row: str, totals: Any) -> list[Decimal]:
        """A total and its parts: scaled as on 汇总表, or exact."""
        if self.scaled:
            return [in_unit(self.book, self.scaled[row, id_]) for id_ in (TOTAL, *self.money)]
        return self._exact(totals)

    def _exact(self, values: Any) -> list[Decimal]:
        side = next((column.side for column in self.book.columns if column.side), "")
        total = sum(
            (values[column.id] for column in self.book.columns if column.side == side), Decimal(0)
        )
        return [total, *(values[id_] for id_ in self.money)]

    def _units(self, group: str) -> Callable[[Any], list[Decimal]]:
        """How a unit's amounts are shown."""
        if not self.scaled:
            return self._exact
        units, _ = self.book.scaled_units(group, self.scaled)
        return lambda unit: [
            in_unit(self.book, units[unit["code"], id_]) for id_ in (TOTAL, *self.money)
        ]

    def _row(
        self, heads: tuple[str, str, str, str], amounts: list[Decimal] | None, values: Any, verdict: str = ""
    ) -> DetailRow:  # fmt: skip
        """One row; `amounts` is None for a unit that does not count."""
        if amounts is None:
            blank: list[RowValue] = [None] * (1 + len(self.money))
            return DetailRow(*heads, blank, verdict, None, None)
        budget = Decimal(values[BUDGET])
        budget = in_unit(self.book, budget) if self.scaled else budget
        shown = [_money(amount, _places(amount, self.places)) for amount in amounts]
        projects = int(values[PROJECTS])
        return DetailRow(
            *heads, shown, verdict, projects, _money(budget, _places(budget, self.places))
        )


def _places(amount: Decimal, least: int) -> int:
    """How many decimals an amount has, but not fewer than `least`."""
    if -int(amount.as_tuple().exponent) <= least:
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


def _comparison(pen: TableBook, book: Rollup) -> None:
    """This year beside last year, over the units that have both."""
    labels = {field.id: field.label for field in book.campaign.edition.department.field}
    own = book.campaign.edition.unit
    rows = []
    for name, id_, units, last, this in comparison(book):
        rows.append(Compared(name or "合计", labels[id_], units, last, this))
    subtitle = f"只比较两年都有数的单位。金额单位：{own}（原值）"
    title = _title(book, "绩效目标申报与上年比较")
    pen.table("与上年比较", COMPARISON_COLUMNS, rows, title=title, line=subtitle, landscape=False)
