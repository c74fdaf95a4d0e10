"""输出: the forms as PDF, the data as JSON or a data book, a folder totalled."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from itertools import count
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from xltool.checks.engine import check
from xltool.checks.results import counts
from xltool.errors import XltoolError
from xltool.excel.buttons.names import form_name
from xltool.excel.desk_settings import house_rules, last_year, own_settings
from xltool.excel.places import desk_folder
from xltool.excel.ribbon import button, desk
from xltool.excel.session import WORKBOOKS_WRITTEN, ExcelSession
from xltool.files.atomic import writing
from xltool.filling.paper import for_paper
from xltool.model import Filing, Finding, Severity
from xltool.results_sheet.error_note import write_error_note
from xltool.results_sheet.table import OWN_SHEETS
from xltool.xlsx.workbook_reader import open_grid

PDF = "PDF (*.pdf),*.pdf"
ZIP = "压缩包 (*.zip),*.zip"
DATA = "JSON (*.json),*.json,数据表 (*.xlsx),*.xlsx"


@button("xltool export --format pdf")
def export_pdf() -> str:
    """The forms as one PDF, without results and marks:
    made from a copy, the workbook is not touched."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        place = session.ask_save("导出PDF", form_name(filing, "绩效目标申报表", ".pdf"), PDF)
        if place is None:
            return "没有导出"
        _forms_as_pdf(session, path, place)
    return f"已导出 {place}"


def _forms_as_pdf(session: ExcelSession, path: Path, place: Path) -> None:
    """Print the forms of a snapshot; the file takes its place only when it is whole."""
    pdf = path.with_name("xltool-forms.pdf")
    with session.opened(_paper(path)) as copy:
        with suppress(Exception):  # under a password, the results are printed too
            copy.api.Unprotect()
        ours: list[int | str] = [sheet.name for sheet in copy.sheets if sheet.name in OWN_SHEETS]
        copy.to_pdf(str(pdf), exclude=ours or None, exclude_start_string="\0")
    if not pdf.is_file():
        raise XltoolError(f"没有写出 {place}")
    with writing(place, "wb") as file:
        file.write(pdf.read_bytes())


def _paper(path: Path) -> Path:
    """A snapshot as it goes on paper; as it is where nothing can be made better."""
    with suppress(XltoolError):
        return for_paper(path, path.with_name("xltool-paper" + path.suffix))
    return path


@button("xltool export --format pdf")
def print_forms() -> str:
    """The forms as they print, in the program that shows PDFs, from where they are printed."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        place = desk_folder() / "打印" / form_name(filing, "绩效目标申报表", ".pdf")
        _forms_as_pdf(session, path, place)
    webbrowser.open(place.as_uri())
    return "打印稿已打开（只有填报表，没有审核结果和标记），请在打开的窗口里打印"


@button("xltool export --format json")
def export_data() -> str:
    """The workbook's data as JSON by field id, or as a data book."""
    from xltool.databook.write import write_databook

    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
    place = session.ask_save("导出数据", form_name(filing, "绩效目标数据", ".json"), DATA)
    if place is None:
        return "没有导出"
    write_databook([filing], place)
    return f"已导出 {place}"


def _findings(path: Path, filing: Filing) -> tuple[list[Finding], str]:
    """What 全审 finds, of a snapshot that was read; and what it says of last year's filing."""
    rules = house_rules(open_grid(path).properties)
    former, told = last_year(filing)
    found = check(filing, strict=False, settings=rules, last_year=former)
    return found, f"。{told}" if told else ""


@button("xltool check")
def error_note() -> str:
    """What did not pass and what the unit says to it, as a sheet to print and sign."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        findings, told = _findings(path, filing)
        open_ones = [
            finding
            for finding in findings
            if not finding.trial and finding.severity is not Severity.NOTE
        ]
        if not open_ones:
            return f"没有错误，也没有要核实的，不用写出错说明{told}"
        place = session.ask_save(
            "出错说明", form_name(filing, "绩效目标出错说明", ".xlsx"), WORKBOOKS_WRITTEN
        )
        if place is None:
            return "没有写出"
        write_error_note(filing, open_ones, place)
    session.open(place)
    bare = sum(1 for finding in open_ones if not finding.explanation.strip())
    listed = f"{len(open_ones)} 个问题列在 {place.name}"
    return listed + (f"，{bare} 个还没有说明" if bare else "") + told


@button("xltool export --format pdf")
def submission_package() -> str:
    """Check, then the workbook, its PDF and the error note in one zip."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        findings, told = _findings(path, filing)
        number = counts(findings)
        bare = sum(1 for finding in findings if finding.severity is Severity.QUERY and finding.open)
        question = f"还有错误 {number.error} 处、没有说明的核实 {bare} 处。仍要打包吗？"
        if (number.error or bare) and not session.confirm(question):
            return "没有打包：请先改正错误，核实的问题写明理由"
        place = session.ask_save("报送包", form_name(filing, "绩效目标申报", ".zip"), ZIP)
        if place is None:
            return "没有打包"
        parts = _package(session, path, filing, findings)
        with writing(place, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED) as package:
            for name, data in parts.items():
                package.writestr(name, data)
    return f"已打包 {len(parts)} 个文件：{place}{told}"


def _package(
    session: ExcelSession, path: Path, filing: Filing, findings: list[Finding]
) -> dict[str, bytes]:
    """What is handed in: name → content."""
    pdf, note = path.with_name("xltool-package.pdf"), path.with_name("xltool-note.xlsx")
    _forms_as_pdf(session, path, pdf)
    open_ones = [
        finding
        for finding in findings
        if not finding.trial and finding.severity is not Severity.NOTE
    ]
    parts = {
        form_name(filing, "绩效目标申报表", path.suffix): path.read_bytes(),
        form_name(filing, "绩效目标申报表", ".pdf"): pdf.read_bytes(),
    }
    if open_ones:
        write_error_note(filing, open_ones, note)
        parts[form_name(filing, "绩效目标出错说明", ".xlsx")] = note.read_bytes()
    return parts


@button("xltool batch")
def total_folder() -> str:
    """Check and total all filings in a folder; the summary opens as a workbook."""
    from xltool.batch.run import run

    session = desk()
    folder = session.ask_folder("汇总文件夹：选放填报表的文件夹")
    if folder is None:
        return "没有汇总"
    out = _summary_folder(session, folder)
    numbers = count(1)
    summary = run(
        folder,
        out,
        settings=str(own_settings() or ""),
        notice=lambda event: session.say(f"汇总文件夹：已处理 {next(numbers)} 个……"),
    )
    session.open(out / "report.xlsx")
    number = summary.verdicts
    verdicts = f"通过 {number['pass']} 份，待核实 {number['query']} 份，有错误 {number['error']} 份"
    if summary.failed:
        verdicts += f"，没有做成 {len(summary.failed)} 个"
    return f"{verdicts}；结果在 {out}"


def _summary_folder(session: ExcelSession, folder: Path) -> Path:
    """Where the summary goes. The last one's report, still open as it was written, is closed."""
    out = folder.with_name(f"{folder.name}-汇总")
    inside = [book for book in session.app.books if Path(str(book.fullname)).parent == out]
    for book in inside:
        if not book.api.Saved:
            raise XltoolError(f"上一次的汇总“{book.name}”开着，里面有改动：请先另存或关掉，再汇总")
    for book in inside:
        book.close()
    return out
