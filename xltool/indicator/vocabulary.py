"""The fixed expressions of `words.toml`: operators, grades, yes and no, prompts; and cleaning."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from xltool.indicator.numerals import with_digits
from xltool.indicator.units import variants

_DATA = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))

_CLEAN: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_CLEAN |= {ord(char): " " for char in "\u3000\u00a0\t\v\f\u2002\u2003\u2009"}
_CLEAN |= {ord(char): None for char in "\ufeff\u200b\u200c\u200d\u2060"}
_CLEAN |= {ord("\r"): "\n", ord("\u2028"): "\n", ord("\u2212"): "-"}
_CLEAN |= {ord(a): b for a, b in zip("═﹦﹥﹤≧≦⩾⩽﹪﹙﹚。﹐﹔", "==><≥≤≥≤%()。,;", strict=True)}
_CLEAN |= {ord(old): new for old, new in variants().items()}
_UNCLEAN = re.compile("[" + re.escape("".join(map(chr, _CLEAN))) + "]")

DIGIT = re.compile("[0-9]")


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {
        word.translate(_CLEAN): operator
        for operator, line in table.items()
        for word in line.split()
    }


BEFORE = _by_word(_DATA["before"])
AFTER = _by_word(_DATA["after"])
_LIMIT = re.compile(_DATA["limit"])
_BOTH: dict[tuple[str, ...], str] = {
    tuple(pair.split()): operator for pair, operator in _DATA["both"].items()
}
BOOLEAN = frozenset(_DATA["boolean"]["words"].split())
BLANK = frozenset(word.translate(_CLEAN) for word in _DATA["blank"]["words"].split())
_VAGUE = tuple(_DATA["vague"].split())
_ORDINAL = tuple(_DATA["ordinal"].split())
_LONGEST = max(len(word) for word in (*BEFORE, *AFTER))
_LAST_CHARACTERS = frozenset(word[-1] for word in (*BEFORE, *AFTER))
MARKS = "。;,、. \n"


def clean(text: str) -> str:
    """Halfwidth, simplified where declared, one kind of blank,
    no edges and no closing full stop."""
    if _UNCLEAN.search(text) is not None:
        text = text.translate(_CLEAN).replace("\r\n", "\n")
    return trim(text)


def trim(text: str) -> str:
    """Without blanks at the edges and without separators at its end."""
    bare = text.strip()
    return bare.rstrip(MARKS) or ("" if text.strip(MARKS) else bare)


def pieces(text: str, marks: str) -> list[str]:
    """What stands between any of these separators, trimmed."""
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    return [trim(piece) for piece in text.split(marks[0])]


def without_space(text: str) -> str:
    """A text without the spaces in it."""
    return text.replace(" ", "")


def ends_with(text: str, table: dict[str, str]) -> str:
    """The longest expression of `table` at the end of `text`, or an empty string."""
    if text[-1:] not in _LAST_CHARACTERS:
        return ""
    for length in range(min(_LONGEST, len(text)), 0, -1):
        if text[-length:] in table:
            return text[-length:]
    return ""


def combine(front: str | None, front_word: str, back: str | None, back_word: str) -> str | None:
    """The operator that two expressions make together; an empty string where they contradict."""
    if front is None or back is None or front == back:
        return front or back
    return _BOTH.get((front_word, back_word), "")


_LABEL = r"(?:[一二三四五六七八九十]、)?[\w《》“”\"·()%/+-]{0,23}[^\W_][》”\")]?:?"


def is_label(text: str) -> bool:
    """A few words before a number that do not change what it counts: 建筑面积, 资金总额:."""
    bare = text.removesuffix(":")
    return bool(re.fullmatch(_LABEL, text)) and not bare.endswith(_VAGUE + _ORDINAL)


def is_doubtful(unit: str) -> bool:
    """Not a unit: 余, 多家, 以下."""
    return unit.startswith(_VAGUE) or unit.endswith(_VAGUE) or any(word in unit for word in AFTER)


def is_limit(body: str) -> bool:
    """A ceiling that is the budget, not a number: 不超预算, 控制在预算内."""
    return len(body) <= 20 and _LIMIT.fullmatch(without_space(body)) is not None


def names_money(label: str) -> bool:
    """A label that says an amount of money follows, unit or not: 资金总额:."""
    return label.removesuffix(":").endswith(("金额", "资金", "总额", "经费", "预算"))


def is_vague(text: str) -> bool:
    """A number that is not meant exactly: 约50家, 20余人, 85%左右."""
    return bool(re.search(_VAGUE_NUMBER, with_digits(clean(text))))


_VAGUE_NUMBER = (
    r"(?:约|近|大概|接近)\s*[0-9]|[0-9][十百千万亿]*(?:余|多|几|来)|[几数]\s*(?:[十百千万]|10)"
    r"|[0-9].*(?:左右|上下)$|^[≥≤><=]?\s*(?:若干|[一二三四五六七八九]{2})[个家人名次场件项]"
)
_PROMPT = re.compile(
    r"\*{2,}|_{2,}|^[≥≤><=]*[xX×]{2,}(?![0-9])|(?<![A-Za-z0-9×])[xX×]{2,}+(?:%|个|家|人|次|万元|元|项|名|年|月|日)"
    r"|^(?:指标|目标|三级指标|绩效指标)\s*+[0-9一二三四五六七八九十]*+\s*+[::]?$|^(?:指标值|指标值及单位)[::]?$"
    r"|\([0-9]+字(?:以)?内\)|^\(?(?:请填写|请输入|在此填写|请选择|填写说明|例如|示例)"
)


def is_prompt(body: str) -> bool:
    """A cleaned text that is, or still holds, the form's own prompt:
    ……, ≥**%, XX, 指标1：, (100字以内)."""
    return _may_be_prompt(body) and (
        _is_dots(without_space(body)) or _PROMPT.search(body) is not None
    )


def _is_dots(text: str) -> bool:
    """Two dots and more, or an ellipsis."""
    return bool(text) and not text.strip(".…·。⋯‥_*") and (len(text) > 1 or text in "…⋯")


def _spelled(characters: str) -> str:
    """These characters, and what cleaning makes them of."""
    return characters + "".join(
        chr(code) for code, clean in _CLEAN.items() if clean and clean in characters
    )


# Without one of these, anywhere or first, there is no prompt; what cleaning takes away could hide
# one.
_ANYWHERE = re.compile(f"[{re.escape(_spelled('*_xX×字'))}\ufeff\u200b\u200c\u200d\u2060]")
_FIRST = frozenset(_spelled(".…·。⋯‥_*指目三绩请在填例示"))
_OPENING = _spelled("(") + "".join(filter(str.isspace, map(chr, range(0x3001))))
_FIRST_OR_OPENING = _FIRST | set(_OPENING)


def is_placeholder(text: str) -> bool:
    """The same of a text as written."""
    # Most texts can't be, which is seen at a glance.
    if text[:1] not in _FIRST_OR_OPENING and _ANYWHERE.search(text) is None:
        return False
    return is_prompt(clean(text))


# The numbering of a line, before what it says.
_NUMBERING = re.compile(
    r"(?:(?:年度|总体|绩效|实施期|具体)*(?:目标|指标|任务)\s*[0-9一二三四五六七八九十]{1,2}\s*[:、.]?"
    r"|\(?[0-9一二三四五六七八九十]{1,2}[)、.:])\s*"
)


def left_over(text: str) -> str:
    """The first line of a text that is a prompt, or numbered and without content;
    empty where none is.

    A numbered line alone is a heading where the next line is not numbered too.
    """
    if "\n" not in text and "\r" not in text:
        if is_placeholder(text):
            return text
        body = clean(text) if _NUMBERED.match(text) else ""
        match = _NUMBERING.match(body)
        return text if match and (match.end() == len(body) or _is_dots(body[match.end() :])) else ""
    lines = [line for line in text.splitlines() if line.strip()]
    if all(len(line) > _SHORT for line in lines) and not any(sign.search(text) for sign in _SIGNS):
        return ""
    for number, line in enumerate(lines):
        body = clean(line)
        match = _NUMBERING.match(body)
        content = body[match.end() :] if match else body
        if (match is not None and not content) or _ALONE.fullmatch(body):
            following = clean(lines[number + 1]) if number + 1 < len(lines) else ""
            if not following or _NUMBERING.match(following):
                return line
        elif is_prompt(content):
            return line
    return ""


# Shorter lines may be numbering alone; a longer one needs one of these signs to be a prompt. Each
# pattern begins with plain characters, by which a long text is searched in no time.
_SHORT = 12
_SIGNS = (
    re.compile(f"[{re.escape(_spelled('*_xX×'))}…⋯‥\ufeff\u200b\u200c\u200d\u2060]"),
    re.compile("[.。·．][.。·．]"),
    re.compile("请填写|请输入|在此填写|请选择|填写说明|例如|示例|字以?内"),
)
_ALONE = re.compile("[0-9一二三四五六七八九十]{1,2}")
_NUMBERED = re.compile(r"\s*[目指任年总绩实具0-9０-９一二三四五六七八九十(（]")


def _may_be_prompt(text: str) -> bool:
    """Most texts can't, which is seen at a glance."""
    return text.lstrip(_OPENING)[:1] in _FIRST or _ANYWHERE.search(text) is not None


_DEGREE = "|".join(sorted(_DATA["grade"]["degree"].split(), key=len, reverse=True))
_CORE = "|".join(sorted(_DATA["grade"]["core"].split(), key=len, reverse=True))
# A cleaned text has no separator at its end.
_GRADE = re.compile(rf"(?:(?:{_DEGREE}){{0,2}}(?:{_CORE})、?){{1,3}}")


def is_grade(body: str) -> bool:
    """A grade: 优良, 显著改善, 稳步提高, 有效减少."""
    return len(body) <= 14 and _GRADE.fullmatch(body) is not None
