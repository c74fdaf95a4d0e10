"""Document properties are taken at a glance as the parser would take them, or parsed."""

import pytest

from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import _parse_properties, read_properties

SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
ROOT = f'<Properties xmlns="{SPACE}" xmlns:vt="{TYPES}">'


def one(name: str, value: str, more: str = "", kind: str = "lpwstr", inside: str = "") -> str:
    about = f'fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{name}"{more}'
    return f"<property {about}><vt:{kind}{inside}>{value}</vt:{kind}></property>"


@pytest.mark.parametrize(
    "body",
    [
        one("a", "一") + one("b", "12", kind="i4"),
        one("a", "") + one("", "b"),
        one("a", " x &amp; y&#20013; _x0041_ "),
        one("a", "1") + one("a", "2"),
        one("a", "1", inside=f' xmlns:vt="{TYPES}"'),
        one("a", "1", inside=' xmlns:vt="urn:other"'),
        one("a", "1", more=' linkTarget="x"'),
        one("a &lt; b", "1"),
        one("a", "1\r\n2"),
        one("a", "<![CDATA[<]]>"),
        "<!-- " + one("a", "1") + " -->",
        one("a", "1") + "\n" + one("b", "2"),
        one("a", "1") + "stray" + one("b", "2"),
    ],
)
def test_at_a_glance_as_parsed(body):
    data = f"{HEAD}{ROOT}{body}</Properties>\n".encode()
    assert read_properties(data) == _parse_properties(data)


@pytest.mark.parametrize(
    "body", [one("a", "&no;"), one("a", "\0"), one("a", "]]>"), one("a", "&#0;"), "</Properties>"]
)
def test_what_no_parser_reads_is_refused(body):
    with pytest.raises(Unreadable):
        read_properties(f"{HEAD}{ROOT}{body}</Properties>".encode())
