"""`xltool library` and `databook new --library`: made, examined, offered, refused."""

import openpyxl
import pytest

from tests.support.clean import clean_filing
from xltool import fill, load_databook
from xltool.cli import main
from xltool.databook import write_databook
from xltool.library import load_library


@pytest.fixture
def accepted(tmp_path):
    folder = tmp_path / "通过的申报"
    for name in ("hospital-county", "hospital-town", "bureau-agri"):
        fill(clean_filing(name), folder / f"{name}.xlsx")
    return folder


def test_built_from_accepted_filings_and_examined(accepted, tmp_path, capfd):
    library = tmp_path / "指标库.xlsx"
    assert main(["library", "build", str(accepted), "-o", str(library)]) == 0
    entries = load_library(library).entries
    assert {"家庭医生签约率", "农户满意度"} & {e.name for e in entries} or len(entries) > 20
    assert main(["library", "check", str(library)]) == 0
    assert f"{len(entries)} 个指标" in capfd.readouterr().out


def test_only_what_stands_there_often_enough(accepted, tmp_path):
    library = tmp_path / "指标库.xlsx"
    assert main(["library", "build", str(accepted), "-o", str(library), "--least", "99"]) == 2
    assert not library.exists()


def test_a_file_that_is_no_form_is_said_and_the_others_go_on(accepted, tmp_path, capfd):
    (accepted / "坏.xlsx").write_bytes(b"no workbook")
    assert main(["library", "build", str(accepted), "-o", str(tmp_path / "指标库.xlsx")]) == 2
    assert "坏.xlsx" in capfd.readouterr().err and (tmp_path / "指标库.xlsx").exists()


def test_a_name_that_settings_do_not_take_is_said(accepted, tmp_path, capfd):
    for name, said in (("本级指标库.xlsx", 1), ("指标库.XLSX", 0)):
        assert main(["library", "build", str(accepted), "-o", str(tmp_path / name)]) == 0
        assert capfd.readouterr().err.count("“指标库”开头") == said
    (tmp_path / "设置.toml").write_text('library = "指标库.XLSX"', "utf-8")
    assert main(["settings", "check", str(tmp_path / "设置.toml")]) == 0


def test_another_ending_is_refused(accepted, tmp_path, capfd):
    assert main(["library", "build", str(accepted), "-o", str(tmp_path / "指标库.csv")]) == 2
    assert ".xlsx" in capfd.readouterr().err


def test_what_can_not_be_used_is_one_line(tmp_path, capfd):
    (tmp_path / "指标库.toml").write_text("[[indicator", "utf-8")
    assert main(["library", "check", str(tmp_path / "指标库.toml")]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_offered_as_a_list_in_a_new_data_book(tmp_path, accepted):
    library, book = tmp_path / "指标库.xlsx", tmp_path / "数据表.xlsx"
    main(["library", "build", str(accepted), "-o", str(library)])
    assert main(["databook", "new", str(book), "--library", str(library)]) == 0
    made = openpyxl.load_workbook(book)
    count = len(load_library(library).entries)
    assert made["指标库"]["A1"].value == "名称" and made["指标库"].max_row == count + 1
    lists = [v for v in made["指标"].data_validations.dataValidation if v.type == "list"]
    (names,) = [v for v in lists if "指标库!" in v.formula1]
    assert names.formula1 == f"指标库!$A$2:$A${count + 1}" and not names.showErrorMessage
    # the list and its sheet are no part of the data
    write_databook([clean_filing("bureau-agri")], book, library=load_library(library))
    assert load_databook(book) == [clean_filing("bureau-agri")]


def test_a_json_data_book_has_no_lists(tmp_path, capfd):
    (tmp_path / "指标库.toml").write_text('[[indicator]]\nname = "甲"\n', "utf-8")
    asked = [
        "databook",
        "new",
        str(tmp_path / "a.json"),
        "--library",
        str(tmp_path / "指标库.toml"),
    ]
    assert main(asked) == 2 and not (tmp_path / "a.json").exists()
