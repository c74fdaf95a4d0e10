"""`python -m benchmarks.caches`: what each remembered function saves of fill, read and check.

Every `lru_cache` of the package is taken away in turn, the same varied filings are filled, read and
checked with it and without it, in alternating rounds, and the ratio of processor times (without :
with) is printed, dearest first. One near 1.00 is not worth its line.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

import xltool
from benchmarks.forms import filings
from xltool.filling.writer import render

_WRAPPER = type(functools.lru_cache(lambda: None))
# Its Python part is LibreOffice's; the others start an application or a command.
_NOT_IMPORTED = ("xltool.excel", "xltool.__main__")


def remembered() -> dict[str, Any]:
    """Every function of the package that remembers its results, by its full name."""
    for module in pkgutil.walk_packages(xltool.__path__, "xltool."):
        if not module.name.startswith(_NOT_IMPORTED):
            importlib.import_module(module.name)
    functions: dict[str, Any] = {}
    for name, module in sorted(sys.modules.items()):
        if name.startswith("xltool"):
            for value in vars(module).values():
                if isinstance(value, _WRAPPER):
                    functions[f"{value.__module__}.{value.__name__}"] = value
    return functions


@contextmanager
def without(function: Any) -> Iterator[None]:
    """The package with a function that remembers nothing, wherever its name was imported."""
    places = [
        (module, name)
        for key, module in sys.modules.items()
        if key.startswith("xltool")
        for name, value in vars(module).items()
        if value is function
    ]
    for module, name in places:
        setattr(module, name, function.__wrapped__)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, function)


def seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--count", default=20, show_default=True, help="Filings in a round.")
def main(rounds: int, count: int) -> None:
    """Print for each remembered function how much slower the work is without its memory."""
    samples = list(filings(count))

    def work() -> None:
        for filing in samples:
            xltool.check(xltool.read(render(filing)))

    functions = remembered()
    work()
    ratios: dict[str, float] = {}
    for name, function in functions.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            times[0].append(seconds(work))
            with without(function):
                times[1].append(seconds(work))
        ratios[name] = min(times[1]) / min(times[0])
    for name, ratio in sorted(ratios.items(), key=lambda item: -item[1]):
        click.echo(f"{ratio:6.2f}  {name}")


if __name__ == "__main__":
    main()
