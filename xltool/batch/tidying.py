"""What a run finds in OUT and may put away: half-written files, results that no input gives any
more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xltool.batch.inputs import STATE
from xltool.batch.journal import Journal, LeftFile
from xltool.batch.outlet import Written, announced, forget_announced, seal
from xltool.batch.storage import OCCUPIED, StorageFolder
from xltool.errors import XltoolError
from xltool.files.atomic import is_temporary, sweep


def is_own(name: str) -> bool:
    """Not a result, but what xltool keeps for itself."""
    return name.startswith(f"{STATE}/")


# Why a file stays.
EDITED = "有人改过"


def put_away(file: LeftFile, outside: StorageFolder) -> str:
    """Remove a file of OUT as it was left there; why it stays where it does, as EDITED."""
    stamp = outside.stamp(file.name)
    if not stamp:
        return ""
    if stamp == OCCUPIED or file.written.edited:
        return EDITED
    try:
        if stamp != file.written.stamp and seal(outside.load(file.name)) != file.written.seal:
            return EDITED
        outside.remove(file.name)
    except XltoolError as error:
        return str(error)
    return ""


def tidy_up(home: Path, journal: Journal, outside: StorageFolder) -> None:
    """Take up what a killed run left: half-written files go, finished ones are noted as ours."""
    take_up(home, journal, outside)
    sweep_out(home, outside)
    forget_announced(home)


def take_up(home: Path, journal: Journal, outside: StorageFolder) -> None:
    """Note as ours what a worker announced and wrote whole, but could no longer tell of."""
    for name, fresh, key, origin in announced(home):
        if journal.seal(name) == fresh:
            continue
        stamp = outside.stamp(name)
        if stamp not in ("", OCCUPIED) and seal(outside.load(name)) == fresh:
            journal.adopt(name, Written(fresh, stamp), key, origin)
    journal.commit()


@contextmanager
def swept(home: Path, outside: StorageFolder) -> Iterator[None]:
    """A run that can't go on, as on a full disk, ends its workers in the middle of a file."""
    try:
        yield
    except XltoolError:
        sweep_out(home, outside)
        raise


def sweep_out(home: Path, outside: StorageFolder) -> None:
    """Remove what was left half-written, reports too; nobody else writes here now."""
    sweep(list(home.rglob("*")))  # a folder may go while they are listed
    with suppress(XltoolError):  # there is no OUT yet
        for listing in outside.folders():
            for name in listing.files:
                if is_temporary(name):
                    outside.remove(f"{listing.inner}/{name}".lstrip("/"))
