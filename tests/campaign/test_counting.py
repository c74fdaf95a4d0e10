"""Whether a return counts is asked in one place:
against a model, over random histories, in every reader."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.campaign import Bureau, fill_in, make_campaign, stamped
from xltool.campaign.ledger import counting
from xltool.campaign.ledger.counting import Act, Deed, Word, weigh
from xltool.campaign.ledger.figures import Figures
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.rejudgement import choose
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.branch import submit
from xltool.errors import XltoolError

OTHER = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
THIRD = {"department.goal": "目标1：修好县内小型水库，年底前完成蓄水。"}


def test_a_return_on_a_superseded_issue_counts_no_more(tmp_path):
    """supersede.py: another prefilled amount, another name;
    status, chase, roll-up and notes agree at once."""
    bureau = Bureau(tmp_path)
    first, second, *_ = bureau.codes
    bureau.hand_in(
        "1", {"a.xlsx": fill_in(bureau.sent[first]), "b.xlsx": fill_in(bureau.sent[second])}
    )
    assert set(bureau.counted()) == {first, second}
    bureau.change(first, general="600.00")
    newer = bureau.change(second, name="东教育和体育局", district="第2区")
    assert bureau.counted() == {}
    assert bureau.states()[first] == bureau.states()[second] == "未报"
    assert {first, second} <= {s.unit.code for s in status(bureau.campaign).chase}
    assert "旧版" in bureau.standing(first).remarks[0]
    data = rollup_json(rollup(bureau.campaign))
    assert data["covered"] == 0 and Decimal(data["whole"]["total"]) == 0
    # A return on the new workbook counts, and nobody is asked which of the two.
    bureau.hand_in("2", {"b.xlsx": fill_in(newer[second])})
    assert bureau.states()[second] == "通过"


def test_sent_again_as_it_was_the_old_return_counts_again(tmp_path):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    before = bureau.rows[0][7]
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])})
    bureau.change(code, general="600.00")
    assert bureau.counted() == {}
    bureau.change(code, general=before)
    assert bureau.counted() == {code: 1}


def test_an_issue_is_known_by_its_digest_not_by_its_number(tmp_path):
    """restored.py: the ledger was restored to before batch 2, and another batch 2 was made."""
    import shutil

    from xltool.campaign.ledger.campaign_folder import open_campaign

    bureau = Bureau(tmp_path, 1, 2)
    code = bureau.codes[0]
    folder = bureau.campaign.folder
    shutil.copytree(folder, tmp_path / "备份")
    lost = bureau.change(code, general="600.00")[code]
    bureau.campaign.ledger.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "备份", folder)
    bureau.campaign = open_campaign(folder)
    bureau.change(code, general="700.00")
    [receipt] = bureau.hand_in("1", {"a.xlsx": fill_in(lost)}).receipts
    assert (receipt.kind, receipt.verdict) == ("stale", "error")
    assert "台账里没有下发过" in receipt.first and "第 2 次" in receipt.first
    assert bureau.counted() == {} and bureau.states()[code] == "有错误"


@pytest.mark.parametrize("days", [("2024-01-02", "2024-01-03", "2024-01-04"), None])
def test_the_latest_word_wins_even_one_said_before(tmp_path, days):
    """aba.py: A, then B, then A again.
    On one day nothing but arrival tells them apart: the clerk is asked."""
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    first, second = fill_in(bureau.sent[code]), fill_in(bureau.sent[code], OTHER)
    for n, data in enumerate((first, second, first)):
        day = {"received": dt.date.fromisoformat(days[n])} if days else {}
        bureau.hand_in(str(n), {"东水务局.xlsx": data}, when=1_700_000_000 + n, **day)
    assert bureau.counted() == {code: 1}
    standing = bureau.standing(code)
    assert standing.versions == 2
    assert standing.state == "待核实"  # nobody asked for another version: which counts is asked
    assert any("分不出先后" in said for said in standing.remarks) is (days is None)
    choose(bureau.campaign, code, 2, "电话问过")
    assert bureau.counted() == {code: 2} and bureau.states()[code] == "通过"


def test_collecting_an_old_folder_again_is_not_a_new_word(tmp_path):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    for n, changes in enumerate(({}, OTHER)):
        bureau.hand_in(str(n), {"a.xlsx": fill_in(bureau.sent[code], changes)}, when=1.7e9 + n)
    bureau.hand_in("0", {})  # the first folder once more
    assert bureau.counted() == {code: 2}
    # The same file copied elsewhere with its time, under another name.
    bureau.hand_in("抄", {"备份 a.xlsx": fill_in(bureau.sent[code])}, when=1.7e9)
    assert bureau.counted() == {code: 2}


@pytest.mark.parametrize("later_first", [False, True])
def test_on_one_day_the_workbooks_own_stamp_decides(tmp_path, later_first):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    morning = stamped(fill_in(bureau.sent[code]), "2024-01-05T01:00:00Z")
    noon = stamped(fill_in(bureau.sent[code], OTHER), "2024-01-05T04:00:00Z")
    for n, data in enumerate((noon, morning) if later_first else (morning, noon)):
        bureau.hand_in(str(n), {"a.xlsx": data}, received=dt.date(2024, 1, 5))
    row = bureau.campaign.ledger.counted()[code]
    assert row["stamp"].endswith(":00:00") and row["version"] == (1 if later_first else 2)
    assert not any("分不出" in said for said in bureau.standing(code).remarks)


def zipped(files):
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, (time, data) in files.items():
            archive.writestr(zipfile.ZipInfo(name, time), data)
    return out.getvalue()


@pytest.mark.parametrize("contradict", [False, True])
def test_where_stamps_tie_the_time_in_the_zip_decides_and_contradiction_asks(tmp_path, contradict):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    first, second = fill_in(bureau.sent[code]), fill_in(bureau.sent[code], OTHER)
    if contradict:
        first = stamped(first, "2024-01-05T05:00:00Z")
        second = stamped(second, "2024-01-05T04:00:00Z")
    parcel = zipped(
        {"甲.xlsx": ((2024, 1, 5, 9, 0, 0), first), "乙.xlsx": ((2024, 1, 5, 15, 0, 0), second)}
    )
    bureau.hand_in("1", {"x.zip": parcel}, received=dt.date(2024, 1, 5))
    unclear = any("分不出" in said for said in bureau.standing(code).remarks)
    assert unclear is contradict
    if not contradict:
        row = bureau.campaign.ledger.counted()[code]
        assert row["name"].endswith("乙.xlsx")


def test_the_bureaus_own_request_is_no_question(tmp_path):
    """d603_asked.py: sent back on a query, or given a new workbook:
    the next version is simply the answer."""
    bureau = Bureau(tmp_path, 1, 2)
    first, second = bureau.codes
    query = {"department.economic": [["销售收入", "≤1亿元"]]}
    bureau.hand_in(
        "1", {"a.xlsx": fill_in(bureau.sent[first], query), "b.xlsx": fill_in(bureau.sent[second])}
    )
    assert bureau.states()[first] == "待核实"
    write_notes(bureau.campaign, notes(bureau.campaign, queries=True), tmp_path / "退")
    assert bureau.states()[first] == "退回" and set(bureau.counted()) == {second}
    newer = bureau.change(second, general="600.00")
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[first]), "b.xlsx": fill_in(newer[second])})
    assert bureau.states() == {first: "通过", second: "通过"}
    # A later one with an error: the valid one stands, and that is said.
    bureau.hand_in("3", {"a.xlsx": fill_in(bureau.sent[first], {"department.total": "1"})})
    assert bureau.states()[first] == "通过"
    assert bureau.standing(first).remarks == ("第 3 版没有采用，仍以第 2 版为准",)
    assert [note.version for note in notes(bureau.campaign)] == [3]


def test_a_leaders_consent_is_told_the_same_everywhere(tmp_path):
    """branch.py: a version with an error that the bureau lets count is counted and not chased."""
    bureau = Bureau(tmp_path, 1, 2)
    code = bureau.codes[0]
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], {"department.basic": "1"})})
    assert bureau.states()[code] == "有错误"
    choose(bureau.campaign, code, 1, "区长签字")
    standing = status(bureau.campaign)
    assert bureau.states()[code] == "选定"
    assert code not in {s.unit.code for s in standing.chase}
    assert rollup_json(rollup(bureau.campaign))["covered"] == 1
    assert notes(bureau.campaign, [code]) == []


def test_a_choice_does_not_outlive_the_workbook_it_was_made_for(tmp_path):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])})
    choose(bureau.campaign, code, 1)
    bureau.change(code, general="600.00")
    assert bureau.counted() == {}
    choose(bureau.campaign, code, 1, "仍用旧的")  # asked for knowingly, the old one may count
    assert bureau.counted() == {code: 1}


# ── random histories against a model ─────────────────────────────────────────────────────────


def model(history: list[tuple], unit: str) -> int:
    """What counts, told again in ten lines: replay the events and keep the unit's present."""
    issue, picked, left, returned, words = "", (0, ""), False, set(), {}
    for n, (act, who, *rest) in enumerate(history):
        if who != unit:
            continue
        if act == "issue":
            issue = rest[0]
        elif act == "word":
            words[rest[0]] = (n, rest[1], rest[2])
        elif act == "choose":
            picked, returned = (rest[0], issue), returned - {rest[0]}
        elif act == "unchoose":
            picked = (0, "")
        elif act == "return":
            picked = (0, "") if picked[0] == rest[0] else picked
            returned = returned | {rest[0]}
        else:
            left = act == "abolish"
    valid = [(n, id_) for id_, (n, on, good) in words.items() if on == issue and good]
    latest = max(valid, default=(0, 0))[1]
    chosen = picked[0] if picked[1] == issue else 0  # it was picked for the workbook that is out
    return 0 if left or not issue else chosen or (0 if latest in returned else latest)


def random_history(seed: int) -> list[tuple]:
    """200 acts on three units; what is asked for makes sense, its order need not."""
    chance, events, contents = random.Random(seed), [], {}
    acts = ["issue", "word", "word", "word", "choose", "unchoose", "return", "abolish", "restore"]
    while len(events) < 200:
        unit, act = chance.choice("甲乙丙"), chance.choice(acts)
        ids = [id_ for id_, (who, *_) in contents.items() if who == unit]
        if act == "issue":
            events.append((act, unit, chance.choice("123")))
        elif act == "word":
            id_ = chance.choice([*ids, len(contents) + 1, len(contents) + 1])
            contents.setdefault(id_, (unit, chance.choice("123"), chance.random() < 0.7))
            events.append((act, unit, id_, *contents[id_][1:]))
        elif act not in ("choose", "return"):
            events.append((act, unit))
        elif ids:
            events.append((act, unit, chance.choice(ids)))
    return events


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 200))
def test_random_histories_equal_the_model(seed, length):
    history = random_history(seed)[:length]
    acts = {
        "choose": Act.CHOOSE,
        "unchoose": Act.UNCHOOSE,
        "return": Act.RETURN,
        "abolish": Act.ABOLISH,
        "restore": Act.RESTORE,
    }
    for unit in "甲乙丙":
        issue, words, deeds = "", {}, []
        for n, (act, who, *rest) in enumerate(history, 1):
            if who != unit:
                continue
            if act == "issue":
                issue = rest[0]
            elif act == "word":
                first = words[rest[0]].first if rest[0] in words else n
                words[rest[0]] = Word(
                    rest[0], True, rest[2], rest[1], str(rest[0]), f"{n:05}", "", "", "", n, first
                )
            else:
                deeds.append(
                    Deed(n, "", "", acts[act], return_id=rest[0] if rest else 0, issue=issue)
                )
        assert weigh(list(words.values()), issue, deeds).counts == model(history, unit)


def world(bureau: Bureau, seed: int) -> Iterator[None]:
    """200 random acts of units and clerk over real workbooks; a step between them."""
    chance = random.Random(seed)
    ledger = bureau.campaign.ledger
    blanks = dict(bureau.sent)
    made: dict[str, list[bytes]] = {}
    for n in range(200):
        code = chance.choice(bureau.codes)
        rows = ledger.returns_of(code)
        act = chance.choice(
            ["word"] * 5 + ["again", "issue", "choose", "unchoose", "note", "leave", "back", "undo"]
        )
        if act == "word":
            changes = chance.choice([{}, OTHER, THIRD, {"department.basic": "1"}])
            made.setdefault(code, []).append(fill_in(blanks[code], changes))
            act = "again"
        if act == "again" and code in made:
            bureau.hand_in(f"r{n}", {f"{n}.xlsx": chance.choice(made[code][-2:])}, when=1.7e9 + n)
        elif act == "issue":
            blanks.update(bureau.change(code, general=chance.choice(["600.00", "700.00"])))
        elif act == "choose" and rows:
            if ledger.standings([code])[code].outcome.standpoint.left:
                with pytest.raises(XltoolError, match="restore"):
                    choose(bureau.campaign, code, rows[0]["version"])
            else:
                choose(bureau.campaign, code, chance.choice(rows)["version"])
        elif act == "unchoose":
            choose(bureau.campaign, code, None)
        elif act == "note":
            write_notes(
                bureau.campaign, notes(bureau.campaign, [code], queries=True), bureau.folder / "退"
            )
        elif act in ("leave", "back"):
            with ledger.writing(), ledger.transaction():
                ledger.record(Act.EXEMPT if act == "leave" else Act.RESTORE, code)
        yield


@pytest.mark.parametrize("seed", [1, 2])
def test_every_reader_gives_the_same_answer_all_the_way(tmp_path, seed):
    """200 events: after every twentieth the counted set, the sums,
    the chase list and the submission agree."""
    bureau = Bureau(tmp_path, 1, 4)
    ledger = bureau.campaign.ledger
    for n, _ in enumerate(world(bureau, seed)):
        if n % 20 and n != 199:
            continue
        counted = ledger.counted()
        standing = status(bureau.campaign)
        assert {s.unit.code for s in standing.standings if s.row is not None} == set(counted)
        owing = {s.unit.code for s in standing.owing}
        assert {s.unit.code for s in standing.chase} == owing - set(counted)
        if not owing:
            with pytest.raises(XltoolError, match="应报"):
                rollup(bureau.campaign)
            continue
        data = rollup_json(rollup(bureau.campaign))
        assert {f["code"] for f in data["filings"] if f["counted"]} == set(counted)
        amounts = [
            msgspec.json.decode(row["figures"], type=Figures).amounts for row in counted.values()
        ]
        total = sum((Decimal(a["general"]) for a in amounts), Decimal(0))
        assert Decimal(data["whole"]["general"]) == total
        assert not {note.unit.code for note in notes(bureau.campaign)} - owing
        if counted:
            assert submit(bureau.campaign, tmp_path / "报.zip").filings == len(counted)


def test_counting_reads_no_file_and_no_clock():
    """The one function is facts in, outcome out."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(counting.__file__).read_text("utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"__future__", "collections.abc", "dataclasses", "enum", "msgspec"}


def test_a_ledger_of_the_first_version_keeps_its_meaning(tmp_path):
    """Choices, notes sent back and superseded returns of an old ledger mean the same after
    the upgrade."""
    import sqlite3

    from xltool.campaign.ledger import store
    from xltool.campaign.ledger.campaign_folder import open_campaign

    bureau = Bureau(tmp_path, 1, 4)
    kept, old, chosen, back = bureau.codes
    late = bureau.change(old, general="600.00")
    assert set(late) == {old}
    bureau.hand_in("1", {f"{c}.xlsx": fill_in(bureau.sent[c]) for c in bureau.codes}, when=1.7e9)
    bureau.hand_in("2", {f"{chosen}.xlsx": fill_in(bureau.sent[chosen], OTHER)}, when=1.71e9)
    bureau.hand_in(
        "3", {f"{back}.xlsx": fill_in(bureau.sent[back], {"department.basic": "1"})}, when=1.71e9
    )
    rows = {row["id"]: row for row in bureau.campaign.ledger.returns()}
    issues = list(bureau.campaign.ledger.base.execute("SELECT * FROM issues").fetchall())
    units, meta = bureau.campaign.ledger.units(), bureau.campaign.ledger.meta()
    file = bureau.campaign.ledger.path
    bureau.campaign.ledger.close()
    for path in file.parent.glob("campaign.db*"):
        path.unlink()
    base = sqlite3.connect(file)
    base.executescript(f"{store._MIGRATIONS[0]} PRAGMA user_version = 1;")
    base.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    base.executemany(
        "INSERT INTO units VALUES (?, ?, ?, ?, ?, '{}', '{}', ?)",
        [(u.code, u.name, u.district, u.superior, u.contact, n) for n, u in enumerate(units)],
    )
    columns = ("unit", "number", "batch", "digest", "layout", "file", "sha256", "made_at")
    base.executemany(
        "INSERT INTO issues VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [[i[c] for c in columns] for i in issues],
    )
    columns = ("id", "sha256", "unit", "claimed", "version", "name", "modified", "received_at",
               "kind", "verdict", "issue", "findings", "figures")  # fmt: skip
    base.executemany(
        f"INSERT INTO returns VALUES ({','.join('?' * 13)})",
        [[r[c] for c in columns] for r in rows.values()],
    )
    first = next(r["id"] for r in rows.values() if r["unit"] == chosen)
    wrong = next(r["id"] for r in rows.values() if r["verdict"] == "error" and r["unit"] == back)
    base.execute(
        "INSERT INTO choices VALUES (?, ?, '盖章件', '2099-01-01 00:00:00')", (chosen, first)
    )
    base.execute("INSERT INTO notes VALUES (?, '2099-01-01 00:00:00')", (wrong,))
    base.commit()
    base.close()
    again = bureau.campaign = open_campaign(file.parent)
    assert bureau.counted() == {kept: 1, chosen: 1, back: 1}
    states = bureau.states()
    assert (states[kept], states[chosen], states[old]) == ("通过", "通过", "有错误")
    assert [d.action for d in again.ledger.deeds()] == ["issue", "note", "choose"]
    kept_copies = {p.name for p in (file.parent / "backups").iterdir()}
    assert {"campaign-before-2.db", "campaign-before-3.db"} <= kept_copies
    again.ledger.close()


def test_arrivals_without_a_return_are_found_by_name(tmp_path):
    campaign = make_campaign(tmp_path, 1, 1)
    from xltool.campaign.returns.collection import collect

    (tmp_path / "in").mkdir()
    for name in ("申报.docx", "申报.pdf", "申报.rar"):
        (tmp_path / "in" / name).write_bytes(b"x")
    collect(campaign, [tmp_path / "in"])
    assert {a["name"] for a in campaign.ledger.arrivals()} == {
        "in/申报.docx",
        "in/申报.pdf",
        "in/申报.rar",
    }
    collect(campaign, [tmp_path / "in"])
    assert len(campaign.ledger.arrivals()) == 3
