"""`fill --into`: a data book into the workbook that the bureau sealed;
what was sealed is checked, not changed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

import xltool
from tests.support.campaign import Bureau, fill_in
from xltool.cli import main
from xltool.databook.write import write_databook


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A unit's desk: its sealed workbook, and a data book with its own filing and another's."""
    bureau = Bureau(tmp_path, 1, 2)
    mine, other = bureau.codes
    filings = []
    for code in (other, mine):
        (tmp_path / f"{code}.xlsx").write_bytes(fill_in(bureau.sent[code]))
        filings.append(replace(xltool.read(tmp_path / f"{code}.xlsx"), code=code))
    write_databook(filings, tmp_path / "数据.json")
    (tmp_path / "我的.xlsx").write_bytes(bureau.sent[mine])
    monkeypatch.chdir(tmp_path)
    return bureau, filings[1]


def test_what_is_filled_into_a_sealed_workbook_is_accepted(desk, tmp_path, capsys):
    bureau, filing = desk
    assert main(["fill", "数据.json", "--into", "我的.xlsx"]) == 0, capsys.readouterr()
    assert f"已填入 {filing.code}" in capsys.readouterr().out
    assert xltool.read(tmp_path / "我的.xlsx") == filing
    bureau.hand_in("报", {"我的.xlsx": (tmp_path / "我的.xlsx").read_bytes()})
    assert bureau.states()[filing.code] == "通过"


def test_another_file_may_be_written_and_the_sealed_one_stays(desk, tmp_path):
    bureau, filing = desk
    assert main(["fill", "数据.json", "--into", "我的.xlsx", "-o", "填好.xlsx"]) == 0
    assert (tmp_path / "我的.xlsx").read_bytes() == bureau.sent[filing.code]
    assert xltool.read(tmp_path / "填好.xlsx") == filing


def test_what_somebody_filled_in_is_not_written_over(desk, tmp_path, capsys):
    bureau, filing = desk
    typed = fill_in(bureau.sent[filing.code], {"department.goal": "目标1：手工填的，不能丢。"})
    (tmp_path / "我的.xlsx").write_bytes(typed)
    assert main(["fill", "数据.json", "--into", "我的.xlsx"]) == 2
    assert "没有覆盖" in capsys.readouterr().err
    assert (tmp_path / "我的.xlsx").read_bytes() == typed
    assert main(["fill", "数据.json", "--into", "我的.xlsx", "--force"]) == 0
    assert (
        main(["fill", "数据.json", "--into", "我的.xlsx"]) == 0
    )  # what xltool wrote it may replace


@pytest.mark.parametrize("what", ["prefilled", "unit", "unsealed", "key", "edition"])
def test_what_does_not_fit_is_refused_in_one_line(desk, tmp_path, capsys, what):
    bureau, filing = desk
    before = bureau.sent[filing.code]
    said = ""
    if what == "prefilled":
        changes = {"department.general": "1.00", "department.total": "1291.00"}
        (tmp_path / "别.xlsx").write_bytes(fill_in(before, changes))
        write_databook([xltool.read(tmp_path / "别.xlsx")], tmp_path / "数据.json")
        said = "一般公共预算：下发时定为 1101.01，数据表里是 1"
    elif what == "unit":
        (tmp_path / "数据.json").unlink()
        write_databook([replace(filing, code="9")], tmp_path / "数据.json")
        said = f"数据表里没有 {filing.code}"
    elif what == "unsealed":
        (tmp_path / "我的.xlsx").write_bytes(xltool.load_edition().template.read_bytes())
        said = "没有封印"
    elif what == "key":
        from xltool.campaign.sealing import keys, parcel

        keys.make_keys(tmp_path / "k")
        (tmp_path / parcel.PUBLIC).write_bytes((tmp_path / "k" / keys.PUBLIC).read_bytes())
        said = "封印不真"
    else:
        filing = replace(filing, edition="national-2021")
        from xltool.campaign.returns.sealed_filling import with_prefilled
        from xltool.campaign.sealing import seal
        from xltool.errors import XltoolError
        from xltool.xlsx.workbook_reader import open_grid

        with pytest.raises(XltoolError, match="convert"):
            with_prefilled(
                filing, seal.claimed(open_grid(before).properties), xltool.load_edition()
            )
        return
    kept = (tmp_path / "我的.xlsx").read_bytes()
    assert main(["fill", "数据.json", "--into", "我的.xlsx"]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "我的.xlsx").read_bytes() == kept
