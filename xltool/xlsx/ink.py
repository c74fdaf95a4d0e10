"""Whether a person can see what stands in a cell: its font's colour against its ground, its size.

Decided once for each style of a styles part; a sound workbook has no style that hides, and its
cells are not looked at. Colours of a theme other than its black and white are compared by their
number only: the theme is not read.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import NamedTuple

from xltool.xlsx.number_format import colour_of, format_colours

SAME_COLOUR = "字和底色一样"
TOO_SMALL = "字号只有 {} 磅"
_SMALLEST = 2.0  # points: up to here nobody reads it, on paper or on the screen
_NEAR = 12  # of 255 in each of red, green and blue
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)

Colour = tuple[int, int, int] | str
Attributes = Mapping[str, str]

# The palette of the format; the first eight colours come twice.
_FIRST_COLOURS = "000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF "
PALETTE = (
    _FIRST_COLOURS * 2
    + "800000 008000 000080 808000 800080 008080 C0C0C0 808080 "
    + "9999FF 993366 FFFFCC CCFFFF 660066 FF8080 0066CC CCCCFF "
    + "000080 FF00FF FFFF00 00FFFF 800080 800000 008080 0000FF "
    + "00CCFF CCFFFF CCFFCC FFFF99 99CCFF FF99CC CC99FF FFCC99 "
    + "3366FF 33CCCC 99CC00 FFCC00 FF9900 FF6600 666699 969696 "
    + "003366 339966 003300 333300 993300 993366 333399 333333 000000 FFFFFF"
).split()
_NAMED = {
    name: number
    for number, names in enumerate(
        ("black 黑", "white 白", "red 红", "green 绿", "blue 蓝", "yellow 黄", "magenta 洋红", "cyan 青")
    )
    for word in names.split()
    for name in (word, f"{word}色")
}  # fmt: skip


class Hiding(NamedTuple):
    """A style that may hide what stands in its cells: why it hides all, the colours of its number
    format, and those of them that are no different from the ground."""

    why: str = ""
    code: str = ""
    colours: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()

    def reason(self, text: str, number: bool) -> str:
        """Why nobody sees this text or number; empty where it is seen."""
        colour = colour_of(text, self.code, number) if self.colours else ""
        if not colour or (self.why and self.why != SAME_COLOUR):
            return self.why
        return SAME_COLOUR if colour in self.lost else ""


class InkWalk:
    """Takes fonts, grounds and the palette from a part of styles."""

    def __init__(self) -> None:
        self._fonts: list[dict[str, Attributes]] = []
        self._fills: list[dict[str, Attributes]] = []
        self._conditional: list[dict[str, Attributes]] = []
        self._styles: list[tuple[str, str]] = []
        self._palette: list[str] = []

    def start(self, tag: str, where: list[str], attributes: dict[str, str]) -> None:
        """An element, and the names of those around it below the root."""
        if not where:
            return
        if where[0] == "cellXfs":
            if tag == "xf":
                self._styles.append((attributes.get("fontId", "0"), attributes.get("fillId", "0")))
        elif where[0] == "colors":
            if tag == "rgbColor":
                self._palette.append(attributes.get("rgb", "")[-6:])
        elif made := self._list(where[0]):
            if len(where) == 1:
                made[0].append({})
            elif made[0] and where[-1] in ("font", "fill", "patternFill"):
                made[0][-1][tag] = attributes

    def _list(self, name: str) -> tuple[list[dict[str, Attributes]]] | None:
        made = {"fonts": self._fonts, "fills": self._fills, "dxfs": self._conditional}.get(name)
        return None if made is None else (made,)

    def hiding(self, formats: Mapping[str, str]) -> dict[str, Hiding]:
        """The styles that may hide, by their number; `formats` are their number formats."""
        found = {}
        for number, (font, fill) in enumerate(self._styles):
            ink, ground = _at(self._fonts, font), self._ground(_at(self._fills, fill))
            code = formats.get(str(number), "")
            colours = format_colours(code) if "[" in code else frozenset()
            lost = frozenset(one for one in colours if _alike(self._format_colour(one), ground))
            if (why := self._why(ink, ground)) or lost:
                found[str(number)] = Hiding(why, code, colours, lost)
        return found

    def grounded(self) -> frozenset[str]:
        """The styles whose ground is not white."""
        return frozenset(
            str(number)
            for number, (_, fill) in enumerate(self._styles)
            if self._ground(_at(self._fills, fill)) != _WHITE
        )

    def run_unseen(self, tag: str, attributes: Attributes) -> bool:
        """Whether this property of a run of text hides it on a white ground."""
        if tag == "color":
            return _alike(self._colour(attributes, _BLACK), _WHITE)
        return tag == "sz" and bool(self._why({tag: attributes}, "none"))

    def hiding_conditional(self) -> dict[str, str]:
        """The conditional formats that hide, by their number, and why."""
        whys = (
            (number, self._why(one, self._ground(one, True)) if one else "")
            for number, one in enumerate(self._conditional)
        )
        return {str(number): why for number, why in whys if why}

    def _why(self, font: Mapping[str, Attributes], ground: Colour) -> str:
        size = font.get("sz", {}).get("val", "11")
        try:
            if 0 <= float(size) <= _SMALLEST:
                return TOO_SMALL.format(size)
        except ValueError:
            pass
        return SAME_COLOUR if _alike(self._colour(font.get("color"), _BLACK), ground) else ""

    def _ground(self, fill: Mapping[str, Attributes], conditional: bool = False) -> Colour:
        """The colour behind the text; of a pattern or a gradient one that no font has."""
        pattern = fill.get("patternFill")
        kind = (pattern or {}).get("patternType", "solid" if conditional else "none")
        if "gradientFill" in fill:
            return "gradient"
        if pattern is None or kind == "none":
            return _WHITE
        colours = [
            self._colour(fill[name], _WHITE)
            for name in (("bgColor", "fgColor") if conditional else ("fgColor",))
            if name in fill
        ]
        if kind != "solid" or not colours or len(set(colours)) > 1:
            return "pattern"
        return colours[0]

    def _format_colour(self, name: str) -> Colour:
        number = _NAMED.get(name)
        if number is None:  # [Color2], [颜色 2]
            number = int("".join(filter(str.isdigit, name)) or 0) - 1
        return self._of_palette(number + 8)

    def _of_palette(self, number: int) -> Colour:
        own = self._palette if number < len(self._palette) else PALETTE
        try:
            return _rgb(own[number]) if 0 <= number < len(own) else f"indexed {number}"
        except ValueError:  # not six digits
            return f"indexed {number}"

    def _colour(self, attributes: Attributes | None, default: Colour) -> Colour:
        if not attributes or attributes.get("auto") in ("1", "true"):
            return default
        try:
            tint = float(attributes.get("tint", "0"))
            if "rgb" in attributes:
                return _tinted(_rgb(attributes["rgb"][-6:]), tint)
            if "indexed" in attributes:
                return _tinted(self._of_palette(int(attributes["indexed"])), tint)
            theme = int(attributes.get("theme", "-1"))
            if theme > 1:
                return f"theme {theme} {tint:.3f}"
            return default if theme < 0 else _tinted((_WHITE, _BLACK)[theme], tint)
        except ValueError:
            return default


def _at(made: list[dict[str, Attributes]], number: str) -> dict[str, Attributes]:
    place = int(number) if number.isdecimal() and len(number) < 9 else 0
    return made[place] if place < len(made) else {}


def _rgb(text: str) -> Colour:
    red, green, blue = (int(text[at : at + 2], 16) for at in (0, 2, 4))
    return red, green, blue


def _tinted(colour: Colour, tint: float) -> Colour:
    """A colour made darker (below 0) or lighter (above)."""
    if not tint or isinstance(colour, str):
        return colour
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    light = light * (1 + tint) if tint < 0 else light * (1 - tint) + tint
    red, green, blue = colorsys.hls_to_rgb(hue, min(max(light, 0), 1), full)
    return round(red * 255), round(green * 255), round(blue * 255)


def _alike(one: Colour, other: Colour) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


RUNS = InkWalk()
"""For runs of text: the palette of the format."""


def hidden_run(cell_text: str, run: str) -> str:
    """What is said of a cell of whose text nobody can read a part."""
    return f"单元格里有的字看不见（“{run[:40]}”，{SAME_COLOUR}或太小），存的是“{cell_text[:40]}”"


def hidden(cell_text: str, why: str) -> str:
    """What is said of a cell that nobody can read."""
    return f"单元格里的字看不见（{why}），存的是“{cell_text[:40]}”"
