"""What differs between two filings of a unit, in the lines that a reviewer looks at first."""

from __future__ import annotations

from collections.abc import Iterator

from xltool.checks.engine import edition_of, on_these_forms
from xltool.model import Filing


def differences(former: Filing, filing: Filing) -> list[str]:
    """Amounts with their change, projects that came and went,
    indicators that stayed word for word."""
    unit = edition_of(filing).unit
    former = on_these_forms(former, edition_of(filing)) or former
    head = f"上年（{former.year or '年度未填'}）→ 本年（{filing.year or '年度未填'}），单位：{unit}"
    return [head, *_amounts(former, filing), *_projects(former, filing), _same(former, filing)]


def _amounts(former: Filing, filing: Filing) -> Iterator[str]:
    if former.department is None or filing.department is None:
        yield "缺部门整体支出绩效目标表，金额没有对比"
        return
    for field in edition_of(filing).department.field:
        if field.kind != "amount":
            continue
        was, now = former.department.amount(field.id), filing.department.amount(field.id)
        if was is None and now is None:
            continue
        share = f"（{(now - was) / was:+.1%}）" if was and now is not None else ""
        yield f"{field.label}：{'空' if was is None else was} → {'空' if now is None else now}{share}"


def _projects(former: Filing, filing: Filing) -> Iterator[str]:
    was = dict.fromkeys(form.text("project").strip() for form in former.projects)
    now = dict.fromkeys(form.text("project").strip() for form in filing.projects)
    for heading, names in (
        ("新增项目", [name for name in now if name not in was]),
        ("上年有、本年没有的项目", [name for name in was if name not in now]),
    ):
        if names:
            yield f"{heading} {len(names)} 个：{'、'.join(name or '（名称未填）' for name in names[:8])}"


def _same(former: Filing, filing: Filing) -> str:
    def rows(side: Filing) -> set[tuple[str, str]]:
        pairs = {
            (indicator.name.text.strip(), indicator.target.text.strip())
            for form in side.forms
            for indicator in form.indicators
        }
        return {row for row in pairs if row[0]}

    was, now = rows(former), rows(filing)
    return (
        f"指标：上年 {len(was)} 条，本年 {len(now)} 条，名称和指标值都没有变的 {len(was & now)} 条"
    )
