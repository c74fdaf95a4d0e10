"""What changed between two editions: fields, categories, columns, sums, money, places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from xltool.editions.declaration import Edition, EditionError, FormSpec
from xltool.template.layout import FormLayout, load_layout

_WORDS = {
    "label": "文字", "kind": "类型", "required": "必填", "pattern": "前后的官方文字", "internal": "不公开",
    "level1": "一级指标", "rows": "行数", "counts_as": "按哪一类审核", "options": "可选项", "title": "表名",
    "sheet": "工作表", "databook": "数据表名", "unit": "金额单位", "decimals": "小数位数",
    "max_decimals": "最多小数位数", "placeholder": "占位文字", "same_as": "与哪一栏相同",
    "from_department": "取自部门表", "repeats": "每个项目一张",
}  # fmt: skip


def differences(old: Edition, new: Edition) -> list[str]:
    """Every difference that matters to those who fill, read or judge, one Chinese line each."""
    lines = [
        f"{_WORDS[k]}：{a} → {b}"
        for k, a, b in _changed(old, new, ("unit", "decimals", "max_decimals"))
    ]
    for form in old.form:
        other = new[form.id]
        lines += [f"{form.title}：{line}" for line in _form(form, other)]
    return lines + _places(old, new)


def _form(old: FormSpec, new: FormSpec) -> Iterator[str]:
    for key, a, b in _changed(old, new, ("title", "sheet", "databook")):
        yield f"{_WORDS[key]}：{a} → {b}"
    yield from _parts("字段", old.field, new.field)
    yield from _parts("指标列", old.indicators.column, new.indicators.column)
    yield from _parts("指标类别", old.indicators.block, new.indicators.block)
    was, now = _sums(old), _sums(new)
    yield from (f"去掉合计 {line}" for line in was if line not in now)
    yield from (f"增加合计 {line}" for line in now if line not in was)


def _parts(what: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    was, now = {o.id: o for o in old}, {n.id: n for n in new}
    for id_, part in was.items():
        if id_ not in now:
            yield f"去掉{what}“{part.label}”（{id_}）"
            continue
        names = tuple(
            field.name for field in msgspec.structs.fields(type(part)) if field.name != "id"
        )
        for key, a, b in _changed(part, now[id_], names):
            yield f"{what}“{part.label}”（{id_}）的{_WORDS.get(key, key)}：{_say(a)} → {_say(b)}"
    for id_, part in now.items():
        if id_ not in was:
            yield f"增加{what}“{part.label}”（{id_}）"
    kept = [key for key in was if key in now]
    if kept != [key for key in now if key in was]:
        yield f"{what}的次序变了"


def _changed(old: Any, new: Any, keys: Iterable[str]) -> Iterator[tuple[str, Any, Any]]:
    for key in keys:
        a, b = getattr(old, key), getattr(new, key)
        if a != b:
            yield key, a, b


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(map(str, value)) or "（无）"
    return str(value) or "（无）"


def _sums(form: FormSpec) -> list[str]:
    def label(id_: str) -> str:
        return form[id_].label

    return [
        f"{label(sum_spec.total)} = {' + '.join(map(label, sum_spec.parts))}"
        + "".join(f"（可由 {label(part)} 调节）" for part in sum_spec.adjust)
        for sum_spec in form.sum
    ]


def _places(old: Edition, new: Edition) -> list[str]:
    """Fields and categories that stand elsewhere in the template."""
    try:
        was, now = load_layout(old), load_layout(new)
    except EditionError as error:
        return [f"位置没有比较：{error}"]
    lines = []
    for id_, layout in was.forms.items():
        other = now.forms[id_]
        there = _where(other)
        for key, (label, place) in _where(layout).items():
            if key in there and there[key][1] != place:
                lines.append(f"{layout.spec.title}：“{label}”由 {place} 移到 {there[key][1]}")
    return lines


def _where(layout: FormLayout) -> dict[tuple[str, str], tuple[str, str]]:
    places = {
        ("field", field.id): (field.label, str(layout.fields[field.id]))
        for field in layout.spec.field
    }
    places |= {
        ("block", block.id): (block.label, str(layout.blocks[block.id]))
        for block in layout.spec.indicators.block
    }
    return places
