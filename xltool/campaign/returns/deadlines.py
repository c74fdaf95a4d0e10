"""The last day for returns: of the campaign, of a district, of one unit; the nearest one holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, in_force
from xltool.campaign.units import Unit, district_meant
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
            if deed.unit:
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


def extend(
    campaign: Campaign, day: dt.date, codes: list[str], district: str = "", reason: str = ""
) -> int:
    """Give these units, this district or all another last day. How many units it concerns."""
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
    return len(codes) or len(district_units) or len(units)
