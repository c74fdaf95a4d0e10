"""Totals per district, superior and whole:
exact sums of what counts, and how much of the list that is."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.figures import Figures
from xltool.campaign.ledger.store import now
from xltool.campaign.returns.status import Standing, status
from xltool.campaign.rollup.scaling import (
    TOTAL,
    WHOLE,
    AmountTable,
    Infeasible,
    Scaled,
    scale,
    spread,
)
from xltool.campaign.units import NO_DISTRICT
from xltool.checks.cross_totals import SIDES, Verdict
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.money import UNITS, convert

if TYPE_CHECKING:
    from pandas import DataFrame

ZERO = Decimal(0)
PROJECTS, BUDGET, BY_NONTAX = "projects", "budget", "by_nontax"


@dataclass(frozen=True, slots=True)
class MoneyColumn:
    """One money column: its id in the frame, its label, and its side
    (revenue, spending or none)."""

    id: str
    label: str
    side: str = ""


@dataclass(frozen=True)
class Rollup:
    """Everything that the sheets and the JSON show.

    `units` has a row for each unit on the list: code, name, district, superior, state, counted
    (bool), the exact amounts by column id (Decimal, in the edition's unit; 0 where it does not
    count), projects, indicator counts by category, `last:`amounts where known.
    """

    campaign: Campaign
    units: DataFrame
    columns: tuple[MoneyColumn, ...]
    categories: tuple[tuple[str, str, str], ...]  # id, level 1, label
    last_year: tuple[str, ...]  # fields with figures of last year
    unit: str
    decimals: int
    made_at: str
    questions: dict[str, str]  # code → what the totals of the others ask

    @functools.cached_property
    def records(self) -> list[dict[str, Any]]:
        """The units as plain rows, in the order of the list."""
        return [{str(k): v for k, v in row.items()} for row in self.units.to_dict("records")]

    def grouped(self, by: str) -> dict[str, list[dict[str, Any]]]:
        """The rows by district or superior, in the order of the list."""
        if by not in self._groups:
            groups = self._groups[by] = {}
            for row in self.records:
                groups.setdefault(row[by], []).append(row)
        return self._groups[by]

    @functools.cached_property
    def _groups(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        return {}

    @property
    def covered(self) -> int:
        return int(self.units["counted"].sum())

    @property
    def missing(self) -> DataFrame:
        """The units that do not count."""
        return self.units[~self.units["counted"]]

    def total(self, column: str) -> Decimal:
        """The exact sum over all units that count, in the edition's unit."""
        return sum(self.units[column], ZERO)

    def sums(self, by: str) -> DataFrame:
        """Exact sums by district or superior, in the order of the list."""
        if by not in self._sums:
            self._sums[by] = self._added_up(by)
        return self._sums[by]

    @functools.cached_property
    def _sums(self) -> dict[str, DataFrame]:
        return {}

    def _added_up(self, by: str) -> DataFrame:
        names = [column.id for column in self.columns] + [
            BUDGET,
            PROJECTS,
            *(category[0] for category in self.categories),
        ]
        groups = self.units.groupby(by, sort=False)
        totals = groups[names].agg(lambda amounts: sum(amounts, ZERO))
        totals["units"] = groups.size()
        totals["covered"] = groups["counted"].sum()
        totals[BY_NONTAX] = groups[BY_NONTAX].sum()
        return totals

    @property
    def step(self) -> Decimal:
        """The last place shown, in the edition's unit."""
        return convert(Decimal(1).scaleb(-self.decimals), self.unit, self.campaign.edition.unit)

    def scaled(self, by: str, whole: Scaled | None = None) -> Scaled:
        """The sums by district or superior in the unit shown, adding up in both directions.

        Its cells are in the edition's unit, whole multiples of `step`.
        """
        sums = self.sums(by)
        by_side: dict[str, list[str]] = {}
        for column in self.columns:
            if column.side:
                by_side.setdefault(column.side, []).append(column.id)
        sides = tuple(map(tuple, by_side.values()))
        ids = [id_ for side in sides for id_ in side]
        cells = {(row, id_): sums.at[row, id_] for row in sums.index for id_ in ids}
        fixed = None
        if whole is not None:
            fixed = {id_: whole[WHOLE, id_] for id_ in (TOTAL, *ids)}
        return scale(AmountTable(tuple(sums.index), sides, cells), self.step, fixed)

    def scaled_units(self, district: str, scaled: Scaled) -> tuple[Scaled, bool]:
        """A district's units in the unit shown, by code,
        and whether they add up to the district's row.

        Where the row's own rounding leaves no way
        (never met, but possible), they add up by themselves.
        """
        counted_rows = [row for row in self.grouped("district").get(district, []) if row["counted"]]
        sides = scaled.exact.sides
        ids = [c for side in sides for c in side]
        cells = {(row["code"], id_): row[id_] for row in counted_rows for id_ in ids}
        table = AmountTable(tuple(row["code"] for row in counted_rows), sides, cells)
        try:
            return scale(
                table, self.step, {id_: scaled[district, id_] for id_ in (TOTAL, *ids)}
            ), True
        except Infeasible:
            return scale(table, self.step), False


def is_rounded(scaled: Scaled) -> bool:
    """Whether anything shown differs from the original."""
    return any(scaled[at] != scaled.exact.exact(*at) for at in scaled.exact)


def rollup(campaign: Campaign, unit: str = "", decimals: int = 2) -> Rollup:
    """The roll-up of what counts now.
    Reads only; `unit` is 元, 万元 or 亿元 (the edition's own if empty)."""
    import pandas as pd

    edition = campaign.edition
    unit = unit or edition.unit
    if unit not in UNITS:
        raise XltoolError(f"没有金额单位“{unit}”，可用：{'、'.join(UNITS)}")
    columns = _columns(edition)
    categories = _categories(edition)
    standing = status(campaign)
    standings = standing.owing
    if not standings:
        raise XltoolError("名单上没有应报的单位，没有可汇总的")
    fields = [field.id for field in edition.department.field if field.kind == "amount"]
    last_year = tuple(
        id_ for id_ in fields if any(id_ in standing.unit.last_year for standing in standings)
    )
    rows = [
        _row(standing, standing.row, edition, columns, categories, last_year)
        for standing in standings
    ]
    frame = pd.DataFrame(rows)
    compared = tuple(
        column
        for column in columns
        if not column.id.endswith((":residual", ":uncounted")) or any(frame[column.id])
    )
    return Rollup(
        campaign,
        frame,
        compared,
        categories,
        last_year,
        unit,
        decimals,
        made_at=now(),
        questions=standing.questions,
    )


def _columns(edition: Edition) -> tuple[MoneyColumn, ...]:
    """Each side's parts, then what makes the sum whole:
    amounts not counted, and what is left over."""
    form = edition.department
    if not form.sum:  # nothing adds up to anything: the amounts stand side by side
        return tuple(
            MoneyColumn(field.id, field.label, "revenue")
            for field in form.field
            if field.kind == "amount"
        )
    columns = []
    for equation in form.sum:
        columns += [
            MoneyColumn(part, form[part].label, equation.side)
            for part in (*equation.parts, *equation.adjust)
        ]
        if equation.adjust:
            labels = "、".join(form[part].label for part in equation.adjust)
            columns.append(
                MoneyColumn(
                    f"{equation.side}:uncounted", f"减：不计入合计的{labels}", equation.side
                )
            )
        columns.append(
            MoneyColumn(f"{equation.side}:residual", f"{SIDES[equation.side]}差额", equation.side)
        )
    return tuple(columns)


def _categories(edition: Edition) -> tuple[tuple[str, str, str], ...]:
    """Indicator categories of both forms, each once: id, level 1, label."""
    categories: dict[str, tuple[str, str, str]] = {}
    for form in edition.form:
        for block in form.indicators.block:
            categories.setdefault(block.id, (f"indicators:{block.id}", block.level1, block.label))
    return tuple(categories.values())


def _row(
    standing: Standing,
    counted: Any,
    edition: Edition,
    columns: tuple[MoneyColumn, ...],
    categories: tuple[tuple[str, str, str], ...],
    last_year: tuple[str, ...],
) -> dict[str, Any]:
    figures = (
        msgspec.json.decode(counted["figures"], type=Figures)
        if counted
        else Figures({}, {}, "", [], {})
    )
    amounts = {id_: Decimal(text) for id_, text in figures.amounts.items()}
    unit = standing.unit
    row: dict[str, Any] = {
        "code": unit.code,
        "name": unit.name,
        "district": unit.district,
        "superior": unit.superior,
        "state": standing.state,
        "counted": counted is not None,
        "version": counted["version"] if counted else 0,
    }
    row |= {column.id: amounts.get(column.id, ZERO) for column in columns}
    row |= _between(amounts, figures, edition)
    row["verdict"] = figures.verdict
    row[BY_NONTAX] = figures.verdict == Verdict.BY_NONTAX
    row[PROJECTS] = len(figures.projects)
    row[BUDGET] = sum((Decimal(project.budget) for project in figures.projects), ZERO)
    for id_, _, _ in categories:
        block = id_.partition(":")[2]
        row[id_] = sum(figures.indicators.get(f"{form.id}.{block}", 0) for form in edition.form)
    for id_ in last_year:
        text = unit.last_year.get(id_)
        row[f"last:{id_}"] = None if text is None else Decimal(text)
        row[f"this:{id_}"] = amounts.get(id_, ZERO) if counted and text is not None else None
    return row


def _between(amounts: dict[str, Decimal], figures: Figures, edition: Edition) -> dict[str, Decimal]:
    """What a side doesn't count and what it lacks. Both sides come to the same total; an edition
    with two different ones shows what is between them."""
    row: dict[str, Decimal] = {}
    for equation in edition.department.sum:
        total = amounts.get(edition.department.sum[0].total, ZERO)
        filed = sum((amounts.get(part, ZERO) for part in (*equation.parts, *equation.adjust)), ZERO)
        uncounted = Decimal(figures.uncounted.get(equation.side, "0"))
        row[f"{equation.side}:uncounted"] = -uncounted
        row[f"{equation.side}:residual"] = total - filed + uncounted
    return row


def second_table(book: Rollup, first: Scaled) -> tuple[Scaled, bool]:
    """The table by superior: with the totals of the first one where it can be,
    and whether it could."""
    try:
        return book.scaled("superior", first), True
    except Infeasible:
        return book.scaled("superior"), False


def comparison(book: Rollup) -> list[tuple[str, str, int, Decimal, Decimal]]:
    """(district, field, units compared, last year, this year): only units that have both.

    First come all units together, under an empty name.
    """
    compared = []
    districts = book.units.groupby("district", sort=False)
    groups = [("", book.units), *((name or NO_DISTRICT, frame) for name, frame in districts)]
    for name, frame in groups:
        for id_ in book.last_year:
            both = frame[frame[f"this:{id_}"].notna()]
            last, this = sum(both[f"last:{id_}"], ZERO), sum(both[f"this:{id_}"], ZERO)
            compared.append((str(name), id_, len(both), last, this))
    return compared


def in_unit(book: Rollup, amount: Decimal) -> Decimal:
    """An amount in the unit shown."""
    return convert(amount, book.campaign.edition.unit, book.unit)


def budgets(book: Rollup, by: str) -> dict[str, Decimal]:
    """The projects' budgets by group, scaled on their own, WHOLE among the keys."""
    return spread(dict(book.sums(by)[BUDGET]), book.step)
