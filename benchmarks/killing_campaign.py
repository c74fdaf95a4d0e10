"""Kill −9 every command that changes a campaign, again and again;
run again, the end is the calm one.

    python -m benchmarks.killing_campaign [--kills 100] [--seed 1]

A command dies right before or after a file takes its place, or at a statement that changes the
ledger: so also between parcels that are written and the ledger that says so. The last point of each
is always tried, the others by chance.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

import click

from tests.support.campaign_kills import CASES, calm_run, killed_run, prepare


@click.command()
@click.option("--kills", default=100, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(kills: int, seed: int) -> None:
    dice = random.Random(seed)
    began = time.monotonic()
    # Not called as xltool calls its own temporary folders, in which it answers for nothing.
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        prepared = prepare(Path(folder))
        calm = {case: calm_run(prepared, case) for case in CASES}
        points = {(case, n) for case, (_, many) in calm.items() for n in range(many)}
        chosen = {(case, many - 1) for case, (_, many) in calm.items()}
        others = sorted(points - chosen)
        chosen.update(dice.sample(others, max(0, min(kills - len(chosen), len(others)))))
        for done, (case, at) in enumerate(sorted(chosen), 1):
            killed_run(prepared, case, calm[case][0], at)
            click.echo(f"\r{done} / {len(chosen)}", nl=False, err=True)
    click.echo(
        f"\n{len(CASES)} commands, {len(points)} points; killed {len(chosen)} times: each time whole, and run "
        f"again as if nothing had been ({time.monotonic() - began:.0f} s)"
    )


if __name__ == "__main__":
    main()
