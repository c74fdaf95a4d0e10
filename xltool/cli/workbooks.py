"""What commands take: workbooks and folders of workbooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from xltool.cli._output import echo
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.files.barrier import Failure, Result, guarded
from xltool.files.discover import FileKind, FoundFile, below, is_lock, kind_of, once
from xltool.files.filenames import TakenNames
from xltool.model import FaultKind, Filing

paths_argument = click.argument(
    "paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
edition_option = click.option(
    "--edition", default="", help="版式编号，或它所在的文件夹（默认按文件自己的标记）。"
)


def workbooks(paths: Sequence[Path], *, announce: bool = True) -> Iterator[Path]:
    """The files named, and the workbooks in the folders named, in order of name, each once.

    What a folder holds besides is named on stderr, with what can be done with it.
    """
    return once(_workbooks(paths, announce))


def _workbooks(paths: Sequence[Path], announce: bool) -> Iterator[Path]:
    for file in _found(paths):
        if file.kind is FileKind.WORKBOOK:
            yield file.path
        elif announce and not _own_page(file):
            echo(f"跳过：{file.path!s}（{file.what_to_do}）", err=True)


def _found(paths: Sequence[Path]) -> list[FoundFile]:
    """All that lies there, before the first is opened.
    Raises XltoolError where a folder holds no workbook."""
    listed: list[FoundFile] = []
    for path in paths:
        if not path.exists():
            raise XltoolError(f"没有这个文件或文件夹：{path}")
        files = list(below(path)) if path.is_dir() else [_named(path)]
        kinds = {file.kind for file in files}
        if FileKind.WORKBOOK not in kinds:
            if FileKind.LOCK in kinds:
                raise XltoolError(f"{path}：没有工作簿可读，只有 Excel 打开时的锁文件（~$ 开头）")
            raise XltoolError(f"文件夹里没有工作簿：{path}")
        listed += files
    return listed


# Text files: whatever is in one, it is no workbook under another name.
_TEXTS = (".json", ".csv")


def _named(path: Path) -> FoundFile:
    """Whoever names a file wants it opened, unless it is a lock. Raises XltoolError for what a
    folder's check passes over as another kind."""
    if is_lock(path.name):
        return FoundFile(path, FileKind.LOCK)
    if path.suffix.lower() in _TEXTS and path.is_file():
        raise XltoolError(f"{path}：{FoundFile(path, kind_of(path.name)).what_to_do}")
    return FoundFile(path, FileKind.WORKBOOK)


def _own_page(file: FoundFile) -> bool:
    """A page or table of results: nobody takes it for a filing."""
    return file.kind is FileKind.OWN_REPORT and file.path.suffix.lower() != ".xlsx"


def each_workbook(
    paths: Sequence[Path],
    work: Callable[[Path], Result],
    failed: list[tuple[str, str]],
    skipped: Callable[[Path], bool] | None = None,
) -> Iterator[Result]:
    """What `work` gives for every workbook. What it can't do goes to `failed`, with the reason, and
    is said; the others go on."""
    for file in workbooks(paths):
        if skipped is not None and skipped(file):
            continue
        result = guarded(functools.partial(work, file))
        if isinstance(result, Failure):
            failed.append((str(file), result.reason))
            echo(f"错误：{result.reason}", err=True)
        else:
            yield result


class OutputPlaces:
    """Where what is made of each workbook goes: in the output as deep as the workbook lies in the
    folder that was named, and no two in one place."""

    def __init__(self, paths: Sequence[Path], output: Path) -> None:
        self._paths, self._output = paths, output
        self._taken: dict[Path, TakenNames] = {}
        self._places: dict[Path, Path] = {}

    def of(self, file: Path, ending: str = "") -> Path:
        """The place of this workbook's copy, or of what has this ending; always the same one."""
        if file not in self._places:
            above = next(filter(functools.partial(_lies_in, file), self._paths), file.parent)
            folder = self._output / file.parent.relative_to(above)
            names = self._taken.setdefault(folder, TakenNames())
            self._places[file] = folder / names.give(file.stem, ending or file.suffix)
        return self._places[file]


def _lies_in(file: Path, folder: Path) -> bool:
    return folder.is_dir() and file.is_relative_to(folder)


def read_filing(file: Path, edition: Edition | None) -> Filing:
    """The filing in a workbook. Raises XltoolError where it is no official form, or nobody can tell
    what stands where."""
    from xltool.reading.reader import read

    filing = read(file, edition=edition)
    if not any(filing.forms) or any(fault.kind == FaultKind.LOST for fault in filing.faults):
        raise XltoolError(f"{file}：" + "；".join(fault.detail for fault in filing.faults))
    guard.take(file)
    return filing
