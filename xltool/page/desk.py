"""What the page asks of the package:
each request plain data and one file's bytes, each answer the same.

This runs inside the browser, in a worker, but nothing in it knows that: it is ordinary Python, and
gives what the command line gives. Files come as bytes under the name that is shown; nothing is
opened, followed or kept beyond the request, but archives until they are closed.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec.structs import replace

from xltool.checks.engine import check as judge
from xltool.checks.engine import rules
from xltool.checks.results import VERDICTS, check_result, whole_results
from xltool.checks.settings import load_settings
from xltool.editions.declaration import (
    Edition,
    asked_edition,
    edition_in,
    load_edition,
    usable_editions,
)
from xltool.errors import XltoolError
from xltool.files.discover import FileKind, FoundFile, in_litter, kind_of
from xltool.files.filenames import TakenNames, safe_name
from xltool.library import load_library
from xltool.model import Filing, Finding, Severity
from xltool.reading.last_year import EarlierFile, EarlierFiles, read_earlier, same_unit, unit_keys
from xltool.reading.reader import read
from xltool.reports.html import index_row
from xltool.reports.run import packed

Request = Mapping[str, Any]
PageAnswer = tuple[Any, bytes | None]  # plain data, and a file where there is one
Progress = Callable[[int, int], None]

MOST_ARCHIVE = 256 * 2**20  # bytes of a zip inside a zip: the browser holds all of it in memory
# What is passed over, said as someone at the page needs it; the rest as everywhere.
PASSED_OVER = {
    FileKind.DOCUMENT: "网页里读不了 Word、PDF 等文档：请在装有 xltool 的电脑上运行 xltool import",
    FileKind.TABLE: "是数据表的一张表：请放到“填报”里",
    FileKind.DATABOOK: "可能是数据表：请放到“填报”里",
}


class Desk:
    """One page at work. `given` is the folder of what was put into the page when it was built: a
    bureau's edition (`edition/`), its settings (`settings.toml`) with the indicator library that
    they name, its public key (`public.pem`)."""

    def __init__(self, given: Path, progress: Progress | None = None) -> None:
        from xltool.campaign.sealing import keys

        folder, settings, pem = given / "edition", given / "settings.toml", given / "public.pem"
        self.edition: Edition | None = edition_in(folder) if folder.is_dir() else None
        self.settings = load_settings(settings if settings.is_file() else None)
        self.key = keys.load_public(pem.read_bytes()) if pem.is_file() else None
        self.key_from = "page" if self.key else ""
        self.progress: Progress = progress or (lambda done, of: None)
        self._archives: dict[int, Any] = {}
        self._earlier, self._earlier_filings = EarlierFiles(), dict[str, Filing]()

    def answer(self, name: str, request: Request, data: bytes = b"") -> PageAnswer:
        """The answer to one request. Raises XltoolError with a line for the person."""
        try:
            return REQUESTS[name](self, request, data)
        except MemoryError as error:
            raise XltoolError("浏览器给的内存不够，处理不了这个文件") from error

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def about(self, request: Request, data: bytes) -> PageAnswer:
        """What the page needs to know to begin."""
        from xltool import __version__
        from xltool.campaign.sealing import keys

        editions = [self.edition] if self.edition else usable_editions()
        return {
            "version": __version__,
            "verdicts": VERDICTS,
            "severities": {level.value: level.label for level in Severity},
            "titles": {code: rule.title for code, rule in rules().items()},
            "editions": [[edition.id, edition.title] for edition in editions],
            "key": keys.fingerprint(self.key) if self.key else "",
        }, None

    def warm(self, request: Request, data: bytes) -> PageAnswer:
        """The blank form judged, so that the first workbook waits for nothing to be loaded."""
        edition = self.edition or load_edition()
        self.check({"name": "blank.xlsx"}, edition.template.read_bytes())
        return None, None

    def kinds(self, request: Request, data: bytes) -> PageAnswer:
        """What may be done with files, by their names:
        (workbook, archive, key, no or nothing, why not)."""
        names = request["names"]
        return [
            ("", "") if in_litter(name) else _kind(name.rpartition("/")[2]) for name in names
        ], None

    def check(self, request: Request, data: bytes) -> PageAnswer:
        """A workbook judged: what the list shows, its record as JSON,
        the keys of its findings, its seal."""
        data = self._data(request, data)
        filing, findings = self._judged(request, data)
        compared = self._last_year(filing) if any(filing.forms) else None
        record, _ = packed(check_result(filing, findings, self.edition))
        return {
            "row": index_row(record, sorted({finding.code for finding in findings}), ""),
            "severities": {finding.code: finding.severity.value for finding in findings},
            "record": json.dumps(msgspec.to_builtins(record), ensure_ascii=False),
            "keys": [finding.key for finding in findings],
            "official": any(filing.forms),
            "last_year": compared.source if compared else "",
            "seal": self._seal(request["name"], filing, data),
        }, None

    def take_last_year(self, request: Request, data: bytes) -> PageAnswer:
        """An earlier filing, with which the unit's filing of this year is compared from now on."""
        data, name = self._data(request, data), request["name"]
        filing = read_earlier(lambda: _named(name, data), self.edition)
        if not (keys := unit_keys(filing)):
            raise XltoolError(f"上一年的申报没有部门名称，对不上单位：{name}")
        name = self._earlier_name(name, filing)
        self._earlier.forget(name)
        self._earlier.take(EarlierFile(name, filing.year or 0), keys)
        self._earlier_filings[name] = replace(filing, source=name)
        return {"year": filing.year, "name": name}, None

    def several_last_year(self, request: Request, data: bytes) -> PageAnswer:
        """Of which units several filings of one year were given, and which of them counts."""
        return self._earlier.alike(), None

    def _earlier_name(self, name: str, filing: Filing) -> str:
        """The file's name where it is new or that unit's, which it replaces then; numbered where
        another unit's file has it."""
        path, shown = PurePosixPath(name), name
        for number in count(2):
            there = self._earlier_filings.get(shown)
            if there is None or same_unit(filing, there):
                break
            shown = str(path.with_name(f"{path.stem}（{number}）{path.suffix}"))
        return shown

    def forget_last_year(self, request: Request, data: bytes) -> PageAnswer:
        """Nothing is compared any more."""
        self._earlier, self._earlier_filings = EarlierFiles(), {}
        return None, None

    def results(self, request: Request, data: bytes) -> PageAnswer:
        """The records of all files as `xltool check --json` writes them."""
        records = [json.loads(text) for text in request["records"]]
        whole = whole_results(records, [tuple(failure) for failure in request["failed"]])
        text = json.dumps(whole, ensure_ascii=False, indent=2)
        return None, f"{text}\n".encode("utf-8", "backslashreplace")

    def indicators(self, request: Request, data: bytes) -> PageAnswer:
        """A workbook's indicators as the lines of `xltool indicators --csv`,
        with its head if `first`."""
        from xltool.reports.indicators import columns_of, indicator_rows, write_csv

        filing = self._official(request, self._data(request, data))
        columns = columns_of([self.edition] if self.edition else usable_editions())
        text = io.StringIO(newline="")
        write_csv(indicator_rows(filing, self.edition, columns), text, columns)
        head, _, lines = text.getvalue().partition("\r\n")
        return None, f"\ufeff{head}\r\n{lines}".encode() if request["first"] else lines.encode()

    # ── copies ───────────────────────────────────────────────────────────────────────────────

    def marked(self, request: Request, data: bytes) -> PageAnswer:
        """A copy with the results sheet, the marks,
        and what was typed in the page as explanations."""
        from xltool.results_sheet.insert import mark_file
        from xltool.results_sheet.marks import marks
        from xltool.results_sheet.table import results

        data = self._data(request, data)
        filing, findings = self._judged(request, data)
        if not any(filing.forms):
            raise XltoolError("；".join(fault.detail for fault in filing.faults))
        with _file(request["name"], data) as (source, destination):
            mark_file(source, destination, results(filing, findings, self.edition), marks(findings))
            return None, destination.read_bytes()

    def changes(self, request: Request, data: bytes) -> PageAnswer:
        """Each value that is not in its normal form: place, indicator, was, would be."""
        from xltool.indicator.normalise import changes

        filing = self._official(request, self._data(request, data))
        return [
            [str(change.place or ""), change.name, change.was, change.becomes]
            for change in changes(filing)
        ], None

    def normalised(self, request: Request, data: bytes) -> PageAnswer:
        """A copy in which these values stand in their normal form."""
        from xltool.indicator.normalise import changes
        from xltool.reading.normal_copy import write_normalised

        data = self._data(request, data)
        filing = self._official(request, data)
        with _file(request["name"], data) as (source, destination):
            write_normalised(source, filing, list(changes(filing)), destination, self.edition)
            return None, destination.read_bytes()

    # ── filling ──────────────────────────────────────────────────────────────────────────────

    def fill(self, request: Request, data: bytes) -> PageAnswer:
        """The workbooks of a data book: one as it is, several as a zip.
        `sizes` cuts `data` into files."""
        from xltool.databook import reading
        from xltool.filling.writer import FillError, filled

        with _folder() as folder:
            book = _data_book(folder, request["sizes"], data)
            asked = request["edition"]
            given = self.edition or asked_edition(asked)
            made: dict[str, bytes] = {}
            names, failed = TakenNames(), []
            with reading(book, given) as contents:
                for filing in contents:
                    try:
                        made[names.give(filing.unit, ".xlsx")] = filled(filing, edition=given).data
                    except FillError as error:
                        failed.append(f"错误 B100 {filing.unit}：{error}")
                    self.progress(len(made) + len(failed), len(contents.sound))
                answer = {
                    "problems": [*map(str, contents.problems), *failed],
                    "left_out": len(contents.left_out) + len(failed),
                    "written": list(made),
                }
        return answer, _packed(made)

    def blank(self, request: Request, data: bytes) -> PageAnswer:
        """The blank workbook of an edition, or a blank data book."""
        from xltool.databook import write_databook
        from xltool.template.draw import offering

        edition = self.edition or load_edition(request["edition"])
        library = load_library(self.settings.library) if self.settings.library else None
        if request["what"] == "workbook":
            name = f"{safe_name(edition.title)}（空白表）.xlsx"
            made = offering(edition, library) if library is not None else None
            return {"name": name}, made or edition.template.read_bytes()
        with _folder() as folder:
            write_databook([], folder / "数据表.xlsx", edition, library)
            return {"name": "数据表.xlsx"}, (folder / "数据表.xlsx").read_bytes()

    # ── seals and archives ───────────────────────────────────────────────────────────────────

    def take_key(self, request: Request, data: bytes) -> PageAnswer:
        """A public key that the person gives; one that came with the page is not replaced by it."""
        from xltool.campaign.sealing import keys

        key = keys.load_public(data)
        if self.key_from == "page" and key != self.key:
            raise XltoolError(f"与本页自带的公钥不同（指纹 {keys.fingerprint(key)}），没有采用")
        self.key, self.key_from = key, self.key_from or "person"
        return {"key": keys.fingerprint(key)}, None

    def open_archive(self, request: Request, data: bytes) -> PageAnswer:
        """A zip, in which each workbook can then be asked for; a parcel is verified as a whole."""
        from xltool.campaign.returns.incoming import incoming

        with contextlib.ExitStack() as stack:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "received.zip"
            path.write_bytes(data)
            received = stack.enter_context(incoming([path], MOST_ARCHIVE))
            received.found.sort(key=lambda entry: entry.name)
            number, shown = len(self._archives), request["name"]

            def named(name: str) -> str:
                return str(shown + name.removeprefix(path.name))

            told = dict(received.problems)
            for entry, _ in received.others:  # said as of a file that is given by itself
                if reason := _kind(entry.name.rpartition("/")[2])[1]:
                    told.setdefault(entry.name, reason)
            answer = {
                "archive": number,
                "files": [named(entry.name) for entry in received.found],
                "problems": [[named(name), reason] for name, reason in told.items()],
                "parcel": self._parcel(shown, path),
            }
            self._archives[number] = received, stack.pop_all()
        return answer, None

    def close_archives(self, request: Request, data: bytes) -> PageAnswer:
        """Everything that came in archives is let go."""
        for _, stack in self._archives.values():
            stack.close()
        self._archives.clear()
        return None, None

    def pack(self, request: Request, data: bytes) -> PageAnswer:
        """Files as one zip, each under a name of its own. `sizes` cuts `data` into files."""
        names, at = TakenNames(), 0
        files: dict[str, bytes] = {}
        for name, size in request["sizes"]:
            path = PurePosixPath(name.rpartition("/")[2])
            files[names.give(path.stem, path.suffix)] = data[at : at + size]
            at += size
        return None, _zipped(files)

    def _parcel(self, name: str, path: Path) -> Any:
        """What `xltool verify` says of a parcel; None where the zip is none."""
        from xltool.campaign.returns.verification import verify
        from xltool.campaign.sealing import keys, parcel

        try:
            import zipfile

            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
            if not {parcel.MANIFEST, parcel.PUBLIC} <= {*map(parcel.entry_name, entries)}:
                return None
            if sum(entry.file_size for entry in entries) > MOST_ARCHIVE:
                raise XltoolError(f"展开后过大（网页里的上限 {MOST_ARCHIVE // 2**20} MB）")
            if self.key is None:  # what lies in the parcel serves its workbooks too, and it is said
                pem = parcel.read_parcel(path)[parcel.PUBLIC]
                self.key, self.key_from = keys.load_public(pem), "parcel"
            result = verify(path, self.key)
        except (XltoolError, *parcel.UNSOUND) as error:
            return {"name": name, "good": False, "said": str(error), "key": "", "wrong": []}
        return {
            "name": name,
            "good": result.good,
            "said": f"{result.title}（{result.year} 年）{result.district}，{len(result.files)} 个文件",
            "key": result.fingerprint,
            "wrong": [[file.name, file.said] for file in result.files if not file.good],
        }

    def _seal(self, name: str, filing: Filing, data: bytes) -> Any:
        """Whether a sealed workbook is as it was sent; None for one without a seal."""
        from xltool.campaign.returns.verification import verify_files
        from xltool.campaign.sealing import parcel, seal

        if not seal.present(filing.seal):
            return None
        if self.key is None:
            return {
                "good": None,
                "said": "有下发单位的封印；把公钥（公钥.pem）也放进来，就能核对真伪",
            }
        file = name.rpartition("/")[2]
        files = {file: data}
        if self.edition:
            files |= {
                part: (Path(self.edition.folder) / Path(part).name).read_bytes()
                for part in parcel.EDITION
            }
        result = next(f for f in verify_files(Path(file), files, self.key).files if f.name == file)
        return {"good": result.good, "said": result.said}

    # ── what requests have in common ─────────────────────────────────────────────────────────

    def _data(self, request: Request, data: bytes) -> bytes:
        """The file's bytes, which came along or lie in an archive."""
        from xltool.campaign.returns.incoming import Unreachable

        if request.get("archive") is None:
            return data
        received, _ = self._archives[request["archive"]]
        try:
            read: bytes = received.read(received.found[request["entry"]])
        except Unreachable as error:
            raise XltoolError(str(error)) from error
        return read

    def _judged(self, request: Request, data: bytes) -> tuple[Filing, Sequence[Finding]]:
        filing = _read(request["name"], data, self.edition)
        typed = request.get("answers") or {}
        answers = {key: text for key, text in {**filing.answers, **typed}.items() if text.strip()}
        filing = replace(filing, answers=answers)
        before = self._last_year(filing)
        return filing, judge(
            filing, settings=self.settings, edition=self.edition, last_year=before, strict=False
        )

    def _last_year(self, filing: Filing) -> Filing | None:
        file = self._earlier.of(filing)
        return self._earlier_filings[file.path] if file else None

    def _official(self, request: Request, data: bytes) -> Filing:
        filing = _read(request["name"], data, self.edition)
        if not any(filing.forms):
            raise XltoolError("；".join(fault.detail for fault in filing.faults))
        return filing


def _kind(name: str) -> tuple[str, str]:
    if name.casefold().endswith(".pem"):
        return "key", ""
    kind = kind_of(name)
    if kind in (FileKind.WORKBOOK, FileKind.ARCHIVE):
        return kind.value, ""
    if kind in (FileKind.LITTER, FileKind.LOCK):
        return "", ""
    return "no", PASSED_OVER.get(kind) or FoundFile(Path(name), kind).what_to_do


REQUESTS: dict[str, Callable[[Desk, Request, bytes], PageAnswer]] = {
    method.__name__: method
    for method in (
        Desk.about, Desk.warm, Desk.kinds, Desk.check, Desk.take_last_year,
        Desk.several_last_year, Desk.forget_last_year, Desk.results, Desk.indicators, Desk.marked, Desk.changes,
        Desk.normalised, Desk.fill, Desk.blank, Desk.take_key, Desk.open_archive,
        Desk.close_archives, Desk.pack,
    )
}  # fmt: skip


def _read(name: str, data: bytes, edition: Edition | None) -> Filing:
    return read(_named(name, data), edition=edition)


def _named(name: str, data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = name  # what messages call it
    return file


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder of its own, in which names are relative: messages then name files as people do."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield Path()


@contextlib.contextmanager
def _file(name: str, data: bytes) -> Iterator[tuple[Path, Path]]:
    """The file under a safe name, and where its copy goes."""
    with _folder() as folder:
        source = folder / safe_name(name.rpartition("/")[2])
        source.write_bytes(data)
        yield source, folder / "copy" / source.name


def _data_book(folder: Path, sizes: Sequence[tuple[str, int]], data: bytes) -> Path:
    """The files of a data book as they were chosen:
    one .xlsx or .json, or the CSV files of a folder."""
    at = 0
    paths = []
    for name, size in sizes:
        path = folder / safe_name(name.rpartition("/")[2])
        path.write_bytes(data[at : at + size])
        paths.append(path)
        at += size
    if all(path.suffix.lower() == ".csv" for path in paths):
        return folder
    if len(paths) != 1:
        raise XltoolError(
            "一次用一本数据表：一个 .xlsx 或 .json，或者 部门.csv、项目.csv、指标.csv 三个文件"
        )
    return paths[0]


def _packed(files: Mapping[str, bytes]) -> bytes | None:
    """One file as it is, several as a zip, none as nothing."""
    return _zipped(files) if len(files) > 1 else next(iter(files.values()), None)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    from xltool.campaign.sealing.parcel import write_parcel

    with _folder() as folder:
        write_parcel(folder / "files.zip", files)
        return (folder / "files.zip").read_bytes()
