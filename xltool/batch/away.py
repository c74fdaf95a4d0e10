"""One input wherever it lies: one that lies behind a URL is brought here first."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from xltool.batch.at_rest import QUIET
from xltool.batch.inputs import Item
from xltool.batch.outlet import PriorState
from xltool.batch.storage import Remote, is_url
from xltool.batch.task import Outcome, RunOrder, work
from xltool.errors import DiskError, XltoolError
from xltool.files.barrier import reason_of

# How often an input is brought anew that changes on the way.
_TRIES = 10


class OtherVersion(XltoolError):
    """A worker has another xltool than the run:
    what it would write is not what the others write."""


def same_version(order: RunOrder) -> None:
    """Whether this process has the xltool of the run. Raises OtherVersion."""
    from xltool import __version__

    if order.version != __version__:
        raise OtherVersion(f"工作进程上的 xltool 是 {__version__}，这次运行是 {order.version}")


def perform(item: Item, prior: PriorState, order: RunOrder) -> Outcome:
    """Do one input wherever it and its results lie. Raises DiskError."""
    if item.refused:
        return Outcome(item.key, failed=item.refused)
    if not is_url(item.path):
        return work(item, order, prior)
    with TemporaryDirectory(prefix="xltool-") as folder:
        try:
            local_item = _brought(item, Path(folder) / "in")
        except DiskError:
            raise
        except Exception as error:  # each kind of store has its own
            return Outcome(item.key, failed=reason_of(error))
        return work(local_item, order, prior, brought=True)


def _brought(item: Item, folder: Path) -> Item:
    """The input as a file of this machine."""
    home, _, name = item.path.rpartition("/")
    if item.is_folder:
        Remote(item.path).fetch_tables(folder / name)
    else:
        store = Remote(home)
        for _ in range(_TRIES):
            before = store.stamp(name)
            store.fetch(name, folder / name)
            if store.stamp(name) == before:
                break
            time.sleep(QUIET)  # somebody is writing it
    return replace(item, path=str(folder / name))
