"""One input that lies behind a URL: brought here, worked on as ever, the results sent where they belong."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from xltool.batch.inputs import Item
from xltool.batch.storage import Remote, is_url
from xltool.batch.task import Known, Outcome, RunOrder, work
from xltool.errors import DiskError
from xltool.files.barrier import reason_of


def perform(item: Item, known: Known, order: RunOrder) -> Outcome:
    """Do one input wherever it and its results lie."""
    if not is_url(item.path) and not is_url(order.output):
        return work(item, order, known)
    with TemporaryDirectory(prefix="xltool-") as folder:
        try:
            here = _brought(item, Path(folder) / "in")
            if not is_url(order.output):
                return work(here, order, known)
            outside = Remote(order.output)
            near = replace(order, output=str(Path(folder) / "out"))
            outcome = work(here, near, known, outside.filled)
            for name in outcome.outputs:
                outside.send(Path(near.output) / name, name)
        except DiskError:
            raise
        except Exception as error:
            return Outcome(item.key, failed=reason_of(error))
        parts = [
            replace(part, path=outside.at(Path(part.path).relative_to(near.output).as_posix()))
            for part in outcome.parts
        ]
        return replace(outcome, parts=parts)


def _brought(item: Item, folder: Path) -> Item:
    """The input as a file of this machine."""
    if not is_url(item.path):
        return item
    home, _, name = item.path.rpartition("/")
    if item.is_folder:
        Remote(item.path).fetch_tables(folder / name)
    else:
        Remote(home).fetch(name, folder / name)
    return replace(item, path=str(folder / name))
