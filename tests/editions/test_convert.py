"""Filings between editions and years:
exact money, every category placed or listed, nothing dropped."""

import csv
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

import xltool
from tests.support.case import filing_of
from tests.support.seed import seed_filing
from tests.support.strategies import filings
from xltool.cli import main
from xltool.databook import load_databook
from xltool.editions.conversion import CHECK, LOST, MADE, convert, next_year
from xltool.editions.declaration import load_edition
from xltool.indicator import parse_target
from xltool.indicator.value_columns import value_columns
from xltool.model import Entry, Indicator, compose
from xltool.xlsx.workbook_reader import open_grid

HUNAN, NATIONAL = load_edition("hunan-2023"), load_edition("national-2021")
SHARED = {
    kind: {f.id for f in HUNAN[kind].field} & {f.id for f in NATIONAL[kind].field}
    for kind in ("department", "project")
}


def shared(form):
    """What both editions have of a form:
    fields as they read, indicators by kind, name and value."""
    fields = {
        i: form[i].value if form[i].value is not None else form[i].text for i in SHARED[form.kind]
    }
    rows = [(one.block, one.name.text, parse_target(one.target.text)) for one in form.indicators]
    return {i: v for i, v in fields.items() if v not in (None, "")}, sorted(
        rows, key=lambda r: r[0]
    )


def in_both(filing):
    """Only the categories that both have:
    a cost indicator's new category is a person's to confirm."""

    def keep(form):
        both = {b.id for b in HUNAN[form.kind].indicators.block} & {
            b.id for b in NATIONAL[form.kind].indicators.block
        }
        return replace(form, indicators=tuple(one for one in form.indicators if one.block in both))

    return replace(
        filing, department=keep(filing.department), projects=tuple(keep(p) for p in filing.projects)
    )


@pytest.mark.parametrize(
    ("here", "there"), [(HUNAN, NATIONAL), (NATIONAL, HUNAN)], ids=["湖南", "全国"]
)
def test_there_and_back_is_the_same_filing(here, there):
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filings(here).map(in_both))
    def survives(filing):
        back = convert(convert(filing, there).filing, here).filing
        assert [shared(f) for f in back.forms] == [shared(f) for f in filing.forms]
        assert back.code == filing.code

    survives()


@given(st.decimals(Decimal("-99999999"), Decimal("99999999"), places=6))
def test_money_is_exact_both_ways(amount):
    there = convert(filing_of({"department": {"total": str(amount)}}), NATIONAL).filing
    if there.department["total"].unread:
        return
    assert there.department.amount("total") == amount * 10_000
    assert convert(there, HUNAN).filing.department.amount("total") == amount


def test_the_real_filing_on_the_national_forms():
    moved = convert(seed_filing(), NATIONAL)
    project = moved.filing.projects[0]
    assert project.amount("own_budget") == 2_400_000
    assert project.amount("total") == project.amount("fiscal") == 2_400_000
    notes = {(n.kind, n.field, n.text) for n in moved.notes}
    assert (LOST, "非税支出", "10") in notes
    assert (MADE, "年度资金总额", "2400000") in notes
    assert (CHECK, "经济成本指标", "税收完工评价费用") in notes
    # Every standard that was written is listed, because the new forms have no such column.
    standards = [one for one in seed_filing().projects[0].indicators if not one.standard.blank]
    assert sum(n.field == "绩效标准" for n in moved.notes) == len(standards)


def test_a_total_that_is_not_its_parts_is_not_dropped():
    fine = filing_of({"edition": "national-2021"})
    said = {(n.kind, n.field) for n in convert(fine, HUNAN).notes}
    assert (LOST, "其他资金") in said
    assert (LOST, "年度资金总额") in said, (
        "a part of it has no place, so the total is not told either"
    )
    assert (LOST, "财政拨款") not in said, "it is 上级资金 + 本级资金, which are both there"
    off = filing_of({"edition": "national-2021", "project": {"fiscal": "9999999"}})
    assert (LOST, "财政拨款") in {(n.kind, n.field) for n in convert(off, HUNAN).notes}


def without(edition, category):
    """The edition without one indicator category."""

    def less(form):
        blocks = tuple(b for b in form.indicators.block if b.kind != category)
        return structs.replace(form, indicators=structs.replace(form.indicators, block=blocks))

    return structs.replace(edition, form=tuple(less(form) for form in edition.form))


def test_a_category_without_a_home_is_listed_and_a_cost_finds_one():
    filing = filing_of({"edition": "national-2021"})
    moved = convert(filing, without(HUNAN, "satisfaction"))
    lost = [n.text for n in moved.notes if n.kind == LOST and n.field == "服务对象满意度指标"]
    assert lost == ["群众满意度 ≥92%", "受益群众满意度 ≥90%"]
    odd = replace(
        filing.department, indicators=(Indicator("cost_social", {"name": Entry("扰民", "扰民")}),)
    )
    moved = convert(replace(filing, department=odd), HUNAN)
    assert [one.block for one in moved.filing.department.indicators] == ["cost"]
    assert (CHECK, "成本指标", "扰民") in {(n.kind, n.field, n.text) for n in moved.notes}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("15家以上", ("≥", "15", "家")), ("200万", ("", "200", "万")), ("≥95%", ("≥", "95", "%")),
        ("780元/生/年", ("", "780", "元/生/年")), ("显著改善", ("定性", "显著改善", "")),
        ("12月31日前", ("定性", "12月31日前", "")), ("15家\n12家", ("定性", "15家\n12家", "")),
        ("", ("", "", "")),
    ],
)  # fmt: skip
def test_values_in_three_columns(text, columns):
    assert value_columns(text) == columns


@given(
    st.sampled_from(["≥", "≤", "", "不低于", "约", ">"]), st.integers(0, 10**9), st.text(max_size=5)
)
def test_splitting_loses_nothing(sign, number, tail):
    text = f"{sign}{number}{tail}"
    split = value_columns(text)
    assert parse_target(compose(*split)) == parse_target(text) or split == ("定性", text, "")


def test_next_years_draft():
    old = filing_of()
    made = next_year(old)
    new, project = made.filing, made.filing.projects[0]
    assert (new.year, project.year, new.unit) == (2025, 2025, old.unit)
    assert project.text("period") == "2025年1月1日-2025年12月31日"
    assert all(
        e.blank
        for f in new.forms
        for i, e in f.entries.items()
        if f.kind == "project" and "budget" in i
    )
    assert new.department["total"].blank
    assert new.department.text("goal") == old.department.text("goal")
    assert new.department.block("time")[0].target.text == "2025年12月31日前"
    assert project.block("time")[0].target.text == "2025年11月30日前"
    kept = {(n.kind, n.field) for n in made.notes}
    assert (CHECK, "整体绩效目标") in kept and (CHECK, "数量指标") in kept
    # X507 compares: the copied goals are found again.
    assert "X507" in {f.code for f in xltool.check(new, last_year=old)}


@pytest.mark.parametrize(
    ("period", "after"),
    [
        ("2024年1月-2024年12月", "2025年1月-2025年12月"), ("2024.01-2024.12", "2025.01-2025.12"),
        ("2023.07-2024.06", "2023.07-2024.06"), ("2024年2月29日", "2025年2月28日"), ("三年", "三年"),
    ],
)  # fmt: skip
def test_only_one_year_periods_move(period, after):
    made = next_year(filing_of({"project": {"period": period}}))
    assert made.filing.projects[0].text("period") == after
    assert (period == after) is any(n.field == "项目支出实施期" for n in made.notes)


def test_on_the_command_line(tmp_path, capsys):
    source = tmp_path / "申报.xlsx"
    xltool.fill(seed_filing(), source)
    book = tmp_path / "新.xlsx"
    assert main(["convert", str(source), "--to", "national-2021", "-o", str(book)]) == 1
    assert "放不下" in capsys.readouterr().out
    [filing] = load_databook(book)
    assert filing == convert(seed_filing(), NATIONAL).filing
    with (tmp_path / "新-转换说明.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["类别"] for r in rows} == {LOST, CHECK, MADE}
    again = tmp_path / "明年.json"
    assert main(["convert", str(book), "--next-year", "-o", str(again)]) == 0
    assert load_databook(again)[0].year == 2024
    assert main(["convert", str(book), "-o", str(again)]) == 2
    assert "--to" in capsys.readouterr().err


def test_a_folder_of_workbooks_is_converted_as_every_command_reads_one(tmp_path, capsys):
    folder = tmp_path / "收来的"
    seed = seed_filing()
    for name, project in (("甲局.XLSX", "部门"), ("乙局.xlsx", "修路")):
        entries = {**seed.projects[0].entries, "project": Entry(project, project)}
        department = {**seed.department.entries, "unit": Entry(name[:2], name[:2])}
        filing = replace(
            seed,
            department=replace(seed.department, entries=department),
            projects=(replace(seed.projects[0], entries=entries),),
        )
        xltool.fill(filing, folder / name)
    (folder / "清单.csv").write_text("名称\n", encoding="utf-8")
    book = tmp_path / "草稿.json"
    assert main(["convert", str(folder), "--next-year", "-o", str(book)]) == 0
    assert "清单.csv" in capsys.readouterr().err
    made = {one.unit: one.projects[0].text("project") for one in load_databook(book)}
    assert made == {"甲局": "部门", "乙局": "修路"}
    assert (
        main(["convert", str(folder), "--to", HUNAN.id, "-o", str(folder / "乙局.xlsx"), "--force"])
        == 2
    )
    again = tmp_path / "一份.json"
    assert main(["convert", str(folder / "甲局.XLSX"), "--to", HUNAN.id, "-o", str(again)]) == 0
    assert load_databook(again)[0].projects[0].text("project") == "部门"
    (tmp_path / "空").mkdir()
    assert main(["convert", str(tmp_path / "空"), "--next-year", "-o", str(book)]) == 2
    assert "部门.csv" in capsys.readouterr().err


def test_last_year_on_other_forms_is_still_compared():
    """X507: goals and amounts copied from last year's forms in 万元 onto this year's in 元."""
    old = filing_of()
    new = replace(convert(old, NATIONAL).filing, source="今年")
    found = [f for f in xltool.check(new, last_year=old) if f.code == "X507"]
    assert {f.field for f in found} >= {"goal", "total", "period_goal"}
    xltool.check(
        new, last_year=replace(old, edition="gone-2020")
    )  # an edition that is not here is no fault
    moved = replace(
        old.department, entries={**old.department.entries, "total": Entry(Decimal(1), "1")}
    )
    found = xltool.check(new, last_year=replace(old, department=moved))
    assert "total" not in {
        f.field for f in found if f.code == "X507" and f.sheet == new.department.sheet
    }


def test_rows_that_were_added_for_nothing_are_gone_in_a_form_filled_anew(tmp_path):
    """The way without Excel: to a data book of the same edition, and back."""
    seed = seed_filing()
    old = seed.department.indicators
    count = len(seed.department.block("quantity"))
    more = [
        Indicator("quantity", {**old[0].cells, "name": Entry(n, n)}) for n in ("多余一", "多余二")
    ]
    added = replace(seed.department, indicators=(*old[:count], *more, *old[count:]))
    grown = xltool.fill(replace(seed, department=added), tmp_path / "加了行.xlsx")
    last = xltool.read(grown).department.block("quantity")[-1].name.place
    emptied = openpyxl.load_workbook(grown)
    for row in (-1, 0):
        at = emptied[last.sheet][last.cell].row + row
        emptied[last.sheet][f"E{at}"] = emptied[last.sheet][f"F{at}"] = None
    emptied.save(grown)
    book = tmp_path / "数据.xlsx"
    assert main(["convert", str(grown), "--to", "hunan-2023", "-o", str(book)]) == 0
    assert main(["fill", str(book), "-o", str(tmp_path / "新")]) == 0
    [anew] = (tmp_path / "新").iterdir()
    areas = [
        open_grid(one).sheets[0].names["数量指标"]
        for one in (xltool.fill(seed, tmp_path / "原样.xlsx"), grown, anew)
    ]
    assert areas[1].bottom > areas[0].bottom == areas[2].bottom
    assert shared(xltool.read(anew).department) == shared(xltool.read(grown).department)
