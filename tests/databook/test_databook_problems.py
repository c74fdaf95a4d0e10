"""What is wrong in a data book is said at once, with table and cell;
the other units are unharmed."""

import csv
import functools
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.books import HEADS, ROWS, book
from tests.support.paths import TESTS
from tests.support.seed import EXAMPLE, seed_filing
from xltool.databook import DatabookError, load_databook, open_databook, problems
from xltool.errors import XltoolError
from xltool.model import Severity


def said(found):
    return [(p.code, p.sheet.removesuffix(".csv") + p.cell, p.unit) for p in found.problems]


def units(found):
    return [f.unit for f in found.filings]


def test_the_small_book_is_good(tmp_path):
    found = open_databook(book(tmp_path))
    assert said(found) == []
    assert units(found) == ["甲局", "乙局"]
    first = found.filings[0]
    assert first.code == "0012"
    assert first.projects[0].block("quantity")[0].standard.value == "计划标准"
    assert first.department.amount("other") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_that_excel_writes(tmp_path, encoding):
    assert load_databook(book(tmp_path, encoding=encoding)) == load_databook(book(tmp_path))


def test_columns_in_any_order_and_no_code(tmp_path):
    order = "项目支出名称,部门名称,本年度绩效目标,实施期绩效目标,项目支出实施期"
    heads = {"项目": f"{order},该项目支出上级资金,年度本级预算金额"}
    heads["部门"] = HEADS["部门"].replace("部门编码,", "")
    rows = {
        "项目": ["修路,甲局,目标,目标,2023年,,40"],
        "部门": [r.replace(",0012", "") for r in ROWS["部门"][:1]],
    }
    [filing] = load_databook(book(tmp_path, heads, rows))
    assert filing.projects[0].amount("own_budget") == Decimal(40)
    assert filing.code == ""


def test_a_missing_and_a_misspelt_column(tmp_path):
    heads = {"项目": HEADS["项目"].replace("年度本级预算金额", "本级预算金额")}
    found = open_databook(book(tmp_path, heads))
    assert said(found) == [("B004", "项目C1", ""), ("B003", "项目", "")]
    assert "是不是“年度本级预算金额”？" in found.problems[0].message
    assert "缺少列“年度本级预算金额”" in found.problems[1].message
    assert units(found) == []


def test_an_unknown_column_holds_back_only_the_units_that_use_it(tmp_path):
    heads = {"部门": HEADS["部门"] + ",备注"}
    rows = {"部门": [ROWS["部门"][0] + ",请核", ROWS["部门"][1] + ","]}
    found = open_databook(book(tmp_path, heads, rows))
    assert said(found) == [("B004", "部门N1", "")]
    assert units(found) == ["乙局"]
    assert found.left_out == ["甲局"]


def test_a_value_without_a_head_is_not_dropped_unsaid(tmp_path):
    found = open_databook(book(tmp_path, rows={"项目": [ROWS["项目"][0] + ",多余"]}))
    assert said(found) == [("B004", "项目H2", "甲局")]
    assert units(found) == ["乙局"]


# What is wrong: table, its rows, and then code, cell, unit; and the units that stay unharmed.
FIRST, SECOND = ROWS["部门"]
BAD = {
    "unknown unit": ("项目", ["丙局,建桥,1,,,,"], "B008", "A2", "丙局", "甲局 乙局"),
    "unknown unit of an indicator": (
        "指标",
        ["甲局局,,产出,数量,文件,3,"],
        "B008",
        "A2",
        "甲局局",
        "甲局 乙局",
    ),
    "unknown project": ("指标", ["甲局,修桥,产出,数量,里程,1,"], "B009", "B2", "甲局", "乙局"),
    "unknown category": ("指标", ["甲局,,产出,数目,文件,3,"], "B010", "D2", "甲局", "乙局"),
    "no category": ("指标", ["甲局,,产出,,文件,3,"], "B010", "D2", "甲局", "乙局"),
    "category on the wrong side": (
        "指标",
        ["甲局,,效益指标,数量,文件,3,"],
        "B010",
        "C2",
        "甲局",
        "乙局",
    ),
    "unit twice": ("部门", [FIRST, SECOND, "2023,乙局,,1,,,,,,,,,"], "B011", "B4", "乙局", "甲局"),
    "project twice": ("项目", ROWS["项目"] * 2, "B012", "B3", "甲局", "乙局"),
    "no project name": ("项目", [*ROWS["项目"], "乙局,,1,,,,"], "B007", "B3", "乙局", "甲局"),
    "merged cell": (
        "指标",
        [ROWS["指标"][0], ",,产出,数量,会议,3次,"],
        "B007",
        "A3",
        "甲局",
        "乙局",
    ),
    "amount in words": (
        "部门",
        [FIRST, "2023,乙局,,五十万,,,,,,,,,"],
        "B013",
        "D3",
        "乙局",
        "甲局",
    ),
    "monstrous amount": (
        "部门",
        [FIRST, f"2023,乙局,,{'9' * 40},,,,,,,,,"],
        "B013",
        "D3",
        "乙局",
        "甲局",
    ),
    "more digits than Excel": (
        "部门",
        [FIRST, "2023,乙局,,1234567890123.456,,,,,,,,,"],
        "B013",
        "D3",
        "乙局",
        "甲局",
    ),
    "year in words": ("部门", ["二〇二三,甲局,,1,,,,,,,,,", SECOND], "B014", "A2", "甲局", "乙局"),
    "too long": (
        "部门",
        [f"2023,甲局,,1,,,,,,,,{'长' * 32768},", SECOND],
        "B015",
        "L2",
        "甲局",
        "乙局",
    ),
    "too many emoji": (
        "部门",
        [f"2023,甲局,,1,,,,,,,,{'😀' * 16384},", SECOND],
        "B015",
        "L2",
        "甲局",
        "乙局",
    ),
    "noncharacter": ("指标", ["甲局,,产出,数量,文件\uffff,3,"], "B016", "E2", "甲局", "乙局"),
}


@pytest.mark.parametrize("none", ["-", "—", "——", "/", "无", " ／ ", "N/A"])
def test_who_writes_that_there_is_none_is_told_to_leave_it_blank(tmp_path, none):
    found = open_databook(book(tmp_path, rows={"部门": [FIRST, f"2023,乙局,,{none},,,,,,,,,"]}))
    [problem] = [p for p in found.problems if p.code == "B013"]
    assert "没有就空着" in problem.message


@pytest.mark.parametrize("case", BAD)
def test_bad(tmp_path, case):
    table, rows, code, cell, unit, good = BAD[case]
    others = {} if table == "指标" else {"指标": []}
    found = open_databook(book(tmp_path, rows={**others, table: rows}))
    assert said(found) == [(code, f"{table}{cell}", unit)]
    assert units(found) == good.split()


def test_a_column_twice(tmp_path):
    heads = {"项目": HEADS["项目"] + ",项目支出名称"}
    found = open_databook(book(tmp_path, heads))
    assert said(found) == [("B005", "项目H1", "")]
    assert units(found) == []


def test_all_problems_at_once_and_nothing_lost(tmp_path):
    rows = {"部门": ["2023,甲局,,x,y,,,,,,,,", ROWS["部门"][1], "2023,丙局,,z,,,,,,,,,"]}
    with pytest.raises(DatabookError) as caught:
        load_databook(book(tmp_path, rows=rows))
    assert [(p.cell, p.unit) for p in caught.value.problems] == [
        ("D2", "甲局"),
        ("E2", "甲局"),
        ("D4", "丙局"),
    ]
    assert [f.unit for f in caught.value.filings] == ["乙局"]
    assert "共 3 处" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_amount_written_with_its_unit_is_read_and_said(tmp_path):
    rows = {"部门": ['2023,甲局,,"1,245.61万元",8900元,,,,60,40,,职能,目标']}
    found = open_databook(book(tmp_path, rows=rows))
    department = found.filings[0].department
    assert (department.amount("total"), department.amount("general")) == (
        Decimal("1245.61"),
        Decimal("0.89"),
    )
    assert department["total"].text == "1,245.61万元"
    assert [(p.code, p.severity, p.cell) for p in found.problems] == [
        ("B102", Severity.NOTE, "D2"),
        ("B102", Severity.NOTE, "E2"),
    ]


def test_placeholders_and_blank_rows_are_no_indicators(tmp_path):
    rows = {
        "指标": [
            *ROWS["指标"],
            "甲局,,产出,质量,……,,",
            "甲局,,产出,质量, ,,",
            ",,,,,,",
            "没有的局,,,,……,,",
        ]
    }
    found = open_databook(book(tmp_path, rows=rows))
    assert said(found) == []
    assert len(found.filings[0].department.indicators) == 1


def test_a_column_that_the_form_lacks_is_said(tmp_path):
    found = open_databook(book(tmp_path, rows={"指标": ["甲局,,产出,数量,文件,3份,计划标准"]}))
    assert said(found) == [("B103", "指标G2", "甲局")]
    assert found.problems[0].severity is Severity.QUERY
    assert units(found) == ["甲局", "乙局"]


def test_a_missing_table(tmp_path):
    folder = book(tmp_path)
    (folder / "指标.csv").rename(folder / "指标表.csv")
    found = open_databook(folder)
    assert [p.code for p in found.problems] == ["B002"]
    assert "是不是“指标表”？" in found.problems[0].message
    assert units(found) == []


def test_no_rows(tmp_path):
    found = open_databook(book(tmp_path, rows={"部门": [], "项目": [], "指标": []}))
    assert said(found) == [("B006", "部门", "")]


def test_a_quote_that_never_ends(tmp_path):
    found = open_databook(book(tmp_path, rows={"指标": ['甲局,,产出,数量,"文件,3,']}))
    assert found.problems[0].code == "B001"
    assert units(found) == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("空.xlsx", b"", "空"),
        ("空.json", b"", "JSON"),
        ("文字.xlsx", "不是工作簿".encode(), "不是 Excel 工作簿"),
        ("旧.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xls"),
        (
            "加密.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "加密",
        ),
        ("断.xlsx", b"PK\x03\x04 broken", "损坏"),
        ("部门.csv", b"x", "文件夹"),
        ("深.json", b"[" * 100_000, "嵌套过深"),
        ("数.json", b'{"filings": [{"department": {"total": NaN}}]}', "NaN"),
        ("重.json", b'{"filings": [], "filings": []}', "出现两次"),
        ("列.json", b"[]", "最外层"),
    ],
)
def test_what_is_no_data_book_is_one_problem(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    found = open_databook(tmp_path / name)
    assert [p.code for p in found.problems] == ["B001"]
    assert words in found.problems[0].message


def test_what_the_machine_refuses_is_one_line(tmp_path):
    with pytest.raises(XltoolError, match="没有这个数据表"):
        open_databook(tmp_path / "没有.xlsx")
    with pytest.raises(XltoolError, match="没有版式"):
        open_databook(book(tmp_path), "mars-2050")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    folder = book(tmp_path)
    (folder / "部门.csv").unlink()
    (folder / "部门.csv").mkdir()
    with pytest.raises(XltoolError, match="无法读取"):
        open_databook(folder)


def document(**changes):
    department = {"year": 2023, "unit": "甲局", "total": 100.10, "indicators": []}
    return {"filings": [{"code": "007", "department": {**department, **changes}, "projects": []}]}


def read_json(tmp_path, value):
    path = tmp_path / "book.json"
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return open_databook(path)


def test_json_amounts_are_exact(tmp_path):
    found = read_json(tmp_path, document(total=0.1, general="0.20", fund=1e2))
    department = found.filings[0].department
    assert [department.amount(f) for f in ("total", "general", "fund")] == [
        Decimal("0.1"), Decimal("0.2"), Decimal(100),
    ]  # fmt: skip
    assert found.filings[0].code == "007"


def test_no_digit_of_a_forged_number_is_lost(tmp_path):
    found = read_json(tmp_path, document(total=int("1234567890" * 4)))
    assert [(p.code, p.found) for p in found.problems] == [("B013", "1234567890" * 4)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (document(totl=1), [("B004", "filings[0].department", "totl")]),
        (document(total=[1]), [("B018", "filings[0].department", "total")]),
        (document(goal=5), [("B018", "filings[0].department", "goal")]),
        (document(total="很多"), [("B013", "filings[0].department", "total")]),
        (document(total=10**400), [("B013", "filings[0].department", "total")]),
        (document(indicators=[{"block": "quantities", "name": "x"}]),
         [("B010", "filings[0].department.indicators[0]", "block")]),
        (document(indicators=["x"]), [("B018", "filings[0].department.indicators[0]", "")]),
        (document(goal="\ud800"), [("B016", "filings[0].department", "goal")]),
        (document(unit=" "), [("B007", "filings[0].department", "unit")]),
        ({"filings": [{"code": 7, "department": {"unit": "甲局"}}]}, [("B018", "filings[0]", "code")]),
        ({"filings": [{"department": {"unit": "甲局"}, "projects": [{"own_budget": 1}]}]},
         [("B007", "filings[0].projects[0]", "project")]),
        ({"filings": {}}, [("B018", "", "filings")]),
        ({"filings": []}, [("B006", "filings", "")]),
        ({"edition": "mars-2050", "filings": []}, [("B019", "", "")]),
        ({"edition": "../x", "filings": []}, [("B019", "", "")]),
    ],
)  # fmt: skip
def test_json_faults_have_their_place(tmp_path, value, expected):
    path = tmp_path / "book.json"
    path.write_text(json.dumps(value), "utf-8")
    found = open_databook(path)
    assert [(p.code, p.sheet, p.cell) for p in found.problems] == expected
    assert found.filings == []


def test_json_may_hold_two_projects_of_one_name(tmp_path):
    value = document()
    value["filings"][0]["projects"] = [{"project": "修路"}, {"project": "修路"}]
    assert len(read_json(tmp_path, value).filings[0].projects) == 2


def with_lines_above(path, lines, delimiter=",", tables=("部门", "项目", "指标")):
    """The book with lines above the heads of its tables, or other separators."""
    for name in tables:
        file = path / f"{name}.csv"
        text = file.read_text("utf-8-sig")
        with file.open("w", encoding="utf-8", newline="") as target:
            target.write("".join(line + "\n" for line in lines))
            csv.writer(target, delimiter=delimiter).writerows(csv.reader(text.splitlines()))
    return path


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["2023年绩效目标数据表"], ","), (["甲县,,", "单位：万元"], ","), (["sep=,"], ","), (["sep=;"], ";"),
        (["sep=\t"], "\t"), ([], ";"), ([], "\t"), (["", "数据表；甲县", ""], ","),
    ],
)  # fmt: skip
def test_titles_and_separators_above_the_heads(tmp_path, lines, delimiter):
    plain = load_databook(book(tmp_path / "a"))
    found = open_databook(with_lines_above(book(tmp_path / "b"), lines, delimiter))
    assert said(found) == []
    assert found.filings == plain


def test_another_unit_of_money_above_the_heads_holds_all_back(tmp_path):
    found = open_databook(with_lines_above(book(tmp_path), ["数据表,,单位：元"], tables=["部门"]))
    assert said(found) == [("B022", "部门C1", "")]
    assert found.filings == []


def test_sums_and_remarks_are_no_units_and_hold_nobody_back(tmp_path):
    unit = "合计,,,9,9,,,,9,,,,"
    rows = {
        "部门": [*ROWS["部门"], unit, ",合 计,,9,9,,,,9,,,,", "注：以上为初步数"],
        "项目": [*ROWS["项目"], "小计,,40,,,,"],
    }
    found = open_databook(book(tmp_path, (), rows))
    assert {code for code, _, _ in said(found)} == {"B104"}
    assert len(said(found)) == 4
    assert found.units == ("甲局", "乙局")
    assert units(found) == ["甲局", "乙局"]


@pytest.mark.parametrize(
    ("written", "code", "problem"),
    [('"=""0012"""', "0012", "B106"), ("12.0", "12", "B106"), ("4.30981E+11", None, "B021")],
)
def test_codes_that_came_ruined(tmp_path, written, code, problem):
    rows = {"部门": [ROWS["部门"][0].replace(",0012,", f",{written},"), *ROWS["部门"][1:]]}
    found = open_databook(book(tmp_path, (), rows))
    assert [(p.code, p.unit) for p in found.problems] == [(problem, "甲局")]
    assert [f.code for f in found.filings if f.unit == "甲局"] == ([code] if code else [])


def test_characters_that_nobody_sees_are_no_part_of_names_and_numbers(tmp_path):
    plain = load_databook(book(tmp_path / "a"))
    swaps = {"甲局": "\u200b甲局\u202c", ",40,": ",40\u200e,", "文件": "文\u200b件", "3": "3\ufeff"}
    hidden = {
        name: [
            functools.reduce(lambda text, swap: text.replace(*swap), swaps.items(), row)
            for row in rows
        ]
        for name, rows in ROWS.items()
    }
    found = open_databook(book(tmp_path / "b", {"部门": "\u200b" + HEADS["部门"]}, hidden))
    assert [code for code, _, _ in said(found)] == ["B105"]
    assert found.filings == plain


def test_every_problem_code_is_explained_and_tested():
    source = problems.__doc__
    here = Path(__file__)
    files = (here, here.with_name("test_databook_workbook.py"), TESTS / "cli" / "test_cli_fill.py")
    tested = [code for file in files for code in re.findall(r'"(B\d{3})"', file.read_text("utf-8"))]
    assert set(re.findall(r"^(B\d{3}) ", source, re.MULTILINE)) == set(tested)


def test_the_example_survives_a_spreadsheet_that_adds_empty_rows(tmp_path):
    for file in EXAMPLE.iterdir():
        with file.open(encoding="utf-8-sig", newline="") as source:
            rows = list(csv.reader(source))
        with (tmp_path / file.name).open("w", encoding="gb18030", newline="") as target:
            csv.writer(target).writerows([*rows, [""] * 20, []])
    assert load_databook(tmp_path) == [seed_filing()]


BLIND = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@BLIND
@given(
    st.sampled_from(list(HEADS)), st.binary(max_size=60), st.integers(0, 400), st.integers(0, 10)
)
def test_no_bytes_in_a_table_are_too_odd(tmp_path_factory, table, junk, at, cut):
    folder = book(tmp_path_factory.mktemp("book"))
    path = folder / f"{table}.csv"
    data = path.read_bytes()
    path.write_bytes(data[:at] + junk + data[at + cut :])
    found = open_databook(folder)
    assert not found.left_out or found.errors
    assert len(found.filings) + len(found.left_out) == len(found.units)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["unit", "x"]), inner)
    ),
    max_leaves=4,
)
STEPS = ["filings", 0, "department", "indicators", 0, "name"]


@BLIND
@given(depth=st.integers(1, len(STEPS)), odd=ODD)
@example(depth=6, odd=10**28)
def test_no_value_in_a_document_is_too_odd(tmp_path_factory, depth, odd):
    value = at = document(indicators=[{"block": "quantity", "name": "x"}])
    for step in STEPS[: depth - 1]:
        at = at[step]
    at[STEPS[depth - 1]] = odd
    path = tmp_path_factory.mktemp("book") / "book.json"
    path.write_text(json.dumps(value), "utf-8")
    found = open_databook(path)
    assert len(found.filings) + len(found.left_out) == len(found.units)
    for problem in found.problems:
        str(problem).encode()


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"files": []}, "审核结果"),
        ({"filings": [], "values": [], "leftovers": []}, "导入报告"),
        ({"filings": [{"unit": "甲局", "forms": []}]}, "导出的申报数据"),
    ],
)
def test_our_own_json_that_is_no_data_book_is_called_what_it_is(tmp_path, document, what):
    file = tmp_path / "书.json"
    file.write_text(json.dumps(document), "utf-8")
    [found] = open_databook(file).problems
    assert found.code == "B001" and f"这是{what}，不是数据表" in found.message
