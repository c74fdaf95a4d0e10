"""`xltool batch`: a folder of data books and workbooks, with progress for a terminal, a log or a program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from xltool.cli._command import command
from xltool.cli._judging import settings_file, settings_option
from xltool.cli._output import echo_json


@command()
@click.argument("source", metavar="输入文件夹")
@click.argument("output", metavar="输出文件夹")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 256), help="同时处理的进程数，默认与处理器核数相同。"
)
@click.option("--fresh", is_flag=True, help="不看上次的记录，全部重做。")
@click.option("--json", "as_json", is_flag=True, help="每件事输出一行 JSON，供程序读取。")
@click.option("--edition", default="", help="版式（默认按文件自己的标记）。")
@settings_option
@click.option(
    "--timeout",
    default=60.0,
    show_default=True,
    help="一个输入最多处理多少秒（每 MB 另加同样多）。",
)
@click.option(
    "--memory",
    default=2048,
    show_default=True,
    help="一个进程最多占用多少 MB 内存（Windows 不限）。",
)
@click.option("--dask", metavar="地址", help="交给已有的 Dask 调度器，如 tcp://10.0.0.5:8786。")
def batch(
    source: str,
    output: str,
    jobs: int | None,
    fresh: bool,
    as_json: bool,
    edition: str,
    settings: Path | None,
    timeout: float,
    memory: int,
    dask: str | None,
) -> int:
    """成批处理：数据表（.xlsx、.json、含 部门.csv 的文件夹）填成工作簿，工作簿逐个审核。

    输出文件夹与输入同样分层，另有 report.html、report.xlsx、report.json、findings.csv。
    中断后用同一条命令接着做；没有变化的输入自动跳过。两个文件夹也可以是 fsspec 认识的网址（sftp://、s3://）。
    """
    from xltool.batch.run import places, run

    places(source, output)
    # How a service is stopped: in as good order as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A worker may stand elsewhere.
    given = settings_file(settings)
    house = str(given.absolute()) if given else ""
    crew = None
    if dask:
        from xltool.batch.dask_workers import Cluster

        crew = Cluster(dask, timeout)
    with _shown(as_json, source) as notice:
        summary = run(
            source,
            output,
            jobs=jobs or os.cpu_count() or 1,
            fresh=fresh,
            edition=edition,
            settings=house,
            timeout=timeout,
            memory=memory,
            crew=crew,
            notice=notice,
        )
    verdicts = {key: summary.verdicts[key] for key in ("pass", "query", "error")}
    if as_json:
        echo_json(
            {
                "event": "summary",
                "done": summary.done,
                "skipped": summary.skipped,
                "failed": [{"file": key, "reason": reason} for key, reason in summary.failed],
                "verdicts": verdicts,
                "seconds": round(summary.seconds, 3),
                "interrupted": summary.interrupted,
            },
            indent=None,
        )
    else:
        for key, reason in summary.failed:
            click.echo(f"没有做成：{key}：{reason}", err=True)
        click.echo(
            f"处理 {summary.done} 个输入，跳过未变化的 {summary.skipped} 个，失败 {len(summary.failed)} 个；"
            f"通过 {verdicts['pass']} 份，待核实 {verdicts['query']} 份，有错误 {verdicts['error']} 份"
            f"（{summary.seconds:.1f} 秒）"
        )
        if summary.interrupted:
            click.echo("已中断：做完的都已保存，再运行同一条命令就接着做。", err=True)
        else:
            if not summary.done + summary.skipped + len(summary.failed):
                click.echo("注意：输入文件夹里没有数据表，也没有工作簿。", err=True)
            click.echo(f"结果在 {output}：report.html、report.xlsx、report.json、findings.csv")
    if summary.interrupted or (summary.failed and not summary.done and not summary.skipped):
        return 2
    return 1 if verdicts["error"] or summary.failed else 0


@contextmanager
def _shown(as_json: bool, source: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """How a run's events are shown: JSON lines, a progress bar on a terminal, plain lines in a log."""
    if as_json:
        yield lambda event: echo_json(event, indent=None)
    elif sys.stderr.isatty():
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
                progress.update(bar, total=total, advance=1)

            yield advance
    else:
        yield _line


def _line(event: dict[str, Any]) -> None:
    from xltool.checks.results import VERDICTS

    name = event["file"] + (f"（第 {event['part']} 部分）" if "part" in event else "")
    if event["event"] == "failed":
        click.echo(f"{name}：没有做成：{event['reason']}")
    elif event["event"] == "done":
        said = [f"{VERDICTS[key]} {n}" for key, n in event["verdicts"].items()]
        said += [f"分成 {event['parts']} 部分处理"] if "parts" in event else []
        click.echo(f"{name}：{'，'.join(said) or '没有可处理的内容'}")
