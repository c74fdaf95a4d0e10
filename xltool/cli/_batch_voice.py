"""What `xltool batch` says while it runs, and where:
a terminal, a log, a program that reads JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from xltool.cli._output import echo, echo_json, silence
from xltool.errors import XltoolError, why
from xltool.files.discover import FileKind, kind_of
from xltool.files.escape import on_terminal

if TYPE_CHECKING:
    from xltool.batch.jobs import Summary

INTERRUPTED = "已中断：做完的都已保存，再运行同一条命令就接着做。"
# So many names are listed; all of them are in the JSON.
_LISTED = 10
# Inputs and reports: lines at their end would spoil them.
_NO_LOGS = {
    FileKind.WORKBOOK,
    FileKind.OTHER_WORKBOOK,
    FileKind.TABLE,
    FileKind.DATABOOK,
    FileKind.OWN_REPORT,
}


class BatchVoice:
    """Says each event once: as a line, or as JSON;
    into the log file too, with the time and the run.

    `quiet`: only what went wrong.
    `advance` is the progress bar, which takes the place of the lines.
    """

    def __init__(self, run: str, *, as_json: bool, quiet: bool) -> None:
        self.run, self.as_json, self.quiet = run, as_json, quiet
        self.log: IO[str] | None = None
        self.advance: Callable[[dict[str, Any]], None] | None = None
        # What an event said already of an input's results.
        self._noted: set[tuple[str, str]] = set()

    def event(self, event: dict[str, Any]) -> None:
        """One thing that happened in the run."""
        lines = list(_lines(event))
        for line in lines:
            self._log(line)
        self._noted.update((event.get("file", ""), note) for note in event.get("notes", ()))
        if self.as_json:
            self._say_json(event)
        elif self.advance:
            self.advance(event)
        elif self.quiet:
            for line in lines if event["event"] == "failed" else lines[1:]:
                _say(echo, line, err=True)
        elif event["event"] != "start":
            for line in lines:
                _say(echo, line)

    @contextmanager
    def logging(self, file: Path | None) -> Iterator[None]:
        """Everything said inside goes into this file too, at its end.
        Raises XltoolError where it can't."""
        if file is None:
            yield
            return
        log = _opened(file)
        self.log = log
        try:
            yield
        except XltoolError as error:
            self._log(f"错误：{error}")
            raise
        finally:
            self.log = None
            with suppress(OSError):  # of a full disk it was said already
                log.close()

    def trouble(self, reason: str) -> None:
        """Why the run can't begin or go on."""
        if self.as_json:
            self._say_json({"event": "error", "reason": reason})
        else:
            _say(echo, f"错误：{reason}", err=True)

    def end(self, summary: Summary, output: str, *, dry: bool, only_failed: bool) -> None:
        """What came of the run."""
        counted = _counted(summary, dry=dry)
        late = [_noted(*note) for note in summary.notes if note not in self._noted]
        warnings = list(_warnings(summary, only_failed=only_failed))
        for line in [*late, counted, *warnings]:
            self._log(line)
        if self.as_json:
            self._say_json({"event": "summary", **_as_data(summary)})
            return
        if self.advance:  # on a terminal nothing was said yet of what went wrong
            for key, reason in summary.failed:
                _say(echo, f"没有做成：{key}：{reason}", err=True)
            late = [_noted(*note) for note in summary.notes]
        for line in [*late, *warnings]:
            _say(echo, line, err=True)
        if not self.quiet:
            _say(echo, counted)
            if not (summary.interrupted or dry):
                _say(echo, f"结果在 {output}：report.html、report.xlsx、report.json、findings.csv")

    def _say_json(self, event: dict[str, Any]) -> None:
        kind = {"event": event["event"], "run": self.run, "time": _now()}
        _say(echo_json, {**kind, **event}, indent=None)

    def _log(self, line: str) -> None:
        if self.log:
            try:
                self.log.write(f"{_now()} [{self.run}] {on_terminal(line)}\n")
                self.log.flush()
            except OSError as error:
                self.log = None
                _say(echo, f"注意：日志写不下去了，后面的没有记：{why(error)}", err=True)


def _say(words: Callable[..., None], *arguments: Any, **options: Any) -> None:
    """Say something, as long as somebody listens: a run does not end because nobody does."""
    try:
        words(*arguments, **options)
    except OSError as error:
        stream = "stderr" if options.get("err") else "stdout"
        silence(stream)
        if stream == "stdout":
            _say(echo, f"注意：输出写不下去了，后面的不说了，照常做完：{why(error)}", err=True)


def _opened(file: Path) -> IO[str]:
    """A log, opened at its end. Raises XltoolError."""
    if kind_of(file.name) in _NO_LOGS:
        raise XltoolError(f"日志不能写进“{file}”：那是表格或报告的名称，请换个名称，如 xltool.log")
    try:
        with suppress(FileExistsError):  # opening it says that this is no folder
            file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise XltoolError(f"写不了日志 {file}：{why(error)}") from error


@contextmanager
def progress_bar(voice: BatchVoice, source: str, *, dry: bool) -> Iterator[None]:
    """A bar while the run goes on, where a person looks on; what would be done is said in lines."""
    if dry or voice.as_json or voice.quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from xltool.batch.inputs import count
    from xltool.batch.storage import place

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total = count(place(source))
        bar = progress.add_task("处理", total=total)

        def advance(event: dict[str, Any]) -> None:
            nonlocal total
            total += event.get("parts", 0)
            progress.update(bar, total=total, advance=event["event"] != "start")

        voice.advance = advance
        yield


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _lines(event: dict[str, Any]) -> Iterator[str]:
    """An event as text: what became of the input, then what a person should know of its results."""
    from xltool.checks.results import VERDICTS

    if event["event"] == "start":
        yield f"开始：{event['source']} → {event['output']}"
        return
    name = on_terminal(event["file"])
    name += f"（第 {event['part']} 部分）" if "part" in event else ""
    if event["event"] == "failed":
        yield f"{name}：没有做成：{on_terminal(event['reason'])}"
    elif event["event"] == "would do":
        yield f"{name}：要处理"
    elif event["event"] in ("done", "judged again"):
        verdicts = [f"{VERDICTS[key]} {n}" for key, n in event["verdicts"].items()]
        verdicts += [f"分成 {event['parts']} 部分处理"] if "parts" in event else []
        yield f"{name}：{'，'.join(verdicts) or '没有可处理的内容'}"
        for note in event.get("notes", ()):
            yield _noted(name, note)


def _noted(name: str, note: str) -> str:
    return f"注意：{on_terminal(name)}：{on_terminal(note)}"


def _counted(summary: Summary, *, dry: bool) -> str:
    if dry:
        return (
            f"要处理 {summary.done} 个输入，没有变化的 {summary.skipped} 个，"
            f"读不了 {len(summary.failed)} 个；什么都没有写"
        )
    number = summary.verdicts
    return (
        f"处理 {summary.done} 个输入，跳过未变化的 {summary.skipped} 个，失败 {len(summary.failed)} 个；"
        f"通过 {number['pass']} 份，待核实 {number['query']} 份，有错误 {number['error']} 份"
        f"（{summary.seconds:.1f} 秒）"
    )


def _warnings(summary: Summary, *, only_failed: bool) -> Iterator[str]:
    if summary.interrupted:
        yield INTERRUPTED
    elif not summary.done + summary.skipped + len(summary.failed):
        yield (
            "上次的输入都做成了，这次没有要做的。"
            if only_failed
            else "注意：输入文件夹里没有数据表，也没有工作簿。"
        )
    if summary.gone:
        some = "、".join(summary.gone[:_LISTED]) + ("……" if len(summary.gone) > _LISTED else "")
        what = "已删掉" if summary.pruned else "结果留着，不再进报告；要删掉，加 --prune"
        yield f"注意：有 {len(summary.gone)} 个结果，它们的输入已经没有了，{what}：{some}"


def _as_data(summary: Summary) -> dict[str, Any]:
    return {
        "done": summary.done,
        "skipped": summary.skipped,
        "failed": [{"file": key, "reason": reason} for key, reason in summary.failed],
        "verdicts": {key: summary.verdicts[key] for key in ("pass", "query", "error")},
        "notes": [{"file": key, "note": note} for key, note in summary.notes],
        "gone": summary.gone,
        "pruned": summary.pruned,
        "seconds": round(summary.seconds, 3),
        "interrupted": summary.interrupted,
    }
