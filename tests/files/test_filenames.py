"""Names of files: any system takes them, and no two in a folder are one to any of them."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltool.campaign.units import Unit, UnitFiles
from xltool.files.discover import FileKind, kind_of
from xltool.files.filenames import LONGEST, NAMELESS, TakenNames, folded, safe_name

# What Windows takes for a device, whatever follows the first dot.
DEVICE = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|(conin|conout|clock)\$) *(\.|$)", re.I
)
TEXTS = st.text(max_size=300) | st.text(" .~_$县局甲CONcom1²Ａ\n\u202e", max_size=120)


@given(TEXTS, st.sampled_from(["", ".xlsx", ".pdf", "_退回意见.html"]))
def test_any_text_makes_a_name_that_any_system_takes(text, suffix):
    name = TakenNames().give(text, suffix)
    assert name == unicodedata.normalize("NFC", name)
    assert not set(name) & set('<>:"/\\|?*')
    assert not {"Cc", "Cf", "Cs"} & set(map(unicodedata.category, name))
    assert not DEVICE.match(name)
    assert not name.startswith((" ", ".", "~"))
    assert not name.endswith((" ", "."))
    assert len(name) <= LONGEST + len(suffix) and len(name.encode()) <= 255
    assert name.endswith(suffix) and name != suffix


@given(TEXTS)
def test_a_safe_name_is_safe_already(text):
    assert safe_name(safe_name(text)) == safe_name(text)


@given(st.lists(TEXTS, max_size=12))
def test_no_two_names_are_one_to_any_system(texts):
    taken = TakenNames(["report.xlsx"])
    names = [taken.give(text, ".xlsx") for text in [*texts, *texts, "REPORT"]]
    assert len({folded(name) for name in [*names, "report.xlsx"]}) == len(names) + 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("县水利局（本级）", "县水利局（本级）"),
        ("CON.局", "_CON.局"),
        ("com1.县", "_com1.县"),
        ("clock$", "_clock$"),
        ("COM¹", "_COM¹"),
        ("COM0", "_COM0"),
        ("console", "console"),
        ("  ", NAMELESS),
        ("", NAMELESS),
        ("...", NAMELESS),
        ("a\nb", "a b"),
        ("a/b", "a_b"),
        ("x.", "x"),
        ("~$甲", "$甲"),
        (".甲", "甲"),
        ("水利局\u202excod\u2066.\ud800", "水利局_xcod_._"),
        ("e\u0301", "é"),
    ],
)
def test_names_of_texts(text, name):
    assert safe_name(text) == name


@pytest.mark.parametrize(
    ("first", "second"),
    [("A局", "a局"), ("甲局", "甲局"), ("Ａ局", "A局"), ("straße", "STRASSE"), ("é", "e\u0301")],
)
def test_the_second_of_two_alike_gets_a_number(first, second):
    taken = TakenNames()
    assert taken.give(first, ".xlsx") == f"{safe_name(first)}.xlsx"
    assert taken.give(second, ".xlsx") == f"{safe_name(second)}(2).xlsx"
    assert taken.give(second, ".xlsx") == f"{safe_name(second)}(3).xlsx"


def test_a_long_name_is_cut_so_that_its_number_stays():
    taken = TakenNames()
    names = [taken.give("很" * 300, ".xlsx") for _ in range(12)]
    assert len(set(names)) == 12 and names[-1].endswith("(12).xlsx")
    assert {len(name.encode()) <= 205 for name in names} == {True}
    # The dot at which a long name happens to be cut is not its last character.
    assert not safe_name("a" * (LONGEST - 1) + ".县").endswith(".")


def test_files_of_units_never_meet(tmp_path):
    places = UnitFiles(tmp_path)
    units = [
        Unit("1/2", "水利局", "城区"),
        Unit("1:2", "水利局", "城区"),
        Unit("1", "水利局", "城/区"),
        Unit("1", "水利局", "城:区"),
        Unit("1", "水利局"),
    ]
    found = [places.place(unit, ".xlsx").relative_to(tmp_path).as_posix() for unit in units]
    assert found == [
        "城区/1_2_水利局.xlsx",
        "城区/1_2_水利局(2).xlsx",
        "城_区/1_水利局.xlsx",
        "城_区(2)/1_水利局.xlsx",
        "未分区县/1_水利局.xlsx",
    ]


def test_no_unit_s_file_is_called_like_a_report():
    """`check` passes over what it takes for its own reports."""
    names = [TakenNames().give(text, ".xlsx") for text in ("report", "Report", "报告")]
    assert names == ["report(2).xlsx", "Report(2).xlsx", "报告.xlsx"]
    assert {kind_of(name) for name in names} == {FileKind.WORKBOOK}
