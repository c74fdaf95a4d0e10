"""What goes wrong with returned workbooks, each kind planted as it happens,
and how it must be told.

Used by the tests and by the measured run of a whole campaign.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.campaign import fill_in, patched, with_properties
from tests.support.case import filing_of
from xltool.campaign.sealing import seal
from xltool.model import Filing
from xltool.xlsx.workbook_reader import open_grid

SHEET = "xl/worksheets/sheet1.xml"
CUSTOM = "docProps/custom.xml"


@dataclass(frozen=True)
class Sent:
    """A unit's workbook as sent, and another unit's."""

    code: str
    name: str
    blank: bytes
    other_code: str
    other_name: str
    other_blank: bytes
    old: bytes = b""  # the first issue, where a second one was sent

    @property
    def file(self) -> str:
        return f"{self.code}_{self.name}.xlsx"


@dataclass(frozen=True)
class Fault:
    """One way to go wrong: file name and bytes; how it must be told; whether it may count."""

    make: Callable[[Sent], tuple[str, bytes]]
    kind: str
    codes: frozenset[str]
    counts: bool = False


FAULTS: dict[str, Fault] = {}


def fault(
    kind: str, *codes: str, counts: bool = False
) -> Callable[[Callable[[Sent], tuple[str, bytes]]], None]:
    def register(make: Callable[[Sent], tuple[str, bytes]]) -> None:
        FAULTS[make.__name__] = Fault(make, kind, frozenset(codes), counts)

    return register


def _book(data: bytes):
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(data))


def _saved(book) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def saved_again(data: bytes) -> bytes:
    """The same answers, other bytes."""
    return _saved(_book(data))


@fault("tampered", "D601")
def changed_prefilled_amount(sent: Sent) -> tuple[str, bytes]:
    """Protection is off and the known general budget another one; the unit's sums still close."""
    return sent.file, fill_in(
        sent.blank,
        {"department.general": "1.00", "department.total": "1291.00", "department.basic": "191.00"},
    )


@fault("tampered", "D601")
def copied_seal(sent: Sent) -> tuple[str, bytes]:
    """The other unit's seal in this unit's workbook: its form still says who it is."""
    own, others = open_grid(sent.blank).properties, open_grid(sent.other_blank).properties
    mark = seal.claimed(own)
    assert mark is not None
    filled = fill_in(sent.blank)
    for name, value in own.items():
        sealed = name.startswith(("xltool.seal", "xltool.signature"))
        if sealed and others.get(name, value) != value:
            filled = patched(filled, CUSTOM, lambda xml, a=value, b=others[name]: xml.replace(a, b))
    return sent.file, filled


@fault("renamed", "D602")
def another_units_file(sent: Sent) -> tuple[str, bytes]:
    """The other unit's workbook, filled in and handed in under this unit's name."""
    return sent.file, fill_in(sent.other_blank)


@fault("genuine", "R103")
def row_deleted(sent: Sent) -> tuple[str, bytes]:
    book = _book(fill_in(sent.blank))
    book.worksheets[0].delete_rows(9)
    return sent.file, _saved(book)


@fault("genuine", "R103")
def label_edited(sent: Sent) -> tuple[str, bytes]:
    book = _book(fill_in(sent.blank))
    book.worksheets[0]["B7"] = "政府性基金收入："
    return sent.file, _saved(book)


@fault("genuine", "R104", counts=True)
def protection_removed(sent: Sent) -> tuple[str, bytes]:
    return sent.file, patched(
        fill_in(sent.blank), SHEET, lambda xml: re.sub(r"<sheetProtection[^>]*/>", "", xml)
    )


@fault("stale", "D604")
def old_issue(sent: Sent) -> tuple[str, bytes]:
    return sent.file, fill_in(sent.old or sent.blank)


@fault("genuine", "R103")
def sheet_renamed(sent: Sent) -> tuple[str, bytes]:
    book = _book(fill_in(sent.blank))
    book.worksheets[0].title = "Sheet1"
    return sent.file, _saved(book)


@fault("genuine", counts=True)
def project_added(sent: Sent) -> tuple[str, bytes]:
    """A second project on a copy of the project sheet; the sums hold."""
    grid = open_grid(sent.blank)
    mark = seal.claimed(grid.properties)
    assert mark is not None
    first = fill_in(
        sent.blank,
        {"project.own_budget": "500", "project.cost": [["维修养护工程费", "≤680万元", "≤680万元"]]},
    )
    back = _read(first)
    again = filing_of(
        {
            "project": {
                "unit": mark.name, "filer": mark.name, "year": str(mark.year), "project": "河道清淤",
                "own_budget": "400", "upper_budget": "0",
                "quantity": [["清淤河道长度", "≥38公里", "计划标准"]],
                "cost": [["清淤工程费", "≤390万元", "≤390万元"]],
                "annual_goal": "年内完成河道清淤任务并通过验收，恢复行洪能力。",
                "period_goal": "完成列入计划的河道清淤，恢复行洪能力。",
            }
        }
    ).projects[0]  # fmt: skip
    filing = Filing(back.edition, back.department, (*back.projects, again), code=mark.unit)
    return sent.file, with_properties(filing, grid.properties, mark.prefilled)


@fault("unreadable", "R101")
def old_xls(sent: Sent) -> tuple[str, bytes]:
    """Saved as .xls: an OLE compound file, whatever its suffix says."""
    return f"{sent.code}_{sent.name}.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1528)


@fault("genuine", counts=True)
def zip_within_zip(sent: Sent) -> tuple[str, bytes]:
    inner = _zip({f"申报/{sent.file}": fill_in(sent.blank)})
    return f"{sent.name}.zip", _zip({"材料.zip": inner, "../../逃.txt": b"x"})


@fault("unreadable", "R101")
def corrupt(sent: Sent) -> tuple[str, bytes]:
    data = fill_in(sent.blank)
    return sent.file, data[: len(data) // 2]


@fault("unsealed", "D601")
def seal_taken_out(sent: Sent) -> tuple[str, bytes]:
    return sent.file, patched(
        fill_in(sent.blank),
        CUSTOM,
        lambda xml: re.sub(r"<property [^>]*xltool\.s.*?</property>", "", xml),
    )


@fault("tampered", "D601")
def seal_damaged(sent: Sent) -> tuple[str, bytes]:
    """One character of the signature is another."""
    signature = open_grid(sent.blank).properties[seal.SIGNATURE]
    other = ("A" if signature[5] != "A" else "B").join([signature[:5], signature[6:]])
    return sent.file, patched(
        fill_in(sent.blank), CUSTOM, lambda xml: xml.replace(signature, other)
    )


@fault("genuine", "R106", counts=True)
def amount_as_text(sent: Sent) -> tuple[str, bytes]:
    book = _book(fill_in(sent.blank))
    book.worksheets[0]["D7"] = "1,290.00万元"
    return sent.file, _saved(book)


@fault("genuine", "T302")
def does_not_balance(sent: Sent) -> tuple[str, bytes]:
    return sent.file, fill_in(sent.blank, {"department.basic": "12.34"})


@fault("genuine", counts=True)
def renamed_harmlessly(sent: Sent) -> tuple[str, bytes]:
    return f"最终版(2)_{sent.code}.xlsx", fill_in(sent.blank)


@fault("genuine", counts=True)
def saved_by_another_program(sent: Sent) -> tuple[str, bytes]:
    return sent.file, saved_again(fill_in(sent.blank))


@fault("unofficial", "R102")
def own_table(sent: Sent) -> tuple[str, bytes]:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["单位", "金额"])
    return sent.file, _saved(book)


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def _read(data: bytes) -> Filing:
    from xltool.reading.reader import read_grid

    return read_grid(open_grid(data))
