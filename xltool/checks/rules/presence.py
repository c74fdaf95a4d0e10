"""P2xx: what is missing, left over or contradicts itself before any figure is judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._text import longer_than_a_year, on, quote
from xltool.editions.declaration import FormSpec
from xltool.files.table_habits import folded
from xltool.indicator import is_empty, is_placeholder
from xltool.indicator.dates import Period, read_period
from xltool.indicator.vocabulary import left_over
from xltool.model import Entry, Form, Place, Severity

FORM = "申报表的格式：表上印有这一栏"
COVERAGE = "财政部2024-03-26对绩效目标审核的要求：完整性（读过转述，未见条款原文）"
NO_TEXT = "没有读到规定，由设置定"

_YEAR = re.compile(r"(?<!\d)(20\d\d)(?=\s*年|[.\-/]\d)")


@rule("P201", "必填项空着", Severity.ERROR, review="完整性", source=FORM, yields_to=("R103",))
def required_fields(review: Review) -> Iterator[Hit]:
    """版式声明为必填的栏目不能空着；只有空格也算空着。

    资金总额空着而分项有数时，由 T305 说。

    错：部门职能职责概述没有填。
    对：政府性基金拨款没有就空着（不是必填项）。
    """
    for form in review.filing.forms:
        spec = review.spec(form)
        for field in spec.field:
            if field.required and form[field.id].blank and not _summed(form, spec, field.id):
                yield review.hit(form[field.id], f"“{field.label}”没有填，请填写", field=field.id)


def _summed(form: Form, spec: FormSpec, field: str) -> bool:
    """The field is a total over parts that are filled."""
    return any(
        sum_spec.total == field and any(form.amount(part) for part in sum_spec.parts)
        for sum_spec in spec.sum
    )


@rule("P202", "留着占位或提示文字", Severity.ERROR, review="完整性", source=FORM)
def placeholders(review: Review) -> Iterator[Hit]:
    """答案里不能留着空白表的占位或提示：……、≥**%、XX、指标1：、（100字以内）；长文本一行一行地看。

    整行只有“……”的指标行是官方的占位，不算答案。三级指标名称里的提示（成活率(≥**%)）多半是上级预印的，只核实。

    错：指标值写“≥**%”；整体绩效目标第二行写“目标2：……”。
    对：“群众满意度”写“≥92%”；“目标1：”后面另起一行写内容。
    """
    for form in review.filing.forms:
        spec = review.spec(form)
        for field in spec.field:
            entry = form[field.id]
            if field.kind not in ("text", "long", "unit", "period") or not isinstance(
                entry.value, str
            ):
                continue
            if field.kind == "long":
                line = left_over(entry.value)
            else:
                line = entry.value if is_placeholder(entry.value) else ""
            if line:
                yield review.hit(
                    entry,
                    f"“{field.label}”里留着占位或提示文字“{quote(line)}”，请换成实际内容",
                    field=field.id,
                )
        for row in form.indicators:
            for column, entry in row.cells.items():
                value = entry.value
                if value.__class__ is not str or not is_placeholder(value):
                    continue
                printed = column == "name" and _says_more(value)
                advice = "如是上级预印的可以说明" if printed else "请换成实际内容"
                label = next(c.label for c in spec.indicators.column if c.id == column)
                yield review.hit(
                    entry,
                    f"“{label}”里留着占位或提示文字“{quote(entry)}”，{advice}",
                    field=f"{row.block}.{column}",
                    severity=Severity.QUERY if printed else None,
                )


def _says_more(name: str) -> bool:
    """There is a name beside the prompt: 成活率(≥**%)."""
    rest = re.sub(r"[（(][^（）()]*[）)]|[\d\s*_xX×≥≤><=%：:.…]|指标|目标", "", name)
    return len(rest) > 1


@rule("P203", "年度前后不一致", Severity.ERROR, review="完整性", source=FORM, yields_to=("I411",))
def years_agree(review: Review) -> Iterator[Hit]:
    """表头的年度要落在项目支出实施期里，也要与时效指标里写明的年份相合。

    实施期可以跨几年，时效指标可以写到实施期里的任何一年；没写年份的期限（12月31日前）不比。
    各表的年度彼此不同，由 X505 说。

    错：表头 2024 年，实施期 2023年1月1日-2023年12月31日。
    对：表头 2024 年，实施期 2023年7月-2025年6月。
    """
    department = review.filing.department
    for form in review.filing.forms:
        year = form.year
        if form["year"].unread:
            yield review.hit(
                form["year"],
                f"表头的年度“{quote(form['year'])}”读不成年份，请写四位数字",
                field="year",
                expected="四位数字的年份",
            )
        if year is None or (department is not None and department.year not in (None, year)):
            continue
        span = read_period(form.text("period")) if form.kind == "project" else None
        if span is not None and year not in span.years:
            yield review.hit(
                form["period"],
                f"表头年度是 {year} 年，而项目支出实施期“{quote(form['period'])}”不含这一年，请改正其中之一",
                field="period",
                expected=f"含 {year} 年",
            )
            continue
        for row in form.block("time"):
            if not _meets(row.target, year, span):
                yield review.hit(
                    row.target,
                    f"表头年度是 {year} 年，而时效指标写“{quote(row.target)}”，请改正其中之一",
                    field="time.target",
                    expected=f"{year} 年",
                )


def _meets(entry: Entry, year: int, span: Period | None) -> bool:
    """The years written there include the budget year, or one of the project's years."""
    years = [int(y) for y in _YEAR.findall(str(entry.value or ""))]
    if not years:
        return True
    first, last = (span.start.year, span.end.year) if span else (year, year)
    return min(years) <= last and first <= max(years)


@rule("P204", "产出或效益没有一条指标", Severity.ERROR, review="完整性", source=FORM)
def both_kinds(review: Review) -> Iterator[Hit]:
    """产出指标和效益指标各至少要有一条。

    错：效益指标全是“……”。
    对：产出、效益都有指标，其中某个二级类别空着（由 P205 看）；金额全为零、写明了原因的零申报（P213）。
    """
    if _nothing_to_file(review):
        return
    for form in review.filing.forms:
        for level1 in _empty_kinds(form, review.spec(form)):
            message = f"“{level1}”下一条指标也没有，请至少填一条"
            yield Hit(message, Place(form.sheet, ""), field=level1, expected="至少一条指标")


@rule("P205", "有二级类别没有指标", Severity.QUERY, review="完整性", source=NO_TEXT)
def each_category(review: Review) -> Iterator[Hit]:
    """设置里要求的二级类别（required_blocks）各至少要有一条指标。

    整个产出或效益都空着时由 P204 说，这里不再重复。

    错：满意度一条也没有填。
    对：生态效益指标空着（默认设置不要求）；零申报（P213）。
    """
    if _nothing_to_file(review):
        return
    for form in review.filing.forms:
        spec = review.spec(form)
        filled = {spec.block(block).kind for block in {row.block for row in form.indicators}}
        empty = _empty_kinds(form, spec)
        for kind in dict.fromkeys(block.kind for block in spec.indicators.block):
            if kind in filled or kind not in review.settings.required_blocks:
                continue
            blocks = [block for block in spec.indicators.block if block.kind == kind]
            if blocks[0].level1 in empty:
                continue
            label = blocks[0].label if len(blocks) == 1 else blocks[0].level1
            message = f"“{label}”没有指标，请填写，或说明为什么没有"
            yield Hit(message, Place(form.sheet, ""), field=kind, expected="至少一条指标")


@rule("P213", "零申报", Severity.NOTE, review="完整性", source=FORM)
def zero_filing(review: Review) -> Iterator[Hit]:
    """金额全填了零，又写明了原因的，是零申报：不再要求指标。只提示。

    例：资金总额填 0，整体绩效目标写“本年度没有安排部门预算支出，无绩效目标”。
    对：金额不是零；金额空着；填了零却没有说为什么（照常审核）。
    """
    department = review.filing.department
    if department is not None and _nothing_to_file(review):
        message = "金额全为零，写明了原因，按零申报审核，不要求填指标"
        yield review.hit(department["total"], message, field="total")


# Why a unit has nothing to file, as units write it.
_NOTHING = re.compile(
    r"零申报|(本年|今年|本年度|年度|本单位|我单位)[^。；\n]{0,16}(无|没有|未|不再|不)[^。；\n]{0,12}"
    r"(预算|经费|资金|支出|项目|收支|业务)|(机构|单位)[^。；\n]{0,8}(撤销|划转|合并|并入)"
)


def _nothing_to_file(review: Review) -> bool:
    """Whether all amounts are zero, the total by a written zero, and a long text says why."""
    department = review.filing.department
    if department is None or department.amount("total") != 0:
        return False
    amounts = [entry.value for form in review.filing.forms for entry in form.entries.values()]
    if any(isinstance(value, Decimal) and value for value in amounts):
        return False
    long = [field.id for field in review.spec(department).field if field.kind == "long"]
    return any(_NOTHING.search(department.text(id_)) for id_ in long)


def _empty_kinds(form: Form, spec: FormSpec) -> list[str]:
    """产出指标 and 效益指标, where no category under them has an indicator."""
    blocks = spec.indicators.block
    filled = {spec.block(block).level1 for block in {row.block for row in form.indicators}}
    return [
        k
        for k in dict.fromkeys(
            block.level1 for block in blocks if block.level1[:2] in ("产出", "效益")
        )
        if k not in filled
    ]


@rule("P206", "指标缺名称或缺指标值", Severity.QUERY, review="完整性", source=FORM)
def half_indicators(review: Review) -> Iterator[Hit]:
    """一行指标要有三级指标的名称，也要有指标值。

    只画一道线（—、/）也是空着。

    错：三级指标写“可持续性”，指标值及单位空着。
    对：整行都空着，或者只有官方的占位“……”（不是指标）。
    """
    for form in review.filing.forms:
        for row in form.indicators:
            unanswered, nameless = _empty(row.target), _empty(row.name)
            if unanswered is nameless:
                continue
            if unanswered:
                yield review.hit(
                    row.target,
                    f"指标“{quote(row.name)}”没有指标值，请填写，或删去这一指标",
                    field=f"{row.block}.target",
                    found=f"{quote(row.name)}：空",
                )
            else:
                yield review.hit(
                    row.name,
                    f"指标值“{quote(row.target)}”没有三级指标的名称，请填写",
                    field=f"{row.block}.name",
                    found=f"空：{quote(row.target)}",
                )


def _empty(entry: Entry) -> bool:
    """Blank, or a stroke that says so."""
    value = entry.value
    return is_empty(value) if isinstance(value, str) else entry.blank


@rule(
    "P207",
    "实施期目标与本年度目标一字不差",
    Severity.QUERY,
    review="相关性",
    source=FORM,
    needs=("period_goal",),
)
def goals_differ(review: Review) -> Iterator[Hit]:
    """实施期长于一年的项目，实施期绩效目标与本年度绩效目标不应一字不差。

    错：实施期 2023年1月-2025年12月，两栏目标相同。
    对：实施期只有一年，两栏目标相同。
    """
    for form in review.filing.projects:
        span = read_period(form.text("period"))
        if not longer_than_a_year(span) or form["annual_goal"].blank:
            continue
        if folded(form.text("period_goal")) == folded(form.text("annual_goal")):
            yield review.hit(
                form["annual_goal"],
                f"实施期“{quote(form['period'])}”长于一年，"
                "而本年度绩效目标与实施期绩效目标一字不差，请写明本年度做到哪一步，或说明理由",
                field="annual_goal",
                found=quote(form["annual_goal"]),
                expected="只写本年度的目标",
            )


@rule(
    "P208",
    "有项目支出而没有项目表",
    Severity.ERROR,
    review="完整性",
    source=FORM,
    needs=("project_spending",),
)
def project_forms_exist(review: Review) -> Iterator[Hit]:
    """部门表的项目支出大于零，就要有项目支出绩效目标表。

    错：项目支出 523.67，一张项目表也没有。
    对：项目支出空着或为 0。
    """
    department = review.filing.department
    if department is None or review.filing.projects:
        return
    if (department.amount("project_spending") or 0) > 0:
        entry = department["project_spending"]
        yield review.hit(
            entry,
            f"部门表的项目支出是 {entry.text or entry.value}，但没有项目支出绩效目标表，请补报项目表",
            field="project_spending",
            expected="至少一张项目支出绩效目标表",
        )


@rule("P212", "没有部门表", Severity.NOTE, review="完整性", source=FORM)
def department_form_is_missing(review: Review) -> Iterator[Hit]:
    """只有项目表、没有部门整体支出绩效目标表的申报，只提一句；部门表的其他规则都不适用。

    只导入了项目表的旧申报就是这样。部门表被人从工作簿里删掉的，由 R103 说。

    错：一张项目表，没有部门表。
    对：部门表和项目表都有。
    """
    if review.filing.department is None and review.filing.projects:
        first = review.filing.projects[0]
        title = review.edition.department.title
        yield review.hit(
            first["unit"],
            f"这份申报没有“{title}”，与部门表有关的规则没有审；要报部门表的请补上",
            field="unit",
        )


@rule("P209", "单位名称不一致", Severity.ERROR, review="形式", source=FORM)
def one_unit(review: Review) -> Iterator[Hit]:
    """一份申报里各张表的部门名称要相同；同一张表上的填报单位与部门名称不同则要核实。

    空格、全角半角不计。

    错：部门表写“青山县水利局”，项目表写“青山县水务局”。
    对：项目表的名称后面多了一个全角空格。
    """
    named = [form for form in review.filing.forms if not form["unit"].blank]
    for form in named:
        first = named[0]
        if folded(form.text("unit")) != folded(first.text("unit")):
            label = review.spec(form)["unit"].label
            yield review.hit(
                form["unit"],
                f"“{label}”写的是“{quote(form['unit'])}”，"
                f"而{on(first)}写的是“{quote(first['unit'])}”，请统一",
                field="unit",
                expected=first.text("unit").strip(),
            )
        elif not form["filer"].blank and folded(form.text("filer")) != folded(form.text("unit")):
            yield review.hit(
                form["filer"],
                f"填报单位写的是“{quote(form['filer'])}”，而本表的部门名称是“{quote(form['unit'])}”，"
                "请统一，或说明理由",
                field="filer",
                expected=form.text("unit").strip(),
                severity=Severity.QUERY,
            )


@rule("P210", "长文本过短或过长", Severity.QUERY, review="完整性", source=NO_TEXT)
def long_texts(review: Review) -> Iterator[Hit]:
    """职能概述和绩效目标的字数要在设置的上下限之内（long_text_min、long_text_max）；空白字符不计。

    错：整体绩效目标只写“按计划完成”。
    对：写明目标1、目标2各做什么。
    """
    least, most = review.settings.long_text_min, review.settings.long_text_max
    for form in review.filing.forms:
        for field in review.spec(form).field:
            length = len("".join(form.text(field.id).split())) if field.kind == "long" else 0
            if length and not least <= length <= most:
                asked = (
                    f"少于 {least} 字，请写具体" if length < least else f"多于 {most} 字，请精简"
                )
                yield review.hit(
                    form[field.id],
                    f"“{field.label}”有 {length} 字，{asked}，或说明理由",
                    field=field.id,
                    found=f"{length} 字",
                    expected=f"{least}～{most} 字",
                )
