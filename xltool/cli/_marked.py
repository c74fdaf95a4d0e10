"""The marked copies of `check --mark`:
what a unit wrote in an earlier copy goes into the new one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from xltool.cli._output import echo
from xltool.cli.workbooks import OutputPlaces
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.model import Filing, Finding

if TYPE_CHECKING:
    from xltool.editions.declaration import Edition

_COMMENTS = re.compile(r"xl/(.*/)?(threaded)?comments?[^/]*\.xml", re.IGNORECASE)


class MarkedCopies:
    """Copies of the checked workbooks in `folder`,
    each with its results and the unit's explanations."""

    def __init__(self, folder: Path, edition: Edition | None, paths: Sequence[Path]) -> None:
        self.folder, self._edition, self._paths = folder, edition, paths
        self._places = OutputPlaces(paths, folder)
        self.written = 0

    def holds(self, file: Path) -> bool:
        """The file is a copy itself, come upon because the copies lie below a folder
        that was named."""
        home = self.folder.resolve()
        above = any(path.is_dir() and path.resolve() in home.parents for path in self._paths)
        return above and file not in self._paths and file.resolve().is_relative_to(home)

    def explained(self, filing: Filing) -> Filing:
        """The filing with the explanations that stand in its earlier copy.

        Raises Guarded where the copy holds other work of a person's.
        """
        copy_path = self._copy_path(filing)
        if copy_path.resolve() == Path(filing.source).resolve():
            raise XltoolError(f"--mark 要另外一个文件夹，不能是 {self.folder}：原件不改")
        earlier = self._earlier(copy_path)
        if earlier is None:
            return filing
        if _of_another_unit(earlier, filing):
            _spare(earlier, copy_path)
            return filing
        self._claim(filing, earlier, copy_path)
        answers = {**filing.answers, **earlier.answers}
        if carried := len(answers) - len(filing.answers):
            echo(f"“{copy_path}”里写的 {carried} 条说明带进新的副本", err=True)
        return replace(filing, answers=answers)

    def _claim(self, filing: Filing, earlier: Filing, copy_path: Path) -> None:
        """Let the earlier copy be replaced.
        Raises Guarded where it holds more than explanations."""
        watch = guard.current()
        if watch is None:
            return
        says = _content(earlier, copy_path)
        if says in (_content(filing, Path(filing.source)),) or watch.wrote(copy_path, says):
            watch.allow(copy_path)
        elif not watch.force:
            try:
                watch.ask(copy_path)
            except guard.Guarded as error:
                raise guard.Guarded(
                    f"“{copy_path}”里除了“说明”还有人改过别处，没有覆盖；要用副本里改好的，请直接审核副本；"
                    "不要了请加 --force（说明仍会带过来）"
                ) from error

    def write(self, filing: Filing, findings: Sequence[Finding]) -> None:
        """The copy, under the workbook's own name."""
        from xltool.results_sheet.insert import mark_file
        from xltool.results_sheet.marks import marks
        from xltool.results_sheet.table import results

        source, copy_path = Path(filing.source), self._copy_path(filing)
        mark_file(source, copy_path, results(filing, findings, self._edition), marks(findings))
        self.written += 1
        if watch := guard.current():
            watch.remember(copy_path, _content(filing, source))

    def _copy_path(self, filing: Filing) -> Path:
        return self._places.of(Path(filing.source))

    def _earlier(self, copy_path: Path) -> Filing | None:
        from xltool.reading.reader import read

        if not copy_path.is_file():
            return None
        try:
            filing = read(copy_path, edition=self._edition)
        except XltoolError:
            return None
        return filing if any(filing.forms) else None


def _of_another_unit(earlier: Filing, filing: Filing) -> bool:
    from xltool.reading.last_year import same_unit, unit_keys

    both_say = bool(unit_keys(filing) and unit_keys(earlier))
    return both_say and not same_unit(filing, earlier)


def _spare(earlier: Filing, copy_path: Path) -> None:
    """Raises Guarded where another unit's copy holds explanations: they are nowhere else."""
    watch = guard.current()
    if earlier.answers and not (watch and watch.force):
        raise guard.Guarded(
            f"“{copy_path}”是“{earlier.unit}”的副本，写着 {len(earlier.answers)} 条说明，没有覆盖；"
            "请另用一个文件夹，不要了请加 --force"
        )


def _content(filing: Filing, file: Path) -> str:
    """A digest of all that a person may have put into a workbook, but for the explanations."""
    import hashlib

    digest = hashlib.sha256()
    for text in _said(filing, file):
        digest.update(text.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()


def _said(filing: Filing, file: Path) -> Iterator[str]:
    from xltool.results_sheet.table import RESULTS_SHEET, beside_the_table
    from xltool.xlsx.package import open_package
    from xltool.xlsx.workbook_reader import grid_of

    for form in filing.forms:
        yield f"{form.kind} {form.sheet}"
        for id_, entry in sorted(form.entries.items()):
            yield f"{id_} {entry.said}"
        for indicator in form.indicators:
            yield indicator.block + "".join(
                f"\1{id_} {e.said}" for id_, e in sorted(indicator.cells.items())
            )
    for fault in filing.faults:
        yield f"{fault.kind} {fault.place} {fault.detail} {fault.found}"
    package = open_package(file)
    for sheet in grid_of(package).sheets:
        if sheet.name == RESULTS_SHEET:
            yield from beside_the_table(sheet.cells)
        else:
            yield sheet.name
    for name in sorted(package.names()):
        if _COMMENTS.fullmatch(name):
            yield re.sub(r"<[^>]*>", "", package.read(name).decode("utf-8", "replace"))
