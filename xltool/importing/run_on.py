"""Text whose cells have run together: `项目名称修路项目属性新增`, `数量指标维修长度≥5公里`.

It is cut at the forms' own words. An answer is taken where it can only be the one between two
labels; an indicator where its name ends and its value begins without doubt. Everything else is left
to be listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from xltool.importing.labels import Labels, year_line
from xltool.importing.rows import FormRow
from xltool.importing.streams import TextLine, is_label, is_section, label_kind, text_row
from xltool.money import read_amount

_TITLE = re.compile(r"^.{0,60}?绩效目标(?:申报|批复|公开|填报)?表(?:[(（]20\d\d年?度?[)）])?")
_HEADS = ("一级指标", "二级指标")
_STAMP = re.compile(r"^(?:[(（](?:单位)?(?:盖章|公章|签章)[)）])?\s*[:：]?\s*")
_SIGN = r"(?:[≥≤=＞＜<>≧≦]=?|不低于|不少于|不超过|不高于|达到)"
_MEASURED = re.compile(
    rf"^(?P<name>\D.*?[\u4e00-\u9fff）)])(?P<value>{_SIGN}?\s*\d[\d,]*(?:\.\d+)?(?:[%％‰]|[^\d\s≥≤=<>，。；、:：]{{1,6}}))$"
)
_GRADED = re.compile(
    r"^(?P<name>\D{2,}(?:情况|程度|率|性|水平|能力|影响|度))"
    r"(?P<value>(?:显著|明显|稳步|持续|逐步|不断|有效|进一步|长期|大幅)(?:提高|提升|改善|增强|促进|降低|减少|保障|加强))$"
)
_MOMENT = re.compile(r"[年月日时点]")
_HALF_WIDTH = str.maketrans("（）／", "()/")
_LONGEST = 40  # characters of a name


def runs_on(text: str) -> bool:
    """Somewhere the heads of the indicator table stand one behind the other without a gap."""
    return all(h in text for h in _HEADS) and bool(re.search("一级指标二级指标", text))


def run_on_rows(number: int, line: str, labels: Labels) -> Iterator[FormRow]:
    """The rows of one line of such a text."""
    title = _TITLE.match(line)
    if title is not None and labels.title(title[0]):
        yield text_row([(number, title[0].strip())])
        line = line[title.end() :]
    pieces = [(number, p) for p in _indicators_whole(_cut(line, labels), labels)]
    row: list[TextLine] = []
    for piece in pieces:
        if row and _begins(piece[1], row, labels):
            yield from _settled(row, labels)
            row = []
        row.append(piece)
    if row:
        yield from _settled(row, labels)


def _cut(line: str, labels: Labels) -> Iterator[str]:
    """The line cut before and behind every word of the forms."""
    folded = line.translate(_HALF_WIDTH)
    plain, at = "", 0
    while at < len(line):
        length = next(
            (n for n in range(24, 3, -1) if folded[at : at + n] in labels.words),
            0,
        )
        if not length:
            plain += line[at]
            at += 1
            continue
        if plain.strip():
            yield plain.strip()
        plain = ""
        stamp = _STAMP.match(line[at + length :])
        behind = stamp.end() if stamp is not None else 0
        yield line[at : at + length + behind].strip()
        at += length + behind
    if plain.strip():
        yield plain.strip()


def _indicators_whole(pieces: Iterable[str], labels: Labels) -> Iterator[str]:
    """Behind a category a field's word (完成时间) is part of an indicator's name."""
    name, inside = "", False
    for piece in pieces:
        category = labels.first_level(piece) or labels.block("project", piece)
        if category or labels.head(piece) or is_section(piece, labels):
            if name:
                yield name
            name, inside = "", bool(category)
            yield piece
        elif inside:
            name += piece
        else:
            yield piece
    if name:
        yield name


def _begins(text: str, row: list[TextLine], labels: Labels) -> bool:
    """A word of the forms begins a row,
    but heads stand together and a category follows its first level."""
    if not labels.exact(text):
        return bool(year_line(text))
    if labels.head(text) and any(labels.head(t) for _, t in row[-1:]):
        return False
    return not (labels.first_level(row[-1][1]) and labels.block("project", text))


def _settled(row: list[TextLine], labels: Labels) -> Iterator[FormRow]:
    first = row[0][1]
    values = [cell for cell in row if not labels.exact(cell[1])]
    if sum(1 for _, t in row if labels.head(t)) > 1:
        yield text_row(row)
    elif labels.first_level(first) or labels.block("project", first):
        yield from _indicator([cell for cell in row if labels.exact(cell[1])], values)
    elif not is_label(first, labels):
        if values is not row and len(values) == len(row) == 1:
            yield from _indicator([], values)
        else:
            yield text_row(row, scattered=not labels.exact(first))
    elif len(values) == 1 and _answers(values[0][1], label_kind(first, labels)):
        text = values[0][1].rstrip("；;，,。)） ")
        yield text_row([(row[0][0], first.rstrip(":： ")), (values[0][0], text)])
    else:
        yield text_row(row[:1])
        if values:
            yield text_row(values, scattered=True)


def _answers(text: str, kind: str) -> bool:
    """It reads as the whole answer to such a label."""
    if kind == "amount":
        return read_amount(text.rstrip("；;，,。)） ")) is not None
    if kind in ("unit", "text"):
        return len(text) <= _LONGEST and not re.search(r"[，。；：,;:]", text)
    return kind == "private"


def _indicator(leading: list[TextLine], values: list[TextLine]) -> Iterator[FormRow]:
    """A category, and name and value where it is certain
    where the one ends and the other begins."""
    pair = _name_and_value(values[0][1]) if len(values) == 1 else None
    if pair is not None:
        number = values[0][0]
        yield text_row([*leading, (number, pair[0]), (number, pair[1])])
        return
    if leading:
        yield text_row(leading)
    if values:
        yield text_row(values, scattered=True)


def _name_and_value(text: str) -> tuple[str, str] | None:
    match = _MEASURED.match(text) or _GRADED.match(text)
    if match is None or len(match["name"]) > _LONGEST or _MOMENT.search(match["value"]):
        return None
    return match["name"], match["value"]
