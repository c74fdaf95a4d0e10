"""Filling: only what carries an answer changes, rows grow with what is answered,
read gives it back."""

import io
import re
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import xltool
from tests.support.case import filing_of
from tests.support.indicators import indicators
from tests.support.seed import seed_filing
from xltool.filling.writer import FillError, filled, render, verify
from xltool.model import Entry, Form
from xltool.reading.reader import read_grid
from xltool.results_sheet.table import OWN_SHEETS
from xltool.xlsx.audit.workbook import audit
from xltool.xlsx.sheet_names import sheet_name
from xltool.xlsx.workbook_reader import open_grid

EDITION = xltool.load_edition()


def with_entries(form: Form, **values: object) -> Form:
    entries = {key: Entry(value, str(value)) for key, value in values.items()}
    return replace(form, entries={**form.entries, **entries})


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def read_back(data: bytes):
    return read_grid(open_grid(data))


@pytest.fixture(scope="module")
def seed():
    return seed_filing()


def test_the_seed_is_given_back_exactly(seed, tmp_path):
    path = xltool.fill(seed, tmp_path / "沅江 科工信局.xlsx")
    back = xltool.read(path)
    assert back == seed
    assert back.faults == ()
    assert back.department["total"].value == Decimal("1245.61")
    assert str(back.department["nontax_spending"].place) == "部门整体支出绩效目标表!F8"


def test_a_plain_reader_sees_the_official_form(seed, tmp_path):
    book = openpyxl.load_workbook(xltool.fill(seed, tmp_path / "a.xlsx"))
    sheet = book.worksheets[0]
    assert sheet["A1"].value == "2023年部门整体支出绩效目标表"
    assert sheet["A2"].value == "填报单位：（盖章）沅江市科学技术和工业信息化局"
    assert sheet["C4"].value == 1245.61
    assert sheet["F8"].value == 10
    assert sheet.protection.sheet
    assert sheet["A1"].protection.locked is False
    assert sheet["A3"].protection.locked is True


def test_parts_without_an_answer_keep_their_bytes(seed):
    blank, filled = parts(EDITION.template.read_bytes()), parts(render(seed))
    assert list(blank) == list(filled)
    changed = {name for name in blank if blank[name] != filled[name]}
    assert changed == {"xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"}


def test_the_same_filing_gives_the_same_bytes(seed):
    assert render(seed) == render(seed)


def test_a_block_grows_and_everything_below_follows(seed):
    more = replace(
        seed.department, indicators=indicators("quantity", 7) + indicators("satisfaction", 3)
    )
    data = render(replace(seed, department=more))
    grid = open_grid(data)
    sheet = grid.sheets[0]
    assert str(sheet.names["数量指标"]) == "E13:F19"
    assert str(sheet.names["质量指标"]) == "E20:F21"
    assert str(sheet.names["社会公众或服务对象满意度"]) == "E34:F36"
    merged = {str(area) for area in sheet.merges}
    assert {"C13:D19", "C34:D36", "A12:A36"} <= merged
    assert str(sheet.names["_xlnm.Print_Area"]) == "A1:F36"
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert [i.name.value for i in read_back(data).department.block("quantity")] == [
        f"指标{n}" for n in range(1, 8)
    ]
    # Validations and formats reach over the added rows.
    reach = " ".join(str(v.sqref) for v in book.worksheets[0].data_validations.dataValidation)
    assert not re.search(r"F15\b(?!:)", reach)
    assert audit(data) == []


def test_a_template_that_openpyxl_saved_is_filled_well(seed, tmp_path):
    """It declares the prefix of relations on each sheet, which are written anew."""
    template = tmp_path / "模板.xlsx"
    openpyxl.load_workbook(EDITION.template).save(template)
    data = render(seed, template)
    assert audit(data) == []
    assert read_back(data) == seed
    verify(seed, data, EDITION)


def test_unused_rows_keep_the_official_dots(seed):
    fewer = replace(seed.department, indicators=indicators("quantity", 1))
    sheet = open_grid(render(replace(seed, department=fewer))).sheets[0]
    assert sheet[13, 5].text == "指标1"
    assert sheet[14, 5].text == "……"
    assert sheet[15, 5].text == "……"


def test_no_project_no_project_sheet(seed):
    data = render(replace(seed, projects=()))
    assert [s.name for s in open_grid(data).sheets] == ["部门整体支出绩效目标表"]
    assert audit(data) == []
    assert read_back(data) == replace(seed, projects=())


def test_many_projects_with_colliding_names(seed):
    [one] = seed.projects
    long = "中小微企业创新创业大赛及科技成果转化奖补专项资金项目名称很长很长很长"
    names = [
        long + "甲",
        long + "乙",
        "A/B:C*项目",
        "a_b_c_项目",
        "History",
        "'引号'",
        "　",
        "部门整体支出绩效目标表",
        *OWN_SHEETS,
    ]
    projects = tuple(with_entries(one, project=name) for name in names)
    data = render(replace(seed, projects=projects))
    sheets = [s.name for s in open_grid(data).sheets]
    assert len(sheets) == 1 + len(names)
    assert len({s.casefold() for s in sheets}) == len(sheets)
    assert all(len(s) <= 31 and not set(s) & set("[]:*?/\\") for s in sheets)
    assert audit(data) == []
    verify(replace(seed, projects=projects), data, EDITION)


@given(st.lists(st.text(max_size=60), max_size=12))
def test_sheet_names_are_always_legal_and_distinct(wanted):
    taken: set[str] = set()
    names = [sheet_name(text, taken) for text in wanted]
    assert len({n.casefold() for n in names}) == len(names)
    for name in names:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name[0] != "'" != name[-1]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+5",
        "-3",
        "@SUM(A1)",
        "a\x00b\x07",
        "_x000D_",
        "x\ry",
        "尾随空格　 ",
        " \n ",
        "<b>&amp;\"'",
        "\U0001f600",
        "\ufffe",
    ],
)
def test_any_text_is_text_and_comes_back(seed, text):
    filing = replace(seed, department=with_entries(seed.department, goal=text))
    data = render(filing)
    verify(filing, data, EDITION)
    assert read_back(data).department.text("goal") == text
    assert not any(
        cell.formula for sheet in open_grid(data).sheets for cell in sheet.cells.values()
    )


def test_codes_keep_their_leading_zeros(seed):
    data = render(replace(seed, code="00430981"))
    assert read_back(data).code == "00430981"
    assert audit(data) == []


def test_long_texts_get_the_paper_they_need(seed):
    text = "（一）负责全市工业经济运行调度、数据统计和运行形势分析工作。" * 120
    filing = replace(seed, department=with_entries(seed.department, duties=text))
    data = render(filing)
    verify(filing, data, EDITION)
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    [area] = [m for m in sheet.merged_cells.ranges if m.min_row == 10 and m.min_col == 2]
    points = sum(sheet.row_dimensions[row].height for row in range(area.min_row, area.max_row + 1))
    assert area.max_row > area.min_row
    assert (
        points >= 12 * len(text) / 44
    )  # 44 characters a line at the most, 12 points a line at the least
    assert max(sheet.row_dimensions[row].height for row in range(1, sheet.max_row + 1)) <= 409


def test_what_excel_cannot_hold_is_refused_in_one_line(seed, tmp_path):
    for bad in (
        with_entries(seed.department, goal="长" * 32_768),
        with_entries(seed.department, goal="半个\ud800字"),
        with_entries(seed.department, total=Decimal("1234567890123456.78")),
    ):
        with pytest.raises(FillError) as error:
            xltool.fill(replace(seed, department=bad), tmp_path / "x.xlsx")
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_difference_on_reading_back_is_noticed(seed):
    other = replace(seed, department=with_entries(seed.department, total=Decimal("1245.62")))
    with pytest.raises(FillError, match="不一致"):
        verify(other, render(seed), EDITION)


def test_a_failed_write_leaves_the_old_file(seed, tmp_path, monkeypatch):
    path = xltool.fill(seed, tmp_path / "a.xlsx")
    before = path.read_bytes()
    monkeypatch.setattr("xltool.filling.proof.proved_sheets", lambda *_: [])
    monkeypatch.setattr("xltool.filling.writer.audit_parts", lambda parts: ["坏了"])
    with pytest.raises(FillError, match="坏了"):
        xltool.fill(replace(seed, code="1"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@given(
    st.dictionaries(
        st.sampled_from(
            ["total", "general", "fund", "nontax", "other", "basic", "project_spending"]
        ),
        st.decimals(min_value=0, max_value=10**9, places=4),
    ),
    st.lists(st.integers(0, 9), min_size=9, max_size=9),
)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_amounts_and_any_number_of_rows_survive(amounts, counts):
    seed = seed_filing()
    blocks = [b.id for b in EDITION.department.indicators.block]
    rows = tuple(i for block, n in zip(blocks, counts, strict=True) for i in indicators(block, n))
    filing = replace(
        seed,
        department=replace(with_entries(seed.department, **amounts), indicators=rows),
        projects=(),
    )
    data = render(filing)
    verify(filing, data, EDITION)
    back = read_back(data).department
    assert all(back.amount(key) == value for key, value in amounts.items())


def test_a_project_form_that_says_nothing_is_no_project(seed):
    """A campaign sends a blank project form along: what is read back has no such project."""
    nothing_said = Form("project", {"year": seed.department["year"]})
    blank = replace(seed, projects=(nothing_said,))
    assert filled(blank).parts
    with pytest.raises(FillError, match="不一致"):
        verify(blank, filled(seed).data, EDITION)


def test_what_nobody_sees_is_not_written(tmp_path):
    """Pasted zero-width characters are no part of an answer: neither written nor read."""
    answers = {"unit": "青山\u200b县水利局", "duties": "\ufeff拟订规划。\u202e"}
    filing = filing_of({"department": answers, "project": {"period": "2024年\u2060"}})
    back = xltool.read(xltool.fill(filing, tmp_path / "甲.xlsx"))
    assert back.department.text("unit") == "青山县水利局"
    assert back.department.text("duties") == "拟订规划。"
    assert back.projects[0].text("period") == "2024年"
    assert back.faults == ()
