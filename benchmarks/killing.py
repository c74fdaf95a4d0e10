"""Kill a run of `xltool batch` again and again at random moments;
the end must be that of a calm run.

    python -m benchmarks.killing [--files 500] [--kills 50] [--seed 1] [--whom all|parent|worker]

All processes at once, the parent only (its workers must end by themselves, and the next run begin
at once), or one worker after the other while the run goes on.

Every file is compared byte for byte, of report.xlsx each part; but for the times in the reports.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import click
import psutil

from benchmarks.growth import inputs


@click.command()
@click.option("--files", default=500, show_default=True)
@click.option("--kills", default=50, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--whom", type=click.Choice(["all", "parent", "worker"]), default="all")
def main(files: int, kills: int, seed: int, whom: str) -> None:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="xltool-killing-") as folder:
        source = inputs(Path(folder) / "in", "fill", files)
        calm, out = Path(folder) / "calm", Path(folder) / "out"
        began = time.monotonic()
        subprocess.run(command(source, calm), stdout=subprocess.DEVNULL, check=False)
        whole = time.monotonic() - began
        killed = ended = 0
        while killed < kills:
            # Were all kills early, no run would come far; were all late, each would end before its
            # own.
            process = subprocess.Popen(
                command(source, out), stdout=subprocess.DEVNULL, start_new_session=True
            )
            try:
                process.wait(dice.random() ** 2 * whole)
            except subprocess.TimeoutExpired:
                killed += _kill(process, whom, dice)
            else:
                # It came to its end before its moment: that end is compared, and another run begun.
                ended += 1
                check(compare(calm, out))
                shutil.rmtree(out)
        finished = subprocess.run(command(source, out), stdout=subprocess.DEVNULL, check=False)
        check([f"exit code {finished.returncode}"] if finished.returncode not in (0, 1) else [])
        check(compare(calm, out))
        left = [path.name for path in out.rglob(".xltool-*.tmp")]
        check([f"left behind: {left}"] if left else [])
        said = f"{files} files, a calm run {whole:.1f} s; killed {killed} times, {ended + 1} runs came to an end"
        click.echo(f"{said}: each the same as the calm one")


def _kill(process: subprocess.Popen[bytes], whom: str, dice: random.Random) -> int:
    """Kill the run, or one of its workers and let it go on; how many were killed."""
    if whom == "worker":
        workers = psutil.Process(process.pid).children()
        if workers:
            with suppress(psutil.NoSuchProcess):
                dice.choice(workers).kill()
        process.wait()
        return bool(workers)
    if whom == "all":
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    return 1


def command(source: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "xltool", "batch", str(source), str(out), "--jobs", "2"]


def compare(calm: Path, out: Path) -> list[str]:
    """What differs between two OUT folders."""
    one, other = contents(calm), contents(out)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


_TIME = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\dZ)?")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of an OUT folder; of the reports what does not tell the time."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith(".xltool/"):
            continue
        if name == "report.xlsx":
            with zipfile.ZipFile(path) as book:
                found |= {
                    f"{name}/{part}": _TIME.sub(b"", book.read(part)) for part in book.namelist()
                }
        elif name in ("report.html", "report.json"):
            found[name] = _TIME.sub(b"", path.read_bytes())
        else:
            found[name] = path.read_bytes()
    return found


def check(differences: list[str]) -> None:
    if differences:
        sys.exit(f"NOT the same: {', '.join(differences[:10])}")


if __name__ == "__main__":
    main()
