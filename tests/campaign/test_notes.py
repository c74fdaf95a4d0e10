"""Notes in a received workbook are remarks, not objects on the form."""

import xlsxwriter

from xltool.xlsx.workbook_reader import open_grid


def sheets(path):
    return {sheet.name: sheet for sheet in open_grid(path).sheets}


def test_notes_are_no_objects(tmp_path):
    path = tmp_path / "批注.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        noted = book.add_worksheet("批注")
        noted.write("B2", 1)
        noted.write_comment("B2", "请改", {"author": "某人"})
        book.add_worksheet("按钮").insert_button("A1", {"caption": "按"})
        both = book.add_worksheet("两样")
        both.write_comment("A1", "话")
        both.insert_button("C3", {})
        book.add_worksheet("空")
    found = sheets(path)
    assert {name for name, sheet in found.items() if sheet.objects} == {"按钮", "两样"}
