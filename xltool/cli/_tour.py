"""The second part of `xltool demo --campaign`:
two districts of three units, sent, returned, judged, added up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from xltool.model import Entry, Filing

if TYPE_CHECKING:
    from xltool.campaign import Campaign

YEAR = 2024
UNITS = (
    ("001001", "水利局", "城区"), ("001002", "农业农村局", "城区"), ("001003", "林业局", "城区"),
    ("002001", "东山镇", "山区"), ("002002", "西山镇", "山区"), ("002003", "南山镇", "山区"),
)  # fmt: skip
# What goes wrong, by the unit's code: a field of the department form and what stands there instead.
FAULTS = {"001002": ("fund", "1190.00"), "002001": ("goal", "")}
ABSENT = "002003"


def tour(folder: Path) -> None:
    """Walk through a campaign in `folder`, which must be new."""
    from xltool.campaign.ledger.campaign_folder import new_campaign
    from xltool.campaign.returns.collection import collect
    from xltool.campaign.returns.notes import notes, write_notes
    from xltool.campaign.returns.status import status, write_chase
    from xltool.campaign.rollup.sheets import write_rollup
    from xltool.campaign.rollup.summation import rollup
    from xltool.campaign.sending.distribution import distribute
    from xltool.editions.declaration import default_edition_id

    home = folder.absolute()
    home.mkdir(parents=True, exist_ok=True)
    campaign = new_campaign(
        home / "批次", year=YEAR, edition=default_edition_id(), units=_list(home / "单位名单.xlsx")
    )
    click.echo(f"\n一、建批次：{len(UNITS)} 个单位，两个区。名单在 {home / '单位名单.xlsx'}")
    sent = distribute(campaign)
    click.echo(f"二、下发：{sent.units} 个加了封印的工作簿，{len(sent.parcels)} 个压缩包")
    returned = list(_returned(campaign, [parcel for _, parcel, _ in sent.parcels], home / "收到的"))
    click.echo(f"三、单位填好报来：{len(returned)} 个（一个收支不平，一个目标没填，一个没有报）")
    result = collect(campaign, [home / "收到的"])
    names = {code: name for code, name, _ in UNITS}
    for receipt in result.receipts:
        remark = f"：{receipt.first}" if receipt.first else ""
        click.echo(f"四、收取 {names.get(receipt.unit, receipt.name)}　{receipt.outcome}{remark}")
    standing = status(campaign)
    write_chase(home / "催报名单.txt", campaign, standing)
    write_notes(campaign, notes(campaign, ()), home / "退回意见")
    book = rollup(campaign)
    write_rollup(home / "汇总表.xlsx", book)
    campaign.ledger.close()
    click.echo(
        f"五、汇总：计入 {book.covered} / {len(UNITS)} 个单位\n\n"
        f"打开看：{home / '汇总表.xlsx'}、{home / '退回意见'}、{home / '催报名单.txt'}"
    )


def _list(path: Path) -> Path:
    from xlsxwriter import Workbook

    from xltool.files.atomic import writing

    with writing(path, "wb") as file, Workbook(file) as book:
        sheet = book.add_worksheet("名单")
        for row, line in enumerate([("部门编码", "部门名称", "区县"), *UNITS]):
            for column, text in enumerate(line):
                sheet.write_string(row, column, text)
    return path


def _returned(campaign: Campaign, parcels: list[Path], received_folder: Path) -> Iterator[Path]:
    """Each unit fills in the workbook that it was sent; one of them does not."""
    from xltool.campaign.returns.sealed_filling import fill_sealed
    from xltool.campaign.sealing.parcel import read_parcel
    from xltool.databook import load_databook

    [model] = load_databook(Path(__file__).with_name("tour.json"))
    received_folder.mkdir(exist_ok=True)
    for parcel in parcels:
        for name, data in read_parcel(parcel).items():
            code = name.partition("_")[0]
            unit = next((unit for unit in UNITS if unit[0] == code), None)
            if unit is None or not name.endswith(".xlsx") or code == ABSENT:
                continue
            blank = received_folder / name
            blank.write_bytes(data)
            fill_sealed([_filing(model, *unit[:2])], blank, blank, campaign.edition_folder)
            yield blank


def _filing(model: Filing, code: str, unit: str) -> Filing:
    """The unit's filing: the model's answers under its own name, and its fault."""
    own = {"unit": Entry(unit, unit), "filer": Entry(unit, unit)}
    forms = [replace(form, entries={**form.entries, **own}) for form in model.forms]
    department, *projects = forms
    if code in FAULTS:
        field, text = FAULTS[code]
        wrong = Entry(Decimal(text) if field == "fund" else text or None, text)
        department = replace(department, entries={**department.entries, field: wrong})
    return replace(model, department=department, projects=tuple(projects), code=code)
