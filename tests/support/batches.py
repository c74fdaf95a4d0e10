"""Folders of many inputs, and the command that does them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.databook import write_databook
from xltool.model import Entry


def named(unit: str):
    """The seed's filing under another unit's name."""
    seed = seed_filing()
    entries = {key: Entry(unit, unit) for key in ("unit", "filer")}
    return replace(
        seed,
        department=replace(seed.department, entries={**seed.department.entries, **entries}),
        projects=tuple(replace(p, entries={**p.entries, **entries}) for p in seed.projects),
    )


def command(source: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "xltool", "batch", str(source), str(out), "--jobs", "2", *more]


def many(folder: Path, count: int) -> Path:
    """`count` data books, each one unit's."""
    texts = {path.name: path.read_text("utf-8-sig") for path in EXAMPLE.iterdir()}
    for n in range(count):
        book = folder / f"区{n % 7}" / f"单位{n}"
        book.mkdir(parents=True)
        for name, text in texts.items():
            (book / name).write_text(text.replace(UNIT, f"单位{n}"), "utf-8-sig")
    return folder


def book_of(count: int, path: Path) -> Path:
    """One data book of units; of many one has no readable amount, one an amount in words."""
    write_databook([named(f"第{n}局") for n in range(count)], path)
    table = path / "部门.csv"
    lines = table.read_text("utf-8-sig").split("\n2023,")
    if count > 9:
        lines[4] = lines[4].replace("1245.61", "约数", 1)
        lines[9] = lines[9].replace("711.94", "711.94万元", 1)
    table.write_text("\n2023,".join(lines), "utf-8-sig")
    return path


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own at `folder`:
    the only honest full disk and read-only folder."""
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no `mount` on this system")
    result = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False
    )
    if result.returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
