"""The words of the forms in every spelling: an edition's official labels and their aliases (`labels.toml`).

A text either is a known label or it isn't; nothing here is likely.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xltool.editions.declaration import Edition

_ALIASES = Path(__file__).with_name("labels.toml")
_LONGEST = 100  # characters of a label with all that may stand around it
# What may stand behind a label in brackets without changing it.
_BRACKETS = re.compile(
    r"\((?:单位[:]?)?(?P<unit>亿元|万元|元)\)$|\((?:盖章|公章|签章|必填|单位盖章|\d+字(?:以内|内)?)\)$"
)
_BEFORE = re.compile(
    r"^(?:[*★☆]+|其中:?|[一二三四五六七八九十]+、|\d{1,2}[.、]|\(\d{1,2}\)|\([一二三四五六七八九十]+\))+"
)
_INLINE = re.compile(
    r"^\s*+(?:其\s*中\s*[:：]\s*)?(?P<label>[^:：\n]{1,40}?(?:\n[^:：\n]{1,20}?)?)\s*[:：](?P<rest>.*)$",
    re.S,
)
_UNIT = re.compile(r"(?:金额)?单位\s*[:：]\s*(?P<unit>亿元|万元|元)(?![\w/／])")
_STAMP = re.compile(r"^\s*[（(]\s*(?:盖章|公章|签章)\s*[)）]\s*[:：]?")


def bare(text: str) -> str:
    """A text for comparison: fullwidth folded, no white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def label_key(text: str) -> tuple[str, str]:
    """A label for comparison, and the unit of money printed behind it ("" if none)."""
    key, unit = _BEFORE.sub("", bare(text)).rstrip(":"), ""
    if len(key) > _LONGEST:
        return key, ""
    while match := _BRACKETS.search(key):
        unit = match["unit"] or unit
        key = key[: match.start()].rstrip(":")
    return key, unit


@dataclass(frozen=True, slots=True)
class Match:
    """What a cell is: `role` is `field`, `known`, `private`, `section`, `longterm`, `tail` or `half`.

    `inline` is what stands behind the colon in the same cell: None where the label has no colon.
    """

    role: str
    id: str
    inline: str | None = None
    official: bool = False
    unit: str = ""


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

    def match(self, kind: str, text: str) -> Match | None:
        """A cell of a form of this kind as a label, with what stands behind its colon."""
        if not text.strip() or len(text) > 20_000:
            return None
        found = self._whole(kind, text)
        if found is not None:
            return found
        parts = _INLINE.match(text)
        if parts is None:
            # 项目负责人某某: a person's name set right behind the label
            name = next((p for p in self.run_on if bare(text).startswith(p)), None)
            return Match("private", name, "", False) if name else None
        label, rest = parts["label"], _STAMP.sub("", parts["rest"]).strip()
        found = self._whole(kind, label)
        if found is None or found.role in ("half", "section", "longterm"):
            return None
        return Match(found.role, found.id, rest, found.official, found.unit)

    def _whole(self, kind: str, text: str) -> Match | None:
        key, unit = label_key(text)
        colon = "" if bare(text).endswith(":") else None
        if key in self.fields.get(kind, {}):
            id_, official = self.fields[kind][key]
            return Match("field", id_, colon, official, unit)
        if key in self.roles:
            role, id_ = self.roles[key]
            return Match(role, id_, colon, False, unit)
        return None

    def head(self, text: str) -> tuple[str, bool] | None:
        """A head of the indicator table: (column id, official)."""
        return self.heads.get(label_key(text)[0])

    def first_level(self, text: str) -> str | None:
        """A level-1 category by its official name."""
        key = label_key(text)[0]
        return self.level1.get(key) or self.level1.get(key + "指标")

    def block(self, kind: str, text: str) -> str | None:
        """A second-level category: its id, whether or not this edition has it."""
        known, key = self.blocks[kind], label_key(text)[0]
        return known.get(key) or known.get(key + "指标")

    def title(self, text: str) -> str | None:
        """Which form a line is the title of: `department`, `project` or None."""
        key = bare(text)
        key = re.sub(r"\(?\(?\d{4}\)?年度?\)?$", "", key)
        if not 4 < len(key) <= 80:
            return None
        for kind, phrases in self.titles.items():
            for phrase in phrases:
                if any(key.endswith(phrase + ending) for ending in self.endings):
                    return kind
                if kind == "department" and key.endswith(phrase) and len(key) - len(phrase) <= 6:
                    return kind
        return None

    def other_title(self, text: str) -> bool:
        """The title of a table that is no form of ours (自评表, 分配表…)."""
        key = re.sub(r"\(\d{4}年?度?\)$", "", bare(text))
        return len(key) < 60 and key.endswith(self.other_endings)

    def says(self, text: str) -> bool:
        """Some label or other, of either form."""
        return bool(
            self.head(text)
            or self.first_level(text)
            or any(self.block(k, text) or self.match(k, text) for k in ("department", "project"))
        )


def money_unit(text: str) -> tuple[str, str]:
    """(unit, rest): a stated unit of money (单位：万元) taken out of a line of text."""
    match = _UNIT.search(text)
    if match is None:
        return "", text
    return match["unit"], (text[: match.start()] + text[match.end() :]).strip()


def year_of(text: str) -> int | None:
    """The year in a title or a line such as （2021年度）; None where there is none or more than one."""
    years = {int(y) for y in re.findall(r"(?<!\d)(20\d\d)\)?年", bare(text))}
    return years.pop() if len(years) == 1 else None


def year_line(text: str) -> int | None:
    """The year of a line that says nothing else: （2021年度）."""
    match = re.match(r"^\(?\(?(20\d\d)\)?年度?\)?$", bare(text))
    return int(match[1]) if match else None


@functools.cache
def _aliases() -> dict[str, Any]:
    return tomllib.loads(_ALIASES.read_text("utf-8"))


@functools.lru_cache(maxsize=8)
def labels_of(edition: Edition) -> Labels:
    """The labels of an edition: its own first, then the aliases of the ids that it has."""
    data = _aliases()
    titles, known = data["titles"], data["known"]
    labels = Labels(
        edition,
        titles={kind: [bare(p) for p in titles[kind]] for kind in ("department", "project")},
        endings=tuple(titles["endings"]),
        other_endings=tuple(titles["others"]),
        beside=data["beside"],
        decisive=data["decisive"],
        run_on=tuple(known["run_on"]),
        hints=tuple(known["hints"]),
    )
    for role in ("tail", "private", "plain"):
        for alias in known[role]:
            labels.roles[label_key(alias)[0]] = ("known" if role == "plain" else role, alias)
    for alias in data["sections"]["plain"]:
        labels.roles[label_key(alias)[0]] = ("section", alias)
    for alias in data["sections"]["longterm"]:
        labels.roles[label_key(alias)[0]] = ("longterm", alias)
    for side, names in data["halves"].items():
        for alias in names:
            labels.roles[label_key(alias)[0]] = ("half", side)
    for name, aliases in data["level1"].items():
        for alias in (name, *aliases):
            labels.level1[bare(alias)] = name
    for id_, aliases in data["columns"].items():
        for alias in aliases:
            labels.heads[label_key(alias)[0]] = (id_, False)
    for form in edition.form:
        own = labels.fields[form.id] = {}
        has = {f.id for f in form.field}
        for id_, aliases in data[form.id].items():
            for alias in aliases:
                if id_ in has:
                    own[label_key(alias)[0]] = (id_, False)
                else:
                    labels.roles.setdefault(label_key(alias)[0], ("known", alias))
        blocks = labels.blocks[form.id] = {
            bare(a): i for i, names in data["blocks"].items() for a in names
        }
        for f in form.field:
            if f.id != "year" and f.id not in labels.beside:
                own[label_key(f.label)[0]] = (f.id, True)
        for block in form.indicators.block:
            blocks[bare(block.label)] = block.id
            labels.level1[bare(block.level1)] = block.level1
        for column in form.indicators.column:
            labels.heads[label_key(column.label)[0]] = (column.id, True)
        labels.roles[label_key(form.indicators.label)[0]] = ("section", form.indicators.label)
    return labels
