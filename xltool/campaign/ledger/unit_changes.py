"""The list while the campaign runs:
corrected, renamed, moved, merged, abolished, exempted, each on record.

A change is first a plan that can be shown unit by unit;
only what is applied is written, with what was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.units import Unit, UnitList
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.table_habits import visible
from xltool.money import plain

_WORDS = {"name": "名称", "district": "区县", "superior": "主管部门", "contact": "联系人"}


@dataclass(frozen=True, slots=True)
class UnitChange:
    """One unit before (None: a new one) and after."""

    action: Act
    before: Unit | None
    after: Unit

    def said(self, edition: Edition) -> list[str]:
        """What changes, in words: `联系人：甲 → （空）`."""
        if self.before is None:
            return ["新增"]
        changes = [
            f"{word}：{getattr(self.before, key) or '（空）'} → {getattr(self.after, key) or '（空）'}"
            for key, word in _WORDS.items()
            if getattr(self.before, key) != getattr(self.after, key)
        ]
        labels = {field.id: field.label for field in edition.department.field}
        for key, word in (("prefilled", "预填"), ("last_year", "上年")):
            was, now = getattr(self.before, key), getattr(self.after, key)
            for id_ in {**was, **now}:
                if was.get(id_) != now.get(id_):
                    change = f"{was.get(id_, '（空）')} → {now.get(id_, '（空）')}"
                    changes.append(f"{word}{labels.get(id_, id_)}：{change}")
        return changes


def planned(campaign: Campaign, listed: UnitList) -> list[UnitChange]:
    """What a list would change, unit by unit. Units that it doesn't name stay as they are."""
    units_by_code = {unit.code: unit for unit in campaign.ledger.units()}
    changes = []
    for unit in listed.units:
        before = units_by_code.get(unit.code)
        after = unit if before is None else listed.onto(unit, before)
        if after != before:
            changes.append(UnitChange(Act.ADD if before is None else Act.UPDATE, before, after))
    return changes


def changed_unit(campaign: Campaign, action: Act, code: str, **values: str) -> UnitChange:
    """A unit with another name or district, as a plan. Raises XltoolError for an empty one."""
    before = unit_of(campaign, code)
    cleaned = {key: visible(value) for key, value in values.items()}
    if empty := [key for key, value in cleaned.items() if not value]:
        raise XltoolError(f"新的{_WORDS[empty[0]]}是空的")
    return UnitChange(action, before, replace(before, **cleaned))  # type: ignore[arg-type]


def remarks(campaign: Campaign, changes: Sequence[UnitChange]) -> list[str]:
    """What the clerk should look at in planned changes: names given twice, new districts."""
    units = campaign.ledger.units()
    districts = {unit.district for unit in units}
    found: list[str] = []
    for change in changes:
        after, before = change.after, change.before
        if before and after.name != before.name:
            same = [unit.code for unit in units if unit.name == after.name]
            found += [f"注意：{after.code} 与 {code} 同名“{after.name}”" for code in same]
        if before and after.district not in districts:
            found.append(f"注意：名单里原来没有区县“{after.district}”（{after.code}）")
            districts.add(after.district)
    return found


def still_away(campaign: Campaign, codes: Iterable[str]) -> list[str]:
    """Which of these units left: a list that names them doesn't bring them back."""
    standings = campaign.ledger.standings()
    return [code for code in codes if code in standings and standings[code].outcome.standpoint.left]


def unit_of(campaign: Campaign, code: str) -> Unit:
    """The unit with this code. Raises XltoolError where the list has none."""
    for unit in campaign.ledger.units():
        if unit.code == code:
            return unit
    raise XltoolError(f"名单里没有部门编码 {code}")


def merged(campaign: Campaign, code: str, into: str) -> UnitChange:
    """The unit that takes another one in: last year's figures of both are its own."""
    return _with_figures(campaign, code, into, 1)


def _with_figures(campaign: Campaign, code: str, into: str, sign: int) -> UnitChange:
    """`into` with the figures of another unit added or, with `sign` −1, given up."""
    leaving, staying = unit_of(campaign, code), unit_of(campaign, into)
    amounts = {field.id for field in campaign.edition.department.field if field.kind == "amount"}
    figures: dict[str, str] = dict(staying.last_year)
    for id_, text in leaving.last_year.items():
        if id_ in amounts:
            figures[id_] = plain(Decimal(figures.get(id_, "0")) + sign * Decimal(text))
    return UnitChange(Act.UPDATE, staying, replace(staying, last_year=figures))


def _parted(campaign: Campaign, code: str, into: str) -> UnitChange:
    """The unit into which another one was merged, without that one's figures."""
    staying = unit_of(campaign, into)
    for deed in reversed(campaign.ledger.deeds_by_unit([into]).get(into, [])):
        detail = msgspec.json.decode(deed.detail)
        if deed.action == Act.UPDATE and detail.get("merged") == code:
            if detail["after"]["last_year"] == staying.last_year:
                before = replace(staying, last_year=detail["before"]["last_year"])
                return UnitChange(Act.UPDATE, staying, before)
            break
    return _with_figures(campaign, code, into, -1)


def merge(
    campaign: Campaign, code: str, into: str, reason: str = "", *, dry: bool = False
) -> UnitChange:
    """Merge a unit into another, of which what changes is given back.
    Neither may have left before."""
    if code == into:
        raise XltoolError("不能并入自己")
    if campaign.branch:
        raise XltoolError("下级台账的单位由上级决定，请上级并入后再下发")
    ledger = campaign.ledger
    with ledger.writing():
        change = merged(campaign, code, into)
        for unit in (code, into):
            if left := _left(campaign, unit):
                raise XltoolError(f"{unit} {_said_left(left)}，先用 campaign restore 恢复")
        if dry:
            return change
        _needs(reason)
        with ledger.transaction():
            ledger.record(Act.MERGE, code, reason=reason, detail={"into": into})
            _write_change(campaign, change, reason, merged=code)
    return change


def apply(campaign: Campaign, changes: Sequence[UnitChange], reason: str = "") -> None:
    """Write planned changes, each with what was before."""
    if not changes:
        return
    ledger = campaign.ledger
    with ledger.writing(), ledger.transaction():
        write_units(campaign, {change.after.code: change.after for change in changes})
        for change in changes:
            _record_change(campaign, change, reason)


def _write_change(campaign: Campaign, change: UnitChange, reason: str, **detail: str) -> None:
    if change.after != change.before:
        write_units(campaign, {change.after.code: change.after})
        _record_change(campaign, change, reason, **detail)


def _record_change(campaign: Campaign, change: UnitChange, reason: str, **detail: str) -> None:
    before = asdict(change.before) if change.before else None
    values = {"before": before, "after": asdict(change.after), **detail}
    campaign.ledger.record(change.action, change.after.code, detail=values, reason=reason)


def write_units(campaign: Campaign, units: Mapping[str, Unit]) -> None:
    """Put these units in their places on the list, new ones at its end."""
    units_by_code = {unit.code: unit for unit in campaign.ledger.units()}
    campaign.ledger.put_units({**units_by_code, **units}.values())


def leave(campaign: Campaign, action: Act, codes: Iterable[str], reason: str) -> list[str]:
    """Units that owe nothing any more, or again (RESTORE): those of which that was not so already.

    A reason must be given. A merged unit that comes back has its own figures of last year again.
    """
    _needs(reason)
    wanted = [unit_of(campaign, code).code for code in dict.fromkeys(codes)]
    ledger = campaign.ledger
    with ledger.writing():
        states = {code: _left(campaign, code) for code in wanted}
        goal = "" if action == Act.RESTORE else action
        concerned = [code for code in wanted if states[code].partition(" ")[0] != goal]
        for code in concerned:
            if states[code].startswith(Act.MERGE) and action != Act.RESTORE:
                raise XltoolError(f"{code} {_said_left(states[code])}，先用 campaign restore 恢复")
        if not concerned:
            return []
        with ledger.transaction():
            for code in concerned:
                into = states[code].partition(" ")[2]
                ledger.record(action, code, reason=reason, detail={"parted": into} if into else {})
                if into:
                    _write_change(campaign, _parted(campaign, code, into), reason, parted=code)
    return concerned


def _needs(reason: str) -> None:
    if not reason.strip():
        raise XltoolError("请用 --reason 写明理由")


def _left(campaign: Campaign, code: str) -> str:
    """How a unit left (the act, and after a space into which unit it was merged);
    empty where it has not."""
    left = ""
    for deed in campaign.ledger.deeds_by_unit([code]).get(code, []):
        if deed.action in (Act.ABOLISH, Act.EXEMPT):
            left = deed.action
        elif deed.action == Act.MERGE:
            left = f"{deed.action} {msgspec.json.decode(deed.detail)['into']}"
        elif deed.action == Act.RESTORE:
            left = ""
    return left


def _said_left(left: str) -> str:
    act, _, into = left.partition(" ")
    return (
        f"已经并入 {into}" if into else {Act.ABOLISH: "已经撤销", Act.EXEMPT: "已经免报"}[Act(act)]
    )
