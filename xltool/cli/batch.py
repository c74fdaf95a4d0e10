"""`xltool batch`: a folder of data books and workbooks, with progress for a terminal,
a log or a program."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xltool.cli._command import Command, output_path
from xltool.cli._judging import last_year_option, settings_file, settings_option

if TYPE_CHECKING:
    from xltool.batch.dask_workers import Cluster
    from xltool.batch.jobs import Summary
    from xltool.batch.run import RunWishes
    from xltool.cli._batch_voice import BatchVoice


class BatchCommand(Command):
    """Says of a mistake on the command line as the run would: a program that reads the events need
    not look elsewhere."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if as_json:
                from xltool.cli._help import in_chinese

                _voice(as_json=True).trouble(in_chinese(error.format_message()))
                ctx.exit(2)
            raise


@click.command(cls=BatchCommand)
@click.argument("source", metavar="输入文件夹")
@click.argument("output", metavar="输出文件夹")
@click.option("-j", "--jobs", type=int, help="同时处理的进程数，默认与处理器核数相同。")
@click.option("--fresh", is_flag=True, help="不看上次的记录，全部重做。")
@click.option("--only-failed", is_flag=True, help="只做上次没有做成的。")
@click.option("--dry-run", is_flag=True, help="只说要做什么，什么都不写。")
@click.option("--allow-empty", is_flag=True, help="输入文件夹真的空了（不是共享盘没有挂上）。")
@click.option("--prune", is_flag=True, help="输入已经没有了的，把它原来的结果也删掉。")
@click.option(
    "--keep-reports",
    type=int,
    default=0,
    metavar="N",
    help="以前的报告留 N 套，名称里加上日期时间。",
)
@click.option("-q", "--quiet", is_flag=True, help="只说没有做成的和要注意的。")
@click.option("--json", "as_json", is_flag=True, help="每件事输出一行 JSON，供程序读取。")
@click.option(
    "--log-file",
    type=output_path(),
    help="另外记一份日志：每行有时间和运行编号，接在文件后面。",
)
@click.option("--edition", default="", help="版式（默认按文件自己的标记）。")
@settings_option
@last_year_option
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
    only_failed: bool,
    dry_run: bool,
    allow_empty: bool,
    prune: bool,
    keep_reports: int,
    quiet: bool,
    as_json: bool,
    log_file: Path | None,
    **more: Any,
) -> int:
    """成批处理：数据表（.xlsx、.json、含 部门.csv 的文件夹）填成工作簿，工作簿逐个审核。

    输出文件夹与输入同样分层，另有 report.html、report.xlsx、report.json、findings.csv。
    中断后用同一条命令接着做；没有变化的输入自动跳过。两个文件夹也可以是 fsspec 认识的网址（sftp://、s3://）。

    退出码：0 没有错误，1 有错误，2 没能运行或中断了，3 有的输入没有做成。
    """
    from xltool.batch.run import RunWishes
    from xltool.errors import XltoolError

    wishes = RunWishes(fresh, only_failed, dry_run, allow_empty, prune, keep_reports)
    speaker = _voice(as_json=as_json, quiet=quiet)
    try:
        with speaker.logging(log_file):
            summary = _run(source, output, jobs, wishes, speaker, **more)
            speaker.end(summary, output, dry=dry_run, only_failed=only_failed)
    except XltoolError as error:
        speaker.trouble(str(error))
        return 2
    if summary.interrupted:
        return 2
    if summary.failed:
        return 3
    return 1 if summary.verdicts["error"] else 0


def _voice(*, as_json: bool, quiet: bool = False) -> BatchVoice:
    from xltool.batch.run import run_name
    from xltool.cli._batch_voice import BatchVoice

    return BatchVoice(run_name(), as_json=as_json, quiet=quiet)


def _run(
    source: str,
    output: str,
    jobs: int | None,
    wishes: RunWishes,
    speaker: BatchVoice,
    *,
    edition: str,
    settings: Path | None,
    last_year: Path | None,
    timeout: float,
    memory: int,
    dask: str | None,
) -> Summary:
    from xltool.batch.places import places
    from xltool.batch.run import check_limits, run
    from xltool.cli._batch_voice import progress_bar
    from xltool.errors import XltoolError

    if jobs is not None and not 1 <= jobs <= 256:
        raise XltoolError(f"进程数应当是 1 到 256，不能是 {jobs}")
    check_limits(jobs or 0, timeout, memory, wishes.keep_reports)
    places(source, output)
    given = settings_file(settings)
    # How a service is stopped: in as good order as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    crew = _cluster(dask, timeout) if dask else None
    with _stopped_in_one_line(), progress_bar(speaker, source, dry=wishes.dry):
        return run(
            source,
            output,
            jobs=jobs or os.cpu_count() or 1,
            edition=edition,
            settings=str(given or ""),
            last_year=str(last_year or ""),
            timeout=timeout,
            memory=memory,
            wishes=wishes,
            crew=crew,
            notice=speaker.event,
            name=speaker.run,
        )


@contextmanager
def _stopped_in_one_line() -> Iterator[None]:
    """What stops a run outside its work, as an XltoolError."""
    from xltool.cli._batch_voice import INTERRUPTED
    from xltool.errors import XltoolError
    from xltool.files.barrier import reason_of

    try:
        yield
    except KeyboardInterrupt:  # before the first input, or while the reports were written
        raise XltoolError(INTERRUPTED) from None
    except BrokenPipeError:  # the reader of our output has seen enough
        raise
    except OSError as error:  # such as too many open files
        raise XltoolError(reason_of(error)) from error


def _cluster(address: str, timeout: float) -> Cluster:
    from xltool.batch.dask_workers import Cluster

    return Cluster(address, timeout)
