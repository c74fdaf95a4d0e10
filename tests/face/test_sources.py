"""`read`, `fill`, `check`, `balance` and `load_databook` take paths, bytes and open files alike."""

import codecs
import io
import os
from pathlib import Path

import pytest

import xltool
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.databook import write_databook


@pytest.fixture
def path(tmp_path) -> Path:
    return xltool.fill(seed_filing(), tmp_path / "甲.xlsx")


def sources(path: Path):
    yield path
    yield str(path)
    yield path.read_bytes()
    yield bytearray(path.read_bytes())
    yield io.BytesIO(path.read_bytes())
    yield path.open("rb")


def closed(source):
    if hasattr(source, "close"):
        source.close()


def test_a_workbook_is_read_checked_and_balanced_from_anything(path):
    for source in sources(path):
        assert xltool.read(source) == seed_filing()
        closed(source)
    expected = xltool.check(xltool.read(path))
    for source in sources(path):
        assert [f.key for f in xltool.check(source)] == [f.key for f in expected]
        closed(source)
    for source in sources(path):
        assert xltool.balance(source) == xltool.balance(xltool.read(path))
        closed(source)


def test_what_is_no_workbook_is_a_fault_from_bytes_too():
    for source in (b"", b"PK\3\4 broken", io.BytesIO(b"text")):
        filing = xltool.read(source)
        assert filing.faults and filing.source == ""
        [finding] = xltool.check(filing)
        assert finding.code == "R101"


def test_a_file_opened_as_text_is_one_line(path):
    with (
        path.open(encoding="latin-1") as file,
        pytest.raises(xltool.XltoolError, match="rb"),
    ):
        xltool.read(file)


def misfits(path: Path):
    """What is no workbook to read, and the words for it."""
    yield path.open(encoding="utf-8"), "rb"
    yield io.StringIO("text"), "rb"
    yield codecs.getreader("utf-8")(io.BytesIO("文字".encode())), "rb"
    gone = path.open("rb")
    gone.close()
    yield gone, "已经关闭"
    yield path.with_name("别的").open("wb"), "不是打开来读的"
    yield "长" * 300, "名称太长"
    yield "甲\0.xlsx", "系统不认的字"
    yield "甲\ud800.xlsx", "系统不认的字"


@pytest.mark.parametrize("taker", [xltool.read, xltool.check, xltool.load_databook])
def test_what_cannot_be_read_from_is_one_line(path, taker):
    for source, words in misfits(path):
        with pytest.raises(xltool.XltoolError, match=words):
            taker(source)
        closed(source)
    for other in (None, 3, [path], (part for part in [path.read_bytes()])):
        with pytest.raises(TypeError, match="要路径、字节（bytes）或打开的文件"):
            taker(other)


def test_a_file_is_read_from_where_it_stands(path):
    stream = io.BytesIO(b"head" + path.read_bytes())
    stream.seek(4)
    assert xltool.read(stream) == seed_filing()
    [fault] = xltool.read(stream).faults
    assert "0 字节" in fault.detail


def test_a_path_may_be_bytes_of_a_path_like(path):
    class Place:
        def __fspath__(self):
            return os.fsencode(path)

    assert xltool.read(Place()) == seed_filing()


def test_what_cannot_be_filled_into_is_one_line(tmp_path):
    with (
        (tmp_path / "乙.xlsx").open("w", encoding="utf-8") as file,
        pytest.raises(xltool.XltoolError, match="wb"),
    ):
        xltool.fill(seed_filing(), file)
    with pytest.raises(TypeError, match="要路径或打开的文件"):
        xltool.fill(seed_filing(), None)


def test_a_form_is_filled_into_anything(path, tmp_path):
    stream = io.BytesIO()
    assert xltool.fill(seed_filing(), stream) is stream
    assert stream.getvalue() == path.read_bytes()
    with (tmp_path / "乙.xlsx").open("wb") as file:
        xltool.fill(seed_filing(), file)
    assert (tmp_path / "乙.xlsx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", [".xlsx", ".json"])
def test_a_data_book_is_loaded_from_anything(tmp_path, kind):
    book = tmp_path / f"数据表{kind}"
    write_databook([seed_filing()], book)
    for source in sources(book):
        assert xltool.load_databook(source) == [seed_filing()]
        closed(source)
    assert xltool.load_databook(EXAMPLE)[0].unit == UNIT


def test_a_faulty_data_book_of_bytes_says_where():
    with pytest.raises(xltool.XltoolError) as caught:
        xltool.load_databook(b'{"filings": [')
    assert [p.code for p in caught.value.problems] == ["B001"]
    with pytest.raises(xltool.XltoolError) as caught:
        xltool.load_databook(b"PK no zip")
    assert [p.code for p in caught.value.problems] == ["B001"]


def test_settings_and_last_year_may_be_named(path, tmp_path):
    (tmp_path / "s.toml").write_text('off = ["T304"]\n', "utf-8")
    found = xltool.check(path, settings=tmp_path / "s.toml", last_year=path.read_bytes())
    assert found and "T304" not in {f.code for f in found}
