"""What was read of each unit, kept until its last row was read: of a large book on disk, so that
memory doesn't grow with the book. The rows of a unit may lie scattered over its tables.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Generic, TypeVar

from xltool.errors import XltoolError, why

if TYPE_CHECKING:
    from collections.abc import Iterator

Shelved = TypeVar("Shelved")

# Pieces (forms, indicators) in memory before they are put away; those of some two hundred units.
MOST = 5_000


class Shelf(Generic[Shelved]):
    """Pieces by the number of their unit, put there in any order. A small book needs no file."""

    def __init__(self) -> None:
        self._near: defaultdict[int, list[Shelved]] = defaultdict(list)
        self._count = 0
        self._far: defaultdict[int, list[int]] = defaultdict(list)
        self._file: IO[bytes] | None = None

    def put(self, unit: int, piece: Shelved) -> None:
        """Raises XltoolError where there is no room for a temporary file."""
        self._near[unit].append(piece)
        self._count += 1
        if self._count >= MOST:
            with _said():
                self._put_away()

    def _put_away(self) -> None:
        file = self._file = self._file or tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by close()
        for unit, pieces in self._near.items():
            self._far[unit].append(file.tell())
            pickle.dump(pieces, file, pickle.HIGHEST_PROTOCOL)  # read back by nobody but us
        self._near.clear()
        self._count = 0

    def take(self, unit: int) -> list[Shelved]:
        """All pieces of a unit, in the order in which they were put there."""
        pieces: list[Shelved] = []
        if self._file is not None:
            with _said():
                for place in self._far.get(unit, ()):
                    self._file.seek(place)
                    pieces += pickle.load(self._file)
        return pieces + self._near.get(unit, [])

    def close(self) -> None:
        """Gives the room on the disk back."""
        if self._file is not None:
            with suppress(OSError):  # what could not be put away has been said
                self._file.close()


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise XltoolError(f"临时文件夹放不下这本数据表：{why(error)}") from error
