"""A whole campaign, measured: sent out, returned with faults of every kind, collected, added up.

    python benchmarks/campaign.py FOLDER [--districts 130] [--units 60] [--office]

Every 20th unit goes wrong, the kinds in turn. What was planted is known here and nowhere else; the
run ends with an error where a fault is told wrong, a good file is refused, or a total is not the
independent sum. With --office a few files are really saved by LibreOffice, as .xlsx and as .xls.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.campaign import (
    HEADS,
    fill_in,
    make_campaign,
    sent_workbooks,
    unit_rows,
    write_units,
)
from tests.support.faults import FAULTS, Sent
from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.status import status, write_chase
from xltool.campaign.returns.verification import verify
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.sheets import write_rollup
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.distribution import distribute
from xltool.campaign.units import read_unit_list

EVERY = 20


class Clock:
    """Prints what each step took, in all processes,
    and the most memory this one and its workers ever held."""

    def __init__(self) -> None:
        self.skip()

    def __call__(self, what: str) -> None:
        wall, cpu = time.perf_counter() - self.start, _cpu() - self.cpu
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"{what:<44}{wall:8.1f} s, CPU {cpu:7.2f} s   {own:5.0f} MB, worker {workers:4.0f} MB",
            flush=True,
        )
        self.skip()

    def skip(self) -> None:
        self.start, self.cpu = time.perf_counter(), _cpu()


def _cpu() -> float:
    """CPU seconds of this process and of its workers that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--districts", type=int, default=130)
    options.add_argument("--units", type=int, default=60)
    options.add_argument("--office", action="store_true")
    given = options.parse_args()
    given.folder.mkdir(parents=True)
    clock = Clock()
    campaign = make_campaign(given.folder, given.districts, given.units, deadline="2024-01-20")
    clock("new")
    sent = distribute(campaign)
    clock(f"distribute {sent.units} workbooks, {len(sent.parcels)} parcels")
    assert distribute(campaign).units == 0
    clock("distribute again (nothing)")
    assert verify(sent.parcels[0][1]).good
    clock("verify one parcel")

    plan = planted(campaign)
    second_issue(campaign, given, {code for code, name in plan.items() if name == "old_issue"})
    clock.skip()
    # In a process of its own, for what it holds is not what xltool holds.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        made = apart.submit(returns, campaign.folder, given.folder / "returns", plan, given.office)
        truth = made.result()
    print(f"planted: {dict(Counter(plan.values()))}")
    clock("(making the returns, not part of it)")

    taken = collect(campaign, [given.folder / "returns"])
    clock(f"collect {len(taken.receipts)} returns")
    again = collect(campaign, [given.folder / "returns"])
    assert not again.new and not again.problems
    clock("collect again (nothing)")
    standing = status(campaign)
    write_chase(given.folder / "chase.xlsx", campaign, standing)
    clock("status, chase list")
    book = rollup(campaign, "亿元", 4)
    write_rollup(given.folder / "rollup.xlsx", book)
    clock("rollup .xlsx in 亿元")
    data = rollup_json(book)
    (given.folder / "rollup.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    clock("rollup .json")
    judge(campaign, plan, truth, data)
    print(dict(standing.counts()), f"problems: {taken.problems}")


def planted(campaign: Campaign) -> dict[str, str]:
    """Code → the kind of fault it will return."""
    codes = [unit.code for unit in campaign.ledger.units()]
    kinds = list(FAULTS)
    return {code: kinds[n % len(kinds)] for n, code in enumerate(codes[::EVERY])}


def second_issue(campaign: Campaign, given: argparse.Namespace, late: set[str]) -> None:
    """Other known figures for those who will return the old workbook."""
    rows = unit_rows(given.districts, given.units)
    for row in rows:
        if row[0] in late:
            row[HEADS.index("预填一般公共预算")] = "1999.99"
    listed = read_unit_list(write_units(given.folder / "units2.xlsx", rows), campaign.edition).units
    with campaign.ledger.transaction():
        campaign.ledger.put_units(listed)
    assert distribute(campaign).units == len(late)


def returns(
    campaign_folder: Path, folder: Path, plan: dict[str, str], office: bool
) -> dict[str, Decimal]:
    """Write all returns, half the districts as zips. What each good one adds to the total."""
    campaign = open_campaign(campaign_folder)
    first = sent_workbooks(campaign.folder / "下发" / "第1批")
    latest = {**first, **sent_workbooks(campaign.folder / "下发" / "第2批")}
    units = campaign.ledger.units()
    truth: dict[str, Decimal] = {}
    saved: list[Path] = []
    for n, unit in enumerate(units):
        other = units[n + 1 if n + 1 < len(units) else n - 1]
        kind = plan.get(unit.code)
        here = folder / unit.district
        here.mkdir(parents=True, exist_ok=True)
        if kind is None:
            name, data = f"{unit.code}_{unit.name}.xlsx", fill_in(latest[unit.code])
        else:
            sent = Sent(
                unit.code, unit.name, latest[unit.code], other.code, other.name, latest[other.code],
                first[unit.code],
            )  # fmt: skip
            name, data = FAULTS[kind].make(sent)
        if kind is None or FAULTS[kind].counts:
            truth[unit.code] = Decimal(unit.prefilled["general"]) + Decimal("1290.00")
        (here / name).write_bytes(data)
        if office and kind in ("saved_by_another_program", "old_xls"):
            if kind == "old_xls":
                (here / name).write_bytes(fill_in(latest[unit.code]))
            saved.append(here / name)
    if office:
        save_with_office(folder.parent, saved)
    for district in [d for n, d in enumerate(sorted(folder.iterdir())) if n % 2]:
        with zipfile.ZipFile(district.with_suffix(".zip"), "w") as archive:
            for file in sorted(district.iterdir()):
                archive.write(file, f"{district.name}/{file.name}")
                file.unlink()
        district.rmdir()
    return truth


def save_with_office(scratch: Path, files: list[Path]) -> None:
    """Let LibreOffice save these files, one start for all of a format."""
    profile = f"-env:UserInstallation={(scratch / 'profile').absolute().as_uri()}"
    for suffix, form in ((".xlsx", "xlsx:Calc MS Excel 2007 XML"), (".xls", "xls:MS Excel 97")):
        here = [f for f in files if f.suffix == suffix]
        sources = []
        for file in here:
            source = scratch / "office-in" / f"{file.stem}.xlsx"
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(file.read_bytes())
            sources.append(str(source))
        goal = scratch / f"office{suffix}"
        command = [
            "soffice",
            profile,
            "--headless",
            "--convert-to",
            form,
            "--outdir",
            str(goal),
            *sources,
        ]
        subprocess.run(command, check=True, capture_output=True)
        for file in here:
            file.write_bytes((goal / f"{file.stem}{suffix}").read_bytes())
    print(f"saved by LibreOffice: {len(files)} files")


def judge(campaign: Campaign, plan: dict[str, str], truth: dict[str, Decimal], data: dict) -> None:
    """Every fault told right, every good file accepted, the totals the independent sum."""
    counted = campaign.ledger.counted()
    refused = sorted(set(truth) - set(counted))
    wrongly = sorted(set(counted) - set(truth))
    # A file that another unit handed in under its name is no fault of its owner.
    assert not refused, f"good files refused: {refused[:5]}"
    assert not wrongly, f"bad files counted: {wrongly[:5]}"
    told = Counter()
    by_name = {row["name"].rpartition("/")[2]: row for row in campaign.ledger.returns()}
    names = {unit.code: unit.name for unit in campaign.ledger.units()}
    for code, kind in plan.items():
        row = next(
            r for n, r in by_name.items() if n.startswith(code) or code in n or names[code] == n
        )
        codes = {f["code"] for f in json.loads(row["findings"])}
        fault = FAULTS[kind]
        assert row["kind"] == fault.kind and fault.codes <= codes, (code, kind, row["kind"], codes)
        told[kind] += 1
    total = sum(truth.values(), Decimal(0))
    assert Decimal(data["whole"]["total"]) == total, (data["whole"]["total"], total)
    assert sum(Decimal(d["total"]) for d in data["districts"]) == total
    assert data["covered"] == len(truth)
    shown = data["shown"]
    for key, value in shown["whole"].items():
        assert sum(Decimal(d[key]) for d in shown["districts"].values()) == Decimal(value), key
    print(
        f"told right: {sum(told.values())} faults of {len(told)} kinds; accepted: {len(truth)}; total {total}"
    )


if __name__ == "__main__":
    main()
