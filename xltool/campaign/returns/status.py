"""Where each unit stands, and who is late."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.store import LedgerRow
from xltool.campaign.returns.beside import asked_beside_others
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.returns.judgement import KINDS
from xltool.campaign.units import NO_DISTRICT, Unit, district_meant
from xltool.checks.beside_others import CODE
from xltool.checks.results import VERDICTS
from xltool.errors import XltoolError
from xltool.files.table_column import Column
from xltool.model import Finding, FindingState

STATES = ("未下发", "未报", "有错误", "待核实", "通过", "退回")
# These stand in the tables only where there are any.
RARE_STATES = ("待核准", "选定", "核准", "免报", "撤销", "并入")
_LEFT = {Act.EXEMPT: "免报", Act.ABOLISH: "撤销", Act.MERGE: "并入"}


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit: its state, since when, which version counts of how many, and remarks in words.

    `row` is the return that counts, None where none does; `question` what the totals of the others
    ask of it.
    """

    unit: Unit
    state: str
    since: str = ""
    counted: int = 0
    versions: int = 0
    late: bool = False
    remarks: tuple[str, ...] = ()
    row: LedgerRow | None = None
    question: str = ""

    @property
    def owes(self) -> bool:
        """Whether a filing is expected of it at all."""
        return self.state not in _LEFT.values()

    @property
    def missing(self) -> bool:
        """Sent out, owed, and nothing that counts: it has to be chased."""
        return self.owes and self.state != "未下发" and self.row is None


@dataclass(frozen=True)
class Status:
    """Everybody's standing, in the order of the list, and returns that belong to nobody;
    `due` is the last day for returns, in words."""

    standings: list[Standing]
    strays: list[Any] = field(default_factory=list)
    due: str = ""

    @property
    def questions(self) -> dict[str, str]:
        """Code → what the totals of the others ask of a unit."""
        return {one.unit.code: one.question for one in self.standings if one.question}

    def counts(self, district: str | None = None) -> Counter[str]:
        return Counter(
            standing.state
            for standing in self.standings
            if district is None or standing.unit.district == district
        )

    @property
    def states(self) -> list[str]:
        """The states to show a column for."""
        present = {standing.state for standing in self.standings}
        return [*STATES, *(state for state in RARE_STATES if state in present)]

    @property
    def districts(self) -> list[str]:
        return list(dict.fromkeys(standing.unit.district for standing in self.standings))

    @property
    def owing(self) -> list[Standing]:
        """The units that have to file."""
        return [standing for standing in self.standings if standing.owes]

    def within(self, district: str) -> Status:
        """The standing of one district alone. Raises XltoolError for one that is not there."""
        meant = district_meant(district, (one.unit for one in self.standings))
        return replace(self, standings=[s for s in self.standings if s.unit.district == meant])

    @property
    def chase(self) -> list[Standing]:
        """Who has not returned anything that counts."""
        return [standing for standing in self.standings if standing.missing]


def status(campaign: Campaign, today: dt.date | None = None) -> Status:
    """The standing of every unit. Reads only."""
    ledger = campaign.ledger
    issues, everything = ledger.issues(), ledger.standings()
    rows = sorted(
        (row for returns in everything.values() for row in returns.rows), key=lambda r: r["id"]
    )
    mixed = {(row["unit"], row["claimed"]) for row in rows if row["kind"] == "renamed"}
    others: dict[str, list[LedgerRow]] = {}
    strays = []
    for row in rows:
        for code in {row["unit"], row["claimed"]} - {""} if row["claimed"] else ():
            others.setdefault(code, []).append(row)
        if not row["unit"] and not row["claimed"]:
            strays.append(row)
    idle: dict[str, list[LedgerRow]] = {}
    for arrival in ledger.idle_arrivals():
        idle.setdefault(arrival["unit"], []).append(arrival)
    day = (today or dt.date.today()).isoformat()
    due = Deadlines.of(campaign)
    standings = []
    for unit in ledger.units():
        aside = [
            _remark(row, unit, mixed) for row in others.get(unit.code, ()) if not row["counts"]
        ]
        returns = everything.get(unit.code, UnitReturns())
        aside += _idle(idle.get(unit.code, ()), returns)
        standing = _standing(unit, returns, issues.get(unit.code), due[unit], day, aside)
        if standing.missing and due[unit] != due.general:
            standing = replace(standing, remarks=(f"报送截止 {due[unit]}", *standing.remarks))
        standings.append(standing)
    return Status(_asked(campaign, standings), strays, due.said)


def _idle(arrivals: Iterable[LedgerRow], returns: UnitReturns) -> list[str]:
    """What came under the name of a unit of which nothing counts and was no return; in which order
    they were collected says nothing."""
    if returns.counting is not None:
        return []
    said = (
        f"收到“{arrival['name'].rpartition('/')[2]}”：{arrival['reason']}" for arrival in arrivals
    )
    return list(dict.fromkeys(said))


def _asked(campaign: Campaign, standings: list[Standing]) -> list[Standing]:
    """The standings with what the totals of the others ask of one; what was approved or chosen was
    looked at."""
    weight, questions = asked_beside_others(
        campaign, (standing.row for standing in standings if standing.row)
    )
    if not questions:
        return standings
    asked = []
    for one in standings:
        question = questions.get(one.unit.code)
        if question and one.state not in ("核准", "选定"):
            words = f"{CODE} {weight.severity.label}：{question}"
            better = [VERDICTS["pass"], VERDICTS["query"]][: 2 - weight.severity.rank]
            state = one.state
            if not weight.trial and state in better:
                state = VERDICTS[weight.severity]
            one = replace(one, state=state, question=words, remarks=(*one.remarks, words))
        asked.append(one)
    return asked


def _standing(
    unit: Unit, returns: UnitReturns, issue: LedgerRow | None, due: str, day: str, aside: list[str]
) -> Standing:
    """One unit's standing: what counts decides it, or else the latest that came."""
    stand, counting, latest = returns.outcome.standpoint, returns.counting, returns.latest
    if stand.left:
        last = next(deed for deed in reversed(returns.deeds) if deed.action == stand.left)
        words = [last.reason] if last.reason else []
        if stand.left == Act.MERGE:
            words.insert(0, f"并入 {msgspec.json.decode(last.detail)['into']}")
        return Standing(unit, _LEFT[Act(stand.left)], last.made_at, remarks=(*words, *aside))
    if issue is None:
        return Standing(unit, "未下发", remarks=tuple(aside))
    if counting is not None:
        state, since = _state_of(counting, returns), counting["day"]
        late = bool(due) and counting["first_day"] > due
    else:
        state, since, remarks = _missing(returns, issue)
        aside = [*remarks, *aside]
        late = bool(due) and day > due
    said = counting or latest
    if said is not None and (again := returns.repeats(said)):
        also = "只写了说明" if _explained(said, picked=False) else "没有改"
        aside = [f"第 {said['version']} 版与退回的第 {again} 版内容相同，{also}", *aside]
    return Standing(
        unit,
        state,
        since,
        counting["version"] if counting is not None else 0,
        sum(not row["claimed"] for row in returns.rows),
        late,
        (*_versions(returns, counting, latest), *aside),
        counting,
    )


def _state_of(row: LedgerRow, returns: UnitReturns) -> str:
    """The state of a unit whose return counts."""
    if returns.outcome.standpoint.accepted:
        return "核准"
    if row["verdict"] == "error":
        return "选定"  # the bureau lets it count as it is
    picked = returns.outcome.standpoint.picked == row["id"]
    if row["verdict"] == "pass" and _explained(row, picked):
        return "待核准"
    return VERDICTS[row["verdict"]]


def _explained(row: LedgerRow, picked: bool) -> bool:
    """Whether the unit explained queries that somebody still has to accept.

    Where the bureau `picked` this version, which one counts (D603) is its own answer.
    """
    if '"explanation":"' not in row["findings"].replace('""', ""):
        return False
    findings = msgspec.json.decode(row["findings"], type=list[Finding])
    explained = [finding for finding in findings if finding.state is FindingState.EXPLAINED]
    return any(not (picked and finding.code == "D603") for finding in explained)


def _missing(returns: UnitReturns, issue: LedgerRow) -> tuple[str, str, list[str]]:
    """State, since when and what to say of a unit of which nothing counts."""
    if back := returns.sent_back:
        return "退回", back.made_at, [back.comment] if back.comment else []
    latest = returns.latest
    if latest is None:
        return "未报", issue["made_at"], []
    version = f"第 {latest['version']} 版"
    if latest["withdrawn"]:
        last = next(deed for deed in reversed(returns.deeds) if deed.action == Act.WITHDRAW)
        return (
            "未报",
            last.made_at,
            [f"{version}已撤回" + (f"：{last.reason}" if last.reason else "")],
        )
    asked = [
        deed
        for deed in returns.deeds
        if deed.action == Act.ISSUE and deed.arrivals >= latest["arrival"]
    ]
    if latest["kind"] == "stale" and asked:
        remark = f"{version}用的是旧版工作簿，要用第 {issue['number']} 次下发的重报"
        return "未报", issue["made_at"], [remark]
    return VERDICTS[latest["verdict"]], latest["day"], []


def _versions(
    returns: UnitReturns, counting: LedgerRow | None, latest: LedgerRow | None
) -> list[str]:
    """What to say where more than one version came."""
    if counting is None or latest is None:
        return []
    remarks = []
    if latest["id"] != counting["id"]:
        remarks.append(f"第 {latest['version']} 版没有采用，仍以第 {counting['version']} 版为准")
    if returns.outcome.unclear:
        versions = {row["id"]: row["version"] for row in returns.rows}
        unclear = sorted([counting["version"], *(versions[i] for i in returns.outcome.unclear)])
        named = "、".join(map(str, unclear))
        remarks.append(
            f"第 {named} 版分不出先后，暂以第 {counting['version']} 版为准，请用 campaign choose 选定"
        )
    return remarks


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
    if standing.due:
        lines.append(f"报送截止：{standing.due}")
    total = sum(s.owes for s in standing.standings)
    covered = sum(s.row is not None for s in standing.standings)
    lines.append(f"应报 {total} 个单位，已采用 {covered} 个，还差 {len(standing.chase)} 个：")
    for district in standing.districts:
        owing = [s for s in standing.chase if s.unit.district == district]
        if owing:
            lines += ["", f"【{district or NO_DISTRICT}】{len(owing)} 个"]
            lines += [
                f"{standing.unit.code} {standing.unit.name}　{_said(standing)}"
                for standing in owing
            ]
    return "\n".join(lines) + "\n"


def _said(s: Standing) -> str:
    words = [s.state + ("（逾期）" if s.late else "")]
    if s.unit.contact:
        words.append(f"联系人 {s.unit.contact}")
    return "　".join([*words, *s.remarks])


CHASE_COLUMNS: tuple[Column[Standing], ...] = (
    Column("区县", lambda standing: standing.unit.district or NO_DISTRICT, 12),
    Column("部门编码", lambda standing: standing.unit.code, 14),
    Column("部门名称", lambda standing: standing.unit.name, 30),
    Column("状态", lambda standing: standing.state, 9),
    Column("逾期", lambda standing: "是" if standing.late else "", 6),
    Column("何时起", lambda standing: standing.since[:16], 18),
    Column("联系人", lambda standing: standing.unit.contact, 12),
    Column("备注", lambda standing: "；".join(standing.remarks), 40),
)


def _chase_workbook(path: Path, campaign: Campaign, standing: Status) -> None:
    from xltool.campaign.sheets import OFFICIAL
    from xltool.files.atomic import writing
    from xltool.xlsx.table_book import TableBook

    with writing(path, "wb") as file, TableBook(file, OFFICIAL) as book:
        due = f"报送截止：{standing.due}　" if standing.due else ""
        total = sum(s.owes for s in standing.standings)
        line = f"{due}应报 {total} 个单位，还差 {len(standing.chase)} 个"
        title = f"{campaign.title}催报名单"
        book.table("催报名单", CHASE_COLUMNS, standing.chase, title=title, line=line)
