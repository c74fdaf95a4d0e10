"""Faults to plant in a well-made filing, each with what must be found where, and nothing else.

    for mutation in MUTATIONS:
        filing = mutation.change(clean_filing("hospital-county"))
        # check(filing) finds exactly mutation.expect: (code, address) pairs, notes left aside

Addresses are those of `tests/support/case.py` (`department.total`, `project.quantity.1.target`).
The faults name their own rows, so they can be planted in any filing with at least two projects.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from tests.support.case import read_entry
from xltool.editions.declaration import load_edition
from xltool.model import Entry, Filing, Form, Indicator, Place

Change = Callable[[Filing], Filing]


@dataclass(frozen=True)
class Mutation:
    """One planted fault. `last_year` makes last year's filing out of the clean one."""

    title: str
    expect: tuple[tuple[str, str], ...]
    change: Change
    last_year: Change | None = None

    @property
    def code(self) -> str:
        return self.expect[0][0]


# ── changes: Filing → Filing, places kept ──


def together(*changes: Change) -> Change:
    """One change after the other."""

    def change(filing: Filing) -> Filing:
        for one in changes:
            filing = one(filing)
        return filing

    return change


def say(address: str, text: str) -> Change:
    """Write this in a field (`project.period`), read as the reader would; "" leaves it blank."""
    name, field_id = address.split(".")

    def change(form: Form) -> Form:
        edition = load_edition()
        old = form[field_id]
        entry = read_entry(
            edition[form.kind][field_id], text, old.place or Place(form.sheet, ""), edition
        )
        return replace(form, entries={**form.entries, field_id: entry})

    return _on(name, change)


def add(address: str, amount: str) -> Change:
    """Add this to an amount."""
    return _amount(address, lambda value: value + Decimal(amount))


def times(address: str, factor: str) -> Change:
    """Multiply an amount."""
    return _amount(address, lambda value: value * Decimal(factor))


def rows(address: str, *cells: tuple[str, ...]) -> Change:
    """Put these rows in the place of a category's (`department.quantity`)."""
    name, block = address.split(".")

    def change(form: Form) -> Form:
        spec = load_edition()[form.kind]
        order = [b.id for b in spec.indicators.block]
        new = [Indicator(block, dict(_cells(form, block, n, row))) for n, row in enumerate(cells)]
        kept = [one for one in form.indicators if one.block != block]
        every = sorted([*kept, *new], key=lambda one: order.index(one.block))
        return replace(form, indicators=tuple(every))

    return _on(name, change)


def no_projects(filing: Filing) -> Filing:
    return replace(filing, projects=())


def _amount(address: str, work: Callable[[Decimal], Decimal]) -> Change:
    name, field_id = address.split(".")

    def change(form: Form) -> Form:
        value = work(form.amount(field_id) or Decimal(0))
        return replace(
            form,
            entries={
                **form.entries,
                field_id: replace(form[field_id], value=value, text=str(value)),
            },
        )

    return _on(name, change)


def _cells(form: Form, block: str, row: int, texts: tuple[str, ...]):
    columns = load_edition()[form.kind].indicators.column
    old = form.block(block)
    for n, (column, text) in enumerate(itertools.zip_longest(columns, texts, fillvalue="")):
        place = (
            old[row][column.id].place
            if row < len(old)
            else Place(form.sheet, f"{'DEFG'[n]}{900 + row}")
        )
        yield column.id, Entry(text or None, text, place)


def _on(name: str, work: Callable[[Form], Form]) -> Change:
    def change(filing: Filing) -> Filing:
        if name == "department":
            assert filing.department is not None
            return replace(filing, department=work(filing.department))
        at = int(name.removeprefix("project") or 1) - 1
        projects = tuple(work(form) if n == at else form for n, form in enumerate(filing.projects))
        return replace(filing, projects=projects)

    return change


# ── the faults ──


def fault(
    title: str, code: str, address: str, *changes: Change, also: tuple[tuple[str, str], ...] = ()
):
    return Mutation(title, ((code, address), *also), together(*changes))


def value(title: str, code: str, block: str, *row: str, at: str = "target") -> Mutation:
    """A fault in the only row of a category, `department.ecological`."""
    return fault(title, code, f"{block}.1.{at}", rows(block, row))


# Last year's filing: what of it differs from this year's, by part.
OLD_GOAL = say("department.goal", "目标1：上一年的目标，说的是另外的事情，做法也不相同。")
OLD_TEXTS = together(
    *(
        say(f"{project}.{goal}", "上一年写的目标，内容与今年的目标完全不同，也不是同一件事。")
        for project in ("project", "project2")
        for goal in ("period_goal", "annual_goal")
    ),
)
OLD_ROWS = rows("department.quantity", ("上年才有的指标", "≥3个"))
OLD_PROJECT_ROWS = rows("project.quantity", ("上年项目才有的指标", "≥3个", "计划标准"))
OLD_PROJECT2_ROWS = rows("project2.quantity", ("上年项目才有的指标", "≥3个", "计划标准"))
OLD_MONEY = add("department.general", "-20")
OLD_PROJECT_MONEY = together(add("project.own_budget", "1"), add("project2.own_budget", "1"))
OLD = (
    OLD_GOAL,
    OLD_TEXTS,
    OLD_ROWS,
    OLD_PROJECT_ROWS,
    OLD_PROJECT2_ROWS,
    OLD_MONEY,
    OLD_PROJECT_MONEY,
)


def copied(title: str, address: str, same: Change) -> Mutation:
    """Last year's filing differs in everything but `same`."""
    return Mutation(
        title,
        (("X507", address),),
        together(),
        together(*(part for part in OLD if part is not same)),
    )


def negative_other(filing: Filing) -> Filing:
    """其他资金 −100, and the revenue side still closes."""
    assert filing.department is not None
    moved = 100 + (filing.department.amount("other") or 0)
    return together(add("department.general", str(moved)), say("department.other", "-100"))(filing)


MISSING = [
    fault(f"必填项空着：{field}", "P201", field, say(field, ""))
    for field in (
        "department.duties", "department.goal", "department.unit", "project.project", "project.period",
        "project.period_goal", "project.annual_goal",
    )
]  # fmt: skip

PRESENCE = [
    value("指标值留着 ≥**%", "P202", "department.ecological", "绿化养护覆盖情况", "≥**%"),
    value("名称留着 指标1：", "P202", "department.ecological", "指标1：", "≥35%", at="name"),
    value("指标值留着 XX家", "P202", "project.social", "帮带单位", "XX家", "计划标准"),
    value("绩效标准留着省略号", "P202", "project.social", "帮带单位", "≥3家", "……", at="standard"),
    fault("目标留着提示", "P202", "project.annual_goal", say("project.annual_goal", "年度目标（100字以内）")),
    fault("实施期是前年", "P203", "project.period", say("project.period", "2020年1月-2020年12月")),
    fault(
        "产出一条也没有", "P204", "department",
        *(rows(f"department.{block}") for block in ("quantity", "quality", "time", "cost")),
    ),
    fault(
        "效益一条也没有", "P204", "project2",
        *(rows(f"project2.{b}") for b in ("economic", "social", "ecological", "sustainable", "satisfaction")),
    ),
    fault("没有满意度指标", "P205", "department", rows("department.satisfaction")),
    fault("没有时效指标", "P205", "project", rows("project.time")),
    value("有名称没有值", "P206", "department.sustainable", "长效管护机制", ""),
    value("有值没有名称", "P206", "department.sustainable", "", "≥95%", at="name"),
    fault(
        "跨年项目两栏目标相同", "P207", "project.annual_goal",
        say("project.period", "2022年1月-2026年12月"),
        say("project.period_goal", "分三年完成全部建设内容并交付使用。"),
        say("project.annual_goal", "分三年完成全部建设内容并交付使用。"),
    ),
    fault("有项目支出没有项目表", "P208", "department.project_spending", no_projects),
    fault(
        "项目表写了别的单位", "P209", "project2.unit",
        say("project2.unit", "另一个单位"), say("project2.filer", "另一个单位"),
    ),
    fault("填报单位与部门名称不同", "P209", "department.filer", say("department.filer", "又一个单位")),
    fault("目标只有几个字", "P210", "department.goal", say("department.goal", "按计划完成")),
    fault("目标长得离谱", "P210", "project.annual_goal", say("project.annual_goal", "完成年度任务。" * 500)),
]  # fmt: skip

SUMS = [
    fault("收入侧少一笔", "T301", "department.total", add("department.general", "-37.5")),
    fault("收入侧多一笔", "T301", "department.total", add("department.other", "12.34")),
    fault("支出侧少一笔", "T302", "department.total", add("department.basic", "-37.5")),
    fault(
        "总额两头都对不上", "T301", "department.total", add("department.total", "53"),
        also=(("T302", "department.total"),),
    ),
    fault(
        "基本支出多打一位", "T302", "department.total", times("department.basic", "10"),
        also=(("T307", "department.basic"),),
    ),
    fault(
        "总额按元填", "T301", "department.total", times("department.total", "10000"),
        also=(("T302", "department.total"), ("T307", "department.total")),
    ),
    fault(
        "靠非税支出才平衡", "T304", "department.nontax_spending",
        add("department.basic", "-10"), add("department.nontax_spending", "10"),
    ),
    fault("总额为零", "T305", "department.total", say("department.total", "0")),
    fault("其他资金为负", "T306", "department.other", negative_other),
    fault("金额读不出", "R107", "project.own_budget", say("project.own_budget", "约五百万")),
]  # fmt: skip
VALUES = [
    value("约数", "I401", "department.quantity", "走访服务对象", "约50家"),
    value("余数", "I401", "department.quantity", "走访服务对象", "50余家"),
    value("左右", "I401", "department.quality", "资料归档情况", "95%左右"),
    value("只有单位", "I401", "department.quantity", "修建便道", "公里"),
    value("符号矛盾", "I401", "department.quality", "资料归档情况", "≥95%以下"),
    value("点丢了的期间", "I401", "project.time", "服务周期", "20246-202512", "计划标准"),
    value("满意度丢了百分号", "I402", "department.satisfaction", "群众满意度", "≥85"),
    value("标准丢了百分号", "I402", "project.satisfaction", "群众满意度", "≥85%", "≥85", at="standard"),
    value("数量没有单位", "I402", "department.quantity", "走访服务对象", "≥60"),
    value("成本没有写 ≤", "I403", "department.cost", "印刷费", "3.5万元"),
    value("满意度没有写 ≥", "I403", "project.satisfaction", "群众满意度", "90%", "行业标准"),
    value("零次以上", "I404", "department.ecological", "环保处罚", "0次以上"),
    value("合格率不超过百分之百", "I404", "project.quality", "工程验收合格率", "≤100%", "行业标准"),
    value("满意度超过百分之百", "I404", "department.satisfaction", "群众满意度", ">100%"),
    value("识别错的 292%", "I404", "department.quality", "设备验收合格率", "292%"),
    value("合格率 ≥100%", "I404", "department.quality", "资料审核合格率", "≥100%"),
    value("给收入封顶", "I405", "department.economic", "产品销售收入", "≤1亿元"),
    value("标准给收入封顶", "I405", "project.economic", "产品销售收入", "1亿元", "≤1亿元", at="standard"),
    value("要求投诉发生", "I405", "department.social", "群众投诉次数", "≥3次"),
    value("成本写成下限", "I405", "department.cost", "印刷费", "≥3.5万元"),
    value("满意度写成上限", "I405", "project.satisfaction", "群众满意度", "≤90%", "行业标准"),
    value("给就业封顶", "I405", "department.social", "带动就业人数", "≤30人"),
    value("差错率写成下限", "I405", "department.quality", "数据录入差错率", "≥2%"),
    value("值与标准数不同", "I406", "project.quality", "扶持企业", "20家以上", "≥6家"),
    value("值与标准单位不同", "I406", "project.quality", "扶持企业", "≥6家", "≥6次"),
    value("值与标准方向相反", "I406", "project.quality", "扶持企业", "≥6家", "≤6家"),
    fault(
        "值与标准期限不同", "I406", "project.time.1.target",
        say("project.period", "2015年1月-2035年12月"),
        rows("project.time", ("交付时限", "11月30日前", "10月31日前")),
    ),
    value("三个名称两个值", "I407", "department.quantity", "甲项任务，乙项任务，丙项任务", "3次\n5次"),
    fault(
        "同名两个值", "I408", "department.sustainable.2.target",
        rows("department.sustainable", ("水费收入增长率", "≥1%"), ("水费收入增长率", "≥2%")),
    ),
    fault(
        "同名两个期限", "I408", "department.time.2.target",
        rows("department.time", ("任务完成时限", "6月30日前"), ("任务完成时限", "9月30日前")),
    ),
    value("一格里同名两个值", "I408", "department.sustainable", "客流增长率\n客流增长率", "≥1%\n≥2%"),
    fault(
        "同一指标写了两次", "I409", "department.quantity.2.target",
        rows("department.quantity", ("走访服务对象", "≥60家"), ("走访服务对象", "60家以上")),
    ),
    value("数量写成等级", "I410", "department.quantity", "走访服务对象", "显著提高"),
    value("成本写成文字", "I410", "project.cost", "印刷费", "合理节俭", "计划标准"),
    value("期限在下一年", "I411", "department.time", "任务完成时限", "2031年3月底前"),
    value("期限在实施期之外", "I411", "project.time", "交付时限", "2031年3月底前", "计划标准"),
    value("值照抄名称", "I412", "department.ecological", "环境进一步优化", "环境进一步优化　"),
    value("口号加百分比", "I416", "department.social", "维护社会和谐稳定", "≥95%"),
    value("没说谁的满意度", "I417", "department.satisfaction", "满意度", "≥90%"),
    value("满意度放在质量里", "I418", "department.quality", "办事人员满意度", "≥90%"),
    value("投入当作产出", "I419", "project.quantity", "投入人员", "12人", "计划标准"),
    value("满意度较高", "I420", "department.satisfaction", "来访人员满意度", "较高"),
    value("比率写成小数", "I421", "department.quality", "资料真实率", "≥0.95比例"),
    value("满意度过低", "I422", "department.satisfaction", "来访人员满意度", "≥45%"),
    value("率的单位是个", "I413", "department.quality", "资料归档率", "≥95个"),
    value("人数的单位是场", "I413", "department.quantity", "培训人数", "≥20场"),
    value("与名称括号里的单位不同", "I413", "department.quantity", "在编职工人数（人）", "=42个"),
]  # fmt: skip

ACROSS = [
    fault(
        "还有项目没有报", "X501", "department.project_spending",
        add("department.project_spending", "37.5"), add("department.basic", "-37.5"),
    ),
    fault(
        "项目表合计超过部门", "X501", "department.project_spending",
        add("department.project_spending", "-37.5"), add("department.basic", "37.5"),
    ),
    value("成本超过预算", "X502", "project.cost", "工程费", "≤99999万元", "计划标准"),
    fault(
        "项目的人数高过部门", "X503", "project.social.1.target",
        rows("department.social", ("新增就业人数", "≥20人")),
        rows("project.social", ("新增及解决就业人数", "≥180人", "计划标准")),
    ),
    fault(
        "两张项目表同名", "X504", "project2.project",
        say("project.project", "同名项目"), say("project2.project", "同名项目"),
    ),
    fault("一张表是别的年度", "X505", "project2.year", say("project2.year", "2019")),
    fault(
        "一个项目就超过部门", "X506", "project.own_budget",
        add("project.own_budget", "90000"),
        also=(("X501", "department.project_spending"),),
    ),
    copied("目标照抄上年", "department.goal", OLD_GOAL),
    copied("金额照抄上年", "department.total", OLD_MONEY),
    copied("指标照抄上年", "project.quantity.1.name", OLD_PROJECT_ROWS),
    fault(
        "文字里的金额不同", "X508", "project.annual_goal",
        say("project.annual_goal", "用好项目资金56.123万元，完成全年建设任务并验收。"),
    ),
    fault(
        "文字里的数量不同", "X509", "project.annual_goal",
        rows("project.ecological", ("栽植行道树", "≥120株", "计划标准")),
        say("project.annual_goal", "年内栽植行道树200株，完成全年建设任务并验收。"),
    ),
    fault(
        "单价乘数量超过预算", "X510", "project.cost.1.target",
        rows("project.cost", ("网格员补贴", "≤9000万元/月", "计划标准")),
        say("project.period", "2015年1月-2035年12月"),
    ),
    fault(
        "目标只讲花钱", "P211", "project.annual_goal",
        say("project.annual_goal", "按进度支付项目资金，确保预算执行率达到百分之百。"),
    ),
]  # fmt: skip

MUTATIONS = [*MISSING, *PRESENCE, *SUMS, *VALUES, *ACROSS]
