"""The command line: thin commands over the package's face.

Exit codes: 0 no errors, 1 errors found, 2 could not run. A command's module is loaded only when
that command is called.
"""

from __future__ import annotations

import os
import sys

# Only these two: everything else is loaded where it is used, so that `--version` feels instant.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# name → (module:function, what it does), in the order of a filing's life.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("xltool.cli.demo:demo", "用自带的真实申报件走一遍：填报、审核、出报告"),
    "fill": ("xltool.cli.fill:fill", "从数据表填出各单位的申报工作簿"),
    "check": ("xltool.cli.check:check", "审核申报工作簿（表内、表间、指标）"),
    "balance": ("xltool.cli.check:balance", "交叉平衡：收入、支出两侧逐项列式"),
    "indicators": (
        "xltool.cli.indicators:indicators",
        "导出绩效指标，指标值拆成计算符号、指标值、计量单位",
    ),
    "normalise": ("xltool.cli.indicators:normalise", "指标值的规范写法：15家以上 → ≥15家"),
    "rules": ("xltool.cli.rules:rules", "审核规则：列出，或讲解一条"),
    "batch": ("xltool.cli.batch:batch", "成批处理一个文件夹：数据表填报，工作簿审核"),
    "watch": ("xltool.cli.watch:watch", "守着一个文件夹：工作簿一保存就审核"),
    "settings": ("xltool.cli.settings:settings", "审核设置：看、检查、设为本机的"),
    "library": ("xltool.cli.library:library", "本级的指标库：从通过的申报生成，检查"),
    "report": ("xltool.cli.report:report", "用已有的 report.json 重做报告"),
    "export": ("xltool.cli.export:export", "导出：PDF、数据（JSON、CSV）、公开件"),
    "databook": ("xltool.cli.databook:databook", "数据表：新建、检查、转换"),
    "import": (
        "xltool.cli.importing:import_",
        "把以前的申报表（Word、Excel、网页、文本）导入成数据表",
    ),
    "page": ("xltool.cli.page:page", "做一个网页：不用安装，在浏览器里审核和填报"),
    "addin": ("xltool.cli.addin:addin", "Excel 功能区加载项：安装、卸载、体检"),
    "bundle": ("xltool.cli.bundle:bundle", "离线安装包：Windows 上没有网络也能装"),
    "live": ("xltool.cli.live:live", "对正在运行的 Excel 按功能区的按钮（不用宏）"),
    "panel": ("xltool.cli.live:panel", "总在最前面的小窗口，按钮与功能区相同（不用宏）"),
    "campaign": (
        "xltool.cli.campaign:campaign",
        "申报批次：建立、重审、选定版本、退回意见、上报、导出导入",
    ),
    "distribute": (
        "xltool.cli.returns:distribute",
        "下发：预填、锁定、加封的工作簿，每个区县一个压缩包",
    ),
    "verify": ("xltool.cli.returns:verify", "核对收到的压缩包或工作簿的真伪"),
    "collect": ("xltool.cli.returns:collect", "收取申报：凭封印认单位，核真、审核、入台账"),
    "status": ("xltool.cli.returns:status", "进度：谁报了、谁没报、催报名单"),
    "rollup": ("xltool.cli.returns:rollup", "汇总：按区县、主管部门，舍位平衡，可查明细"),
    "convert": ("xltool.cli.convert:convert", "把申报转到另一个版式，或做成下一年的草稿"),
    "edition": ("xltool.cli.edition:edition", "版式：列出、新建、检查、比较"),
    "completion": ("xltool.cli.completion:completion", "命令补全：bash、zsh、fish、powershell"),
    "template": ("xltool.cli.template:template", "模板工作簿：绘制、检查绑定"),
    "help": ("xltool.cli.help:help_", "某条命令的说明，全部选项"),
}


def program() -> int:
    """`xltool` as a process of its own, which ends with the command."""
    import atexit
    import gc

    _in_utf8()
    # What is loaded lives as long as the process. Looking through all of it for garbage while it
    # loads, and again before the end, takes a sixth of a short command's time.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    return main()


def _in_utf8() -> None:
    """Start anew where the machine's language has no Chinese:
    names of files could not be written."""
    try:
        "甲".encode(sys.getfilesystemencoding())
    except UnicodeEncodeError:
        if not sys.flags.utf8_mode:
            os.environ["PYTHONUTF8"] = "1"
            os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Never a traceback: one line says what went wrong."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # while the program was still loading, or had just said so
        sys.stderr.write("已中断。\n")
        return 2


def _run(arguments: Sequence[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if "#" in arguments:  # cmd and zsh hand over the remark of a line pasted from the documentation
        arguments = arguments[: arguments.index("#")]
    if arguments in (["--version"], ["-V"]):
        from xltool import __version__

        print(f"xltool {__version__}")
        return 0
    if sys.maxsize < 2**32:
        # Without this the libraries fail one after the other, each in its own words.
        sys.stderr.write(
            "xltool 要 64 位的 Python；这一个是 32 位的，请另装 64 位的 Python 3.11 以上。\n"
        )
        return 2
    _speak_chinese()
    if "_XLTOOL_COMPLETE" in os.environ:
        from xltool.cli.completion import register

        register()
    return _run_command(arguments)


def _run_command(arguments: list[str]) -> int:
    """Run one command; what goes wrong in it is one line."""
    import click

    from xltool.cli._group import group

    try:
        code = group(COMMANDS)(arguments, prog_name="xltool", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        from xltool.cli._help import show_refusal

        show_refusal(error)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("已中断。", err=True)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - what is still buffered goes nowhere
        return 0
    except Exception as error:
        line = _line_of(error)
        if line is None:
            raise
        from xltool.cli._output import echo_lines

        echo_lines(line, err=True)
        return 2
    return code if isinstance(code, int) else 0


def _line_of(error: Exception) -> str | None:
    """What to say of an error; None
    where somebody who looks for a fault of the program wants all of it."""
    from xltool.errors import XltoolError

    if isinstance(error, XltoolError):
        return f"错误：{error}"
    if os.environ.get("XLTOOL_DEBUG"):
        return None
    from xltool.files.barrier import reason_of

    if isinstance(error, OSError):
        return f"错误：{reason_of(error)}"
    return f"{reason_of(error)}；设 XLTOOL_DEBUG=1 再运行可看详情"


def _speak_chinese() -> None:
    """The command-line library's own words come from a catalogue,
    whatever the machine's language."""
    import gettext

    from click import types

    from xltool.cli._output import for_people

    os.environ["LANGUAGE"] = "zh_CN"
    gettext.bindtextdomain("messages", os.path.join(os.path.dirname(__file__), "..", "locale"))  # noqa: PTH118, PTH120

    types.StringParamType.name = "文字"
    types.IntParamType.name = types.IntRange.name = "整数"
    types.FloatParamType.name = types.FloatRange.name = "数"
    for_people()
