"""`xltool import`: the data book, the report, what was not imported, and the exit codes."""

import csv
import json

import openpyxl
import pytest
from msgspec.structs import replace

import xltool
from tests.support import layouts
from tests.support.layouts import c
from tests.support.paths import DATA
from tests.support.seed import seed_filing
from xltool.cli import main
from xltool.databook import load_databook, write_databook
from xltool.editions.conversion import convert
from xltool.editions.declaration import load_edition
from xltool.importing import import_files
from xltool.importing.books import VALUES

SEED = DATA / "seed.txt"


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_document_becomes_its_data_book(tmp_path, capsys):
    for kind, name in (("xlsx", "数据表.xlsx"), ("json", "数据表.json"), ("csv", "数据表")):
        folder = tmp_path / kind
        assert main(["import", str(SEED), "-o", str(folder), "--kind", kind]) == 0
        assert load_databook(folder / name) == [seed_filing()]
        assert "部门表 1 张，项目表 1 张" in capsys.readouterr().out


@pytest.mark.parametrize("edition", ["hunan-2023", "national-2021"])
def test_a_filled_workbook_becomes_the_data_book_that_it_came_from(tmp_path, capsys, edition):
    there = convert(replace(seed_filing(), code="0012"), load_edition(edition)).filing
    write_databook([there], tmp_path / "原来.json")
    [filing] = load_databook(tmp_path / "原来.json")
    filled = tmp_path / "填好"
    xltool.fill(filing, filled / "甲.xlsx")
    assert main(["import", str(filled), "-o", str(tmp_path), "--format", "json"]) == 0
    assert load_databook(tmp_path / "数据表.json") == [filing]
    assert (f"按版式“{edition}”读" in capsys.readouterr().out) is (edition == "national-2021")
    # What was told counts more than the mark; marks that differ say nothing.
    xltool.fill(seed_filing(), filled / "乙.xlsx")
    for asked in ([], ["--edition", "hunan-2023"]):
        where = tmp_path / "".join(["出", *asked])
        main(["import", str(filled), "-o", str(where), "--format", "json", *asked])
        assert {one.edition for one in load_databook(where / "数据表.json")} == {"hunan-2023"}


def test_a_folder_is_imported_again_with_the_first_import_in_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    xltool.fill(seed_filing(), tmp_path / "甲.xlsx")
    for time in range(3):
        assert main(["import", "."]) == 0, capsys.readouterr().err
        assert load_databook(tmp_path / "导入" / "数据表.xlsx") == [seed_filing()]
        left = [row["文件"] for row in table(tmp_path / "导入" / "未导入.csv")]
        assert left == ["导入/数据表.xlsx"] * bool(time)
    for what in ("导入/数据表.xlsx", "导入"):
        capsys.readouterr()
        assert main(["import", what, "-o", "别处"]) == 2
        assert "数据表.xlsx：已经是数据表" in capsys.readouterr().err


def test_what_a_check_wrote_is_not_listed_word_by_word(tmp_path):
    path = xltool.fill(seed_filing(), tmp_path / "甲.xlsx")
    assert main(["check", str(path), "--mark", str(tmp_path / "标")]) == 1
    result = import_files([tmp_path / "标" / "甲.xlsx"])
    assert [(str(one.place).strip("!"), one.reason[:4]) for one in result.leftovers] == [
        ("审核结果", "xlto")
    ]
    book = openpyxl.load_workbook(path)
    book.create_sheet("审核结果")["A1"] = "别人写的"
    book.save(path)
    assert not import_files([path]).leftovers  # a sheet of somebody's own is read like any other


def test_a_code_is_of_one_unit_alone(tmp_path):
    """Forms of another unit in a unit's workbook don't get its code."""
    seed = replace(seed_filing(), code="0012")
    path = xltool.fill(seed, tmp_path / "甲.xlsx")
    book = openpyxl.load_workbook(path)
    copied = book.copy_worksheet(book["部门整体支出绩效目标表"])
    place = xltool.read(path).department["unit"].place
    copied[place.cell] = str(copied[place.cell].value).replace(seed.unit, "另一个局")
    book.save(path)
    assert {one.unit: one.code for one in import_files([path]).filings} == {
        seed.unit: "",
        "另一个局": "",
    }


def test_every_value_is_in_the_report_with_its_source(tmp_path, capsys):
    assert main(["import", str(SEED), "-o", str(tmp_path), "--values"]) == 0
    rows = table(tmp_path / "导入取值.csv")
    [total] = [row for row in rows if row["栏目"] == "资金总额"]
    assert total == dict(
        zip(
            VALUES,
            (
                "seed.txt",
                "部门整体支出绩效目标表",
                "",
                "资金总额",
                "1245.61",
                "正文!第9行",
                "中",
                "",
            ),
            strict=True,
        )
    )
    report = json.loads((tmp_path / "导入报告.json").read_text("utf-8"))
    assert report["values"] == rows and report["leftovers"] == []
    assert report["filings"][0]["year"] == 2023
    assert "资金总额" in capsys.readouterr().out


def test_what_was_left_is_shown_with_its_place_and_one_bad_file_stops_nothing(tmp_path, capsys):
    layout = [
        *layouts.PROJECT,
        [c("财政部门审核意见"), c("同意", 5)],
        [c("说不清的栏"), c("内容", 5)],
    ]
    good = layouts.write_docx(tmp_path / "好.docx", [(layouts.PROJECT_TITLE, layout)])
    bad = tmp_path / "坏.docx"
    bad.write_bytes(b"PK\x03\x04")
    assert main(["import", str(good), str(bad), "-o", str(tmp_path / "出")]) == 1
    said = capsys.readouterr()
    assert "说不清的栏" in said.out and "坏.docx" in said.err
    left = table(tmp_path / "出" / "未导入.csv")
    assert {row["内容"] for row in left} >= {"同意", "说不清的栏 | 内容"}
    assert any("损坏" in row["原因"] for row in left)


def test_two_years_are_two_books_and_nothing_found_is_exit_code_2(tmp_path, capsys):
    for year in (2022, 2023):
        forms = [(f"{year}年部门整体支出绩效目标表", layouts.DEPARTMENT)]
        layouts.write_html(tmp_path / f"{year}.html", forms)
    files = [str(tmp_path / "2022.html"), str(tmp_path / "2023.html")]
    assert main(["import", *files, "-o", str(tmp_path / "出")]) == 0
    assert {p.name for p in (tmp_path / "出").glob("*.xlsx")} == {
        "数据表-2022.xlsx",
        "数据表-2023.xlsx",
    }
    empty = tmp_path / "空白.txt"
    empty.write_text("今天天气很好\n", "utf-8")
    assert main(["import", str(empty), "-o", str(tmp_path / "无")]) == 2
    capsys.readouterr()


def test_a_filing_without_a_unit_is_not_lost(tmp_path, capsys):
    layout = [[c("项目支出名称"), c("水渠维修", 5)], *layouts.PROJECT[2:]]
    path = layouts.write_docx(tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layout)], "单位：万元")
    assert main(["import", str(path), "-o", str(tmp_path / "出")]) == 2
    assert "--unit" in capsys.readouterr().out
    assert len(table(tmp_path / "出" / "导入取值.csv")) > 10
    assert main(["import", str(path), "-o", str(tmp_path / "出"), "--unit", "某局"]) == 0
    [filing] = load_databook(tmp_path / "出" / "数据表.xlsx")
    assert (filing.unit, filing.projects[0].text("project")) == ("某局", "水渠维修")


def test_a_filled_official_workbook_imports_to_the_same_filing(tmp_path, capsys):
    """The reader goes by defined names, the import by printed labels: they must agree."""
    from xltool.filling.writer import fill

    book = tmp_path / "申报.xlsx"
    fill(seed_filing(), book)
    assert main(["import", str(book), "-o", str(tmp_path / "出")]) == 0
    assert load_databook(tmp_path / "出" / "数据表.xlsx") == [seed_filing()]
    assert table(tmp_path / "出" / "未导入.csv") == []
    capsys.readouterr()


def test_a_folder_of_old_files(tmp_path, capsys):
    old = tmp_path / "旧"
    (old / "里面").mkdir(parents=True)
    layouts.write_docx(old / "部门.docx", layouts.WHOLE[:1])
    layouts.write_xls(old / "里面" / "项目.xls", layouts.WHOLE[1:])
    (old / "~$部门.docx").write_bytes(b"lock")
    (old / "照片.jpg").write_bytes(b"\xff\xd8")
    assert main(["import", str(old), "-o", str(tmp_path / "出")]) == 0
    [filing] = load_databook(tmp_path / "出" / "数据表.xlsx")
    assert len(filing.projects) == 1
    files = {row["文件"] for row in table(tmp_path / "出" / "导入取值.csv")}
    assert files == {"部门.docx", "里面/项目.xls"}
    # What was made is not taken in again.
    assert main(["import", str(tmp_path / "出" / "数据表.xlsx"), "-o", str(tmp_path / "再")]) == 2
    assert "已经是数据表" in capsys.readouterr().err


def test_a_nameless_project_costs_nothing_but_itself(tmp_path, capsys):
    layout = [[c("项目支出名称"), c("", 2), c("预算部门"), c("某镇政府", 2)], *layouts.PROJECT[1:]]
    forms = [("2024年项目支出绩效目标表", layout)]
    nameless = layouts.write_docx(tmp_path / "无名.docx", forms)
    whole = layouts.write_docx(tmp_path / "好.docx")
    assert main(["import", str(nameless), "-o", str(tmp_path / "甲")]) == 2
    assert main(["import", str(nameless), str(whole), "-o", str(tmp_path / "乙")]) == 0
    assert [f.unit for f in load_databook(tmp_path / "乙" / "数据表.xlsx")] == ["南岭县水利局"]
    reasons = [row["原因"] for row in table(tmp_path / "乙" / "未导入.csv")]
    assert any("没有项目名称" in reason for reason in reasons)
    capsys.readouterr()


def test_a_second_department_form_takes_nothing_from_the_first_ones(tmp_path, capsys):
    """Many units in one workbook: of the one that stands twice only the second form is listed."""
    other = [[c("部门名称"), c("北坡县林业局", 4)], *layouts.DEPARTMENT[1:]]
    title = layouts.DEPARTMENT_TITLE
    forms = [(title, layouts.DEPARTMENT), (title, other), (title, other)]
    path = layouts.write_xls(tmp_path / "a.xls", forms, "单位：万元")
    assert main(["import", str(path), "-o", str(tmp_path / "出")]) == 0
    book = load_databook(tmp_path / "出" / "数据表.xlsx")
    assert [f.unit for f in book] == ["南岭县水利局", "北坡县林业局"]
    totals = [r for r in table(tmp_path / "出" / "导入取值.csv") if r["栏目"] == "资金总额"]
    assert [r["来源"] for r in totals] == ["表1!B4", "表2!B4"]
    [left] = table(tmp_path / "出" / "未导入.csv")
    assert "已有一张部门表" in left["原因"] and "860.50" in left["内容"]
    capsys.readouterr()


def test_a_document_of_projects_alone_is_a_filing_without_a_department_form(tmp_path, capsys):
    """No blank department form is made up for it, and none of its rules speaks."""
    path = layouts.write_docx(tmp_path / "项目.docx", layouts.WHOLE[1:])
    assert main(["import", str(path), "-o", str(tmp_path / "出")]) == 0
    [filing] = load_databook(tmp_path / "出" / "数据表.xlsx")
    assert filing.department is None and (filing.unit, filing.year) == ("南岭县水利局", 2024)
    assert main(["fill", str(tmp_path / "出" / "数据表.xlsx"), "-o", str(tmp_path / "表")]) == 0
    capsys.readouterr()
    main(["check", str(tmp_path / "表" / "南岭县水利局.xlsx"), "--json"])
    [record] = json.loads(capsys.readouterr().out)["files"]
    about = [f for f in record["findings"] if "部门" in f["sheet"] or f["code"] == "P212"]
    assert [f["code"] for f in about] == ["P212"]


def test_straight_into_another_edition(tmp_path, capsys):
    """The old form is read as what it is; what the other edition has no place for is listed."""
    heads = ("一级指标", "二级指标", "三级指标", "指标性质", "指标值", "计量单位", "权重")
    layout = [
        [c("项目名称"), c("修渠", 2), c("实施单位"), c("某局", 3)],
        [
            c("项目资金（元）", 1, 2),
            c("年度资金总额"),
            c("900000"),
            c("其中：上级资金"),
            c("200000", 3),
        ],
        [c("本级资金"), c("700000"), c("其他资金"), c("0", 3)],
        [c("年度目标"), c("修好三条渠，守住汛期", 6)],
        [c(h) for h in heads],
        [c("产出指标"), c("数量指标"), c("渠长"), c("≥"), c("12"), c("公里"), c("50")],
    ]
    forms = [("项目支出绩效目标表（2024年度）", layout)]
    path = layouts.write_docx(tmp_path / "旧.docx", forms, "单位：元")
    out = tmp_path / "出"
    assert main(["import", str(path), "--to", "hunan-2023", "-o", str(out)]) == 0
    assert "原表按版式“national-2021”读，转到“hunan-2023”" in capsys.readouterr().out
    [filing] = load_databook(out / "数据表.xlsx")
    [form] = filing.projects
    assert (filing.edition, filing.unit) == ("hunan-2023", "某局")
    assert (form.amount("own_budget"), form.amount("upper_budget")) == (70, 20)
    assert form.indicators[0].target.text == "≥12公里"
    reasons = [row["原因"] for row in table(out / "未导入.csv")]
    assert any("权重" in reason and "放不下" in reason for reason in reasons)
    assert main(["import", str(path), "--to", "national-2021", "-o", str(tmp_path / "同")]) == 0
    assert "转到" not in capsys.readouterr().out


def test_a_value_that_is_split_in_three_is_no_three_reasons_for_an_edition(tmp_path, capsys):
    for edition in ("hunan-2023", "national-2021"):
        out = tmp_path / edition
        main(["import", str(SEED), "--to", edition, "-o", str(out)])
        said = capsys.readouterr().out
        assert ("原表按版式“hunan-2023”读" in said) is (edition == "national-2021")
        assert "按版式“national-2021”读" not in said
    assert load_databook(tmp_path / "hunan-2023" / "数据表.xlsx") == [seed_filing()]


def test_what_else_lies_in_a_folder_is_said(tmp_path, capsys):
    old = tmp_path / "旧"
    old.mkdir()
    layouts.write_docx(old / "表.docx")
    (old / "照片.jpg").write_bytes(b"\xff\xd8")
    (old / "说明.wmf").write_bytes(b"x")
    assert main(["import", str(old), "-o", str(tmp_path / "出")]) == 0
    left = {row["文件"]: row["原因"] for row in table(tmp_path / "出" / "未导入.csv")}
    assert "是图片" in left["照片.jpg"] and "不是能导入的文件" in left["说明.wmf"]
    capsys.readouterr()


def test_the_page_shows_the_doubtful_first_and_what_stood_there(tmp_path, capsys, browser):
    layout = [*layouts.PROJECT, [c("<b>没见过的栏</b>"), c("内容", 5)]]
    docx = layouts.write_docx(tmp_path / "表.docx", [(layouts.PROJECT_TITLE, layout)])
    text = tmp_path / "文字.txt"
    text.write_text(
        "2024年项目支出绩效目标表\n项目支出名称 | 修路 |\n年度本级预算金额（元） | 900000 |\n预算部门 | 某局 |\n|",
        "utf-8",
    )
    assert main(["import", str(docx), str(text), "-o", str(tmp_path / "出")]) == 0
    page = browser.open(tmp_path / "出" / "导入报告.html")
    marks = page.locator("section.import").first.locator(".mark").all_inner_texts()
    order = ["未导入", "低", "中", "高"]
    assert marks == sorted(marks, key=order.index) and marks[0] == "未导入"
    shown = page.locator("body").inner_text()
    assert (
        "<b>没见过的栏</b>" in shown
        and "90万元" in shown
        and "年度本级预算金额（元） | 900000" in shown
    )
    browser.quiet(tmp_path / "出" / "导入报告.html")
    capsys.readouterr()
