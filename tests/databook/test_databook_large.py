"""A book of thousands of units is read as a small one is, only not all of it in memory at once."""

import csv
import io
import random
import re
import zipfile
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from tests.support.books import HEADS
from tests.support.packages import repacked
from tests.support.seed import seed_filing
from xltool.databook import document, open_databook, reading, shelf, write_databook
from xltool.databook.sources import encoding_of
from xltool.errors import XltoolError
from xltool.model import Filing
from xltool.xlsx import package, tables


def scattered(folder: Path, seed: int) -> Path:
    """A book of units whose rows lie anywhere, with a fault here and there, in any table."""
    dice = random.Random(seed)

    def odd(good: str, *bad: str) -> str:
        return dice.choice(bad) if dice.random() < 0.04 else good

    units = [f"第{n}局" for n in range(dice.randint(1, 12))]
    units += dice.choices(units, k=dice.random() < 0.3)
    rows: dict[str, list[list[str]]] = {table: [] for table in HEADS}
    for unit in units:
        amounts = [odd("12.5", "约数", "1,000万元", "9" * 40, "") for _ in range(8)]
        texts = [odd("职责\r\n两行", "\uffff", "长" * 33000), "目标"]
        rows["部门"].append(
            [odd("2023", "二三", "2023年"), odd(unit, "", f" {unit} "), "001", *amounts, *texts]
        )
        roads = [f"修{n}号路" for n in range(dice.randint(0, 3))]
        for road in roads:
            own = [odd(unit, "", "丙局"), odd(road, "", "修0号路"), odd("40", "x")]
            rows["项目"].append([*own, "", "2023年", "目标", "目标"])
        for road in ["", *roads] * dice.randint(0, 3):
            where = [
                odd(unit, "", "第局"),
                odd(road, "修路"),
                odd("产出", "效益"),
                odd("数量", "数", "质量指标"),
            ]
            rows["指标"].append(
                [
                    *where,
                    odd("里程", "……"),
                    odd("≥3公里", ""),
                    "计划标准" if road else odd("", "有"),
                ]
            )
    dice.shuffle(rows["项目"])
    dice.shuffle(rows["指标"])
    folder.mkdir()
    for table, head in HEADS.items():
        with (folder / f"{table}.csv").open(
            "w", encoding=dice.choice(["utf-8", "gb18030"]), newline=""
        ) as file:
            csv.writer(file).writerows([head.split(","), *rows[table]])
    return folder


def as_workbook(folder: Path, *, shared: bool) -> Path:
    """The same tables as an .xlsx, its texts shared, as Excel writes them, or each in its cell."""
    path = folder.with_suffix(".xlsx")
    with Workbook(path, {"constant_memory": not shared}) as book:
        for table in HEADS:
            sheet = book.add_worksheet(table)
            data = (folder / f"{table}.csv").read_bytes()
            text = data.decode(encoding_of(data))
            for n, row in enumerate(csv.reader(io.StringIO(text, newline=""))):
                for m, cell in enumerate(row):
                    sheet.write(n, m, cell.replace("\uffff", "_xFFFF_")[:32767])
    return path


def everything(filing: Filing):
    """All of a filing, what equality doesn't look at too."""

    def told(cells):
        return [(key, entry.value, entry.text, entry.place) for key, entry in cells.items()]

    forms = [
        (
            form.kind,
            form.sheet,
            told(form.entries),
            [(one.block, told(one.cells)) for one in form.indicators],
        )
        for form in filing.forms
    ]
    return filing.edition, filing.code, filing.source, forms


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", ["", ".json", ".xlsx"])
def test_a_book_put_away_on_disk_says_the_same(tmp_path, monkeypatch, seed, kind):
    path = scattered(tmp_path / "书", seed)
    if kind == ".json":
        write_databook(open_databook(path).filings, path := tmp_path / "书.json")
    elif kind:
        path = as_workbook(path, shared=seed % 2 == 0)
    whole = open_databook(path)
    monkeypatch.setattr(shelf, "MOST", 3)
    monkeypatch.setattr(tables, "LARGE", 0)
    monkeypatch.setattr(document, "LARGE", 0)
    monkeypatch.setattr(package, "_PIECE", 97)
    with reading(path) as book:
        assert book.problems == whole.problems
        assert (book.units, list(book.sound)) == (whole.units, [one.unit for one in whole.filings])
        assert book.left_out == whole.left_out
        for _ in range(2):
            assert list(map(everything, book)) == list(map(everything, whole.filings))


UNIT = '{"department": {"unit": "甲局", "total": 1.50, "goal": "目标"}}'
# § stands for a unit.
DOCUMENTS = {
    "sound": '{"$schema": "x", "filings": [§], "edition": "hunan-2023"}',
    "with a mark": '\ufeff{"filings": [§]}',
    "an unknown key": '{"more": {"filings": [§]}, "filings": [§]}',
    "filings twice": '{"filings": [§], "filings": [§]}',
    "filings twice, otherwise": '{"filings": [], "filings": [§]}',
    "a key twice": '{"filings": [{"department": {"unit": "甲局", "unit": "乙局"}}]}',
    "no filings": '{"edition": "hunan-2023"}',
    "filings are none": '{"filings": null}',
    "filings are an object": '{"filings": {"department": 1}}',
    "things among them": '{"filings": [1, "x", null, [], {}, §]}',
    "no number": '{"filings": [{"department": {"unit": "甲局", "total": NaN}}]}',
    "half a character": '{"filings": [{"department": {"unit": "甲局", "goal": "\\ud800"}}]}',
    "a large number": '{"filings": [{"department": {"unit": "甲局", "total": '
    + "9" * 5000
    + "}}]}",
    "cut short": '{"filings": [§',
    "more behind it": '{"filings": [§]} x',
    "a comma too many": '{"filings": [§,]}',
    "deep": '{"filings": [' + "[" * 100_000 + "]}",
    "a list": "[§]",
    "nothing": "",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_in_pieces_says_the_same(tmp_path, monkeypatch, text, encoding):
    path = tmp_path / "书.json"
    path.write_text(text.replace("§", UNIT), encoding)
    whole = open_databook(path)
    monkeypatch.setattr(document, "LARGE", -1)
    book = open_databook(path)
    assert book.problems == whole.problems
    assert list(map(everything, book.filings)) == list(map(everything, whole.filings))


def test_bytes_that_are_no_text_in_a_document(tmp_path, monkeypatch):
    path = tmp_path / "书.json"
    for bad in (b"\xff", b"\xed\xa0\x80"):
        path.write_bytes(
            DOCUMENTS["sound"].replace("§", UNIT).encode().replace("目标".encode(), bad)
        )
        monkeypatch.setattr(document, "LARGE", 2**20)
        whole = open_databook(path)
        monkeypatch.setattr(document, "LARGE", -1)
        book = open_databook(path)
        assert (book.problems, book.filings) == (whole.problems, whole.filings)


def test_the_faulty_books_have_faults_and_sound_units(tmp_path):
    """Otherwise the test above would show nothing."""
    books = [open_databook(scattered(tmp_path / str(seed), seed)) for seed in range(25)]
    assert {p.code for book in books for p in book.problems} >= {
        "B007", "B008", "B009", "B010", "B011", "B012", "B013", "B014", "B015", "B016", "B102", "B103",
    }  # fmt: skip
    assert sum(len(book.filings) for book in books) > 20


def test_few_pieces_are_in_memory_at_any_time(monkeypatch):
    monkeypatch.setattr(shelf, "MOST", 5)
    kept = shelf.Shelf()
    for n in range(1000):
        kept.put(n % 7, n)
        assert sum(map(len, kept._near.values())) < 5
    assert kept.take(3) == list(range(3, 1000, 7))
    assert kept.take(99) == []
    kept.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_no_room_for_the_temporary_file_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "MOST", 3)
    monkeypatch.setattr(shelf.tempfile, "TemporaryFile", lambda mode: Path("/dev/full").open("r+b"))  # noqa: SIM115
    with pytest.raises(XltoolError, match="临时文件夹放不下这本数据表：磁盘已满"):
        open_databook(scattered(tmp_path / "书", 3))


SHEET, STRINGS = "xl/worksheets/sheet3.xml", "xl/sharedStrings.xml"


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A sound workbook of shared texts, and what is said of it, read row by row,
    with a part changed."""
    monkeypatch.setattr(tables, "LARGE", 0)
    monkeypatch.setattr(package, "_PIECE", 1000)
    write_databook([seed_filing()], tmp_path / "book.xlsx")
    data = (tmp_path / "book.xlsx").read_bytes()

    def said(part: str, change) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            changed = change(parts.read(part).decode())
        changed = changed if isinstance(changed, bytes) else changed.encode()
        (tmp_path / "book.xlsx").write_bytes(repacked(data, **{part: changed}))
        book = open_databook(tmp_path / "book.xlsx")
        assert bool(book.filings) != bool(book.problems)
        return [problem.message for problem in book.problems]

    return said


def test_a_large_workbook_in_any_spelling(large):
    """As it is; in UTF-16; with a prefix; without addresses, as some programs write it."""
    assert large(SHEET, lambda t: t) == []
    for part in (SHEET, STRINGS):
        assert large(part, lambda t: "\ufeff" + t) == []
        assert large(part, lambda t: t.encode("utf-16")) == []
        assert (
            large(
                part, lambda t: re.sub(r"(</?)(?=[a-z])", r"\1x:", t).replace("xmlns=", "xmlns:x=")
            )
            == []
        )
    assert (
        large(SHEET, lambda t: t.replace("<sheetData>", "<!-- <row r='9'/> --><sheetData>")) == []
    )


def test_more_than_a_table_can_have_is_refused_in_one_line(large, monkeypatch):
    """Whatever the header claims, no more is unpacked, and no more is kept."""
    cells = "".join(f'<row r="{n}">{"<c/>" * 100}</row>' for n in range(5000, 5100))
    long = f'<row r="9999"><c r="A9999" t="inlineStr"><is><t>{"长" * 70_000}</t></is></c></row>'
    monkeypatch.setattr(tables, "MOST_CELLS", 3000)
    monkeypatch.setattr(tables, "MOST_TEXT", 66_000)
    end = "</sheetData>"
    for part, change, words in (
        (SHEET, lambda t: t.replace(end, cells + end), "文字过多"),
        (SHEET, lambda t: t.replace(end, long + end), "文字过长"),
        (
            STRINGS,
            lambda t: t.replace("</sst>", f"<si><t>{'长' * 70_000}</t></si></sst>"),
            "文字过长",
        ),
        (STRINGS, lambda t: t.replace("</sst>", "<si><t>a</t></si>" * 4000 + "</sst>"), "文字过多"),
        (
            SHEET,
            lambda t: t.replace(end, '<row r="2"><c r="A2"><v>1</v></c></row>' + end),
            "写法不对",
        ),
        (SHEET, lambda t: t.replace("<row ", "<!DOCTYPE x []><row ", 1), "XML 有错"),
        (SHEET, lambda t: "<!DOCTYPE x [<!ENTITY a 'b'>]>" + t[t.index("<worksheet") :], "DTD"),
        (SHEET, lambda t: t[: len(t) // 2], "XML 有错"),
        (SHEET, lambda t: t.encode("utf-16")[:-1], "编码"),
        (SHEET, lambda t: t.replace('t="s"><v>', 't="s"><v>0'), "不存在的文字"),
        (SHEET, lambda t: t.replace('<row r="', '<row r="x', 1), "行列号无效"),
    ):
        [message] = large(part, change) or [""]
        assert words in message, words
        assert message.startswith("打不开：")
    monkeypatch.setattr(tables, "MOST_PART", 10_000)
    assert "疑为压缩炸弹" in large(SHEET, lambda t: t + " " * 10_000)[0]
    monkeypatch.setattr(tables, "MOST_UNPACKED", 10_000)
    assert "疑为压缩炸弹" in large(SHEET, lambda t: t)[0]


def test_a_workbook_cut_short_on_its_way_gives_nothing(tmp_path, monkeypatch):
    """Its end is seen only when its first rows were read."""
    monkeypatch.setattr(tables, "LARGE", 0)
    path = as_workbook(scattered(tmp_path / "书", 3), shared=False)
    data = bytearray(path.read_bytes())
    at = data.index(b"sheet3.xml") + 400
    data[at : at + 4] = b"\0\0\0\0"
    path.write_bytes(data)
    book = open_databook(path)
    assert [problem.code for problem in book.problems] == ["B001"]
    assert not book.filings
