"""A list of indicators has the categories of every form, and is none."""

from xltool import load_edition, read
from xltool.model import FaultKind
from xltool.template.layout import load_layout
from xltool.template.match import likeness
from xltool.xlsx.workbook_reader import open_grid


def own_list(path):
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("指标库")
        sheet.write_row(0, 0, ["单位", "一级指标", "二级指标", "三级指标", "指标值及单位"])
        blocks = load_edition().project.indicators.block
        for row, block in enumerate(blocks, 1):
            sheet.write_row(row, 0, ["甲县水利局", block.level1, block.label, "某指标", "≥1个"])
    return path


def test_an_ordinary_list_is_no_filing(tmp_path):
    filing = read(own_list(tmp_path / "库.xlsx"))
    assert not list(filing.forms)
    assert [fault.kind for fault in filing.faults] == [FaultKind.FOREIGN]


def test_a_form_that_lost_its_names_still_is_one():
    for id_ in ("hunan-2023", "national-2021"):
        edition = load_edition(id_)
        layout = load_layout(edition)
        for sheet in open_grid(edition.template).sheets:
            sheet.names.clear()
            assert max(likeness(form, sheet) for form in layout.forms.values()) == 1.0
