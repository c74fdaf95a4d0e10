"""The benchmarks measure what they say: every filler writes the same answers into the form."""

from datetime import datetime

import pytest
from msgspec import structs
from openpyxl.utils.cell import coordinate_to_tuple

import xltool
from benchmarks.fillers import FILLERS, Prepared
from benchmarks.forms import documents, filings, jobs
from benchmarks.killing import compare
from benchmarks.readers import READERS
from xltool.checks.results import check_result
from xltool.filling.writer import render
from xltool.reports.bundle import write_reports
from xltool.xlsx.workbook_reader import open_grid

# Those that come with xltool's own dependencies; the others are run where they are installed.
OURS = ["xltool fill", "xltool render only", "openpyxl, naive", "openpyxl, loaded once"]


def test_no_two_filings_are_alike():
    first, second = jobs(2)
    assert first.filing != second.filing
    assert [at for *at, _ in first.cells] == [at for *at, _ in second.cells]
    assert sum(a != b for a, b in zip(first.cells, second.cells, strict=True)) > 25


def test_the_books_of_a_province_hold_the_same_filings(tmp_path):
    for text, filing in zip(documents(3), filings(3), strict=True):
        (tmp_path / "one.json").write_text(text, "utf-8")
        assert xltool.load_databook(tmp_path / "one.json") == [filing]


@pytest.mark.parametrize("name", OURS)
def test_every_filler_writes_the_same_answers(name, tmp_path):
    both = list(jobs(2))
    paths = [tmp_path / "1.xlsx", tmp_path / "2.xlsx"]
    FILLERS[name]()(both, paths)
    for job, path in zip(both, paths, strict=True):
        sheets = open_grid(path).sheets
        for number, name, value in job.cells:
            cell = sheets[number][coordinate_to_tuple(name)]
            assert (float(cell.text) if cell.number else cell.text) == value


@pytest.mark.parametrize("name", [n for n in FILLERS if n.startswith("limit")])
def test_a_limit_writes_no_less_than_there_is(name, tmp_path):
    [job] = jobs(1)
    fill = FILLERS[name]()
    assert isinstance(fill, Prepared)
    fill.prepare([job])
    fill([job], [tmp_path / "x"])
    whole = len(render(job.filing))
    assert whole * 0.75 < (tmp_path / "x").stat().st_size <= whole
    if "deflate" not in name:
        assert open_grid(tmp_path / "x").sheets


@pytest.mark.parametrize(
    "name", ["xltool read + all rules", "openpyxl load", "openpyxl read_only, values"]
)
def test_every_reader_reads(name, tmp_path):
    [job] = jobs(1)
    (tmp_path / "x.xlsx").write_bytes(render(job.filing))
    assert READERS[name]()(tmp_path / "x.xlsx")


def test_a_killed_run_is_held_against_every_cell_of_the_reports_but_not_their_times(tmp_path):
    [job] = jobs(1)
    data = render(job.filing)
    (tmp_path / "book.xlsx").write_bytes(data)
    filing = xltool.read(tmp_path / "book.xlsx")
    found = xltool.check(filing)
    one = check_result(filing, found)
    other = check_result(filing, [structs.replace(found[0], found="别的"), *found[1:]])
    for name, records, day in (("calm", one, 1), ("late", one, 2), ("other", other, 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.xlsx").write_bytes(data)
        write_reports([records], tmp_path / name, made=datetime(2026, 1, day, 10, day))
    assert compare(tmp_path / "calm", tmp_path / "late") == []
    assert set(compare(tmp_path / "calm", tmp_path / "other")) == {
        "findings.csv", "report.html", "report.json", "report.xlsx/xl/worksheets/sheet2.xml",
    }  # fmt: skip
    (tmp_path / "late" / "book.xlsx").write_bytes(data[:-1])
    (tmp_path / "late" / "findings.csv").unlink()
    assert compare(tmp_path / "calm", tmp_path / "late") == ["book.xlsx", "findings.csv"]
