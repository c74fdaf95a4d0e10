"""A run over a folder: inputs streamed to workers, results into the journal, reports at the end."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import Any

import filelock

from xltool.batch.inputs import Item, walk
from xltool.batch.jobs import Crew, Jobs, Summary
from xltool.batch.journal import FOLDER, Journal
from xltool.batch.storage import Remote, StorageFolder, is_url, place
from xltool.batch.task import Outcome, RunOrder
from xltool.errors import XltoolError, why
from xltool.files.pool import MEMORY_MB, SECONDS

Notice = Callable[[dict[str, Any]], None]


def run(
    source: Path | str,
    output: Path | str,
    *,
    jobs: int = 0,
    fresh: bool = False,
    edition: str = "",
    settings: str = "",
    timeout: float = SECONDS,
    memory: int = MEMORY_MB,
    crew: Crew | None = None,
    notice: Notice = lambda event: None,
) -> Summary:
    """Do everything in `source` into `output`; the reports of all inputs that are there now.

    Both are folders or URLs that fsspec knows. Raises XltoolError where it can't begin (folders, a
    second run on the same OUT) or go on (a full disk). Ctrl-C ends it in good order: what was done
    is kept, `Summary.interrupted` says so, the next run goes on.
    """
    from xltool.batch.local_workers import LocalWorkers
    from xltool.batch.reports import write_all

    inside, outside = places(source, output)
    began = time.monotonic()
    order = RunOrder(outside.at(""), edition, settings)
    crew = crew or LocalWorkers(jobs or os.cpu_count() or 1, timeout, memory)
    home = state_folder(output)
    summary = Summary()
    with _locked(home, output):
        _sweep(outside)
        journal = Journal(home)
        with closing(journal):
            try:
                _work(crew, Jobs(walk(inside), journal, fresh), order, journal, summary, notice)
            except KeyboardInterrupt:
                summary.interrupted = True
            finally:
                journal.commit()
            summary.failed = list(journal.failures())
            summary.verdicts = journal.verdicts()
            if not summary.interrupted:
                _remove(journal.left_over(), outside)
                journal.commit()
                folder = home / "reports" if isinstance(outside, Remote) else Path(outside.at(""))
                for file in write_all(home, journal.run, folder, summary, alone=jobs == 1):
                    if isinstance(outside, Remote):
                        outside.send(file, file.name)
    summary.seconds = time.monotonic() - began
    return summary


def _work(
    crew: Crew, jobs: Jobs, order: RunOrder, journal: Journal, summary: Summary, notice: Notice
) -> None:
    counted: set[str] = set()  # the large books of which a part was done
    with closing(crew.results(jobs, order)) as results:  # type: ignore[type-var]
        for item, outcome in results:
            if outcome.unchanged:
                parts = journal.keep(item.key)
                jobs.add(parts)
                summary.skipped += not item.part
                notice({"event": "skipped", **_named(item, parts)})
                continue
            journal.put(outcome, item.input)
            jobs.add(outcome.parts)
            if not item.part or item.origin not in counted:
                summary.done += not outcome.failed
            if item.part or outcome.parts:
                counted.add(item.input)
            notice(_event(item, outcome))


def places(source: Path | str, output: Path | str) -> tuple[StorageFolder, StorageFolder]:
    """IN and OUT, apart from each other. Raises XltoolError."""
    if not is_url(source):
        if not Path(source).exists():
            raise XltoolError(f"没有这个文件夹：{source}")
        if not Path(source).is_dir():
            raise XltoolError(f"这不是文件夹：{source}")
    inside, outside = (
        str(p).rstrip("/") if is_url(p) else str(Path(p).resolve()) for p in (source, output)
    )
    if (outside + "/").startswith(inside.rstrip("/") + "/"):
        raise XltoolError(f"输出文件夹不能放在输入文件夹里：{output}")
    if (inside + "/").startswith(outside.rstrip("/") + "/"):
        raise XltoolError(f"输入文件夹不能放在输出文件夹里：{source}")
    return place(source), place(output)


def state_folder(output: Path | str) -> Path:
    """Where the journal and the lock of an OUT lie: in it, or, of a URL, in this user's own folder."""
    if not is_url(output):
        return Path(output).absolute() / FOLDER
    import platformdirs

    name = hashlib.blake2b(str(output).rstrip("/").encode(), digest_size=8).hexdigest()
    return platformdirs.user_state_path("xltool", appauthor=False) / "batch" / name


def _locked(home: Path, output: Path | str) -> AbstractContextManager[Any]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(home / "lock", blocking=False).acquire()
    except filelock.Timeout as error:
        raise XltoolError(f"另一次运行正在写 {output}，请等它结束") from error
    except OSError as error:
        raise XltoolError(f"写不了 {output}：{why(error)}") from error


def _sweep(outside: StorageFolder) -> None:
    """Remove what a killed run left half-written; nobody else writes here now."""
    with suppress(XltoolError):  # there is no OUT yet
        for folder, files in outside.folders():
            left = [n for n in files if n.startswith(".xltool-") and n.endswith(".tmp")]
            _remove((f"{folder}/{name}".lstrip("/") for name in left), outside)


def _remove(names: Iterable[str], outside: StorageFolder) -> None:
    """Remove what inputs no longer give."""
    for name in names:
        if isinstance(outside, Remote):
            outside.remove(name)
        else:
            with suppress(OSError):
                Path(outside.at(name)).unlink(missing_ok=True)


def _event(item: Item, outcome: Outcome) -> dict[str, Any]:
    if outcome.failed:
        return {"event": "failed", **_named(item), "reason": outcome.failed}
    counted = {"units": sum(outcome.verdicts.values()), "verdicts": outcome.verdicts}
    return {"event": "done", **_named(item, outcome.parts), **counted}


def _named(item: Item, parts: Sequence[Item] = ()) -> dict[str, Any]:
    """Which input it is; of a large book which part, or into how many it was cut."""
    part = {"part": item.part} if item.part else {"parts": len(parts)} if parts else {}
    return {"file": item.input, **part}
