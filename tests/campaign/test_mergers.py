"""Whatever is merged, parted, left, taken in and undone, in whatever order: a unit's figures of
last year are its own and those of the units that are merged into it."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from tests.support.campaign import HEADS, Bureau, fill_in, unit_rows, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign, open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.last_year import take_last_year
from xltool.campaign.ledger.unit_changes import leave, merge, mergers
from xltool.campaign.returns.decisions import history, undo
from xltool.errors import XltoolError


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """A folder with last year's filings of four of five units."""
    folder = tmp_path_factory.mktemp("去年")
    bureau = Bureau(folder, 1, 5, year=2023)
    source = folder / "申报"
    source.mkdir()
    for number, code in enumerate(bureau.codes[:4], 1):
        amounts = {"general": 1000 * number, "total": 1000 * number + 1290, "basic": 190}
        amounts["basic"] += amounts["general"]
        answers = {f"department.{key}": str(amount) for key, amount in amounts.items()}
        (source / f"{code}.xlsx").write_bytes(fill_in(bureau.sent[code], answers))
    return source


class Desk:
    """A campaign whose units come and go, and what the totals of last year should be."""

    def __init__(self, folder, filed, listed, chance):
        rows = [[*row[:3], row[5]] if listed else row[:3] for row in unit_rows(1, 5)]
        heads = [*HEADS[:3], HEADS[5]] if listed else HEADS[:3]
        units = write_units(folder / "u.xlsx", rows, heads)
        self.campaign = new_campaign(folder / "批次", year=2024, edition="hunan-2023", units=units)
        self.filed, self.chance, self.codes = filed, chance, [row[0] for row in rows]
        self.own = {row[0]: Decimal(row[3]) for row in rows} if listed else {}

    def act(self):
        code, other = self.chance.sample(self.codes, 2)
        campaign = self.campaign
        match self.chance.choice(
            ["merge", "merge", "restore", "both", "take", "undo", "one", "go"]
        ):
            case "merge":
                merge(campaign, code, other, "并入")
            case "restore":
                leave(campaign, Act.RESTORE, [code], "恢复")
            case "both":
                leave(campaign, Act.RESTORE, [code, other], "恢复")
            case "take":
                take_last_year(campaign, self.filed)
                for number, one in enumerate(self.codes[:4], 1):
                    self.own.setdefault(one, Decimal(1000 * number + 1290))
            case "undo":
                undo(campaign)
            case "one":
                undo(campaign, code)
            case "go":
                leave(campaign, Act.ABOLISH, [code], "撤销")

    def should(self, code):
        parts = [self.own.get(code)]
        parts += [self.should(one) for one, into in mergers(self.campaign).items() if into == code]
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    def check(self):
        for unit in self.campaign.ledger.units():
            total = unit.last_year.get("total")
            found = None if total is None else Decimal(total)
            said = [line.what for line in history(self.campaign)][-4:]
            assert found == self.should(unit.code), (unit.code, said)


@pytest.mark.parametrize("seed", range(2, 7))
@pytest.mark.parametrize("listed", [True, False])
def test_nobodys_figures_are_lost_or_counted_twice(tmp_path, filed, seed, listed):
    desk = Desk(tmp_path, filed, listed, random.Random(seed))
    for _ in range(40):
        try:
            desk.act()
        except XltoolError:
            continue
        desk.campaign.ledger.close()  # each is a command of its own
        desk.campaign = open_campaign(desk.campaign.folder)
        desk.check()


def test_a_merger_on_which_another_stands_is_not_undone(tmp_path, filed):
    desk = Desk(tmp_path, filed, True, random.Random(0))
    first, second, third, *_ = desk.codes
    merge(desk.campaign, first, second, "并入")
    merge(desk.campaign, second, third, "并入")
    with pytest.raises(XltoolError, match=f"{second} 已经并入 {third}，先恢复 {second}"):
        undo(desk.campaign, first)
    desk.check()
