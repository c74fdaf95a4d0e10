"""D6xx: is a returned workbook what the campaign sent out? The collector tells faults,
these rules judge."""

from __future__ import annotations

from collections.abc import Iterator

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._text import quote
from xltool.model import FaultKind, Severity

SEAL = "下发时的封印与批次台账"


def _hits(
    review: Review, kind: FaultKind, advice: str, severity: Severity | None = None
) -> Iterator[Hit]:
    for fault in review.filing.faults:
        if fault.kind == kind:
            detail = fault.detail.rstrip("。；，")
            if fault.expected and fault.expected not in detail:
                detail += f"；应为“{quote(fault.expected)}”"
            if fault.found and fault.found not in detail:
                detail += f"；现为“{quote(fault.found)}”"
            message = f"{detail}。{advice}"
            yield Hit(message, fault.place, fault.field, fault.found, fault.expected, severity)


@rule(
    "D601",
    "封印不符：下发时封住的内容被改动",
    Severity.ERROR,
    review="真实性",
    source=SEAL,
    reads_faults=True,
)
def sealed(review: Review) -> Iterator[Hit]:
    """工作簿里的封印要真，下发时预填并锁定的内容要与封印一致。

    错：取消保护后改了预填的一般公共预算；把别的单位的封印复制过来；封印没有了。
    对：只填了白格，用什么程序保存、文件改成什么名字都不要紧。
    """
    yield from _hits(review, FaultKind.SEAL, "请用下发给本单位的工作簿重新填写")


@rule(
    "D602",
    "不在名单上，或是别的单位的工作簿",
    Severity.ERROR,
    review="真实性",
    source=SEAL,
    reads_faults=True,
)
def whose(review: Review) -> Iterator[Hit]:
    """认单位只认封印；封印上的单位要在名单上，文件名不能写着别的单位。

    错：把甲单位的工作簿填好，改名成乙单位报来。
    对：文件名里没有任何单位的名称。
    """
    yield from _hits(review, FaultKind.UNIT, "请核实是哪个单位的申报，用该单位自己的工作簿报送")


@rule(
    "D603",
    "单位已经报过：以哪一版为准",
    Severity.QUERY,
    review="真实性",
    source=SEAL,
    reads_faults=True,
)
def again(review: Review) -> Iterator[Hit]:
    """先前报过有效的一版，又报来内容不同的一版：暂以最近的有效版为准，请确认。先前的有错误，这是改正，只作提示。

    错：前一版已经通过，又报来一版。
    对：头一次报送。
    """
    yield from _hits(review, FaultKind.RETURNED, "暂以最近一次有效的为准，请确认")
    yield from _hits(review, FaultKind.CORRECTED, "按改正后的这一版审核", Severity.NOTE)


@rule(
    "D604",
    "用的是已被取代的工作簿",
    Severity.ERROR,
    review="真实性",
    source=SEAL,
    reads_faults=True,
)
def superseded(review: Review) -> Iterator[Hit]:
    """又下发过新的工作簿（版式或预填内容有变），旧的不再作数。

    错：第2次下发以后，仍用第1次下发的工作簿报送。
    对：用最近一次下发的工作簿报送。
    """
    yield from _hits(review, FaultKind.SUPERSEDED, "请用最近一次下发的工作簿重新填写")
