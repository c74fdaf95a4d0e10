"""A template that another program saved is filled so that every program opens the result."""

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tests.support.case import filing_of
from xltool.filling.package import _with_properties
from xltool.xlsx.workbook_reader import read_properties

CUSTOM = "docProps/custom.xml"
SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
VALUES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
ONE = 'fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="xltool.edition"'


class _Parts(dict):
    read = dict.__getitem__


class _Compiled:
    def __init__(self, xml: str) -> None:
        self.parts = _Parts({CUSTOM: xml.encode()})


def properties(prefix: str, value: str, at_root: str, at_value: str) -> str:
    space = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    said = f"<{value}:lpwstr{at_value}>a</{value}:lpwstr>"
    return (
        f'<{prefix}Properties {space}="{SPACE}"{at_root}><{prefix}property {ONE}>{said}'
        f"</{prefix}property></{prefix}Properties>\n"
    )


@pytest.mark.parametrize(
    "xml",
    [
        properties("", "vt", f' xmlns:vt="{VALUES}"', ""),
        properties("", "vt", "", f' xmlns:vt="{VALUES}"'),
        properties("op:", "v", "", f' xmlns:v="{VALUES}"'),
        f'<Properties xmlns="{SPACE}"/>',
    ],
    ids=["ours", "openpyxl", "prefixed", "empty"],
)
def test_the_units_code_is_added_however_the_namespaces_are_called(xml):
    made = _with_properties(_Compiled(xml), {"xltool.unit_code": "0310<&"})
    found = read_properties(made.encode())
    assert found["xltool.unit_code"] == "0310<&"
    assert found.get("xltool.edition") == ("a" if "lpwstr" in xml else None)


def test_a_template_saved_by_openpyxl(tmp_path):
    import shutil

    import xltool

    shipped = xltool.load_edition()
    folder = tmp_path / "own"
    shutil.copytree(Path(shipped.folder), folder)
    book = openpyxl.load_workbook(folder / "template.xlsx")
    book.save(folder / "template.xlsx")
    from xltool.editions.declaration import edition_in
    from xltool.filling.writer import render

    data = render(filing_of({"code": "0310205"}), edition=edition_in(folder))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert read_properties(archive.read(CUSTOM))["xltool.unit_code"] == "0310205"
    opened = openpyxl.load_workbook(io.BytesIO(data))
    assert "xltool.unit_code" in opened.custom_doc_props.names
