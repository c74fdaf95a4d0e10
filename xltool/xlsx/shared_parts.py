"""What the cells of a workbook share: texts;
styles (which may be edited, how numbers are shown)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from xltool.xlsx.grid import Mask
from xltool.xlsx.ink import RUNS, Hiding, InkWalk
from xltool.xlsx.number_format import BUILTIN, DATE_1904, changes_text
from xltool.xlsx.open_xml import BOTH_MAIN
from xltool.xlsx.package import Unreadable, parse_xml

T = TypeVar("T")
_LARGE = 2**20
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


# Not allowed in XML, or (carriage return) not what a parser gives back.
_CONTROL = bytes({*range(32)} - {9, 10})


# What XML may have to spell otherwise. One set of characters: alternatives take twice the time.
SPECIAL = re.compile("[&<>_\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def armour(text: str) -> str:
    """Text with what XML can't hold written `_xHHHH_`, as Excel does;
    `unescape` is the way back."""
    return _UNSAFE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


# What is neither one of the five entities of XML, which HTML has too, nor a character by its
# number.
OTHER_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_ENTITY = re.compile(r"(?:&#[0-9]{1,7};)+|&#x([0-9A-Fa-f]{1,6});|&(amp|lt|gt|quot|apos);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def decoded(data: bytes) -> str | None:
    """The text of a piece of XML; None where a parser would refuse it, or give back another one."""
    if len(data.translate(None, _CONTROL)) != len(data):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def unescape(text: str) -> str:
    """Characters that XML can't hold are written `_xHHHH_` in a workbook.

    Half a character beyond the basic plane, which no file can be written with, becomes U+FFFD.
    """
    if "_x" not in text:
        return text
    text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def plain_entities(text: str) -> str:
    """The text that XML spells with `&amp;`, `&#24180;` and the like.
    Raises Unreadable for no such character."""
    return _ENTITY.sub(_meant, text)


def _meant(entity: re.Match[str]) -> str:
    if entity[2]:
        return _ENTITIES[entity[2]]
    codes = (
        [int(entity[1], 16)] if entity[1] else [int(code) for code in entity[0][2:-1].split(";&#")]
    )
    characters = "" if max(codes) > 0x10FFFF else "".join(map(chr, codes))
    if not characters or _NOT_IN_XML.search(characters):
        raise Unreadable("文件已损坏：XML 有错（没有这样的字符）")
    return characters


def plain_text(content: str) -> str:
    """The text that a cell's XML spells so."""
    return unescape(plain_entities(content) if "&" in content else content)


def remembered(most: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """What was made of a part, kept for the next file with the same part;
    large parts are not kept."""

    def keep(make: Callable[[bytes], T]) -> Callable[[bytes], T]:
        kept = functools.lru_cache(most)(make)
        return functools.wraps(make)(lambda data: (kept if len(data) <= _LARGE else make)(data))

    return keep


# The spelling in which Excel, WPS and LibreOffice write texts of one font; others are parsed.
_PLAIN_STRING = re.compile(
    r'<si><t(?: xml:space="preserve")?>([^<>]*+)</t>(?:<phoneticPr(?: \w++="\w*+")*/>)?</si>'
)
_BEFORE_STRINGS = re.compile(rb"(?:<\?xml [^<>?]*+\?>)?\s*+")
_AROUND_STRINGS = re.compile(r'(?: (?:xmlns(?::\w++)?|\w++)="[^"<>&]*+")*></sst>\s*+')


@remembered(16)
def string_table(data: bytes) -> Mapping[str, str]:
    """Shared texts by their number as cells write it."""
    before, _, rest = data.partition(b"<sst")
    text = decoded(rest) if _BEFORE_STRINGS.fullmatch(before) else None
    if text is not None and not OTHER_ENTITY.search(text):
        pieces = _PLAIN_STRING.split(text)
        around = "".join(pieces[::2])
        if _AROUND_STRINGS.fullmatch(around) and any(
            f' xmlns="{name}"' in around for name in BOTH_MAIN
        ):
            return {str(number): plain_text(text) for number, text in enumerate(pieces[1::2])}
    return _parse_strings(data)


class NumberedTexts(dict[str, str]):
    """Shared texts by their number; `unseen`: what of some nobody can see on a white ground."""

    def __init__(self) -> None:
        super().__init__()
        self.unseen: dict[str, str] = {}

    def add(self, text: str, unseen: str) -> None:
        if unseen:
            self.unseen[str(len(self))] = unseen
        self[str(len(self))] = text


def unseen_runs(strings: Mapping[str, str]) -> Mapping[str, str]:
    """Of shared texts by their number what nobody can see; tables taken at a glance have none."""
    runs: Mapping[str, str] = getattr(strings, "unseen", _NO_RUNS)
    return runs


_NO_RUNS: Mapping[str, str] = MappingProxyType({})


def _parse_strings(data: bytes) -> Mapping[str, str]:
    strings = NumberedTexts()
    walk = TextWalk(strings.add)
    parse_xml(data, walk.start, walk.end, walk.text, walk.foreign)
    return strings


# What holds what among the shared texts.
_PARENTS = {"sst": ("",), "si": ("sst",), "r": ("si",), "rPh": ("si",), "t": ("si", "r", "rPh")}


class RunWalk:
    """Runs of text in a font of their own; `unseen` is what of them nobody can see."""

    def __init__(self) -> None:
        self.unseen = ""
        self.hides = False  # the run that is open

    def begin(self) -> None:
        """A new text."""
        self.unseen, self.hides = "", False

    def dress(self, tag: str, attributes: dict[str, str]) -> None:
        """A property of the run that is open."""
        self.hides = self.hides or RUNS.run_unseen(tag, attributes)


class TextWalk:
    """Takes the shared texts from their XML, one after the other;
    of their pronunciation nothing."""

    def __init__(self, add: Callable[[str, str], None]) -> None:
        self._add = add
        self._pieces: list[str] = []
        self.run = RunWalk()
        self._open = [""]
        self._given: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        around = self._open[-1]
        self._open.append(tag)
        if around == "rPr":
            self.run.dress(tag, attributes)
        if around not in _PARENTS.get(tag, (around,)) or around == "t":
            raise damaged_texts()
        if tag == "si":
            self._pieces.clear()
            self._given.clear()
            self.run.begin()
        elif around == "si":
            # A text, or runs of text, not both.
            if tag in ("t", "r") and "t" in self._given:
                raise damaged_texts()
            self._given.append(tag)
            self.run.hides = False

    def end(self, tag: str) -> None:
        self._open.pop()
        if tag == "si":
            self._add(unescape("".join(self._pieces)), self.run.unseen)

    def text(self, data: str) -> None:
        if self._open[-1] == "t" and self._open[-2] != "rPh":
            self._pieces.append(data)
            if self.run.hides:
                self.run.unseen += data.strip()

    def foreign(self) -> None:
        """An element of no workbook, which Excel would not read here."""
        raise damaged_texts()


def damaged_texts() -> Unreadable:
    """What is said of shared texts that are spelled wrongly."""
    return Unreadable("文件已损坏：共享文字的写法不对，Excel 也读不了")


class Styles(NamedTuple):
    """By cell style number as written: which may be edited when protected, number formats, and
    those formats under which a text, too, is shown as something else. `conditional`: the
    conditional formats that may show something else, by their number. `hiding`: the styles that
    may hide what stands in a cell; `grounded` those whose ground is not white."""

    unlocked: frozenset[str] = frozenset()
    formats: Mapping[str, str] = MappingProxyType({})
    of_texts: Mapping[str, str] = MappingProxyType({})
    conditional: Mapping[str, Mask] = MappingProxyType({})
    hiding: Mapping[str, Hiding] = MappingProxyType({})
    grounded: frozenset[str] = frozenset()


_NO = ("0", "false")


@remembered(16)
def read_styles(data: bytes) -> Styles:
    """The styles of a workbook."""
    codes = {str(number): code for number, code in BUILTIN.items()}
    unlocked: set[str] = set()
    formats: dict[str, str] = {}
    number = dxf = -1
    masks: dict[str, str] = {}
    around: list[str] = []
    inks = InkWalk()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal number, dxf
        around.append(tag)
        where = around[1:-1]
        inks.start(tag, where, attributes)
        if tag == "numFmt" and where == ["numFmts"]:
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "dxf" and where == ["dxfs"]:
            dxf += 1
        elif tag == "numFmt" and where == ["dxfs", "dxf"]:
            masks[str(dxf)] = attributes.get("formatCode", "")
        elif tag == "xf" and where == ["cellXfs"]:
            number += 1
            if code := codes.get(attributes.get("numFmtId", "")):
                formats[str(number)] = code
        elif (tag, where) == ("protection", ["cellXfs", "xf"]) and attributes.get("locked") in _NO:
            unlocked.add(str(number))

    def end(tag: str) -> None:
        around.pop()

    parse_xml(data, start, end)
    of_texts = {style: code for style, code in formats.items() if changes_text(code)}
    hidden = inks.hiding_conditional()
    conditional = {
        one: Mask(masks.get(one), hidden.get(one, "")) for one in sorted({*masks, *hidden})
    }
    return Styles(
        frozenset(unlocked), formats, of_texts, conditional, inks.hiding(formats), inks.grounded()
    )


def counted_from_1904(styles: Styles) -> Styles:
    """The styles of a workbook that counts days from 1904: its formats say so."""
    formats = {style: DATE_1904 + code for style, code in styles.formats.items()}
    return styles._replace(formats=formats)
