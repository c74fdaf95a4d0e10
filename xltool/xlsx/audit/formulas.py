"""What is wrong with a formula or a name's reference, without reckoning it."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_FORMULA = 8192

# What must not be looked into, from left to right: a text, an error value, a sheet's name.
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*")|(?P<error>#(?:REF!|DIV/0!|NULL!|VALUE!|NUM!))"""
    r"""|'(?P<quoted>(?:[^']|'')+)'!|(?P<plain>[^\s'"!(),;:&=<>+*/^#-]+)!"""
)


def formula_fault(formula: str, sheets: frozenset[str]) -> str:
    """What is wrong with a formula or reference, as the end of a sentence; empty when nothing is.

    `sheets` are the workbook's sheet names in lower case.
    """
    # A formula that names no sheet is as good or bad in every workbook.
    return _fault(formula, sheets if "!" in formula else frozenset())


@lru_cache(maxsize=4096)
def _fault(formula: str, sheets: frozenset[str]) -> str:
    if not formula.strip():
        return "是空的"
    if formula.startswith("="):
        return "以 = 开头"
    if len(formula) > MAX_FORMULA:
        return f"超过 {MAX_FORMULA} 个字"
    for token in _TOKEN.finditer(formula):
        name = (token["quoted"] or "").replace("''", "'") or token["plain"]
        if token["error"] == "#REF!":
            return f"引用已失效：{formula[:60]}"
        if name and "[" in name:
            return f"引用了另一个文件：{formula[:60]}"
        if name and name.casefold() not in sheets:
            return f"引用了不存在的工作表“{name}”"
    bare = _TOKEN.sub("", formula)
    if '"' in bare:
        return f"的引号不成对：{formula[:60]}"
    depth = 0
    for char in bare:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            break
    return f"的括号不成对：{formula[:60]}" if depth else ""
