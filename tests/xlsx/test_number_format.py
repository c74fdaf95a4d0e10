"""What a number cell shows: a table by hand;
numfmt's and LibreOffice's strings over 2,000 pairs."""

import json
import random
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

import xltool
from tests.support.calc.office import Office, why_absent
from xltool.databook import load_databook
from xltool.excel.hosts.libreoffice.bridge import properties
from xltool.importing import import_files
from xltool.importing.workbooks import shown
from xltool.xlsx.number_format import BUILTIN, DATE_1904, as_read, as_shown
from xltool.xlsx.workbook_reader import open_grid

NODE = Path(__file__).parents[1] / "node"
EXAMPLE = Path(xltool.__file__).parent / "example" / "沅江市科学技术和工业信息化局"

# Format: value → what is shown.
SHOWN = {
    "General": {"0": "0", "20": "20", "-1.5": "-1.5", "0.1": "0.1", "1234567890123": "1.23457E+12",
                "0.000000000012": "1.2E-11", "12345678901": "12345678901"},
    "0": {"0": "0", "0.5": "1", "1.5": "2", "2.5": "3", "-3": "-3", "1234.4": "1234"},
    "0.00": {"0": "0.00", "1.005": "1.01", "2.675": "2.68", "-1": "-1.00", "1e3": "1000.00"},
    "#,##0": {"0": "0", "999": "999", "1000": "1,000", "1234567": "1,234,567", "-1234": "-1,234"},
    "#,##0.00": {"1234.5": "1,234.50", "0.005": "0.01"},
    "#": {"0": "", "5": "5"},
    "#.##": {"0.5": ".5", "5": "5.", "1.234": "1.23"},
    "0.0#": {"5": "5.0", "5.25": "5.25"},
    "00000": {"123": "00123", "1234567": "1234567"},
    "000000": {"12": "000012"},
    "0,000": {"5": "0,005"},
    "000-0000": {"5551234": "555-1234"},
    "0.0?": {"1": "1.0 ", "1.25": "1.25"},
    "??0": {"5": "  5"},
    "#,##0,": {"1234567": "1,235"},
    "0.0,,": {"1234567": "1.2"},
    '0.00,"千元"': {"12345": "12.35千元"},
    "0%": {"0.95": "95%", "1": "100%", "0.955": "96%", "-0.1": "-10%"},
    "0.00%": {"0.95": "95.00%", "0.12345": "12.35%"},
    '"≥"0%': {"0.95": "≥95%"},
    "≥0%": {"0.95": "≥95%"},
    "0.0‰": {"5": "5.0‰"},
    '0"家"': {"15": "15家"},
    "0!家": {"15": "15家"},
    "0\\家": {"15": "15家"},
    "0家": {"15": "15家"},
    '"≥"0"家"': {"15": "≥15家"},
    "0_)": {"5": "5 "},
    "* 0": {"5": "5"},
    "0_);(0)": {"5": "5 ", "-5": "(5)"},
    "0;-0": {"5": "5", "-5": "-5", "0": "0"},
    '0;"减少"0;"持平"': {"5": "5", "-5": "减少5", "0": "持平"},
    ";;;": {"5": "", "-5": "", "0": "", "文字": ""},
    '0;-0;0;"注："@': {"5": "5", "文字": "注：文字"},
    "@": {"5": "5", "文字": "文字"},
    '"≥"@': {"5": "5", "-5": "-5", "42": "42", "文字": "≥文字"},
    '"约"General': {"42": "约42", "-1.5": "-约1.5"},
    "[Red]0": {"5": "5"},
    '[<60]"差";[<85]"良";"优"': {"59": "差", "60": "良", "85": "优"},
    '[>=10000]0.0,"千";0': {"12000": "12.0千", "9999": "9999"},
    "[=1]0": {"1": "1", "2": "########"},
    "¥#,##0.00": {"1234.5": "¥1,234.50"},
    "[$¥-804]#,##0": {"1234": "¥1,234"},
    "0.00E+00": {"12345": "1.23E+04", "0.00012": "1.20E-04", "0": "0.00E+00", "9.999": "1.00E+01"},
    "##0.0E+0": {"12345": "12.3E+3", "123456": "123.5E+3"},
    "0E-0": {"12345": "1E4"},
    "# ?/?": {"1.25": "1 1/4", "0.5": " 1/2"},
    "?/?": {"1.25": "5/4"},
    "# ??/??": {"3.14": "3  7/50"},
    "0/100": {"0.25": "25/100"},
    "yyyy-m-d": {"45292": "2024-1-1", "1": "1900-1-1", "59": "1900-2-28", "60": "1900-2-29",
                 "61": "1900-3-1", "-1": "########", "0.5": "1900-1-0", "2958466": "########"},
    "yyyy-mm-dd": {"45292": "2024-01-01", "45292.99": "2024-01-01"},
    "yy/m/d": {"45292": "24/1/1"},
    'yyyy"年"m"月"d"日"': {"45291": "2023年12月31日"},
    "yyyy年m月": {"45291": "2023年12月"},
    'm"月"d"日"': {"45291": "12月31日"},
    "d-mmm-yy": {"45291": "31-Dec-23"},
    "mmmm": {"45291": "December"},
    "mmmmm": {"45291": "D"},
    "dddd": {"45291": "Sunday"},
    "ddd": {"45292": "Mon"},
    "aaaa": {"45291": "星期日"},
    "aaa": {"45292": "一"},
    "[$-804]aaaa": {"45292": "星期一"},
    "[DBNum1]yyyy年m月d日": {"45291": "二〇二三年十二月三十一日"},
    '[DBNum1][$-804]yyyy"年"m"月"': {"45291": "二〇二三年十二月"},
    "[DBNum1]0": {"123": "一百二十三", "10": "十", "0": "〇"},
    "[DBNum2]0": {"105": "壹佰零伍"},
    "h:mm": {"0.5": "12:00", "0.354166666666667": "8:30", "45291.25": "6:00"},
    "hh:mm:ss": {"0.354166666666667": "08:30:00", "0.999": "23:58:34"},
    "mm:ss": {"0.0007": "01:00"},
    "mm:ss.0": {"0.00070023": "01:00.5"},
    "[h]:mm": {"12": "288:00", "1.5": "36:00"},
    "[mm]:ss": {"0.0625": "90:00"},
    "[ss]": {"0.01": "864"},
    "h:mm AM/PM": {"0.5": "12:00 PM", "0": "12:00 AM", "0.75": "6:00 PM"},
    "h A/P": {"0.75": "6 P"},
    "上午/下午h:mm": {"0.6": "下午2:24", "0.25": "上午6:00"},
    '上午/下午h"时"mm"分"': {"0.6": "下午2时24分"},
    "yyyy-m-d h:mm": {"45291.5": "2023-12-31 12:00"},
    DATE_1904 + "yyyy-m-d": {"0": "1904-1-1", "43830": "2024-1-1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "value", "text"), [(c, v, t) for c, row in SHOWN.items() for v, t in row.items()]
)
def test_a_value_is_shown_as_excel_shows_it(code, value, text):
    assert as_shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("0.95", "0%", "95%"), ("0.955", "0%", "96%"), ("0.979166666666667", "0%", "98%"),
        ("95.123", "0.00", "95.12"), ("31731700", "0!.0000", "3173.1700"),
        ("12345678901", "000-0000-0000", "123-4567-8901"), ("0.95", '"≥"0%', "≥95%"), ("1", "0.00%", "100%"),
        ("15", '0"家"', "15家"), ("15", "0!家", "15家"), ("15", '"≥"0"家"', "≥15家"),
        ("1234.5", "#,##0.00", "1234.5"), ("123", "00000", "00123"), ("5", "0,000", "5"),
        ("-5", "0_);(0)", "-5"), ("-5", '0;"减少"0', "减少5"), ("-5", "0;[Red]0", "-5"), ("7", ";;;", "7"),
        ("12345", '0.0,"千元"', "12.3千元"), ("1.25", "# ?/?", "1.25"), ("12345", "0.00E+00", "12345"),
        ("1e-7", "General", "0.0000001"), ("0.1", "", "0.1"), ("240", BUILTIN[43], "240"),
        ("45292", "yyyy-m-d", "2024年1月1日"), ("45291", 'm"月"d"日"', "12月31日"),
        ("45291", "yyyy年m月", "2023年12月"), ("45291", "yyyy", "2023年"),
        ("45291.5", "yyyy-m-d h:mm", "2023年12月31日 12:00"),
        ("45291", 'yyyy"年"m"月"d"日前"', "2023年12月31日前"),
        ("0.354166666666667", "h:mm", "08:30"), ("12", "[h]:mm", "288:00"),
        ("45291", "aaaa", "2023年12月31日"),
        ("0.5", "yyyy-m-d", "1900年1月0日"), ("0.5", 'm"月"d"日"', "1月0日"), ("0.5", BUILTIN[57], "1900年1月"),
        ("0.98", '"约"General', "约0.98"), ("42", '"≥"@', "42"), ("12345", '"约"0.00E+00', "约12345"),
        ("5", '[DBNum1]0"家"', "5家"), ("1.25", '# ?/?"人"', "1.25人"),
        ("43830", DATE_1904 + "yyyy-m-d", "2024年1月1日"), ("-1", "yyyy-m-d", "-1"),
        *[("45291", BUILTIN[n], "2023年12月31日") for n in (14, 15, 22, 30, 31)],
        *[("45291", BUILTIN[n], "2023年12月") for n in (17, 27, 36, 50, 52, 57)],
        *[("45291", BUILTIN[n], "12月31日") for n in (16, 28, 29, 51, 53, 54, 58)],
    ],
)  # fmt: skip
def test_a_number_is_read_as_shown_and_a_date_in_one_spelling(value, code, text):
    assert as_read(value, code) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("0.95", "0%"), ("0.95", '"≥"0%'), ("15", '0"家"'), ("0.5", "0.0%"), ("123", "00000"),
        ("45292", "yyyy-m-d"), ("1234.5", "#,##0.00"), ("5", "0.0‰"), ("12", "[h]:mm"),
    ],
)  # fmt: skip
def test_reading_and_importing_give_one_answer(value, code):
    assert shown(value, code) == as_read(value, code)


@pytest.mark.parametrize(
    ("value", "code", "text"), [(0.95, '"≥"0%', "≥95%"), (15, '0"家"', "15家")]
)
def test_a_target_in_a_number_format_is_read_and_imported_alike(tmp_path, value, code, text):
    xltool.fill(load_databook(EXAMPLE)[0], tmp_path / "a.xlsx")
    targets = [i.target for form in xltool.read(tmp_path / "a.xlsx").forms for i in form.indicators]
    place = next(target.place for target in targets if target.text)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    cell = book[place.sheet][place.cell]
    cell.value, cell.number_format = value, code
    book.save(tmp_path / "b.xlsx")
    forms = xltool.read(tmp_path / "b.xlsx").forms
    assert text in [
        i.target.text for form in forms for i in form.indicators if i.target.place == place
    ]
    values = import_files([tmp_path / "b.xlsx"]).values
    assert text in [
        v.text for v in values if (v.place.sheet, v.place.cell) == (place.sheet, place.cell)
    ]


def test_a_workbook_may_count_days_from_1904(tmp_path):
    from xlsxwriter import Workbook

    with Workbook(tmp_path / "a.xlsx", {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_number(0, 0, 43830, book.add_format({"num_format": "yyyy-m-d"}))
    grid = open_grid(tmp_path / "a.xlsx")
    cell = grid.sheets[0][1, 1]
    assert grid.date1904
    assert as_read(cell.text, cell.format) == "2024年1月1日"


def pairs() -> list[tuple[str, str]]:
    """2,000 pairs of value and format, the same each time."""
    chance = random.Random(1900)
    found = []
    for _ in range(1400):
        digits = chance.choice(["0", "#,##0", "00", "#", "0000", "##0"]) + chance.choice(
            ["", ".0", ".00", ".0#", ".##"]
        )
        code = (
            chance.choice(["", '"≥"', "¥", "\\约"])
            + digits
            + chance.choice(["", "%", '"家"', "\\人", ",", "_)"])
        )
        code += chance.choice(["", "", f";({digits})", f';"减"{digits}', f';-{digits};"无"', ";;"])
        value = chance.choice([0, 1, -1, chance.randint(-99999, 9999999), chance.randint(-99999, 99999) / 8,
                               chance.randint(1, 999) / 1000])  # fmt: skip
        found.append((str(value), code))
    for _ in range(400):
        code = (
            chance.choice(["yyyy", "yy"])
            + chance.choice(["-", "/", '"年"'])
            + chance.choice(["m", "mm"])
        )
        code += chance.choice(["-", "/", '"月"']) + chance.choice(["d", "dd"])
        code += chance.choice(["", " h:mm", " hh:mm:ss", " h:mm AM/PM"])
        found.append((str(chance.randint(100, 80_000) + chance.randint(0, 1439) / 1440), code))
    for _ in range(200):
        code = chance.choice(
            ["0.00E+00", "0E+0", "h:mm", "[h]:mm", "[mm]:ss", "hh:mm:ss", "General"]
        )
        found.append((str(chance.randint(1, 100_000) / 1024), code))
    return found


# What differs, by the other program: a test of (value, format, ours, theirs) and the reason.
NUMFMT_DIFFERS: list = []
OFFICE_DIFFERS: list = [
    (
        lambda value, code, ours, theirs: ".##" in code and ours.replace(".", "", 1) == theirs,
        "Excel and numfmt keep the point before decimals that are none (5. under 0.##), LibreOffice drops it",
    ),
    (
        lambda value, code, ours, theirs: (
            "h" in code and theirs == as_shown(a_second_less(value), code)
        ),
        "LibreOffice cuts parts of a second, Excel and numfmt round them (half a second up)",
    ),
    (
        lambda value, code, ours, theirs: code == "General" and theirs.startswith(ours[:10]),
        "LibreOffice shows all digits under General, Excel and numfmt 11 characters",
    ),
]


def a_second_less(value: str) -> str:
    return str(Decimal(value) - Decimal("0.9999") / 86_400)


def unexplained(theirs: list[str], reasons: list) -> list[tuple[str, str, str, str]]:
    """The pairs on which another program differs, and not for a known reason."""
    found = []
    for (value, code), other in zip(pairs(), theirs, strict=True):
        ours = as_shown(value, code)
        if ours != other and not any(fits(value, code, ours, other) for fits, _ in reasons):
            found.append((value, code, ours, other))
    return found


def test_numfmt_shows_the_same():
    if shutil.which("node") is None or not (NODE / "node_modules" / "numfmt").exists():
        pytest.skip("numfmt is not installed: npm install --prefix tests/node --no-package-lock")
    asked = json.dumps([[float(value), code] for value, code in pairs()])
    command = ["node", str(NODE / "numfmt.mjs")]
    done = subprocess.run(
        command, input=asked, capture_output=True, encoding="utf-8", timeout=120, check=True
    )
    assert unexplained(json.loads(done.stdout), NUMFMT_DIFFERS) == []


def office_strings(path: Path) -> list[str]:
    """What LibreOffice shows in the cells of a workbook that holds the pairs."""
    from xlsxwriter import Workbook

    formats: dict[str, object] = {}
    with Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, (value, code) in enumerate(pairs()):
            if code not in formats:
                formats[code] = book.add_format({"num_format": code})
            sheet.write_number(row, 0, float(value), formats[code])
    with Office() as office:
        document = office.desktop.loadComponentFromURL(
            path.as_uri(), "_blank", 0, properties(Hidden=True)
        )
        cells = document.Sheets.getByIndex(0)
        strings = [cells.getCellByPosition(0, row).String for row in range(len(pairs()))]
        document.close(True)
    return strings


def test_libreoffice_shows_the_same(tmp_path):
    if reason := why_absent():
        pytest.skip(reason)
    assert unexplained(office_strings(tmp_path / "pairs.xlsx"), OFFICE_DIFFERS) == []
