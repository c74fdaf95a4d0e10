"""What can be wrong in a data book. Every fault is a `Problem`: a finding that names its unit.

B001 错误  打不开，或不是数据表（损坏、加密、编码不明、JSON 语法）
B002 错误  缺少一张表（部门、项目、指标）
B003 错误  缺少一列
B004 错误  有不认识的列（或字段）
B005 错误  同一列出现两次
B006 错误  没有数据行
B007 错误  没有写部门名称或项目支出名称
B008 错误  部门表里没有这个单位
B009 错误  项目表里没有这个项目
B010 错误  没有这个指标类别，或者一级指标与二级指标对不上
B011 错误  同一单位出现两次
B012 错误  同一单位的项目重名，指标无从归属
B013 错误  金额无法读取
B014 错误  年度无法读取
B015 错误  文字超过 Excel 单元格的上限
B016 错误  含有无法保存的字符
B017 错误  单元格里是错误值，或公式没有结果
B018 错误  JSON 的这一处类型不对
B019 错误  没有这个版式，或与指定的版式不同
B020 错误  格里显示的与所存的不一样（格式缩小了、遮住了、加了字，白底白字，条件格式会这样显示）
B021 错误  部门编码的数字已经丢失（科学计数、末位变成 0）
B022 错误  表上方写明的金额单位与版式不同
B100 错误  内容都能读，但填不出这个单位的工作簿
B101 提示  单元格是公式：取其上次计算的结果
B102 提示  金额不是纯数字：读作多少
B103 核实  这张申报表没有这一栏，所写的内容不会填入
B104 提示  合计、小计、注等行不是单位，没有读
B105 提示  有看不见的字符，已忽略
B106 核实  部门编码的写法变了样：读作什么
B107 核实  表、行、列是隐藏的，或另有一份相像的表：读的是什么
"""

from __future__ import annotations

from xltool.errors import XltoolError
from xltool.model import Filing, Finding, Place, Severity

_SEVERITIES = {
    **dict.fromkeys(("B101", "B102", "B104", "B105"), Severity.NOTE),
    **dict.fromkeys(("B103", "B106", "B107"), Severity.QUERY),
}


class Problem(Finding, frozen=True):
    """A finding on a data book. `unit` is the unit concerned, empty where it is not one unit's."""

    unit: str = ""

    def __str__(self) -> str:
        """One line for people: where, whose, what."""
        where = " ".join(part for part in (self.sheet, self.cell) if part)
        whose = f"（{self.unit}）" if self.unit else ""
        return " ".join(
            part for part in (self.severity.label, self.code, where + whose, self.message) if part
        )


def problem(
    code: str,
    message: str,
    *,
    file: str,
    place: Place | None = None,
    unit: str = "",
    field: str = "",
    found: str = "",
    expected: str = "",
) -> Problem:
    """A problem with the severity of its code; no text in it breaks a file or a screen."""
    return Problem(
        code=code,
        severity=_SEVERITIES.get(code, Severity.ERROR),
        message=_printable(message),
        file=file,
        sheet=place.sheet if place else "",
        cell=place.cell if place else "",
        field=field,
        found=_printable(found),
        expected=expected,
        review="形式",
        unit=unit,
    )


class Unusable(Exception):
    """Nothing in it can be read as a data book: why, in Chinese, and the problem's code."""

    def __init__(self, message: str, code: str = "B001") -> None:
        super().__init__(message)
        self.code = code


def _printable(text: str) -> str:
    """Half a character (a lone surrogate) can be quoted in no file and on no screen."""
    return text.encode("utf-8", "backslashreplace").decode()


class DatabookError(XltoolError):
    """The data book has errors. `problems` are all of them, `filings` the units without any."""

    def __init__(self, path: str, problems: list[Problem], filings: list[Filing]) -> None:
        self.problems = problems
        self.filings = filings
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        more = f"（共 {len(errors)} 处）" if len(errors) > 1 else ""
        super().__init__(f"{path}：{errors[0]}{more}")
