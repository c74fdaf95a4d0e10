"""The same forms as every program writes them: the same filing, or one line with the way out."""

import random
import zlib

import pytest

from tests.support import layouts
from tests.support.accounting import lost
from tests.support.layouts import c
from tests.support.packages import packed, parts_of
from xltool.editions.declaration import load_edition
from xltool.files import libreoffice
from xltool.importing import Sure, import_files
from xltool.importing.grids import read_rows
from xltool.importing.rows import NotImportable

HUNAN = load_edition("hunan-2023")
# What LibreOffice writes of the Word document, and of the workbook.
FROM_WORD = ("doc", "rtf", "odt", "pdf", "html")
FROM_BOOK = ("ods", "xls", "pdf")


def one(path):
    result = import_files([path])
    [filing] = result.filings
    return filing, result


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The forms as .docx, and the filing that is in them."""
    path = layouts.write_docx(tmp_path_factory.mktemp("whole") / "旧表.docx")
    return path, one(path)[0]


@pytest.fixture(scope="module")
def written(office, whole, tmp_path_factory):
    """The forms in every kind of file that LibreOffice writes."""
    folder = tmp_path_factory.mktemp("written")
    made = {f"word.{kind}": office.convert([whole[0]], kind, folder)[0] for kind in FROM_WORD[:3]}
    for kind in ("pdf:writer_pdf_Export", "html:HTML (StarWriter)"):
        office.convert_by([whole[0]], kind, folder / "word")
        ending = kind.partition(":")[0]
        made[f"word.{ending}"] = folder / "word" / f"{whole[0].stem}.{ending}"
    book = layouts.write_xlsx(folder / "旧表.xlsx")
    made["word.docx"], made["book.xlsx"] = whole[0], book
    for kind in ("ods", "xls:MS Excel 97", "pdf:calc_pdf_Export"):
        office.convert_by([book], kind, folder / "book")
        ending = kind.partition(":")[0]
        made[f"book.{ending}"] = folder / "book" / f"{book.stem}.{ending}"
    return made


def said(filing):
    """What is answered, however lines are broken."""

    def plain(entry):
        return "".join(str(entry.value).split())

    return [
        (
            {i: plain(e) for i, e in form.entries.items() if not e.blank},
            [
                (i.block, *(plain(e) for e in i.cells.values() if not e.blank))
                for i in form.indicators
            ],
        )
        for form in filing.forms
    ]


# Together, so that LibreOffice writes them once.
@pytest.mark.xdist_group("written kinds")
@pytest.mark.parametrize(
    "kind", [*(f"word.{k}" for k in FROM_WORD), "word.docx", "book.xlsx", "book.ods", "book.xls"]
)
def test_the_same_filing_in_every_kind_of_file(kind, written, whole):
    filing, result = one(written[kind])
    assert said(filing) == said(whole[1])
    assert result.leftovers == []
    assert not lost(read_rows(written[kind]), result, HUNAN)
    assert all(value.place.cell for value in result.values)


def test_a_pdf_without_rules_gives_nothing_that_is_wrong(office, whole, tmp_path):
    path = layouts.write_docx(tmp_path / "无线.docx", ruled=False)
    office.convert_by([path], "pdf:writer_pdf_Export", tmp_path)
    filing, result = one(tmp_path / "无线.pdf")
    assert {v.sure for v in result.values if v.field != "年度"} == {Sure.LOW}
    assert not lost(read_rows(tmp_path / "无线.pdf"), result, HUNAN)
    for form, right in zip(said(filing), said(whole[1]), strict=True):
        assert form[0].items() <= right[0].items()
        assert set(form[1]) <= set(right[1])
    assert len(result.values) > 20


def long_project():
    """A project form over several pages: a goal, a category and a name broken by page ends."""
    goal = "".join(
        f"{n}.完成第{n}段干渠的清淤、衬砌和量水设施建设，验收合格。" for n in range(1, 90)
    )
    rows = [
        [c("产出指标", 1, 60), c("数量指标", 1, 30), c("第1段渠道清淤长度"), c("≥1公里"), c("")],
        *[[c(f"第{n}段渠道清淤长度"), c(f"≥{n}公里"), c("计划标准")] for n in range(2, 31)],
        [c("质量指标", 1, 30), c("第1段验收合格率"), c("≥91%"), c("")],
        *[[c(f"第{n}段验收合格率"), c(f"≥{60 + n}%"), c("")] for n in range(2, 31)],
        [c("效益指标"), c("社会效益指标"), c("受益人口"), c("≥1.2万人"), c("")],
    ]
    head = [*layouts.PROJECT[5]]
    head[0] = c("本年度\n绩效指标", 1, 62)
    return [*layouts.PROJECT[:4], [c("本年度绩效目标"), c(goal, 5)], head, *rows], goal


def test_cells_and_categories_go_on_over_the_pages_of_a_pdf(office, tmp_path):
    layout, goal = long_project()
    path = layouts.write_docx(tmp_path / "长.docx", [(layouts.PROJECT_TITLE, layout)])
    office.convert_by([path], "pdf:writer_pdf_Export", tmp_path)
    assert office.pages(tmp_path / "长.pdf") > 3
    filing, result = one(tmp_path / "长.pdf")
    expected, _ = one(path)
    assert "".join(filing.projects[0].text("annual_goal").split()) == goal
    assert said(filing) == said(expected)
    assert result.leftovers == []


def test_a_scanned_pdf_is_said_to_be_one(tmp_path):
    from PIL import Image

    Image.new("RGB", (600, 800), "white").save(tmp_path / "扫描.pdf")
    Image.new("RGB", (60, 80), "white").save(tmp_path / "扫描.png")
    result = import_files([tmp_path / "扫描.pdf", tmp_path / "扫描.png"])
    assert list(result.unread) == ["扫描.pdf", "扫描.png"]
    assert all("扫描件" in reason and "逐格核对" in reason for reason in result.unread.values())


def test_a_pdf_that_unpacks_without_end_is_refused(tmp_path):
    packed = zlib.compress(bytes(500 * 2**20), 9)
    stream = b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream endobj\n"
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n" + stream % (len(packed), packed))
    twice = zlib.compress(packed, 9)
    more = stream.replace(b"/FlateDecode", b"[/FlateDecode /FlateDecode]")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7\n" + more % (len(twice), twice))
    for name, reason in (("a.pdf", "展开后过大"), ("b.pdf", "多重压缩")):
        with pytest.raises(NotImportable, match=reason):
            read_rows(tmp_path / name)


def test_without_libreoffice_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(libreoffice.shutil, "which", lambda name: None)
    monkeypatch.setattr(libreoffice, "_PLACES", ())
    old = b"\xd0\xcf\x11\xe0" + "WordDocument".encode("utf-16-le")
    for name, data in (("旧.wps", old), ("旧.rtf", b"{\\rtf1\\ansi }")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(NotImportable, match=r"LibreOffice.*另存为 \.docx") as error:
            read_rows(tmp_path / name)
        assert str(error.value).startswith(f"{name}：")


def test_a_page_saved_as_one_file(tmp_path):
    import email.message

    page = layouts.write_html(tmp_path / "a.html", encoding="gb18030").read_bytes()
    message = email.message.EmailMessage()
    message["Subject"] = "旧表"
    message.set_content(page, maintype="text", subtype="html", params={"charset": "gb18030"})
    (tmp_path / "a.mht").write_bytes(
        bytes(message).replace(b"Subject", b"MIME-Version: 1.0\nSubject", 1)
    )
    assert one(tmp_path / "a.mht")[0].unit == "南岭县水利局"


def test_a_form_in_a_text_box_and_a_lost_table_are_not_lost(tmp_path):
    """WPS lays forms into text boxes; programs that can't draw one leave its cells run together."""
    import docx
    from docx.oxml import OxmlElement

    path = layouts.write_docx(tmp_path / "a.docx", layouts.WHOLE[1:])
    document = docx.Document(path)
    box = OxmlElement("w:txbxContent")
    for element in [e for e in document.element.body if e.tag.endswith("}tbl")]:
        box.append(element)
    document.add_paragraph("填报说明见附件")._p.append(box)
    document.save(tmp_path / "b.docx")
    filing, _ = one(tmp_path / "b.docx")
    assert filing.projects[0].text("project") == "水渠维修"
    document = docx.Document(layouts.write_docx(tmp_path / "c.docx", layouts.WHOLE[:1]))
    document.add_paragraph("项目支出名称修渠预算部门某局年度本级预算金额90该项目支出上级资金0")
    document.save(tmp_path / "c.docx")
    result = import_files([tmp_path / "c.docx"])
    assert any("修渠预算部门某局" in left.text for left in result.leftovers)


def test_what_is_hidden_is_not_read_and_that_is_said(tmp_path):
    import openpyxl

    path = layouts.write_xlsx(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    hidden = book.create_sheet("草稿")
    hidden["A1"], hidden.sheet_state = "2019年旧数", "hidden"
    book.active["A9000"] = "远处"
    book.save(path)
    _, result = one(path)
    reasons = {left.place.sheet: left.reason for left in result.leftovers}
    assert "隐藏的工作表" in reasons["草稿"] and "5000 行" in reasons["Sheet"]


@pytest.mark.xdist_group("written kinds")
@pytest.mark.parametrize("kind", ["word.pdf", "word.doc", "word.odt"])
def test_a_damaged_document_costs_itself(kind, written, tmp_path):
    data = written[kind].read_bytes()
    chance = random.Random(kind)
    for n in range(4 if kind == "word.pdf" else 1):
        broken = bytearray(data)
        for _ in range(30):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path = tmp_path / f"{n}.{kind}"
        path.write_bytes(bytes(broken[: len(broken) * (4 - n) // 4]))
        result = import_files([path])
        assert result.filings or result.leftovers or "\n" not in result.unread[path.name]


def test_a_formula_without_a_result_is_said_and_never_taken_for_an_answer(tmp_path):
    import openpyxl

    path = layouts.write_xlsx(tmp_path / "a.xlsx")
    before, _ = one(path)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    changed = {}
    for cell in [cell for row in sheet.iter_rows() for cell in row if cell.value]:
        if str(cell.value).startswith("≥") or str(cell.value).replace(".", "").isdigit():
            changed[cell.coordinate] = cell.value
            cell.value = "=X1"
    book.save(path)
    assert len(changed) > 1
    after, result = one(path)
    told = {left.place.cell: left for left in result.leftovers if left.text == "=X1"}
    assert set(told) == set(changed)
    assert all("结果没有存下来" in left.reason for left in told.values())
    assert "=X1" not in str(after)
    assert before != after


def test_blank_cells_with_a_style_are_no_cells(tmp_path):
    path = layouts.write_xlsx(tmp_path / "a.xlsx")
    before, _ = one(path)
    parts = parts_of(path.read_bytes())
    name = "xl/worksheets/sheet1.xml"
    blank = "".join(f'<row r="{r}">' + '<c s="1"/>' * 400 + "</row>" for r in range(1000, 1800))
    parts[name] = parts[name].replace("</sheetData>", f"{blank}</sheetData>")
    path.write_bytes(packed(parts))
    assert one(path)[0] == before
