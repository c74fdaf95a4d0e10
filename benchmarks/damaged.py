"""`python -m benchmarks.damaged [COUNT] [--seed N]`: damaged workbooks read and checked;
none may crash or tarry.

Three ways to hurt a sound filing, in turn: bytes and parts (`tests/reading/test_hostile.py`), well-
and ill-formed edits of the XML (`tests/reading/test_foreign_xml.py`), cells spelled and formatted
otherwise (`tests/support/spellings.py`). Prints how many were refused, the slowest by processor
time, the peak memory.
"""

from __future__ import annotations

import random
import resource
import time
import traceback
import zipfile
from collections import Counter
from io import BytesIO

import click

import xltool
from tests.reading import test_foreign_xml, test_hostile
from tests.support.case import filing_of
from tests.support.packages import parts_of, repacked
from tests.support.spellings import Pack
from xltool.filling.writer import render


class Damage:
    """Damaged workbooks without end, the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.workbook = render(filing_of({}))
        self.texts = parts_of(self.workbook)
        with zipfile.ZipFile(BytesIO(self.workbook)) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}

    def next(self, number: int) -> bytes:
        if number % 3 == 0:
            return test_hostile.mutated(self.parts, self.chance)
        if number % 3 == 1:
            hurt = test_foreign_xml.edited(self.texts, self.chance)
            changed = {n: t.encode() for n, t in hurt.items() if t != self.texts.get(n)}
            return repacked(self.workbook, **changed)
        return Pack(self.workbook, self.chance, 1).alone(1)


@click.command()
@click.argument("count", default=20_000)
@click.option("--seed", default=14, show_default=True)
def main(count: int, seed: int) -> None:
    """Read and check COUNT damaged workbooks."""
    damage = Damage(seed)
    outcomes: Counter[str] = Counter()
    slowest, spent = 0.0, 0.0
    for number in range(count):
        data = damage.next(number)
        start = time.process_time()
        try:
            filing = xltool.read(data)
            findings = xltool.check(filing)
        except Exception:
            outcomes["crash"] += 1
            click.echo(f"crash of number {number}:\n{traceback.format_exc()}")
            continue
        took = time.process_time() - start
        slowest, spent = max(slowest, took), spent + took
        refused = any(finding.code in ("R101", "R102") for finding in findings)
        outcomes["refused" if refused else "findings" if findings else "clean"] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    click.echo(f"{count} damaged workbooks: {dict(outcomes)}")
    click.echo(
        f"slowest {slowest:.3f} s of processor time, mean {spent / max(count, 1) * 1e3:.2f} ms"
    )
    click.echo(f"peak memory {peak} MB")
    if outcomes["crash"] or slowest > 2 or peak > 400:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
