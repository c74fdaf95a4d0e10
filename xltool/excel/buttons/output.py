"""输出: the forms as PDF, the data as JSON or a data book, a folder totalled."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path

from xltool.errors import XltoolError
from xltool.excel.buttons.reviewing import CHANGES_SHEET
from xltool.excel.ribbon import button, desk
from xltool.results_sheet.table import RESULTS_SHEET

PDF = "PDF (*.pdf),*.pdf"
DATA = "JSON (*.json),*.json,数据表 (*.xlsx),*.xlsx"


@button
def export_pdf() -> str:
    """The forms as one PDF, without results and marks: made from a copy, the workbook is not touched."""
    here = desk()
    with here.snapshot() as path:
        here.read(path)
        place = here.ask_save("导出PDF", _name(".pdf"), PDF)
        if place is None:
            return "没有导出"
        with here.opened(path) as copy:
            with suppress(Exception):  # under a password, the results are printed too
                copy.api.Unprotect()
            ours: list[int | str] = [
                s.name for s in copy.sheets if s.name in (RESULTS_SHEET, CHANGES_SHEET)
            ]
            copy.to_pdf(str(place), exclude=ours or None, exclude_start_string="\0")
    if not place.is_file():
        raise XltoolError(f"没有写出 {place}")
    return f"已导出 {place}"


@button
def export_data() -> str:
    """The workbook's data as JSON by field id, or as a data book."""
    from xltool.databook.write import write_databook

    here = desk()
    with here.snapshot() as path:
        filing = here.read(path)
    place = here.ask_save("导出数据", _name(".json"), DATA)
    if place is None:
        return "没有导出"
    write_databook([filing], place)
    return f"已导出 {place}"


@button
def total_folder() -> str:
    """Check and total all filings in a folder; the summary opens as a workbook."""
    from xltool.batch.run import run

    here = desk()
    folder = here.ask_folder("汇总文件夹：选放填报表的文件夹")
    if folder is None:
        return "没有汇总"
    out = folder.with_name(f"{folder.name}-汇总")
    seen = count(1)
    summary = run(
        folder, out, notice=lambda event: here.say(f"汇总文件夹：已处理 {next(seen)} 个……")
    )
    here.open(out / "report.xlsx")
    number = summary.verdicts
    said = f"通过 {number['pass']} 份，待核实 {number['query']} 份，有错误 {number['error']} 份"
    if summary.failed:
        said += f"，没有做成 {len(summary.failed)} 个"
    return f"{said}；结果在 {out}"


def _name(ending: str) -> str:
    """The workbook's own name with another ending, in its own folder if it has one."""
    here = desk()
    name = Path(here.book.name).stem + ending
    return str(here.folder / name) if here.folder else name
