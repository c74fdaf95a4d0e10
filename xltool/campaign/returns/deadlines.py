"""The last day for returns: of the campaign, of a district, of one unit; the nearest one holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, in_force
from xltool.campaign.units import NO_DISTRICT, Unit, district_meant
from xltool.errors import XltoolError


@dataclass(frozen=True)
class Deadlines:
    """Whose last day is which (YYYY-MM-DD, empty where none was set)."""

    general: str = ""
    districts: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Campaign) -> Deadlines:
        general, districts, units = campaign.deadline, dict[str, str](), dict[str, str]()
        for deed in in_force(campaign.ledger.deeds()):
            if deed.action != Act.EXTEND:
                continue
            detail = msgspec.json.decode(deed.detail, type=dict[str, str])
            if deed.unit and not detail["deadline"]:
                units.pop(deed.unit, None)  # the upper office took it back
            elif deed.unit:
                units[deed.unit] = detail["deadline"]
            elif "district" in detail:
                districts[detail["district"]] = detail["deadline"]
            else:
                general = detail["deadline"]
        if campaign.upper_deadline and general:
            general = min(general, campaign.upper_deadline)
        return cls(general, districts, units)

    def __getitem__(self, unit: Unit) -> str:
        return self.units.get(unit.code) or self.of_district(unit.district)

    def of_district(self, district: str) -> str:
        """The last day of a district's units, but for those that have one of their own."""
        return self.districts.get(district) or self.general

    @property
    def days(self) -> set[str]:
        """All last days that hold for somebody."""
        return {self.general, *self.districts.values(), *self.units.values()} - {""}

    @property
    def said(self) -> str:
        """The last day as a heading says it; empty where none was set."""
        own = {*self.districts.values(), *self.units.values()} - {self.general}
        if not self.general:
            return "各区县另定" if own else ""
        return f"{self.general}（个别另定）" if own else self.general


def doubtful(days: Iterable[str], year: int, today: dt.date | None = None) -> list[str]:
    """What is odd about these last days (YYYY-MM-DD; empty: none set) of a budget year, a line for
    each: nothing is refused for it.

    Forms go with a budget, which is made in the year before and may be changed until its end.
    """
    present = (today or dt.date.today()).isoformat()
    lines = []
    for day in sorted({*days} - {""}):
        if int(day[:4]) not in (year - 1, year):
            lines.append(f"截止日 {day} 与预算年度 {year} 差得远，请看年份有没有写错")
        if day < present:
            lines.append(f"截止日 {day} 已经过了（今天是 {present}），以后报来的都算逾期")
    return lines


class Extension(NamedTuple):
    """For how many units a new last day holds, and of the others meant those that keep their own:
    a district or a unit and its day."""

    units: int
    kept: dict[str, str]


def extend(
    campaign: Campaign, day: dt.date, codes: list[str], district: str = "", reason: str = ""
) -> Extension:
    """Give these units, this district or all another last day."""
    if codes and district:
        raise XltoolError("部门编码和 --district 只写一样：写了部门编码的只改这些单位")
    ledger = campaign.ledger
    units = {unit.code: unit for unit in ledger.units()}
    if unknown := [code for code in codes if code not in units]:
        raise XltoolError(f"名单里没有部门编码：{'、'.join(unknown)}")
    meant = district_meant(district, units.values()) if district else ""
    district_units = [unit for unit in units.values() if district and unit.district == meant]
    upper = campaign.upper_deadline
    if upper and not codes and day.isoformat() > upper:
        raise XltoolError(f"报送截止不能晚于上级的 {upper}")
    detail = {"deadline": day.isoformat()}
    with ledger.writing(), ledger.transaction():
        for code in codes:
            ledger.record(Act.EXTEND, code, detail=detail, reason=reason)
        if district:
            ledger.record(Act.EXTEND, detail={**detail, "district": meant}, reason=reason)
        elif not codes:
            ledger.record(Act.EXTEND, detail=detail, reason=reason)
    meant_units = [units[code] for code in dict.fromkeys(codes)] or district_units or units.values()
    return _extended(Deadlines.of(campaign), day.isoformat(), list(meant_units))


def _extended(days: Deadlines, day: str, units: list[Unit]) -> Extension:
    kept = {}
    apart = [unit for unit in units if days[unit] != day]
    for unit in apart:
        own = unit.code in days.units
        kept[unit.code if own else unit.district or NO_DISTRICT] = days[unit]
    return Extension(len(units) - len(apart), kept)
