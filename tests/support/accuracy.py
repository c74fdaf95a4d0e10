"""How often each rule speaks rightly:
over indicators of published forms, reviewed rows and the fresh filings."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator

from tests.support.case import filing_of, place_of
from tests.support.fresh import FOLDER, clean_forms, fresh_filing, plant, planted
from tests.support.paths import DOCS
from xltool import check
from xltool.checks.engine import rules
from xltool.editions.declaration import load_edition
from xltool.model import Filing

Row = dict[str, str]
BLOCKS = {block.label: block.id for block in load_edition().project.indicators.block}


def rows_of(file: str) -> list[Row]:
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    return list(csv.DictReader((n for n in lines if not n.startswith("#")), delimiter="\t"))


def filed(row: Row) -> tuple[Filing, str]:
    """The clean filing with this one indicator in its category,
    in the year it was filed for; its block."""
    block = next(b for label, b in BLOCKS.items() if label.startswith(row["category"][:4]))
    year = re.search("20[0-9]{2}", row["value"])
    year = year[0] if year and row["codes"] != "I411" else "2024"
    budget = row["budget"]
    period = row["value"] if block == "time" and "-" in row["value"] else ""
    project = {
        block: [[row["name"], row["value"], row["standard"]]],
        "year": year,
        "period": period or f"{year}年1月-{year}年12月",
    }
    if block != "time":
        project["time"] = [["工程完工时限", "11月30日前", "计划标准"]]
    department = {"year": year, "time": [["年度任务完成时限", "12月31日前"]]}
    if budget:
        project |= {"own_budget": budget, "upper_budget": ""}
        project |= {} if block == "cost" else {"cost": [["材料费", "≤10万元", "计划标准"]]}
        department |= {"project_spending": budget, "basic": str(3173.17 - float(budget))}
    return filing_of({"department": department, "project": project}), block


def said_of(row: Row) -> dict[str, str]:
    """Rule → message of what is found in the cells of this one indicator."""
    filing, block = filed(row)
    form = filing.projects[0]
    cells = {
        place_of(filing, f"project.{block}.1.{c}").cell for c in ("name", "target", "standard")
    }
    return {f.code: f.message for f in check(filing) if f.cell in cells and f.sheet == form.sheet}


def judged() -> Iterator[tuple[str, str, bool]]:
    """(where from, rule, rightly) of every finding."""
    for file, source in (("samples.tsv", "公开的申报"), ("reviewed.tsv", "复核过的")):
        for row in rows_of(file):
            for code in said_of(row):
                yield source, code, code in row["codes"].split("/")
    for unit in clean_forms():
        for f in check(fresh_filing(unit)):
            yield "自编的", f.code, f.severity == "note"
    for fault in planted():
        clean = Counter((f.code, f.message) for f in check(fresh_filing(fault.unit)))
        for f in check(plant(fault)):
            if (f.code, f.message) not in clean:
                yield "自编的", f.code, f.code in fault.codes


SOURCES = ("公开的申报", "复核过的", "自编的")


def table() -> str:
    """docs/rules-accuracy.md's table: found, right and false of each rule."""
    told = Counter(judged())
    lines = [
        "| 规则 | " + " | ".join(f"{s}：发现 | 对 | 误报" for s in SOURCES) + " |",
        "|---|" + "---|" * (3 * len(SOURCES)),
    ]
    for code in sorted({code for _, code, _ in told}):
        cells = []
        for source in SOURCES:
            right, wrong = told[source, code, True], told[source, code, False]
            cells += [str(right + wrong), str(right), str(wrong)]
        lines.append(f"| {code} {rules()[code].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = DOCS / "rules-accuracy.md"
    head, _, _ = page.read_text("utf-8").partition("| 规则 |")
    page.write_text(head + table(), "utf-8")
