"""What people hand in: folders, zips within zips, hostile archives. Nothing inside is trusted."""

import io
import sys
import zipfile

import pytest

from tests.support.campaign import fill_in, make_campaign, sent_workbooks
from xltool.campaign.returns import incoming as room
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.incoming import incoming
from xltool.campaign.sending.distribution import distribute


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def walk(folder):
    with incoming([folder]) as found:
        return [(one.name, found.read(one)) for one in found.found], found.problems, found.skipped


def put(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "报"
    folder.mkdir()
    return folder


def test_folders_and_zips_within_zips_are_walked(here):
    inner = zipped({"深/三.xlsx": b"3"})
    put(
        here,
        {"一.xlsx": b"1", "子/二.XLSX": b"2", "包.zip": zipped({"里.zip": inner, "四.xlsm": b"4"})},
    )
    found, problems, skipped = walk(here)
    assert dict(found) == {
        "报/一.xlsx": b"1",
        "报/子/二.XLSX": b"2",
        "报/包.zip/里.zip/深/三.xlsx": b"3",
        "报/包.zip/四.xlsm": b"4",
    }
    assert problems == [] and skipped == []


def test_names_in_a_zip_of_chinese_windows_are_read(here):
    data = zipped({"xxxx.xlsx": b"1"})
    put(here, {"包.zip": data.replace(b"xxxx", "财政".encode("gbk"))})
    [(name, _)], problems, _ = walk(here)
    assert name == "报/包.zip/财政.xlsx" and problems == []


def test_litter_and_lock_files_are_not_returns(here):
    put(
        here,
        {
            "~$一.xlsx": b"",
            ".一.xlsx": b"",
            "__MACOSX/._一.xlsx": b"",
            "Thumbs.db": b"",
            "说明.docx": b"x",
        },
    )
    found, problems, skipped = walk(here)
    assert (found, problems, skipped) == ([], [], ["报/说明.docx"])


def test_paths_in_a_zip_lead_nowhere(here, tmp_path):
    names = ["../../逃.xlsx", "/tmp/绝对.xlsx", "C:\\盘.xlsx", "..\\..\\退.xlsx"]
    put(here, {"恶.zip": zipped(dict.fromkeys(names, b"x"))})
    before = sorted(p for p in tmp_path.rglob("*"))
    found, _, _ = walk(here)
    assert len(found) == 4
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_archives_that_cannot_be_opened_are_told(here):
    locked = bytearray(zipped({"密.xlsx": b"secret"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(mark) + at] |= 1
    put(
        here,
        {
            "坏.zip": b"PK\x03\x04" + b"\0" * 50,
            "空.zip": b"",
            "密.zip": bytes(locked),
            "包.rar": b"Rar!",
        },
    )
    found, problems, _ = walk(here)
    assert found == []
    told = dict(problems)
    assert set(told) == {"报/坏.zip", "报/空.zip", "报/密.zip/密.xlsx", "报/包.rar"}
    assert "密码" in told["报/密.zip/密.xlsx"] and "zip" in told["报/包.rar"]


def test_zips_are_opened_only_so_deep(here):
    data = zipped({"底.xlsx": b"x"})
    for _ in range(room.MAX_DEPTH):
        data = zipped({"又.zip": data})
    put(here, {"套.zip": data, "浅.xlsx": b"1"})
    found, problems, _ = walk(here)
    assert [name for name, _ in found] == ["报/浅.xlsx"]
    assert len(problems) == 1 and "层" in problems[0][1]


def test_a_bomb_stops_at_the_limit(here, monkeypatch):
    monkeypatch.setattr(room, "MAX_ARCHIVE", 2**20)
    bomb = zipped({"零.xlsx": b"\0" * 2**22})
    big = zipped({"弹.zip": zipped({"a.xlsx": b"\0" * 10}) + b"\0" * 2**21})
    put(here, {"弹.zip": bomb, "大.zip": big})
    with incoming([here]) as found:
        assert any("过大" in reason for _, reason in found.problems)
        monkeypatch.setattr(room, "MAX_ALL", 2**20)
        [one] = found.found
        with pytest.raises(room.Unreachable, match="过大"):
            found.read(one)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_not_followed(here, tmp_path):
    (tmp_path / "外.xlsx").write_bytes(b"secret")
    (here / "链.xlsx").symlink_to(tmp_path / "外.xlsx")
    (here / "圈").symlink_to(here)
    found, problems, _ = walk(here)
    assert found == [] and len(problems) == 2


def test_the_oldest_is_taken_in_first(here):
    put(
        here, {"b.zip": zipped({"x.xlsx": b"1"}), "a.xlsx": b"2"}
    )  # a zip's own date here is 1980 or now
    entry = zipfile.ZipInfo("新.xlsx", (2099, 1, 1, 0, 0, 0))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, b"3")
    put(here, {"0.zip": out.getvalue()})
    assert walk(here)[0][-1] == ("报/0.zip/新.xlsx", b"3")


def test_macros_are_never_run_and_are_an_error_of_a_return(tmp_path):
    """An .xlsm with a macro part is read for its values like any other;
    that it is there is said."""
    campaign = make_campaign(tmp_path, 1, 1)
    distribute(campaign)
    [blank] = sent_workbooks(campaign.folder / "下发").values()
    out = io.BytesIO(fill_in(blank))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 not even a macro")
    file = tmp_path / "x.xlsm"
    file.write_bytes(out.getvalue())
    [receipt] = collect(campaign, [file]).receipts
    assert (receipt.kind, receipt.verdict) == ("genuine", "error")
    assert "宏" in receipt.first
