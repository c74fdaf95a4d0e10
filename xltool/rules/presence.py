"""P2xx: what is missing, left over or contradicts itself before any figure is judged."""

from __future__ import annotations

from collections.abc import Iterator

from xltool.model import Entry, Severity
from xltool.review import Hit, Review, rule

FORM = "申报表的格式"


@rule("P201", "必填项空着", Severity.ERROR, review="完整性", source=FORM)
def required_fields(review: Review) -> Iterator[Hit]:
    """版式声明为必填的栏目不能空着；只有空格也算空着。

    错：部门职能职责概述没有填。
    对：政府性基金拨款没有就空着（不是必填项）。
    """
    for form in review.filing.forms:
        for spec in review.spec(form).field:
            if spec.required and form[spec.id].blank:
                yield review.hit(form[spec.id], f"“{spec.label}”没有填，请填写", field=spec.id)


@rule("P206", "指标缺名称或缺指标值", Severity.QUERY, review="完整性", source=FORM)
def half_indicators(review: Review) -> Iterator[Hit]:
    """一行指标要有三级指标的名称，也要有指标值。

    错：三级指标写“可持续性”，指标值及单位空着。
    对：整行都空着，或者只有官方的占位“……”（不是指标）。
    """
    for form in review.filing.forms:
        for one in form.indicators:
            if one.target.blank and not one.name.blank:
                yield review.hit(
                    one.target, f"指标“{_said(one.name)}”没有指标值，请填写，或删去这一指标", field="target"
                )
            elif one.name.blank and not one.target.blank:
                yield review.hit(
                    one.name, f"指标值“{_said(one.target)}”没有三级指标的名称，请填写", field="name"
                )


def _said(entry: Entry) -> str:
    return " ".join(str(entry.value).split())
