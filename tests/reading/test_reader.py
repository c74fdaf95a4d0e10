"""Reading what came back: values with their cells, and everything odd noted, nothing guessed."""

import io
import re
from decimal import Decimal

import openpyxl
import pytest
from msgspec.structs import replace

import xltool
from tests.support.packages import repacked
from tests.support.seed import seed_filing
from xltool.filling.writer import render
from xltool.model import Entry, Filing, Indicator
from xltool.reading.reader import read_grid
from xltool.template.layout import load_layout
from xltool.template.match import _edited
from xltool.xlsx import shared_parts as shared
from xltool.xlsx.grid import Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import open_grid

DEPARTMENT, PROJECT = "部门整体支出绩效目标表", "科技三项、税收增量、中小微企业创新创业大赛专项"


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return render(seed_filing())


@pytest.fixture
def book(workbook):
    return openpyxl.load_workbook(io.BytesIO(workbook))


def read(book) -> Filing:
    out = io.BytesIO()
    book.save(out)
    return read_grid(open_grid(out.getvalue()))


def faults(filing: Filing) -> list[tuple[str, str]]:
    return [(fault.kind, str(fault.place or "")) for fault in filing.faults]


def test_saved_by_another_program_it_reads_the_same(book):
    back = read(book)
    assert back == seed_filing()
    assert back.faults == ()


@pytest.mark.parametrize(
    "written", ["填报单位：甲县水利局（盖章）", "填报单位： 甲县水利局 （盖章） "]
)
def test_a_name_before_the_stamp_is_read_like_one_behind_it(book, written):
    book[DEPARTMENT]["A2"] = written
    back = read(book)
    assert back.department.text("filer").strip() == "甲县水利局"
    assert not any(f.field == "filer" for f in back.faults)


@pytest.mark.parametrize(
    "written", ["填报单位：甲县水利局", "填报：甲县水利局（盖章）", "填报单位：（章）甲局"]
)
def test_official_text_that_was_changed_around_the_name_is_said(book, written):
    book[DEPARTMENT]["A2"] = written
    assert ("layout", f"{DEPARTMENT}!A2") in faults(read(book))


def test_amounts_as_text_are_read_and_noted(book):
    book[DEPARTMENT]["C4"] = "１,245.61 万元"
    back = read(book)
    assert back.department.amount("total") == Decimal("1245.61")
    assert back.department["total"].text == "１,245.61 万元"
    assert faults(back) == [("amount_text", f"{DEPARTMENT}!C4")]


def test_an_amount_that_is_none_is_left_unread(book):
    book[DEPARTMENT]["C4"] = "约一千万"
    back = read(book)
    assert back.department["total"].unread
    assert faults(back) == [("amount", f"{DEPARTMENT}!C4")]


def test_float_noise_is_read_as_excel_shows_it(workbook):
    sheet = openpyxl.load_workbook(io.BytesIO(workbook))
    sheet[DEPARTMENT]["C4"] = 1245.6100000000001
    assert read(sheet).department.amount("total") == Decimal("1245.61")


def test_a_formula_is_noted_and_its_last_value_shown(workbook):
    xml = openpyxl_part(workbook, "xl/worksheets/sheet1.xml").replace(
        "<v>1245.61</v>", "<f>[1]Sheet1!A1+SUM(D6:D9)</f><v>1245.61</v>", 1
    )
    back = read_grid(open_grid(repacked(workbook, **{"xl/worksheets/sheet1.xml": xml.encode()})))
    assert back.department.amount("total") == Decimal("1245.61")
    [fault] = back.faults
    assert (fault.kind, str(fault.place)) == ("content", f"{DEPARTMENT}!C4")
    assert "别的文件" in fault.detail


def test_pinyin_over_a_text_is_no_part_of_it(workbook):
    part = "xl/worksheets/sheet1.xml"
    unit = seed_filing().unit
    xml = openpyxl_part(workbook, part)
    told = f'<t xml:space="preserve">{unit}</t>'
    assert told in xml
    xml = xml.replace(told, f'{told}<rPh sb="0" eb="2"><t>yuán</t></rPh>')
    back = read_grid(open_grid(repacked(workbook, **{part: xml.encode()})))
    assert back == seed_filing()
    assert back.faults == ()


def openpyxl_part(data: bytes, name: str) -> str:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(name).decode()


def test_a_changed_label_is_told_with_was_and_is(book):
    book[DEPARTMENT]["A10"] = "部门职责"
    [fault] = read(book).faults
    assert (fault.kind, str(fault.place), fault.found) == (
        "layout",
        f"{DEPARTMENT}!A10",
        "部门职责",
    )
    assert fault.expected.replace("\n", "") == "部门职能职责概述"


def test_spacing_of_a_label_is_no_change(book):
    book[DEPARTMENT]["A10"] = "部门职能 职责概述"
    assert read(book).faults == ()


def test_a_split_merge_and_text_beside_the_form_are_told(book):
    sheet = book[DEPARTMENT]
    sheet.unmerge_cells("A4:A9")
    sheet["J3"] = "请领导审阅"
    assert faults(read(book)) == [("layout", f"{DEPARTMENT}!J3"), ("layout", f"{DEPARTMENT}!A4")]


def test_removed_protection_and_hidden_things_are_told(book):
    sheet = book[DEPARTMENT]
    sheet.protection.disable()
    sheet.row_dimensions[9].hidden = True
    book[PROJECT].sheet_state = "hidden"
    told = [fault.detail for fault in read(book).faults]
    assert told == ["工作表保护被取消", "有行列被隐藏：第9行", "工作表被隐藏"]


def test_lost_names_are_replaced_by_the_labels(book):
    for sheet in book.worksheets:
        for name in list(sheet.defined_names):
            del sheet.defined_names[name]
    back = read(book)
    assert back == seed_filing()
    assert [fault.kind for fault in back.faults] == ["names", "names"]


def test_lost_names_and_added_rows_are_found_by_the_labels():
    """Rows added inside two blocks, every name gone: the labels alone lead to each answer."""
    from msgspec.structs import replace

    from tests.support.indicators import indicators

    seed = seed_filing()
    grown = replace(
        seed,
        department=replace(
            seed.department, indicators=indicators("quantity", 5) + indicators("satisfaction", 4)
        ),
    )
    book = openpyxl.load_workbook(io.BytesIO(render(grown)))
    for sheet in book.worksheets:
        for name in list(sheet.defined_names):
            del sheet.defined_names[name]
    assert read(book) == grown


def test_one_bent_name_is_told_and_the_value_still_found(book):
    sheet = book[DEPARTMENT]
    sheet.defined_names["资金总额"].attr_text = "#REF!"
    back = read(book)
    assert back == seed_filing()
    [fault] = back.faults
    assert fault.kind == "names"
    assert "资金总额" in fault.detail


def test_a_lost_edition_mark_is_told(workbook):
    data = repacked(workbook, **{"docProps/custom.xml": b'<Properties xmlns="x"/>'})
    back = read_grid(open_grid(data))
    assert back == seed_filing()
    assert [fault.kind for fault in back.faults] == ["names"]


def test_an_unknown_edition_is_foreign(workbook):
    xml = openpyxl_part(workbook, "docProps/custom.xml").replace("hunan-2023", "mars-2050")
    back = read_grid(open_grid(repacked(workbook, **{"docProps/custom.xml": xml.encode()})))
    assert back.department is None
    assert faults(back) == [("foreign", "")]


def test_an_edition_mark_is_never_a_path(workbook):
    xml = openpyxl_part(workbook, "docProps/custom.xml").replace("hunan-2023", "../../etc")
    back = read_grid(open_grid(repacked(workbook, **{"docProps/custom.xml": xml.encode()})))
    assert back == seed_filing()


def test_any_other_workbook_is_foreign(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "食堂菜单"
    assert faults(read(book)) == [("foreign", "")]


def test_a_renamed_department_sheet_is_told(book):
    book[DEPARTMENT].title = "Sheet1"
    told = read(book).faults
    # This writer also leaves the names leading to the old sheet name.
    assert [f.kind for f in told] == ["names", "layout"]
    assert told[1].found == "Sheet1"


def test_a_wrong_dimension_is_not_believed(workbook):
    """Some programs write A1:A1 whatever the sheet holds."""
    import re

    xml = re.sub(
        r'<dimension ref="[^"]*"/>',
        '<dimension ref="A1:A1"/>',
        openpyxl_part(workbook, "xl/worksheets/sheet1.xml"),
    )
    back = read_grid(open_grid(repacked(workbook, **{"xl/worksheets/sheet1.xml": xml.encode()})))
    assert back == seed_filing()


def test_an_indented_or_prefixed_spelling_reads_the_same(workbook):
    """Another program's spelling of the same XML takes the slower way to the same filing."""
    import re

    xml = openpyxl_part(workbook, "xl/worksheets/sheet1.xml")
    spaced = re.sub(r"<c r", "\n  <c  r", xml)
    prefixed = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", xml).replace("xmlns=", "xmlns:x=")
    for other in (spaced, prefixed):
        back = read_grid(
            open_grid(repacked(workbook, **{"xl/worksheets/sheet1.xml": other.encode()}))
        )
        assert back == seed_filing()
        assert back.faults == ()


@pytest.mark.parametrize("remark", ["<!-- {} -->", "<![CDATA[{}]]>"])
def test_cells_and_names_in_a_remark_are_none(workbook, remark):
    """A spreadsheet shows what stands outside remarks, so that is what is judged."""
    parts = {}
    for name, element in (("xl/worksheets/sheet1.xml", "sheetData"), ("xl/workbook.xml", "sheets")):
        xml = openpyxl_part(workbook, name)
        start, end = xml.index(f"<{element}>"), xml.index(f"</{element}>") + len(f"</{element}>")
        shown = xml[start:end]
        hidden = remark.format(shown.replace("1245.61", "9999").replace("部门整体", "别的整体"))
        # CDATA is text, which may only stand inside an element.
        parts[name] = f"{xml[:start]}<extLst>{hidden}</extLst>{xml[start:]}".encode()
    assert read_grid(open_grid(repacked(workbook, **parts))) == seed_filing()


def test_merges_in_a_remark_are_none(workbook):
    name = "xl/worksheets/sheet1.xml"
    xml = openpyxl_part(workbook, name)
    start, end = xml.index("<mergeCells"), xml.index("</mergeCells>") + len("</mergeCells>")
    hidden = f"{xml[:start]}<!-- {xml[start:end]} -->{xml[end:]}"
    told = read_grid(open_grid(repacked(workbook, **{name: hidden.encode()}))).faults
    assert {fault.detail for fault in told} == {"合并单元格被拆开"}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("promptTitle=", 'promptTitle="年" promptTitle'),  # an attribute without a value
        ("</dataValidation>", "</dataValidation></dataValidation>"),
        ('prompt="', 'prompt="&nothing;'),
        ('prompt="', 'prompt="\0'),
        ("</mergeCells>", "<mergeCell></mergeCells>"),
    ],
)
def test_what_is_no_xml_is_damaged_wherever_it_stands(workbook, was, becomes):
    name = "xl/worksheets/sheet1.xml"
    broken = openpyxl_part(workbook, name).replace(was, becomes, 1).encode()
    with pytest.raises(Unreadable, match="已损坏"):
        open_grid(repacked(workbook, **{name: broken}))


def test_our_spelling_takes_the_short_way(workbook, monkeypatch):
    """The slower way gives the same, so nothing but this notices when it is taken all the time."""

    def parsed(*_):
        raise AssertionError("parsed cell by cell")

    monkeypatch.setattr("xltool.xlsx.cells.CellWalk", parsed)
    assert read_grid(open_grid(workbook)) == seed_filing()


EXCEL = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="5" uniqueCount="3">'
    '<si><t>一般公共预算</t><phoneticPr fontId="1" type="noConversion"/></si>'
    '<si><t xml:space="preserve"> 目标1：甲&amp;乙_x000D_\n目标2 </t></si><si><t></t></si></sst>'
)


def test_shared_texts_as_excel_spells_them_are_taken_at_a_glance(monkeypatch):
    monkeypatch.setattr(shared, "_parse_strings", None)
    texts = {"0": "一般公共预算", "1": " 目标1：甲&乙\r\n目标2 ", "2": ""}
    assert shared.string_table(EXCEL.encode()) == texts


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("<t>一般公共预算</t>", "<r><t>一般</t></r><r><rPr><b/></rPr><t>公共预算</t></r>"),
        ("<t>一般公共预算</t>", "<!-- <si><t>甲</t></si> --><t>一般公共预算</t>"),
        ("<si><t></t>", "<!-- <si><t>甲</t></si> --><si><t></t>"),
        ("一般", "一&#33324;"),
        ("<si><t>", "<si><t >乙</t></si><si><t>"),
        ("<sst ", "<!-- <sst><si><t>甲</t></si></sst> --><sst "),
        ("</sst>", "</sst><!-- <si><t>甲</t></si> -->"),
        ("<t></t>", "<t/>"),
        ("<si>", "\n <si>"),
    ],
)
def test_shared_texts_spelled_otherwise_are_parsed(was, becomes):
    data = EXCEL.replace(was, becomes).encode()
    assert data != EXCEL.encode()
    assert shared.string_table(data) == shared._parse_strings(data)


def test_two_labels_that_fall_on_one_row_are_both_held_against_it():
    layout = load_layout(xltool.load_edition()).forms["department"]
    duties, goal = layout.fields["duties"], layout.fields["goal"]
    assert duties.bottom + 1 == goal.top
    rows = layout.rows({duties.bottom: -1})
    texts = {at: cell for at, cell in layout.sheet.cells.items() if at[0] <= duties.bottom}
    told = [text for at, text in _edited(layout, Sheet("表", texts), rows) if at == (duties.top, 1)]
    assert told == [layout.static[goal.top, 1]]
    texts[duties.top, 1] = layout.sheet[goal.top, 1]
    told = [text for at, text in _edited(layout, Sheet("表", texts), rows) if at == (duties.top, 1)]
    assert told == [layout.static[duties.top, 1]]


def test_a_blank_template_is_a_filing_without_answers():

    filing = xltool.read(xltool.load_edition().template)
    assert filing.faults == ()
    assert filing.projects == ()
    assert filing.year is None
    assert all(entry.blank for entry in filing.department.entries.values())
    assert filing.department.indicators == ()


def test_merges_that_libreoffice_tears_when_rows_are_inserted_are_no_change():
    """It takes a merge on a protected sheet apart to insert a row,
    and may not put it together again."""
    seed = seed_filing()
    more = [Indicator("quantity", {"name": Entry(f"指标{n}", f"指标{n}")}) for n in range(3)]
    department = replace(seed.department, indicators=(*more, *seed.department.indicators))
    grown = openpyxl.load_workbook(io.BytesIO(render(replace(seed, department=department))))
    sheet = grown[DEPARTMENT]
    for torn in ("A12:A33", "B13:B23", "C13:D17"):
        sheet.unmerge_cells(torn)
    assert read(grown).faults == ()
    sheet.unmerge_cells("C22:D23")  # no row was added there
    assert faults(read(grown)) == [("layout", f"{DEPARTMENT}!C22")]
    sheet.merge_cells("C22:D23")
    sheet["C15"] = "自拟类别"
    assert ("layout", f"{DEPARTMENT}!C15") in faults(read(grown))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda sheet: sheet.insert_rows(6), ["R103 之前多了 1 行"]),
        (lambda sheet: sheet.delete_rows(6), ["R103 之前少了 1 行"]),
        (lambda sheet: sheet.insert_rows(4, 3), ["R103 之前多了 3 行"]),
        (
            lambda sheet: (sheet.delete_rows(9), sheet.insert_rows(5, 2)),
            ["R103 之前多了 2 行", "R103 之前少了 1 行"],
        ),
        (
            lambda sheet: sheet.insert_rows(14),
            ["R103 合并单元格没有跟着移动", "R104 定义名称缺失或移位"],
        ),
    ],
)
def test_rows_moved_beneath_names_and_merges_are_told_in_a_few_words(book, change, told):
    """openpyxl moves cells only: once every label below was a finding of its own, some sixty."""
    change(book[DEPARTMENT])
    found = [
        f for f in xltool.check(read(book)) if f.sheet == DEPARTMENT and f.code.startswith("R")
    ]
    assert len(found) == len(told)
    for finding, words in zip(found, told, strict=True):
        code, _, part = words.partition(" ")
        assert finding.code == code
        assert part in finding.message


def test_rows_added_in_a_block_are_read_though_the_names_stayed(book):
    sheet = book[DEPARTMENT]
    sheet.insert_rows(14)
    sheet["E14"], sheet["F14"] = "新增一项", "≥3项"
    seed, back = seed_filing().department, read(book).department
    assert [i for i in back.indicators if i.name.text != "新增一项"] == list(seed.indicators)
    assert [i.target.text for i in back.block("quantity") if i.name.text == "新增一项"] == ["≥3项"]


# ── rows put in, names that moved with them or stayed ────────────────────────────────────────


def pushed_down(data: bytes, above: int, count: int = 1, name: str = DEPARTMENT) -> bytes:
    """Rows put in above a row as Excel does it: cells, merges and names move together."""
    package = open_grid(data)
    number = next(n for n, s in enumerate(package.sheets) if s.name == name)
    part = package.sheets[number].part

    def shift(match) -> str:
        row = int(match[2])
        return f"{match[1]}{row + count if row >= above else row}"

    def refs(text: str) -> str:
        return re.sub(r"(\$?[A-Z]{1,2}\$?)(\d+)", shift, text)

    sheet = openpyxl_part(data, part)
    sheet = re.sub(r'(<row r=")(\d+)', shift, sheet)
    sheet = re.sub(r'(<c r="[A-Z]+)(\d+)', shift, sheet)
    sheet = re.sub(r'(?<=<mergeCell ref=")[^"]+', lambda m: refs(m[0]), sheet)
    book = re.sub(
        rf'(localSheetId="{number}"[^>]*>)([^<]+)',
        lambda m: m[1] + m[2].rpartition("!")[0] + "!" + refs(m[2].rpartition("!")[2]),
        openpyxl_part(data, "xl/workbook.xml"),
    )
    return repacked(data, **{part: sheet.encode(), "xl/workbook.xml": book.encode()})


@pytest.mark.parametrize("above", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13])
@pytest.mark.parametrize("names", [True, False], ids=["names", "no names"])
def test_rows_put_in_outside_the_blocks_move_no_value(workbook, above, names):
    """Every value is that of its own label, by the names or by the text alone;
    the rows are said once."""
    data = pushed_down(workbook, above, 2)
    if not names:
        book = openpyxl_part(data, "xl/workbook.xml")
        book = re.sub(r"<definedNames>.*</definedNames>", "", book, flags=re.DOTALL)
        data = repacked(data, **{"xl/workbook.xml": book.encode()})
    back = read_grid(open_grid(data))
    assert back == seed_filing()
    kinds = [fault.kind for fault in back.faults if fault.place.sheet == DEPARTMENT]
    # By the text alone, rows below a long text belong to it: it may have grown.
    assert kinds == ["rows" if names or above not in (11, 12) else "names"]


def test_what_stands_in_a_new_row_is_said_with_it(workbook):
    book = openpyxl.load_workbook(io.BytesIO(pushed_down(workbook, 1)))
    book[DEPARTMENT]["A1"] = "附件1"
    back = read(book)
    assert back == seed_filing()
    [fault] = back.faults
    assert fault.kind == "rows"
    assert "附件1" in fault.detail
    before = [f.code for f in xltool.check(seed_filing()) if f.severity == "error"]
    now = [f.code for f in xltool.check(back) if f.severity == "error"]
    assert sorted(now) == sorted(["R103", *before])


def test_a_row_put_in_where_a_label_was_changed_leaves_its_answer_unread(book):
    """Without names: between two known rows nobody can tell which one is new."""
    sheet = book[DEPARTMENT]
    for name in list(sheet.defined_names):
        del sheet.defined_names[name]
    sheet["B8"], sheet["G8"] = "别的收入", None
    sheet.insert_rows(8)
    back = read(book)
    assert back.department["nontax"].value is None
    assert back.department.amount("total") == seed_filing().department.amount("total")
    assert any(f.kind == "rows" and "没有读取" in f.detail for f in back.faults)


def test_where_neither_names_nor_text_lead_nothing_is_read(book):
    sheet = book[DEPARTMENT]
    for name in list(sheet.defined_names)[1:]:
        del sheet.defined_names[name]
    texts = sorted(load_layout(xltool.load_edition()).forms["department"].static)
    for at in texts[1::2]:
        sheet.cell(*at).value = f"改{at}"
    back = read(book)
    assert not back.department.answered
    assert {(e.text, e.place.sheet) for e in back.department.entries.values()} == {("", DEPARTMENT)}
    assert [f.kind for f in back.faults if f.place.sheet == DEPARTMENT] == ["lost"]
    found = [f for f in xltool.check(back) if f.sheet in (DEPARTMENT, "")]
    assert [f.code for f in found] == ["R103"]


def test_columns_put_in_before_the_form_lead_nowhere(book):
    book[DEPARTMENT].insert_cols(1)
    for name in list(book[DEPARTMENT].defined_names):
        del book[DEPARTMENT].defined_names[name]
    back = read(book)
    assert back.department is None or not back.department.answered


# ── several sheets of a kind ─────────────────────────────────────────────────────────────────


def with_copy(book, name: str, *, first: bool = True, hidden: bool = False, blank: bool = False):
    """A copy "… (2)" of a sheet with its names, an older amount in it."""
    sheet = book[name]
    copy = book.copy_worksheet(sheet)
    copy.title = f"{sheet.title[:26]} (2)"
    for label, one in sheet.defined_names.items():
        text = one.attr_text.replace(f"'{sheet.title}'", f"'{copy.title}'")
        copy.defined_names.add(openpyxl.workbook.defined_name.DefinedName(label, attr_text=text))
    if first:
        book.move_sheet(copy, -len(book.sheetnames) + 1)
    copy.sheet_state = "hidden" if hidden else "visible"
    if blank:
        for area in load_layout(xltool.load_edition()).forms["department"].fields.values():
            if area.top > 3:
                copy.cell(area.top, area.left).value = None
    elif name == DEPARTMENT:
        copy["C4"] = 1
    return copy


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("hidden", "blank"), [(False, False), (True, False), (False, True)])
def test_the_official_department_form_wins_over_its_copies(book, first, hidden, blank):
    with_copy(book, DEPARTMENT, first=first, hidden=hidden, blank=blank)
    back = read(book)
    assert back == seed_filing()
    [said] = [f.detail for f in back.faults if "部门表" in f.detail]
    assert said.startswith(f"有 2 张部门表：读的是“{DEPARTMENT}”，没有读“{DEPARTMENT} (2)”")
    assert ("隐藏" in said) is hidden
    assert "R103" in {f.code for f in xltool.check(back)}


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_visible_copy_wins_over_a_hidden_official_form(book, state):
    with_copy(book, DEPARTMENT)
    book[DEPARTMENT].sheet_state = state
    back = read(book)
    assert back.department.sheet == f"{DEPARTMENT} (2)"
    assert back.department.amount("total") == 1
    assert any("（隐藏）" in fault.detail for fault in back.faults)


def test_an_answered_copy_wins_over_a_blank_official_form(book):
    with_copy(book, DEPARTMENT)
    for row in book[DEPARTMENT].iter_rows():
        for cell in row:
            if not cell.protection.locked and type(cell).__name__ == "Cell":
                cell.value = None
    assert read(book).department.amount("total") == 1


def test_a_hidden_twin_of_a_project_form_is_not_counted(book):
    with_copy(book, PROJECT, hidden=True)
    back = read(book)
    assert len(back.projects) == len(seed_filing().projects)
    assert any("同一个项目" in fault.detail for fault in back.faults)


def test_characters_that_nobody_sees_are_ignored_and_said_once(workbook, book):
    sheet = book[DEPARTMENT]
    clean = read_grid(open_grid(workbook))
    unit = clean.department["unit"]
    for at in ("A1", "B3", "B10", "E13", "F13"):
        text = sheet[at].value
        sheet[at] = f"\u200b{text[:3]}\u2060{text[3:]}\u202c"
    sheet["C4"] = f"\ufeff{sheet['C4'].value}\u200e"
    sheet["A10"] = "\u200b".join(sheet["A10"].value)
    back = read(book)
    assert back == clean
    assert back.department["unit"].text == unit.text
    told = [f for f in xltool.check(back) if f.code[0] == "R"]
    assert [f.code for f in told] == ["R113", "R106"]
    assert "等 6 格" in told[0].message
