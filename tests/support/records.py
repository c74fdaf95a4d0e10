"""Records as a run makes them, of any number of invented units, the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from xltool.checks.results import CheckResult

DISTRICTS = [
    "临江县", "云溪区", "青石县", "松山市", "白沙区", "北湖区", "南屏县", "长岭县", "西塘区", "清河县",
    "东安区", "龙泉市", "柳林县", "凤鸣区", "石鼓县", "双河市",
]  # fmt: skip
OFFICES = [
    "教育局", "财政局", "民政局", "卫生健康局", "农业农村局", "交通运输局", "水利局", "文化旅游广电体育局",
    "市场监督管理局", "应急管理局", "自然资源局", "生态环境局", "科学技术和工业信息化局", "退役军人事务局",
    "第一中学", "人民医院", "中心敬老院", "图书馆", "城关镇人民政府", "公路养护中心",
]  # fmt: skip
PROJECTS = [
    "农村公路日常养护",
    "学生营养改善计划",
    "困难群众救助补助",
    "河道清淤整治",
    "基层医疗设备购置",
    "公共图书馆免费开放",
]
INDICATORS = [
    ("产出指标", "数量指标", "开展专项培训场次", "≥12场"),
    ("产出指标", "数量指标", "养护里程", "320公里以上"),
    ("产出指标", "质量指标", "验收合格率", "≥98%"),
    ("产出指标", "时效指标", "工作完成时限", "12月31日前"),
    ("产出指标", "成本指标", "项目总成本", "≤240万元"),
    ("效益指标", "经济效益指标", "带动村集体增收", "≥60万元"),
    ("效益指标", "社会效益指标", "新增就业人数", "20人以上"),
    ("效益指标", "生态效益指标", "污水处理率", "≥95%"),
    ("效益指标", "社会公众或服务对象满意度", "服务对象满意度", "≥90%"),
]
REVENUE = {
    "general": "一般公共预算",
    "fund": "政府性基金拨款",
    "nontax": "纳入专户管理的非税收入拨款",
    "other": "其他资金",
}
DEPARTMENT, PROJECT = "部门整体支出绩效目标表", "项目支出绩效目标表"


def finding(code: str, severity: str, message: str, cell: str = "D20", **more: object) -> dict:
    return {
        "code": code, "severity": severity, "message": message, "sheet": DEPARTMENT, "cell": cell,
        "field": "", "found": "", "expected": "", "review": "可行性", "explanation": "", "trial": False,
        **more,
    }  # fmt: skip


# Text, figures and places as the rules write them: code, severity, cell, message, found, expected.
_SHEETS = {"D": DEPARTMENT, "P": PROJECT}
_KNOWN = """
I404|error|D!E31|“环保处罚”的指标值“0次以上”恒成立，请改为上限（如 ≤1次）|0次以上|能够完不成的目标
I408|error|D!E33|“税收增长率”出现两次，1%以上 与 2%以上 不同，请合并或写清区别|1%以上；2%以上|一个值
I406|error|P!F14|指标值“20家以上”与绩效标准“≥6家”不一致，请核对后统一|20家以上|≥6家
P201|error|D!B11|“部门职能职责概述”没有填写，请补填||必填
I405|query|P!F18|“销售收入”越多越好，“≤1亿”方向相反，请核对|≤1亿|≥1亿元
I402|query|P!G22|“满意度提高”的绩效标准“≥85”没有单位，是否为 ≥85%|≥85|≥85%
I403|query|D!E24|成本指标“科技三项费用”的指标值“200万”没有写“≤”，请写明是上限|200万|≤200万元
P206|query|P!E19|“可持续性”只有名称没有指标值，请补填或删去这一行||
X501|query|D!F8|项目表合计 240.00 万元，部门表项目支出 523.67 万元，还差 283.67 万元|523.67|240.00
I412|query|D!E17|指标值“环境进一步优化”与指标名称相同，请写可衡量的值|环境进一步优化|
I414|note|D!E13|一格里有两个指标，按次序拆开：复审 15家以上；入库 120家以上|15家以上120家以上|
R106|note|D!C4|金额“1,245.61万元”以文本写入，按 1245.61 万元读取|1,245.61万元|1245.61
"""


def _known(line: str) -> dict:
    code, severity, place, message, found, expected = line.split("|")
    sheet, cell = place.split("!")
    return finding(
        code, severity, message, cell, sheet=_SHEETS[sheet], found=found, expected=expected
    )


FINDINGS = [_known(line) for line in _KNOWN.strip().splitlines()]
ANSWERS = [
    "已与业务股室核实，按实际执行填报。",
    "其余项目由主管局统一申报，另有文件。",
    "上年同口径，经集体研究确定。",
]


def make_records(count: int, seed: int = 2023) -> Iterator[dict]:
    """`count` records, about a third of them clean."""
    for number in range(count):
        yield make_record(number, random.Random(seed * 1_000_003 + number))


def as_results(records: Iterable[dict]) -> Iterator[CheckResult]:
    """The records, which are the JSON of results, as results."""
    return (msgspec.convert(record, CheckResult) for record in records)


def make_record(number: int, rng: random.Random) -> dict:
    district, office = (
        DISTRICTS[number % len(DISTRICTS)],
        OFFICES[number // len(DISTRICTS) % len(OFFICES)],
    )
    serial = number // (len(DISTRICTS) * len(OFFICES))
    unit = f"{district}{office}" + (f"（{serial}）" if serial else "")
    balance, found = _balance(rng)
    mood = rng.random()
    known = (
        FINDINGS
        if mood < 0.3
        else [f for f in FINDINGS if f["severity"] != "error"]
        if mood < 0.65
        else []
    )
    found += [dict(f) for f in rng.sample(known, rng.randint(0, min(9, len(known))))]
    stale: list[dict] = []
    for f in found:
        if f["severity"] == "query" and rng.random() < 0.25:
            f["explanation"] = rng.choice(ANSWERS)
        f["trial"] = f["severity"] == "query" and rng.random() < 0.05
    if number % 7 == 3:
        stale = [
            {"finding": "I403|部门整体支出绩效目标表|cost.target|200万", "explanation": ANSWERS[0]}
        ]
    found.sort(key=lambda f: ("error", "query", "note").index(f["severity"]))
    budget = rng.choice(("240", "86.5", "1200"))
    return {
        "file": f"{district}/{unit}.xlsx", "unit": unit, "code": f"{number % 9}{number:06d}", "year": 2023,
        "edition": "hunan-2023", "verdict": _verdict(found), "balance": balance, "counts": _counts(found),
        "findings": found, "stale": stale,
        "projects": [{"sheet": PROJECT, "name": rng.choice(PROJECTS), "budget": budget}],
        "indicators": [
            {"sheet": DEPARTMENT, "form": "department", "project": "", "level1": level1, "level2": level2,
             "cell": f"D{12 + row}", "name": name, "target": value}
            for row, (level1, level2, name, value) in enumerate(INDICATORS)
        ],
    }  # fmt: skip


def _balance(rng: random.Random) -> tuple[dict, list[dict]]:
    """One of: both sides close; the seed's case (by the non-tax item); spending is short."""
    general, fund = _amount(rng, 80_000_00), _amount(rng, 9_000_00) if rng.random() < 0.3 else None
    nontax = _amount(rng, 3_000_00) if rng.random() < 0.3 else None
    total = sum((a for a in (general, fund, nontax) if a is not None), Decimal(0))
    basic = (total * rng.randint(30, 80) / 100).quantize(Decimal("0.01"))
    project, extra, findings = total - basic, None, []
    kind = rng.random()
    if kind < 0.08:
        extra = min(Decimal(10), project)
        project -= extra
        findings.append(
            finding(
                "T303",
                "note",
                f"支出侧借助非税项目平衡：{basic} + {project} + {extra} = {total}",
                "F9",
                review="适当性",
            )
        )
        findings.append(finding(
            "T304", "query", f"支出侧写有非税 {extra} 万元，收入侧没有同额非税收入，请确认或更正", "F9",
            found=str(extra), expected="0.00"))  # fmt: skip
    residual = Decimal("0.00")
    if 0.08 <= kind < 0.2:
        residual = rng.choice((Decimal("10.00"), Decimal("-25.40"), Decimal("0.09"), project))
        project -= residual
        findings.append(finding(
            "T302", "error",
            f"支出侧 {basic} + {project} = {basic + project}，与资金总额 {total} 相差 {residual}", "C4",
            found=str(basic + project), expected=str(total)))  # fmt: skip
    amounts = dict(zip(REVENUE, (general, fund, nontax, None), strict=True))
    revenue = [
        _term(f, label, amounts[f], f"C{6 + n}") for n, (f, label) in enumerate(REVENUE.items())
    ]
    spending = [
        _term("basic", "基本支出", basic, "F6"), _term("project_spending", "项目支出", project, "F7"),
        {**_term("nontax_spending", "非税支出", extra, "F8"), "adjust": True},
    ]  # fmt: skip
    whole = _term("total", "资金总额", total, "C4")
    causes = [f"差额 {residual} 恰等于一个项目漏填"] if residual else []
    sides = {
        "revenue": {"total": whole, "terms": revenue, "sum": str(total), "residual": "0", "closes": True,
                    "adjusted": False, "causes": []},
        "spending": {"total": whole, "terms": spending, "sum": str(total - residual),
                     "residual": str(residual), "closes": not residual, "adjusted": extra is not None,
                     "causes": causes},
    }  # fmt: skip
    verdict = "不平衡" if residual else "经非税项目调节后平衡" if extra is not None else "平衡"
    lines = [
        _line(name, side) for name, side in zip(("收入侧", "支出侧"), sides.values(), strict=True)
    ]
    return {
        "unit": "万元",
        "verdict": verdict,
        "lines": [*lines, f"结论：{verdict}"],
        **sides,
    }, findings


def _line(name: str, side: dict) -> str:
    terms = [f"{t['label']} {t['amount']}" for t in side["terms"] if t["amount"] is not None]
    said = "平衡" if side["closes"] else f"差 {side['residual']}"
    return (
        f"{name}：{' + '.join(terms)} = {side['sum']}，资金总额 {side['total']['amount']}（{said}）"
    )


def unreadable(file: str, message: str = "文件打不开：不是有效的工作簿") -> dict:
    """The record of a file that could not be read."""
    found = [finding("R101", "error", message, "", sheet="", review="形式")]
    return {
        "file": file, "unit": "", "code": "", "year": None, "edition": "hunan-2023", "verdict": "error",
        "balance": None, "counts": _counts(found), "findings": found, "stale": [],
        "projects": [], "indicators": [],
    }  # fmt: skip


def _term(field: str, label: str, amount: Decimal | None, cell: str) -> dict:
    shown = None if amount is None else str(amount)
    return {"field": field, "label": label, "amount": shown, "cell": cell, "adjust": False}


def _amount(rng: random.Random, most: int) -> Decimal:
    return Decimal(rng.randint(most // 50, most)) / 100


def _open(f: dict) -> bool:
    return not f["trial"] and (
        f["severity"] == "error" or (f["severity"] == "query" and not f["explanation"])
    )


def _verdict(found: list[dict]) -> str:
    still = {f["severity"] for f in found if _open(f)}
    return "error" if "error" in still else "query" if "query" in still else "pass"


def _counts(found: list[dict]) -> dict:
    kinds = Counter(
        "trial"
        if f["trial"]
        else "explained"
        if f["severity"] == "query" and f["explanation"]
        else f["severity"]
        for f in found
    )
    return {key: kinds[key] for key in ("error", "query", "note", "explained", "trial")}
