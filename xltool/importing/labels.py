"""The words of the forms in every spelling:
an edition's official labels and their aliases (`labels.toml`).

A text either is a known label or it isn't; nothing here is likely.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xltool.editions.declaration import Edition, FormSpec, usable_editions
from xltool.files.table_habits import folded

_ALIASES = Path(__file__).with_name("labels.toml")
_KINDS = ("department", "project")
_LONGEST = 100  # characters of a label with all that may stand around it
_MONEY = r"(?:人民币)?(?P<unit>亿元|万元|千元|元)"
# What may stand behind a label in brackets without changing it.
_BRACKETS = re.compile(
    rf"\((?:(?:金额|货币)?单位[:]?)?{_MONEY}\)$"
    r"|\((?:(?:单位)?(?:盖章|公章|签章)|加盖公章|签字|必填|选填|可选|如有|若有|全称|\d+字(?:以内|内)?)\)$"
)
_ANY_BRACKET = re.compile(r"\([^()]*\)$")
_BEFORE = re.compile(
    r"^(?:[*★☆]+|其中:?|[一二三四五六七八九十]+、|\d{1,2}[.、]|\(\d{1,2}\)|\([一二三四五六七八九十]+\))+"
)
_INLINE = re.compile(
    r"^\s*+(?:其\s*中\s*[:：]\s*)?(?P<label>[^:：\n]{1,40}?(?:\n[^:：\n]{1,20}?)?)\s*[:：](?P<rest>.*)$",
    re.S,
)
_UNIT = re.compile(
    r"[(（]?\s*(?:(?:金额|货币|资金)\s*单位\s*[:：]?|(?<!量)单\s*位\s*[:：]|(?<!\w)单\s*位\s+)"
    rf"\s*[(（]?\s*{_MONEY}(?![\w/／·])\s*[)）]?\s*[)）]?"
)
_LONE_UNIT = re.compile(rf"^(?:\({_MONEY}\)|(?P<bare>亿元|万元))$")
# The head of a value: this year's, another period's, or what came of it.
_YEAR_VALUE = re.compile(
    r"^(?:(?P<year>20\d\d)年?度?|本年度?|当年度?|年度|年初|全年|当年)?(?:\(/项目\)|\(程\))?"
    r"(?:绩效|预期|计划|设定|申报|年度|当年)*(?:指标|目标|预期|计划|绩效|预期实现)值(?:及单位|及计量单位|\(含单位\))?$"
)
_OTHER_VALUE = re.compile(
    r"^(?:项目)?(?:实施(?:周)?期|中?长期|项目期|周期|总体|上?半年|[一二三四]季度|上年度?|历史"
    r"|(?:实际|全年|年度)?(?:完成|实际|执行))(?:\(程\))?(?:绩效|预期)?(?:指标|目标|预期|计划)?值$"
)
_STAMP = re.compile(r"^\s*[（(]\s*(?:盖章|公章|签章)\s*[)）]\s*[:：]?")


def label_key(text: str) -> tuple[str, str]:
    """A label for comparison, and the unit of money printed behind it ("" if none)."""
    key, unit = _BEFORE.sub("", folded(text)).rstrip(":"), ""
    key = key.lstrip(":")
    if len(key) > _LONGEST:
        return key, ""
    while match := _BRACKETS.search(key):
        unit = match["unit"] or unit
        key = key[: match.start()].rstrip(":")
    return key, unit


@dataclass(frozen=True, slots=True)
class Match:
    """What a cell is: `role` is `field`, `known`, `private`, `section`, `longterm`, `tail`, `half`
    or `whole_life`.

    `inline` is what stands behind the colon in the same cell: None where the label has no colon.
    A known label may be one of `money`, or say who carries the project out (`performer`).
    """

    role: str
    id: str
    inline: str | None = None
    official: bool = False
    unit: str = ""
    money: bool = False
    performer: bool = False

    @property
    def asks(self) -> bool:
        """It asks for an answer: a field of either form, imported or not."""
        return self.role in _ASKING


_ASKING = ("field", "known", "private", "tail", "whole_life")


@dataclass(frozen=True)
class Labels:
    """All labels of an edition's forms; build it with `labels_of`."""

    edition: Edition
    fields: dict[str, dict[str, tuple[str, bool]]] = field(default_factory=dict)
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    heads: dict[str, tuple[str, bool]] = field(default_factory=dict)
    level1: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, dict[str, str]] = field(default_factory=dict)
    titles: dict[str, list[str]] = field(default_factory=dict)
    endings: tuple[str, ...] = ()
    other_endings: tuple[str, ...] = ()
    beside: dict[str, str] = field(default_factory=dict)
    run_on: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    decisive: dict[str, list[str]] = field(default_factory=dict)
    money: set[str] = field(default_factory=set)
    performers: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    outcomes: set[str] = field(default_factory=set)

    def match(self, kind: str, text: str) -> Match | None:
        """A cell of a form of this kind as a label, with what stands behind its colon."""
        if not text.strip() or len(text) > 20_000:
            return None
        match = self._whole(kind, text)
        if match is not None:
            return match
        parts = _INLINE.match(text)
        if parts is None:
            # 项目负责人某某: a person's name set right behind the label
            name = next((p for p in self.run_on if folded(text).startswith(p)), None)
            return Match("private", name, "", False) if name else None
        label, rest = parts["label"], _STAMP.sub("", parts["rest"]).strip()
        match = self._whole(kind, label)
        if match is None or match.role in ("half", "section", "longterm"):
            return None
        return replace(match, inline=rest)

    def _whole(self, kind: str, text: str) -> Match | None:
        key, unit = label_key(text)
        colon = "" if folded(text).endswith(":") else None
        if key in self.fields.get(kind, {}):
            id_, official = self.fields[kind][key]
            return Match("field", id_, colon, official, unit)
        if key in self.roles:
            role, id_ = self.roles[key]
            return Match(role, id_, colon, False, unit, key in self.money, key in self.performers)
        return None

    def head(self, text: str) -> tuple[str, bool] | None:
        """A head of the indicator table: (column id, official).

        A value's head is known by its pattern too (2024年指标值, 预期值); one of another period, or
        of what came of it, is `ignored`.
        """
        key = label_key(text)[0]
        head = self.heads.get(key)
        if head is None and len(key) <= 20:
            if _YEAR_VALUE.match(key):
                return "target", False
            if _OTHER_VALUE.search(key):
                return "ignored", False
        return head

    def first_level(self, text: str) -> str | None:
        """A level-1 category by its official name, whatever is printed behind it in brackets."""
        key = _category_key(text)
        return self.level1.get(key) or self.level1.get(key + "指标")

    def block(self, kind: str, text: str) -> str | None:
        """A second-level category: its id, whether or not this edition has it."""
        block_ids, key = self.blocks[kind], _category_key(text)
        return block_ids.get(key) or block_ids.get(key + "指标")

    def own_block(self, kind: str, block: str) -> str | None:
        """The edition's category for this one: itself, or the first that counts as the same."""
        blocks = self.edition[kind].indicators.block
        same = [b.id for b in blocks if b.id == block]
        alike = [b.id for b in blocks if b.kind == self.kinds.get(block, block)]
        return next(iter(same + alike), None)

    def category(self, text: str) -> bool:
        """A category of either level, known or not, by its ending: never an indicator's name.

        Without the ending it may be one: 服务对象满意度 is both.
        """
        key = _category_key(text)
        return key.endswith("指标") and (len(key) <= 12 or self.exact(key))

    def title(self, text: str) -> str | None:
        """Which form a line is the title of: `department`, `project` or None."""
        key = folded(text)
        key = re.sub(
            r"\(?\(?\d{4}\)?年?度?\)?$|\((?:公开|样表|表样|样例|范本|参考模板)\)$", "", key
        )
        if not 4 <= len(key) <= 80:
            return None
        for kind, phrases in self.titles.items():
            for phrase in phrases:
                if any(key.endswith(phrase + ending) for ending in self.endings):
                    return kind
                # 整体绩效目标 alone is a field's label.
                whose = kind == "department" and phrase.startswith(("部门", "单位"))
                if whose and key.endswith(phrase) and len(key) - len(phrase) <= 6:
                    return kind
        return None

    def other_title(self, text: str) -> bool:
        """The title of a table that is no form of ours (自评表, 分配表…)."""
        key = re.sub(r"\(\d{4}年?度?\)$", "", folded(text))
        return len(key) < 60 and key.endswith(self.other_endings)

    def outcome(self, text: str) -> bool:
        """The head of a column that only a self-evaluation has (完成值, 得分)."""
        return label_key(text)[0] in self.outcomes

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Every word of the forms that is long enough to be told from running text."""
        words: set[str] = {*self.roles, *self.heads, *self.level1}
        for fields in self.fields.values():
            words.update(fields)
        for blocks in self.blocks.values():
            words.update(blocks)
        return frozenset(word for word in words if len(word) > 3)

    def exact(self, text: str) -> bool:
        """Nothing but a label, of either form: no answer behind its colon."""
        if self.head(text) or self.first_level(text):
            return True
        return any(self.block(kind, text) or self._whole(kind, text) for kind in _KINDS)

    def says(self, text: str) -> bool:
        """Some label or other, of either form."""
        if self.head(text) or self.first_level(text):
            return True
        return any(self.block(kind, text) or self.match(kind, text) for kind in _KINDS)


def _category_key(text: str) -> str:
    """A category for comparison: `生态效益 指标 (选填)` and `产出指标（50分）` without what follows."""
    key = label_key(text)[0]
    while match := _ANY_BRACKET.search(key):
        key = key[: match.start()]
    return key


def money_unit(text: str) -> tuple[str, str]:
    """(unit, rest): a stated unit of money (单位：万元) taken out of a line of text."""
    match = _UNIT.search(text)
    if match is None:
        return "", text
    return match["unit"], (text[: match.start()] + text[match.end() :]).strip()


def lone_unit(text: str) -> str:
    """The unit of money that a cell states and nothing else: `（万元）` on a line of its own."""
    match = _LONE_UNIT.match(folded(text))
    return (match["unit"] or match["bare"]) if match is not None else ""


def head_year(text: str) -> int | None:
    """The year that a value's head names: 2024 of 2024年指标值."""
    match = _YEAR_VALUE.match(label_key(text)[0])
    return int(match["year"]) if match is not None and match["year"] else None


def year_of(text: str) -> int | None:
    """The year in a title or a line such as （2021年度）; None where there is none or more than one."""
    years = {int(y) for y in re.findall(r"(?<!\d)(20\d\d)\)?年", folded(text))}
    return years.pop() if len(years) == 1 else None


def year_line(text: str) -> int | None:
    """The year of a line that says nothing else: （2021年度）."""
    match = re.match(r"^\(?\(?(20\d\d)\)?年度?\)?$", folded(text))
    return int(match[1]) if match else None


@functools.cache
def _aliases() -> dict[str, Any]:
    return tomllib.loads(_ALIASES.read_text("utf-8"))


@functools.lru_cache(maxsize=8)
def labels_of(edition: Edition) -> Labels:
    """The labels of an edition: its own first, then the aliases of the ids that it has."""
    data = _aliases()
    titles, known_aliases = data["titles"], data["known"]
    labels = Labels(
        edition,
        titles={kind: [folded(p) for p in titles[kind]] for kind in _KINDS},
        endings=tuple(titles["endings"]),
        other_endings=tuple(titles["others"]),
        beside=data["beside"],
        decisive=data["decisive"],
        run_on=tuple(known_aliases["run_on"]),
        hints=tuple(known_aliases["hints"]),
        kinds=data["kinds"],
    )
    _add_roles(labels, data)
    _add_columns(labels, data["columns"])
    for form in edition.form:
        _add_form_aliases(labels, form, data)
        _add_form_labels(labels, form)
    _other_editions(labels)
    return labels


def _add_roles(labels: Labels, data: dict[str, Any]) -> None:
    """What is no answer of the edition's, but has a part in earlier forms;
    the categories of level 1."""
    known_aliases, sections = data["known"], data["sections"]
    for name in ("plain", "money", "performer", "tail", "private", "whole_life"):
        role = "known" if name in ("plain", "money", "performer") else name
        for alias in known_aliases[name]:
            labels.roles[label_key(alias)[0]] = (role, alias)
    labels.money.update(label_key(alias)[0] for alias in known_aliases["money"])
    labels.performers.update(label_key(alias)[0] for alias in known_aliases["performer"])
    for alias in sections["plain"]:
        labels.roles[label_key(alias)[0]] = ("section", alias)
    for alias in sections["longterm"]:
        labels.roles[label_key(alias)[0]] = ("longterm", alias)
    for side, names in data["halves"].items():
        for alias in names:
            labels.roles[label_key(alias)[0]] = ("half", side)
    for name, aliases in data["level1"].items():
        for alias in (name, *aliases):
            labels.level1[folded(alias)] = name


def _add_columns(labels: Labels, columns: dict[str, list[str]]) -> None:
    for id_, aliases in columns.items():
        for alias in aliases:
            key = label_key(alias)[0]
            labels.heads[key] = ("ignored" if id_ == "outcome" else id_, False)
            if id_ == "outcome":
                labels.outcomes.add(key)


def _add_form_aliases(labels: Labels, form: FormSpec, data: dict[str, Any]) -> None:
    """Other names of a form's fields and categories;
    fields that the edition lacks are known, no more."""
    own = labels.fields[form.id] = {}
    has = {field.id for field in form.field}
    for id_, aliases in data[form.id].items():
        for alias in aliases:
            key = label_key(alias)[0]
            if id_ in has:
                own[key] = (id_, False)
                continue
            labels.roles.setdefault(key, ("known", alias))
            if id_ in data["known"]["money_fields"]:
                labels.money.add(key)
    blocks = labels.blocks[form.id] = {}
    for id_, names in data["blocks"].items():
        for alias in names:
            blocks[folded(alias)] = id_


def _add_form_labels(labels: Labels, form: FormSpec) -> None:
    """The official labels of a form, which come before any other name."""
    own, blocks = labels.fields[form.id], labels.blocks[form.id]
    for f in form.field:
        if f.id != "year" and f.id not in labels.beside:
            own[label_key(f.label)[0]] = (f.id, True)
    for block in form.indicators.block:
        blocks[folded(block.label)] = block.id
        labels.level1[folded(block.level1)] = block.level1
    for column in form.indicators.column:
        labels.heads[label_key(column.label)[0]] = (column.id, True)
    labels.roles[label_key(form.indicators.label)[0]] = ("section", form.indicators.label)


def _other_editions(labels: Labels) -> None:
    """What other editions call the same field is a name for it too,
    unless it means something else here."""
    for other in usable_editions():
        for form in other.form:
            own, has = labels.fields[form.id], {field.id for field in labels.edition[form.id].field}
            for f in form.field:
                key = label_key(f.label)[0]
                named = f.id in has and f.kind != "year" and f.id not in labels.beside
                if named and key not in own and key not in labels.roles:
                    own[key] = (f.id, False)
