"""The rule book for people: the list, one rule's page, and docs/rules.md,
all derived from the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from xltool.checks.engine import Rule

FAMILIES = {
    "R": "读文件和版面",
    "P": "完整和前后一致",
    "T": "表内合计与非税项目",
    "I": "绩效指标",
    "X": "表与表之间",
    "D": "下发和回收",
}
_EXAMPLE = re.compile(r"^(错|例|对)：(.*)$", re.MULTILINE)


def line(rule: Rule) -> str:
    """One rule in the list."""
    return f"{rule.code}  {rule.severity.label}  {rule.title}（{rule.review}）"


def families(rules: Mapping[str, Rule]) -> Iterator[tuple[str, list[Rule]]]:
    """(title, its rules) of each family that has rules, in order."""
    for letter, title in FAMILIES.items():
        family = [rule for code, rule in rules.items() if code.startswith(letter)]
        if family:
            yield title, family


def explanation(rule: Rule) -> str:
    """What the rule says and why, without its examples."""
    return _EXAMPLE.sub("", rule.doc).strip()


def examples(rule: Rule) -> dict[str, str]:
    """One that fails (错; of a note 例) and one that passes (对), from the rule's page."""
    return {kind: text.strip() for kind, text in _EXAMPLE.findall(rule.doc)}


def page(rule: Rule) -> str:
    """One rule explained: what, why, what to do, and an example each way."""
    told = "\n".join(f"{kind}：{text}" for kind, text in examples(rule).items())
    return (
        f"{rule.code} {rule.title}\n"
        f"级别：{rule.severity.label}　审核属性：{rule.review}　依据：{rule.source}\n\n"
        f"{explanation(rule)}\n\n{told}"
    )


def markdown(rules: Mapping[str, Rule]) -> str:
    """docs/rules.md."""
    parts = [
        "# 审核规则",
        "这一页由 `xltool rules --markdown` 从规则本身导出，不要手改。"
        "错误必须改正；核实可以改正，也可以书面说明；提示只是告知。"
        "阈值、试行、停用和轻重在设置文件里改（`xltool/checks/settings.toml`）。",
    ]
    for title, family in families(rules):
        parts.append(f"## {title}")
        parts.append("| 代码 | 级别 | 审核属性 | 规则 |\n|---|---|---|---|")
        parts[-1] += "".join(
            f"\n| [{r.code}](#{r.code.lower()}) | {r.severity.label} | {r.review} | {r.title} |"
            for r in family
        )
        for rule in family:
            parts.append(f'### <a id="{rule.code.lower()}"></a>{rule.code} {rule.title}')
            parts.append(f"{rule.severity.label} · {rule.review} · 依据：{rule.source}")
            parts.append(explanation(rule))
            parts.append("\n".join(f"- {kind}：{text}" for kind, text in examples(rule).items()))
    return "\n\n".join(parts) + "\n"
