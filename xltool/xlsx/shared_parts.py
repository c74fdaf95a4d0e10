"""What the cells of a workbook share: texts; styles (which may be edited, how numbers are shown)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from xltool.xlsx.number_format import BUILTIN, DATE_1904, changes_text
from xltool.xlsx.package import End, Start, Text, parse_xml

T = TypeVar("T")
_LARGE = 2**20
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


# Not allowed in XML, or (carriage return) not what a parser gives back.
_CONTROL = bytes({*range(32)} - {9, 10})


# What is not one of the five entities of XML, which HTML has too.
OTHER_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")


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
    """The text that XML spells with `&amp;` and the like."""
    from html import unescape  # late: its table of all HTML entities is needed by few files

    return unescape(text)


def plain_text(content: str) -> str:
    """The text that a cell's XML spells so."""
    return unescape(plain_entities(content) if "&" in content else content)


def remembered(most: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """What was made of a part, kept for the next file with the same part; large parts are not kept."""

    def keep(make: Callable[[bytes], T]) -> Callable[[bytes], T]:
        kept = functools.lru_cache(most)(make)
        return functools.wraps(make)(lambda data: (kept if len(data) <= _LARGE else make)(data))

    return keep


# The spelling in which Excel, WPS and LibreOffice write texts of one font; others are parsed.
_PLAIN_STRING = re.compile(
    r'<si><t(?: xml:space="preserve")?>([^<>]*+)</t>(?:<phoneticPr(?: \w++="\w*+")*/>)?</si>'
)
_BEFORE_STRINGS = re.compile(rb"(?:<\?xml [^<>?]*+\?>)?\s*+")
_AROUND_STRINGS = re.compile(r'(?: [\w:]++="[^"<>&]*+")*></sst>\s*+')


@remembered(16)
def string_table(data: bytes) -> Mapping[str, str]:
    """Shared texts by their number as cells write it."""
    before, _, rest = data.partition(b"<sst")
    text = decoded(rest) if _BEFORE_STRINGS.fullmatch(before) else None
    if text is not None and not OTHER_ENTITY.search(text):
        pieces = _PLAIN_STRING.split(text)
        if _AROUND_STRINGS.fullmatch("".join(pieces[::2])):
            return {str(number): plain_text(text) for number, text in enumerate(pieces[1::2])}
    return _parse_strings(data)


def _parse_strings(data: bytes) -> Mapping[str, str]:
    strings: dict[str, str] = {}

    def add(text: str) -> None:
        strings[str(len(strings))] = text

    parse_xml(data, *string_handlers(add))
    return strings


def string_handlers(add: Callable[[str], None]) -> tuple[Start, End, Text]:
    """What takes the shared texts from their XML, one after the other."""
    pieces: list[str] = []
    wanted = phonetic = False

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal wanted, phonetic
        if tag == "si":
            pieces.clear()
        elif tag == "rPh":
            phonetic = True
        wanted = tag == "t" and not phonetic

    def end(tag: str) -> None:
        nonlocal wanted, phonetic
        wanted = False
        if tag == "rPh":
            phonetic = False
        elif tag == "si":
            add(unescape("".join(pieces)))

    def text(data: str) -> None:
        if wanted:
            pieces.append(data)

    return start, end, text


class Styles(NamedTuple):
    """By cell style number as written: which may be edited when protected, number formats, and those
    formats under which a text, too, is shown as something else."""

    unlocked: frozenset[str] = frozenset()
    formats: Mapping[str, str] = MappingProxyType({})
    of_texts: Mapping[str, str] = MappingProxyType({})


@remembered(16)
def read_styles(data: bytes) -> Styles:
    """The styles of a workbook."""
    codes = {str(number): code for number, code in BUILTIN.items()}
    unlocked: set[str] = set()
    formats: dict[str, str] = {}
    inside = False
    number = -1

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal inside, number
        if tag == "cellXfs":
            inside = True
        elif tag == "numFmt":
            codes[a.get("numFmtId", "")] = a.get("formatCode", "")
        elif inside and tag == "xf":
            number += 1
            if code := codes.get(a.get("numFmtId", "")):
                formats[str(number)] = code
        elif inside and tag == "protection" and a.get("locked") in ("0", "false"):
            unlocked.add(str(number))

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "cellXfs":
            inside = False

    parse_xml(data, start, end)
    of_texts = {style: code for style, code in formats.items() if changes_text(code)}
    return Styles(frozenset(unlocked), formats, of_texts)


def counted_from_1904(styles: Styles) -> Styles:
    """The styles of a workbook that counts days from 1904: its formats say so."""
    formats = {style: DATE_1904 + code for style, code in styles.formats.items()}
    return styles._replace(formats=formats)
