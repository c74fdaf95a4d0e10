"""Where each unit stands, and who is late."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.judgement import KINDS
from xltool.campaign.units import NO_DISTRICT, Unit
from xltool.checks.results import VERDICTS
from xltool.errors import XltoolError
from xltool.files.table_column import Column

STATES = ("未下发", "未报", "有错误", "待核实", "通过", "退回")
# Who has to do something: the chase list.
_TO_CHASE = ("未报", "有错误", "退回")


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit: its state, since when, which version counts of how many, and remarks in words."""

    unit: Unit
    state: str
    since: str = ""
    counted: int = 0
    versions: int = 0
    late: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """Everybody's standing, in the order of the list, and returns that belong to nobody."""

    standings: list[Standing]
    strays: list[Any] = field(default_factory=list)

    def counts(self, district: str | None = None) -> Counter[str]:
        return Counter(
            s.state for s in self.standings if district is None or s.unit.district == district
        )

    @property
    def districts(self) -> list[str]:
        return list(dict.fromkeys(s.unit.district for s in self.standings))

    @property
    def chase(self) -> list[Standing]:
        """Who has not returned anything that counts."""
        return [s for s in self.standings if s.state in _TO_CHASE]


def status(campaign: Campaign, today: dt.date | None = None) -> Status:
    """The standing of every unit. Reads only."""
    ledger = campaign.ledger
    issues, counted, noted = ledger.issues(), ledger.counted(), ledger.noted()
    rows = ledger.returns()
    mixed = {(row["unit"], row["claimed"]) for row in rows if row["kind"] == "renamed"}
    own: dict[str, list[Any]] = {}
    others: dict[str, list[Any]] = {}
    strays = []
    for row in rows:
        if row["unit"] and not row["claimed"]:
            own.setdefault(row["unit"], []).append(row)
        elif row["unit"] or row["claimed"]:
            for code in {row["unit"], row["claimed"]} - {""}:
                others.setdefault(code, []).append(row)
        else:
            strays.append(row)
    after_deadline = (
        bool(campaign.deadline) and (today or dt.date.today()).isoformat() > campaign.deadline
    )
    standings = []
    for unit in ledger.units():
        mine, counting = own.get(unit.code, []), counted.get(unit.code)
        remarks = [_remark(row, unit, mixed) for row in others.get(unit.code, [])]
        if unit.code not in issues:
            standings.append(Standing(unit, "未下发", remarks=tuple(remarks)))
            continue
        last = mine[-1] if mine else None
        telling = counting or last
        if telling is None:
            standings.append(
                Standing(
                    unit,
                    "未报",
                    issues[unit.code]["made_at"],
                    late=after_deadline,
                    remarks=tuple(remarks),
                )
            )
            continue
        state, since = VERDICTS[telling["verdict"]], telling["received_at"]
        if counting and last and last["id"] > counting["id"]:
            remarks.append(f"第 {last['version']} 版没有采用，仍以第 {counting['version']} 版为准")
        newest = last or telling
        if newest["id"] in noted and (state != "通过"):
            state, since = "退回", noted[newest["id"]]
        late = after_deadline and (
            counting is None or counting["received_at"][:10] > campaign.deadline
        )
        standings.append(
            Standing(
                unit,
                state,
                since,
                counting["version"] if counting else 0,
                len(mine),
                late,
                tuple(remarks),
            )
        )
    return Status(standings, strays)


def _remark(row: Any, unit: Unit, mixed: set[tuple[str, str]]) -> str:
    """A return that is not beyond doubt this unit's own; `mixed` are the (unit, named as) pairs."""
    file = row["name"].rpartition("/")[2]
    if row["kind"] == "renamed" and (row["claimed"], row["unit"]) in mixed:
        return f"“{file}”：{row['unit']} 与 {row['claimed']} 的工作簿互换了文件名，都没有计入"
    if row["kind"] == "unreadable":
        return f"收到以它命名的“{file}”，打不开"
    if row["unit"] == unit.code:
        return f"“{file}”是它的工作簿，却以 {row['claimed']} 的名义报来，没有计入"
    return f"收到“{file}”（{KINDS[row['kind']]}），没有计入"


def write_chase(path: Path, campaign: Campaign, standing: Status) -> None:
    """The chase list (催报名单) as text or, by its suffix, as a workbook."""
    if path.suffix.lower() not in ("", ".txt", ".xlsx"):
        raise XltoolError(f"催报名单写成 .txt 或 .xlsx，不是“{path.suffix}”：{path}")
    if path.suffix.lower() == ".xlsx":
        _chase_workbook(path, campaign, standing)
        return
    from xltool.files.atomic import writing

    with writing(path) as file:
        file.write(chase_text(campaign, standing))


def chase_text(campaign: Campaign, standing: Status) -> str:
    """The chase list as plain text, by district, ready to be pasted into a message."""
    lines = [f"{campaign.title}催报名单"]
    if campaign.deadline:
        lines.append(f"报送截止：{campaign.deadline}")
    total, covered = len(standing.standings), len(standing.standings) - len(standing.chase)
    lines.append(f"应报 {total} 个单位，已采用 {covered} 个，还差 {len(standing.chase)} 个：")
    for district in standing.districts:
        here = [s for s in standing.chase if s.unit.district == district]
        if here:
            lines += ["", f"【{district or NO_DISTRICT}】{len(here)} 个"]
            lines += [f"{s.unit.code} {s.unit.name}　{_said(s)}" for s in here]
    return "\n".join(lines) + "\n"


def _said(s: Standing) -> str:
    words = [s.state + ("（逾期）" if s.late else "")]
    if s.unit.contact:
        words.append(f"联系人 {s.unit.contact}")
    return "　".join([*words, *s.remarks])


CHASE_COLUMNS: tuple[Column[Standing], ...] = (
    Column("区县", lambda one: one.unit.district, 12),
    Column("部门编码", lambda one: one.unit.code, 14),
    Column("部门名称", lambda one: one.unit.name, 30),
    Column("状态", lambda one: one.state, 9),
    Column("逾期", lambda one: "是" if one.late else "", 6),
    Column("自", lambda one: one.since[:16], 18),
    Column("联系人", lambda one: one.unit.contact, 12),
    Column("备注", lambda one: "；".join(one.remarks), 40),
)


def _chase_workbook(path: Path, campaign: Campaign, standing: Status) -> None:
    from xltool.campaign.sheets import Book
    from xltool.files.atomic import writing

    columns = CHASE_COLUMNS
    with writing(path, "wb") as file, Book(file) as book:
        due = f"报送截止：{campaign.deadline}　" if campaign.deadline else ""
        total = len(standing.standings)
        book.table(
            "催报名单", f"{campaign.title}催报名单", f"{due}应报 {total} 个单位，还差 {len(standing.chase)} 个",
            columns, standing.chase,
        )  # fmt: skip
