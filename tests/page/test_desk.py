"""The desk answers as the command line does;
here in ordinary Python, in the browsers in test_in_browsers."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.support.campaign import fill_in, make_campaign, patched
from tests.support.case import filing_of
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.campaign.sealing import parcel
from xltool.campaign.sending.distribution import distribute
from xltool.errors import XltoolError
from xltool.filling.writer import render
from xltool.page.desk import Desk
from xltool.page.inside import Door


@pytest.fixture(scope="module")
def seed() -> bytes:
    return render(seed_filing())


@pytest.fixture
def plain(tmp_path):
    desk = Desk(tmp_path / "nothing given")
    yield desk
    asked(desk, "close_archives")


def asked(desk: Desk, what: str, data: bytes = b"", /, **request):
    return desk.answer(what, request, data)


class Bytes:
    """What the worker's script hands over."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def to_bytes(self) -> bytes:
        return self._data


def test_kinds_of_files_by_their_names(plain):
    names = [
        "甲.xlsx", "文件夹/乙.XLSM", "收到.zip", "公钥.pem", "旧.doc", "扫描.pdf", "部门.csv", "~$甲.xlsx",
        "__MACOSX/甲.xlsx", "照片.jpg", "包.rar",
    ]  # fmt: skip
    said, _ = asked(plain, "kinds", names=names)
    assert [kind for kind, _ in said] == [
        "workbook", "workbook", "archive", "key", "no", "no", "no", "", "", "no", "no",
    ]  # fmt: skip
    reasons = dict(zip(names, (reason for _, reason in said), strict=True))
    assert "网页里读不了" in reasons["旧.doc"] and "网页里读不了" in reasons["扫描.pdf"]
    assert "填报" in reasons["部门.csv"] and "zip" in reasons["包.rar"]


def test_whatever_fails_is_one_line_and_the_next_request_is_answered(seed, tmp_path):
    door = Door(str(tmp_path / "nothing"), lambda done, of: None)
    for name, request, data in [
        ("marked", {"name": "甲.xlsx"}, b"no workbook"),
        ("changes", {"name": "甲.xlsx"}, b"PK\3\4"),
        ("normalised", {"name": "甲.xlsx"}, b""),
        ("blank", {"edition": "no-such", "what": "workbook"}, b""),
        ("fill", {"sizes": [["甲.txt", 1]], "edition": ""}, b"x"),
        ("take_key", {}, b"-----BEGIN PUBLIC KEY-----"),
        ("open_archive", {"name": "a.zip"}, b"PK"),
        ("nothing of the kind", {}, b""),
    ]:
        text, _ = door.ask(name, json.dumps(request), Bytes(data))
        answer = json.loads(text)
        if name not in ("fill", "open_archive"):
            assert answer.get("error") and "\n" not in answer["error"] and "Traceback" not in text
    text, _ = door.ask("check", json.dumps({"name": "甲.xlsx"}), Bytes(seed))
    assert json.loads(text)["said"]["official"]
    asked(door.desk, "close_archives")


def test_names_lead_nowhere(plain, seed, tmp_path, monkeypatch):
    """A name from outside is only shown: what is written meanwhile lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("../../逃.xlsx", "/etc/甲.xlsx", "C:\\甲.xlsx", "con.xlsx", "<script>.xlsx", ""):
        assert asked(plain, "check", seed, name=name)[0]["row"][2] == name
        assert asked(plain, "marked", seed, name=name)[1][:2] == b"PK"
    asked(plain, "fill", b"{}", sizes=[["../../书.json", 2]], edition="")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_book_is_filled_and_zipped_with_progress(tmp_path):
    from xltool.databook import write_databook

    filings = [
        filing_of({"department": {"unit": name, "filer": name}, "code": name})
        for name in ("甲局", "乙局")
    ]
    write_databook(filings, tmp_path / "书.json")
    data = (tmp_path / "书.json").read_bytes()
    seen = []
    desk = Desk(tmp_path / "none", lambda done, of: seen.append((done, of)))
    said, made = asked(desk, "fill", data, sizes=[["书.json", len(data)]], edition="")
    assert said["problems"] == [] or said["written"]
    assert (
        zipfile.ZipFile(io.BytesIO(made)).namelist()
        == said["written"]
        == ["甲局.xlsx", "乙局.xlsx"]
    )
    assert seen == [(1, 2), (2, 2)]


def test_three_tables_are_one_book(plain):
    files = sorted(EXAMPLE.glob("*.csv"))
    data = b"".join(file.read_bytes() for file in files)
    sizes = [[file.name, file.stat().st_size] for file in files]
    said, made = asked(plain, "fill", data, sizes=sizes, edition="")
    assert said["written"] == [f"{UNIT}.xlsx"] and made == render(seed_filing())


def test_explanations_typed_count_and_may_be_taken_back(plain, seed):
    said, _ = asked(plain, "check", seed, name="甲.xlsx")
    findings = json.loads(said["record"])["findings"]
    at = next(n for n, f in enumerate(findings) if f["severity"] == "query" and not f["trial"])
    answers = {said["keys"][at]: "已经核实"}
    again, _ = asked(plain, "check", seed, name="甲.xlsx", answers=answers)
    assert json.loads(again["record"])["findings"][at]["explanation"] == "已经核实"
    _, written = asked(plain, "marked", seed, name="甲.xlsx", answers=answers)
    kept, _ = asked(plain, "check", written, name="甲.xlsx")
    assert json.loads(kept["record"])["counts"]["explained"] == 1
    gone, _ = asked(plain, "check", written, name="甲.xlsx", answers={said["keys"][at]: " "})
    assert json.loads(gone["record"])["counts"]["explained"] == 0


# ── seals ──


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """(campaign, its parcel, one sealed workbook filled in)."""
    campaign = make_campaign(tmp_path_factory.mktemp("campaign"), 1, 2)
    _, path, _ = distribute(campaign).parcels[0]
    files = parcel.read_parcel(path)
    workbook = next(
        data for name, data in files.items() if name.endswith(".xlsx") and "/" not in name
    )
    yield campaign, path, fill_in(workbook)
    campaign.ledger.close()


@pytest.fixture
def of_the_bureau(sent, tmp_path) -> Desk:
    campaign, _, _ = sent
    (tmp_path / "edition").mkdir()
    for file in campaign.edition_folder.glob("*.*"):
        (tmp_path / "edition" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "public.pem").write_bytes(campaign.public_pem)
    return Desk(tmp_path)


def test_a_sealed_workbook_is_genuine_by_the_key_that_came_with_the_page(of_the_bureau, sent):
    _, _, workbook = sent
    said, _ = asked(of_the_bureau, "check", workbook, name="甲.xlsx")
    assert said["seal"]["good"] is True and "封印为真" in said["seal"]["said"]


def test_what_was_changed_is_told(of_the_bureau, sent):
    _, _, workbook = sent
    forged = patched(
        workbook, "docProps/custom.xml", lambda text: text.replace("xltool.seal.1", "xltool.seal.2")
    )
    said, _ = asked(of_the_bureau, "check", forged, name="甲.xlsx")
    assert said["seal"]["good"] is False


def test_without_a_key_nothing_is_claimed_and_one_may_be_given(plain, sent):
    campaign, _, workbook = sent
    said, _ = asked(plain, "check", workbook, name="甲.xlsx")
    assert said["seal"]["good"] is None and "公钥" in said["seal"]["said"]
    key, _ = asked(plain, "take_key", campaign.public_pem)
    assert len(key["key"].split()) == 4
    said, _ = asked(plain, "check", workbook, name="甲.xlsx")
    assert said["seal"]["good"] is True


def test_a_key_from_outside_does_not_replace_the_pages_own(of_the_bureau, sent, tmp_path):
    from xltool.campaign.sealing.keys import make_keys

    make_keys(tmp_path / "other")
    with pytest.raises(XltoolError, match="与本页自带的公钥不同"):
        asked(of_the_bureau, "take_key", (tmp_path / "other" / "public.pem").read_bytes())
    assert asked(of_the_bureau, "check", sent[2], name="甲.xlsx")[0]["seal"]["good"] is True


def test_a_parcel_is_verified_as_a_whole(plain, sent, tmp_path):
    _, path, _ = sent
    said, _ = asked(plain, "open_archive", path.read_bytes(), name="第1区.zip")
    assert said["parcel"]["good"] is True and said["parcel"]["wrong"] == []
    assert len(said["files"]) == 2 and said["files"][0].startswith("第1区.zip/")
    checked, _ = asked(plain, "check", name=said["files"][0], archive=said["archive"], entry=0)
    assert checked["seal"]["good"] is True
    files = dict(parcel.read_parcel(path))
    name = next(n for n in files if n.endswith(".xlsx") and "/" not in n)
    files[name] = files[name] + b"x"
    parcel.write_parcel(tmp_path / "改.zip", files)
    said, _ = asked(plain, "open_archive", (tmp_path / "改.zip").read_bytes(), name="改.zip")
    assert said["parcel"]["good"] is False and said["parcel"]["wrong"][0][0] == name


def test_what_is_no_workbook_in_a_zip_is_said_as_beside_it(plain, seed, tmp_path):
    with zipfile.ZipFile(tmp_path / "收.zip", "w") as archive:
        archive.writestr("甲.xlsx", seed)
        archive.writestr("情况说明.docx", b"PK")
        archive.writestr("~$甲.xlsx", b"lock")
    said, _ = asked(plain, "open_archive", (tmp_path / "收.zip").read_bytes(), name="收.zip")
    [(_, reason)], _ = asked(plain, "kinds", names=["情况说明.docx"])
    assert said["problems"] == [["收.zip/情况说明.docx", reason]]


def test_a_bomb_is_not_unpacked(plain, monkeypatch):
    from xltool.page import desk as room

    monkeypatch.setattr(room, "MOST_ARCHIVE", 2**20)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("零.xlsx", bytes(2**22))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("弹.zip", inner.getvalue() + bytes(2**22))
        archive.writestr(parcel.MANIFEST, bytes(2**22))
        archive.writestr(parcel.PUBLIC, b"")
    said, _ = asked(plain, "open_archive", outer.getvalue(), name="弹.zip")
    assert said["files"] == [] and "过大" in said["problems"][0][1]
    assert said["parcel"]["good"] is False and "过大" in said["parcel"]["said"]
    assert all(str(Path(name)) == name for name, _ in said["problems"])


# ── last year, and what a bureau knows of its own ──


@pytest.fixture(scope="module")
def years():
    """This year's workbooks of two units, then last year's, whose amounts were written in 亿元."""
    former = {"total": "0.3173", "general": "0.1883", "fund": "0.129"}
    made = []
    for year, amounts in (("2024", {}), ("2023", former)):
        for number, name in enumerate(("甲局", "乙局")):
            unit = {"unit": name, "filer": name, "year": year, **amounts}
            made.append(render(filing_of({"code": f"00{number}", "department": unit})))
    return made


def codes(said) -> set[str]:
    return {one["code"] for one in json.loads(said["record"])["findings"]}


def test_last_year_is_compared_by_unit(plain, years):
    this, other, last, _ = years
    before, _ = asked(plain, "check", this, name="甲.xlsx")
    assert not codes(before) & {"X507", "T311"} and before["last_year"] == ""
    assert asked(plain, "take_last_year", last, name="去年/甲.xlsx")[0] == {
        "year": 2023,
        "name": "去年/甲.xlsx",
    }
    compared, _ = asked(plain, "check", this, name="甲.xlsx")
    assert codes(compared) >= {"X507", "T311"} and compared["last_year"] == "去年/甲.xlsx"
    # Another unit's is none of its own, and neither is this year's, of whatever unit.
    assert asked(plain, "check", other, name="乙.xlsx")[0]["last_year"] == ""
    asked(plain, "take_last_year", other, name="今年/乙.xlsx")
    assert asked(plain, "check", other, name="乙.xlsx")[0]["last_year"] == ""
    asked(plain, "forget_last_year")
    assert codes(asked(plain, "check", this, name="甲.xlsx")[0]) == codes(before)


def test_a_marked_copy_holds_the_comparison(plain, years, tmp_path):
    from xltool.xlsx.tables import open_tables

    this, _, last, _ = years
    asked(plain, "take_last_year", last, name="去年.xlsx")
    (tmp_path / "甲.xlsx").write_bytes(asked(plain, "marked", this, name="甲.xlsx")[1])
    rows = dict(open_tables(tmp_path / "甲.xlsx").sheets)["审核结果"]
    assert "T311" in {cell.text for _, row in rows for cell in row.values()}


def test_the_same_file_again_replaces_last_years(plain, years):
    this, own, last, other = years
    asked(plain, "take_last_year", last, name="去年.xlsx")
    asked(plain, "take_last_year", last, name="去年.xlsx")
    assert asked(plain, "check", this, name="甲.xlsx")[0]["last_year"] == "去年.xlsx"
    # 乙局's, under the same name, stands beside it, and is itself replaced by its own.
    for _ in range(2):
        said, _ = asked(plain, "take_last_year", other, name="去年.xlsx")
        assert said["name"] == "去年（2）.xlsx"
    assert asked(plain, "check", this, name="甲.xlsx")[0]["last_year"] == "去年.xlsx"
    assert asked(plain, "check", own, name="乙.xlsx")[0]["last_year"] == "去年（2）.xlsx"


def test_several_of_one_year_are_told_as_by_the_command_line(plain, years):
    _, _, last, other = years
    for name, data in (("一.xlsx", last), ("二.xlsx", last), ("三.xlsx", other)):
        asked(plain, "take_last_year", data, name=name)
    told, _ = asked(plain, "several_last_year")
    assert len(told) == 1 and "有 2 份（2023 年），用了 一.xlsx，没有用 二.xlsx" in told[0]
    asked(plain, "forget_last_year")
    assert asked(plain, "several_last_year")[0] == []


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"no workbook"])
def test_what_is_no_filing_of_last_year_is_one_line(plain, data):
    with pytest.raises(XltoolError, match="上一年的申报读不了：坏") as told:
        asked(plain, "take_last_year", data, name="坏.xlsx")
    assert "\n" not in str(told.value)


def test_the_bureaus_library_judges_in_the_page_and_is_offered(tmp_path):
    library = '[[indicator]]\nname = "群众满意度"\nunit = "%"\nlow = 99\nhigh = 100\n'
    (tmp_path / "指标库.toml").write_text(library, "utf-8")
    (tmp_path / "settings.toml").write_text('library = "指标库.toml"\n', "utf-8")
    desk = Desk(tmp_path)
    names = {"department": {"satisfaction": [["群众满意度", "≥70%"]]}}
    data = render(filing_of(names))
    assert "I422" in codes(asked(desk, "check", data, name="甲.xlsx")[0])
    assert "I422" not in codes(asked(Desk(tmp_path / "无"), "check", data, name="甲.xlsx")[0])
    _, book = asked(desk, "blank", edition="hunan-2023", what="databook")
    _, form = asked(desk, "blank", edition="hunan-2023", what="workbook")
    for workbook in (book, form):
        assert "指标库" in zipfile.ZipFile(io.BytesIO(workbook)).read("xl/workbook.xml").decode()
