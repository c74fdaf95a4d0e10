"""A book of thousands of units is read as a small one is, only not all of it in memory at once."""

import csv
import random
from pathlib import Path

import pytest

from tests.test_databook_problems import HEADS
from xltool.databook import open_databook, reading, shelf, write_databook
from xltool.model import Filing, XltoolError


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
                [*where, odd("里程", "……"), odd("≥3公里", ""), "计划标准" if road else odd("", "有")]
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


def everything(filing: Filing):
    """All of a filing, what equality doesn't look at too."""

    def told(cells):
        return [(key, entry.value, entry.text, entry.place) for key, entry in cells.items()]

    forms = [
        (form.kind, form.sheet, told(form.entries), [(one.block, told(one.cells)) for one in form.indicators])
        for form in filing.forms
    ]
    return filing.edition, filing.code, filing.source, forms


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", ["", ".json"])
def test_a_book_put_away_on_disk_says_the_same(tmp_path, monkeypatch, seed, kind):
    path = scattered(tmp_path / "书", seed)
    if kind:
        write_databook(open_databook(path).filings, path := tmp_path / "书.json")
    whole = open_databook(path)
    monkeypatch.setattr(shelf, "MOST", 3)
    with reading(path) as book:
        assert book.problems == whole.problems
        assert (book.units, list(book.sound)) == (whole.units, [one.unit for one in whole.filings])
        assert book.left_out == whole.left_out
        for _ in range(2):
            assert list(map(everything, book)) == list(map(everything, whole.filings))


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
