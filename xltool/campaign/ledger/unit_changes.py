"""The list while the campaign runs:
corrected, renamed, moved, merged, abolished, exempted, each on record.

A change is first a plan that can be shown unit by unit;
only what is applied is written, with what was before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, Deed, in_force
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.units import NO_DISTRICT, Unit, UnitList
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.table_habits import visible
from xltool.money import plain

_WORDS = {"name": "名称", "district": "区县", "superior": "主管部门", "contact": "联系人"}


_NONE = Decimal(0)
SHARE = "share"  # of which unit figures came or went, without anybody's decision


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
    """What the clerk should look at in planned changes: names given twice, new districts,
    a district that goes on waiting for a unit that was moved away from it."""
    units, issued = campaign.ledger.units(), campaign.ledger.issues()
    districts = {unit.district for unit in units}
    found: list[str] = []
    names = {unit.code: unit.name for unit in units}
    names |= {change.after.code: change.after.name for change in changes}
    here = {(unit.name, unit.district): unit.code for unit in units}
    for change in changes:
        after, before = change.after, change.before
        if before is None and (other := here.get((after.name, after.district))):
            found.append(
                f"注意：新增的 {after.code} 与 {other} 同名同区县“{after.name}”，请看是否编码有误"
            )
        if before and after.name != before.name:
            same = [c for c, name in names.items() if name == after.name and c != after.code]
            found += [f"注意：{after.code} 与 {code} 同名“{after.name}”" for code in same]
        if before and after.district not in districts:
            found.append(f"注意：名单里原来没有区县“{after.district}”（{after.code}）")
            districts.add(after.district)
        if before and after.district != before.district and after.code in issued:
            found.append(
                f"注意：{after.code} 下发给过“{before.district or NO_DISTRICT}”，请通知它："
                f"下级台账里用 campaign abolish {after.code}，不再催、不再上报"
            )
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
    leaving, staying = unit_of(campaign, code), unit_of(campaign, into)
    return UnitChange(Act.UPDATE, staying, with_share(staying, _amounts(campaign, leaving)))


def _amounts(campaign: Campaign, unit: Unit) -> Share:
    """A unit's own figures of last year, as a share in another one's."""
    amounts = {field.id for field in campaign.edition.department.field if field.kind == "amount"}
    own = {id_: Decimal(text) for id_, text in unit.last_year.items() if id_ in amounts}
    return Share(own, frozenset())


class Share(NamedTuple):
    """What a unit's figures of last year have from one that was merged into it:
    amounts, and which of them the unit had not at all before."""

    amounts: Mapping[str, Decimal]
    new: frozenset[str]


def with_share(unit: Unit, share: Share, sign: int = 1) -> Unit:
    """A unit with these amounts added to its figures of last year, or given up (`sign` −1)."""
    figures = dict(unit.last_year)
    for id_, amount in share.amounts.items():
        total = Decimal(figures.get(id_, "0")) + sign * amount
        if sign < 0 and not total and id_ in share.new:
            figures.pop(id_, None)
        else:
            figures[id_] = plain(total)
    return replace(unit, last_year=figures)


def share_of(deeds: Iterable[Deed], code: str) -> Share:
    """The share of a unit in the figures of another one, whose acts in force these are."""
    amounts: dict[str, Decimal] = {}
    new: set[str] = set()
    for deed in deeds:
        detail = msgspec.json.decode(deed.detail) if deed.action == Act.UPDATE else {}
        if code not in (detail.get("merged"), detail.get("parted")):
            continue
        before, after = detail["before"]["last_year"], detail["after"]["last_year"]
        for id_ in {**before, **after}:
            if before.get(id_) == after.get(id_):
                continue
            if id_ not in before and not amounts.get(id_):
                new.add(id_)
            difference = Decimal(after.get(id_, "0")) - Decimal(before.get(id_, "0"))
            amounts[id_] = amounts.get(id_, _NONE) + difference
    return Share({id_: amount for id_, amount in amounts.items() if amount}, frozenset(new))


def mergers(campaign: Campaign) -> dict[str, str]:
    """The mergers in force, unit → into which one, the earliest first."""
    found: dict[str, str] = {}
    for deed in in_force(campaign.ledger.deeds()):
        if deed.action in (Act.MERGE, Act.RESTORE):
            found.pop(deed.unit, None)
        if deed.action == Act.MERGE:
            found[deed.unit] = msgspec.json.decode(deed.detail)["into"]
    return found


def refuse_merged_on(in_order: Mapping[str, str], code: str, into: str) -> None:
    """Raises XltoolError where a unit is taken out of another one, or put into it, that was itself
    merged into a third one since: that one has the figures."""
    if into in in_order:
        raise XltoolError(f"{code} 并入的 {into} 已经并入 {in_order[into]}，先恢复 {into}")


def together_again(campaign: Campaign, own: Mapping[str, Unit]) -> dict[str, Unit]:
    """Units of whose figures of last year only their `own` are given, with the share of each that
    was merged into one. A share that is another now is recorded; the units are for the caller to
    write."""
    deeds, in_order = campaign.ledger.deeds_by_unit(), mergers(campaign)
    shares = {code: share_of(deeds.get(into, ()), code).amounts for code, into in in_order.items()}
    units = dict(own)
    for code, into in in_order.items():
        units[into] = with_share(units[into], Share(shares[code], frozenset()))
    for code, into in in_order.items():
        due = _amounts(campaign, units[code]).amounts
        had = Share(shares[code], frozenset())
        units[into] = _settled(campaign, units[into], code, had, due)
    return units


def settle_shares(campaign: Campaign, codes: Collection[str]) -> None:
    """Give back or take what of last year's figures of these units others have too much or too
    little, after an undo: a merger may be none any more, or one again."""
    units = {unit.code: unit for unit in campaign.ledger.units()}
    in_force, deeds = mergers(campaign), campaign.ledger.deeds_by_unit()
    settled = {}
    for code in codes:
        for into in {*deeds, *in_force.values()} & set(units):
            had = share_of(deeds.get(into, ()), code)
            is_merged = in_force.get(code) == into
            due = _amounts(campaign, units[code]).amounts if is_merged else {}
            units[into] = settled[into] = _settled(campaign, units[into], code, had, due)
    write_units(campaign, settled)


def _settled(
    campaign: Campaign, unit: Unit, code: str, had: Share, due: Mapping[str, Decimal]
) -> Unit:
    """A unit with the share of another one that is due, which is recorded where it is another one.
    No decision is made by that, so none is there to be undone."""
    if due:
        ids = {**had.amounts, **due}
        more = {id_: due.get(id_, _NONE) - had.amounts.get(id_, _NONE) for id_ in ids}
        added = {id_: amount for id_, amount in more.items() if amount}
        after = with_share(unit, Share(added, frozenset()))
    else:
        after = with_share(unit, had, -1)
    if after != unit:
        word = "merged" if due else "parted"
        change = UnitChange(Act.UPDATE, unit, after)
        _record_change(campaign, change, f"{code} 的上年数", **{word: code, SHARE: code})
    return after


def taken_in(campaign: Campaign) -> dict[str, list[str]]:
    """Unit → those that were merged into it, into which others may have been merged before."""
    found: dict[str, list[str]] = {}
    for code, into in mergers(campaign).items():
        found.setdefault(into, []).extend([code, *found.get(code, ())])
    return found


def _partings(campaign: Campaign, codes: Collection[str]) -> list[tuple[str, UnitChange]]:
    """What changes where these units are restored: of each that was merged the unit that gives its
    figures back. The last merger comes apart first.

    Raises XltoolError where that unit was merged on, for then a third one has the figures.
    """
    units = {unit.code: unit for unit in campaign.ledger.units()}
    deeds, in_order = campaign.ledger.deeds_by_unit(), mergers(campaign)
    partings = []
    for code, into in reversed(in_order.items()):
        if code not in codes:
            continue
        if into not in codes:
            refuse_merged_on(in_order, code, into)
        after = with_share(units[into], share_of(deeds.get(into, ()), code), -1)
        partings.append((code, UnitChange(Act.UPDATE, units[into], after)))
        units[into] = after
    return partings


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


class Leaving(NamedTuple):
    """Units that owe nothing any more, or again: those of which that was not so already; changes
    of others that come with it; what the clerk should look at."""

    codes: list[str]
    changes: list[UnitChange]
    remarks: list[str]


def leave(
    campaign: Campaign, action: Act, codes: Iterable[str], reason: str, *, dry: bool = False
) -> Leaving:
    """Let units owe nothing any more, or again (RESTORE). A reason must be given.

    A merged unit that comes back has its own figures of last year again.
    """
    if not dry:
        _needs(reason)
    wanted = [unit_of(campaign, code).code for code in dict.fromkeys(codes)]
    ledger = campaign.ledger
    with ledger.writing():
        concerned = _concerned(campaign, action, wanted)
        into = mergers(campaign)
        partings = _partings(campaign, concerned) if action == Act.RESTORE else []
        changes = [change for _, change in partings if change.after != change.before]
        remarks = of_no_more_use(campaign, concerned) if action != Act.RESTORE else []
        if dry or not concerned:
            return Leaving(concerned, changes, remarks)
        with ledger.transaction():
            for code in concerned:
                detail = {"parted": into[code]} if code in into else {}
                ledger.record(action, code, reason=reason, detail=detail)
            for code, change in partings:
                _write_change(campaign, change, reason, parted=code)
    return Leaving(concerned, changes, remarks)


def _concerned(campaign: Campaign, action: Act, codes: Sequence[str]) -> list[str]:
    """Which of these units do not stand so already. Raises XltoolError for one that was merged:
    it has to come back first."""
    states = {code: _left(campaign, code) for code in codes}
    goal = "" if action == Act.RESTORE else action
    concerned = [code for code in codes if states[code].partition(" ")[0] != goal]
    for code in concerned:
        if states[code].startswith(Act.MERGE) and action != Act.RESTORE:
            refuse_left(campaign, code)
    return concerned


def of_no_more_use(campaign: Campaign, codes: Collection[str]) -> list[str]:
    """What goes where these units leave: what was approved, and what was merged into them."""
    remarks = []
    standings = campaign.ledger.standings(codes)
    accepted = [code for code in codes if _is_accepted(standings.get(code))]
    if accepted:
        remarks.append(f"已经核准的不再计入：{'、'.join(accepted)}")
    for code, into in mergers(campaign).items():
        if into in codes:
            remarks.append(f"{code} 并入了 {into}，两个都不再应报")
    units, issued = campaign.ledger.units(), campaign.ledger.issues()
    gone = [unit for unit in units if unit.code in codes and unit.code in issued and unit.district]
    if gone and not campaign.branch:
        districts = "、".join(dict.fromkeys(unit.district for unit in gone))
        remarks.append(
            f"下发给过 {districts}，自己建了台账的区县请通知它：用 campaign abolish 或 exempt，"
            "不再催、不再上报"
        )
    return remarks


def _is_accepted(returns: UnitReturns | None) -> bool:
    return returns is not None and returns.outcome.standpoint.accepted


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


def refuse_left(campaign: Campaign, code: str) -> None:
    """Raises XltoolError where a unit owes nothing: what is decided on it would have no effect."""
    if left := _left(campaign, code):
        raise XltoolError(f"{code} {_said_left(left)}，先用 campaign restore 恢复")


def _said_left(left: str) -> str:
    act, _, into = left.partition(" ")
    return (
        f"已经并入 {into}" if into else {Act.ABOLISH: "已经撤销", Act.EXEMPT: "已经免报"}[Act(act)]
    )
