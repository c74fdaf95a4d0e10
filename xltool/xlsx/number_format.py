"""What a person sees in a cell that stores a number.

`as_shown` gives the string on the screen, for every number format of Excel. `as_read` stands on top
of it for reading: dates in one Chinese spelling, digits exact instead of rounded, literals kept.

A format is up to four sections (positive; negative; zero; text), each with an optional condition.
The section is cut into tokens once for each code; a number is then laid over the tokens.

Why no library: `xlfmt` (exact, pure Python) is a first release and renders only, so dates could not
be told from numbers for `as_read`; `ssf` works on floats and brings seven further packages.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from xltool.money import plain, read_amount, stored_number

DATE_1904 = "[1904]"
"""Put in front of a format code whose workbook counts days from 1904."""

NO_ROOM = "########"
"""What a cell shows of a number that its format can't show, such as a day before the first."""

BUILTIN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00",
    5: "¥#,##0;¥-#,##0", 6: "¥#,##0;[Red]¥-#,##0", 7: "¥#,##0.00;¥-#,##0.00",
    8: "¥#,##0.00;[Red]¥-#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm",
    **dict.fromkeys((23, 24, 25, 26), "General"),
    27: 'yyyy"年"m"月"', 28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"', 33: 'h"时"mm"分"ss"秒"',
    34: '上午/下午h"时"mm"分"', 35: '上午/下午h"时"mm"分"ss"秒"', 36: 'yyyy"年"m"月"',
    37: "#,##0;-#,##0", 38: "#,##0;[Red]-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;[Red]-#,##0.00", 41: '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ',
    42: '_ ¥* #,##0_ ;_ ¥* -#,##0_ ;_ ¥* "-"_ ;_ @_ ',
    43: '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ',
    44: '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ ',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"', 53: 'm"月"d"日"',
    54: 'm"月"d"日"', 55: '上午/下午h"时"mm"分"', 56: '上午/下午h"时"mm"分"ss"秒"',
    57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip
"""The formats that a workbook names by number only, as Chinese (zh-CN) Excel has them; 0 is General."""

_LONGEST_CODE = 255  # characters that Excel allows in a number format
_LAST_DAY = 2_958_466  # the day after 9999-12-31
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|[\\!](?P<escaped>.)|_(?P<pad>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>G/通用格式|General|通用格式)|(?P<noon>AM/PM|A/P|上午/下午)|(?P<exponent>E[+-])"
    r"|(?P<moment>y+|m+|d+|h+|s+|e+|aaaa|aaa)|(?P<digit>[0#?])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d{1,20}(?:\.\d{1,20})?)")
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "=": lambda a, b: a == b, "<>": lambda a, b: a != b,
}  # fmt: skip
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_ENOUGH = Context(prec=400)


class Token(NamedTuple):
    """A piece of a section: its kind (a literal, a digit, a part of a moment) and its text."""

    kind: str
    text: str


class Section(NamedTuple):
    """One section of a format: what it is for, and its tokens."""

    kind: str  # number, moment, general, text, literal
    tokens: tuple[Token, ...]
    condition: tuple[str, Decimal] | None = None
    chinese_digits: int = 0
    chinese: bool = False
    colour: str = ""


class Format(NamedTuple):
    """A parsed number format."""

    sections: tuple[Section, ...]
    date1904: bool = False


class Moment(NamedTuple):
    """A stored day and time; the days 0 and 60 of Excel's calendar are no days of ours."""

    year: int
    month: int
    day: int
    weekday: int
    second: int
    fraction: str
    total: int


@functools.lru_cache(512)
def parse_format(code: str) -> Format:
    """The sections of a format code; a code that is too long counts as General."""
    date1904 = code.startswith(DATE_1904)
    code = code.removeprefix(DATE_1904)
    if len(code) > _LONGEST_CODE:
        code = ""
    sections: list[list[re.Match[str]]] = [[]]
    for match in _TOKEN.finditer(code or "General"):
        if match["other"] == ";":
            sections.append([])
        else:
            sections[-1].append(match)
    return Format(tuple(_section(tokens) for tokens in sections[:4]), date1904)


def as_shown(value: str | Decimal, code: str = "") -> str:
    """A stored number (or a text) as the screen shows it under a number format."""
    number = stored_number(value) if isinstance(value, str) else value
    parsed = parse_format(code)
    if number is None:
        return _text(str(value), parsed)
    chosen = _chosen(parsed, number)
    return NO_ROOM if chosen is None else _rendered(*chosen, parsed.date1904)


def text_shown(text: str, code: str) -> str:
    """A text, even one of digits, as the screen shows it under a number format."""
    return _text(text, parse_format(code))


def nothing_shown(text: str, code: str, number: bool) -> str | None:
    """What a cell shows that says nothing of what it holds: a blank, ########;
    None where it says something."""
    seen = (as_shown if number else text_shown)(text, code).strip()
    return seen if seen in ("", NO_ROOM) else None


def format_colours(code: str) -> frozenset[str]:
    """The colours that the sections of a number format name (`red`, `白色`, `color2`)."""
    return frozenset(section.colour for section in parse_format(code).sections) - {""}


def colour_of(text: str, code: str, number: bool) -> str:
    """The colour that a number format gives a cell; empty where it names none for it."""
    parsed = parse_format(code)
    stored = stored_number(text) if number else None
    if stored is not None:
        chosen = _chosen(parsed, stored)
        return chosen[0].colour if chosen else ""
    section = parsed.sections[-1]
    return section.colour if section.kind == "text" or len(parsed.sections) > 3 else ""


def as_read(text: str, code: str = "", exact: bool = False) -> str:
    """A stored number as text for reading: the number that is shown, a date in one spelling.

    `0.95` under `"≥"0%` is `≥95%`, under `0.0%` it is `95%`; a day is `2023年1月1日` under any
    format with year, month and day. A number that the format hides is read all the same. With
    `exact` what only rounds (no percentage) keeps its digits: it may be an amount.
    """
    number = stored_number(text)
    if number is None:
        return text
    if not code:
        return plain(number)
    parsed = parse_format(code)
    chosen = _chosen(parsed, number)
    if chosen is None:
        return plain(number)
    section, value, signed = chosen
    if section.kind == "moment":
        return _date_read(section, number, parsed.date1904) or plain(number)
    if section.kind == "literal":
        return _rendered(section, value, signed, parsed.date1904).strip(" -") or plain(number)
    if section.kind != "number" or section.chinese_digits:
        return _around_digits(section, number)
    inside = _inside(section.tokens)
    if not inside <= _FIGURES:
        if "exponent" in inside or "/" in inside:
            return _around_digits(section, number)
        return _rendered(section, value, signed, parsed.date1904).strip()  # 0!.0000, 000-0000
    return _number_read(section, number, value, exact)


def _around_digits(section: Section, number: Decimal) -> str:
    """The number itself (a power of ten, a fraction,
    in words) between the literals of its section."""
    kinds = ("digit", "general", "text")
    places = [index for index, token in enumerate(section.tokens) if token.kind in kinds]
    if not places:
        return plain(number)
    before = _literals(section.tokens[: places[0]]).strip(" (-")
    after = _literals(section.tokens[places[-1] + 1 :]).strip(" )")
    return f"{before}{plain(number)}{after}"


def _literals(tokens: Iterable[Token]) -> str:
    return "".join(token.text for token in tokens if token.kind == "literal")


class Shown(NamedTuple):
    """An amount as a person sees it:
    the text, the number it says, and whether that is what is stored.

    `amount` is the stored one where the text merely rounds it, None where the text is no amount.
    """

    text: str
    amount: Decimal | None
    same: bool
    rounded: bool = False


def amount_shown(stored: Decimal, code: str, unit: str = "万元") -> Shown:
    """What an amount in `unit` looks like under a number format, held against what is stored."""
    places = _plain_places(code) if code else _EVERY_PLACE
    if places is not None and -int(stored.as_tuple().exponent) <= places:
        return Shown("", stored, True)
    code = _DIGITS_IN_WORDS.sub("", code)
    text = as_shown(stored, code).strip()
    bare = _BRACKETED.sub(r"-\1", "".join(text.split()))
    if not stored and bare in ("", "-", "—", "－"):
        return Shown(text, stored, True)
    amount = read_amount(bare, unit)
    shown_amount = stored_number(bare) if amount is None else amount.value
    if shown_amount is not None and shown_amount == -stored and stored < 0 and _RED.search(code):
        shown_amount = stored
    if shown_amount is None:
        return Shown(text, None, False)
    if shown_amount == stored:
        return Shown(text, stored, True)
    if amount is not None and shown_amount == _round(stored, _decimals(bare)):
        return Shown(text, stored, True, rounded=True)
    if amount is None and abs(shown_amount - stored) <= abs(shown_amount).scaleb(-_decimals(bare)):
        return Shown(text, stored, True, rounded=True)  # 1.25E+03
    return Shown(text, shown_amount, False)


_EVERY_PLACE = 99
_DIGITS_IN_WORDS = re.compile(r"\[DBNum[123]\]", re.IGNORECASE)
_RED = re.compile(r"\[(?:red|红色?)\]", re.IGNORECASE)
_COLOUR = re.compile(
    r"(?:black|white|red|green|blue|yellow|magenta|cyan|[黑白红绿蓝黄青]色?|洋红色?)"
    r"|(?:color|颜色)\s*[0-9]{1,2}"
)
_BRACKETED = re.compile(r"^[（(](.*)[)）]$")
_FIGURES = frozenset({"digit", "point", "group", "divide"})
_HARMLESS = frozenset({"", " ", "-", "(", ")", "¥", "￥", "+"})


def _decimals(text: str) -> int:
    return len(re.sub(r"[Ee].*|[^0-9.]", "", text).partition(".")[2])


@functools.lru_cache(512)
def _plain_places(code: str) -> int | None:
    """Up to how many decimals a format shows any amount as it is stored;
    None where it may do more."""
    sections = parse_format(code).sections[:3]
    if any(section.condition or section.chinese_digits for section in sections):
        return None
    least = _EVERY_PLACE
    for order, section in enumerate(sections):
        tokens = [token for token in section.tokens if token.kind != "pad"]
        if section.kind == "general" and len(tokens) == 1 and not order:
            continue
        inside = [token for token in tokens if token.kind in ("digit", "point", "group")]
        around = [
            token
            for token in tokens
            if token.kind in ("literal", "other") and token.text in _HARMLESS
        ]
        if section.kind != "number" or len(inside) + len(around) != len(tokens):
            return None
        if order < 2 and any(t.text in ("-", "(") for t in around) != (order == 1):
            return None  # a positive amount with a minus, a negative one without
        if not _inside(section.tokens) <= _FIGURES - {"divide"}:
            return None
        if order < 2:  # a zero has no decimals to lose
            least = min(least, _places(section.tokens))
    return least


def _places(tokens: tuple[Token, ...]) -> int:
    """How many decimals a section of digits shows."""
    kinds = [token.kind for token in tokens]
    return kinds[kinds.index("point") :].count("digit") if "point" in kinds else 0


def _inside(tokens: tuple[Token, ...]) -> set[str]:
    """The kinds of tokens from the first digit of a section to the last;
    of a fraction its `/` too."""
    places = [index for index, token in enumerate(tokens) if token.kind in ("digit", "point")]
    inside = tokens[places[0] : places[-1] + 1]
    return {"/" if token == Token("other", "/") else token.kind for token in inside}


def changes_text(code: str) -> bool:
    """Whether a text under this format is shown as something else than itself."""
    parsed = parse_format(code)
    return _text("\0", parsed) != "\0"


@functools.lru_cache(512)
def is_amount(code: str) -> bool:
    """Whether a format leaves a number a number: no percentage, no date or time."""
    tokens = [
        (section.kind, token) for section in parse_format(code).sections for token in section.tokens
    ]
    return not any(kind == "moment" or token.text in "%‰" for kind, token in tokens if token.text)


def _section(matches: list[re.Match[str]]) -> Section:
    tokens: list[Token] = []
    condition = None
    chinese_digits = 0
    chinese = False
    colour = ""
    for match in matches:
        kind = match.lastgroup or "quoted"
        text = match[kind] or ""
        if kind == "bracket":
            lower = text.lower()
            if comparison := _CONDITION.fullmatch(text.strip()):
                condition = (comparison[1], Decimal(comparison[2]))
            elif re.fullmatch(r"h+|m+|s+", lower):
                tokens.append(Token("elapsed", lower))
            elif re.fullmatch(r"dbnum[123]", lower):
                chinese_digits = int(lower[-1])
            elif _COLOUR.fullmatch(lower):
                colour = "".join(lower.split())
            elif text.startswith("$"):
                symbol, _, locale = text[1:].partition("-")
                chinese |= locale.lower().endswith("804") or "zh" in locale.lower()
                tokens.append(Token("literal", symbol))
        elif kind in ("quoted", "escaped"):
            tokens.append(Token("literal", text))
        elif kind == "moment":
            tokens.append(Token("moment", text.lower()))
        elif kind == "other":
            tokens.append(Token("text" if text == "@" else "other", text))
        elif kind != "fill":
            tokens.append(Token(kind, text))
    what = _shown_kind(tokens)
    if what == "moment":
        tokens = _minutes(tokens)
    elif what == "number":
        tokens = _commas(tokens)
    return Section(what, tuple(tokens), condition, chinese_digits, chinese, colour)


def _shown_kind(tokens: list[Token]) -> str:
    """What a section shows, by the strongest of its tokens."""
    kinds = {token.kind for token in tokens}
    if kinds & {"moment", "elapsed", "noon"}:
        return "moment"
    if "digit" in kinds:
        return "number"
    if "general" in kinds:
        return "general"
    return "text" if "text" in kinds else "literal"


def _minutes(tokens: list[Token]) -> list[Token]:
    """Tell minutes from months: `m` is minutes after hours or before seconds."""
    retyped = list(tokens)
    places = [index for index, token in enumerate(tokens) if token.kind in ("moment", "elapsed")]
    for order, i in enumerate(places):
        if tokens[i].kind != "moment" or tokens[i].text not in ("m", "mm"):
            continue
        before = tokens[places[order - 1]].text[0] if order else ""
        after = tokens[places[order + 1]].text[0] if order + 1 < len(places) else ""
        if before == "h" or after == "s":
            retyped[i] = Token("minute", tokens[i].text)
    # Zeros behind a point are fractions of a second.
    joined: list[Token] = []
    for token in retyped:
        if token.kind == "digit":
            if joined and joined[-1].kind == "fraction":
                joined[-1] = Token("fraction", joined[-1].text + "0")
            elif joined and joined[-1] == Token("other", "."):
                joined[-1] = Token("fraction", "0")
            continue
        joined.append(token)
    return joined


def _commas(tokens: list[Token]) -> list[Token]:
    """Tell commas: between digits of the whole part they group,
    behind the last digit they divide."""
    digits = [index for index, token in enumerate(tokens) if token.kind == "digit"]
    point = next(
        (index for index, token in enumerate(tokens) if token == Token("other", ".")), len(tokens)
    )
    retyped = list(tokens)
    for i, token in enumerate(tokens):
        if token != Token("other", ","):
            continue
        if not any(digit < i for digit in digits):
            retyped[i] = Token("literal", ",")
        elif i < point and any(i < digit < point for digit in digits):
            retyped[i] = Token("group", "")
        else:
            retyped[i] = Token("divide", "")
    if point < len(tokens):
        retyped[point] = Token("point", ".")
    return retyped


def _chosen(parsed: Format, number: Decimal) -> tuple[Section, Decimal, bool] | None:
    """The section for a number, the number it shows, and whether a minus goes before it."""
    sections = parsed.sections[:3]
    if sections[-1].kind == "text":
        sections = sections[:-1] or parse_format("").sections  # for a text only
    conditional = any(section.condition for section in sections)
    for order, section in enumerate(sections):
        if section.condition is not None:
            operator, limit = section.condition
            fits = _COMPARE[operator](number, limit)
        elif order == len(sections) - 1:
            fits = True
        elif order == 0:
            fits = number > 0 or (number == 0 and len(sections) == 2)
        else:
            fits = number < 0
        if fits:
            signed = number < 0 and (order == 0 or conditional)
            return section, abs(number), signed
    return None


def _rendered(section: Section, value: Decimal, signed: bool, date1904: bool) -> str:
    if section.kind == "moment":
        number = -value if signed else value
        return _moment_text(section, number, date1904) or NO_ROOM
    minus = "-" if signed else ""
    if section.kind == "number":
        text = _number_text(section, value)
        # What rounds to zero has no minus (numfmt and LibreOffice agree on it).
        return text if _rounds_to_zero(section, value) else minus + text
    return minus + "".join(_token_text(token, value) for token in section.tokens)


def _token_text(token: Token, value: Decimal) -> str:
    """A token of a section that lays out no digits of its own."""
    if token.kind in ("general", "text"):
        return _general(value)
    return " " if token.kind == "pad" else token.text


def _text(text: str, parsed: Format) -> str:
    """A text under a format: the section with `@`, else as it is."""
    section = parsed.sections[-1]
    if section.kind != "text" and len(parsed.sections) < 4:
        return text
    show = {"text": text, "pad": " "}
    return "".join(show.get(token.kind, token.text) for token in section.tokens)


def _general(value: Decimal) -> str:
    """A number under General, in at most 11 characters, as a cell that is wide enough shows it."""
    if not value:
        return "0"
    size = value.adjusted()
    if size >= 11 or size < -9 or (size < -4 and len(plain(value)) > 11):
        digits = _round(value.scaleb(-size), 5)
        if digits >= 10:
            digits, size = digits / 10, size + 1
        return f"{plain(digits)}E{'-' if size < 0 else '+'}{abs(size):02d}"
    return plain(_round(value, max(0, 9 - max(size, 0)) if size < 10 else 0))


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _ENOUGH)


def _scaled(section: Section, value: Decimal) -> Decimal:
    percents = sum(token == Token("other", "%") for token in section.tokens)
    commas = sum(token.kind == "divide" for token in section.tokens)
    return value.scaleb(2 * min(percents, 50) - 3 * min(commas, 50), _ENOUGH)


def _rounds_to_zero(section: Section, value: Decimal) -> bool:
    if Token("other", "/") in section.tokens or any(
        token.kind == "exponent" for token in section.tokens
    ):
        return False
    return not _round(_scaled(section, value), _places(section.tokens))


def _number_text(section: Section, value: Decimal) -> str:
    value = _scaled(section, value)
    tokens = section.tokens
    kinds = [token.kind for token in tokens]
    if "exponent" in kinds:
        return _scientific(tokens, value, kinds.index("exponent"))
    slash = next((index for index, token in enumerate(tokens) if token == Token("other", "/")), 0)
    if slash and "digit" in kinds[:slash]:
        return _fraction(tokens, value, slash)
    text = _laid(tokens, value)
    return _chinese_number(text, section.chinese_digits) if section.chinese_digits else text


_PADDING = {"0": "0", "#": "", "?": " "}  # what a digit place shows where there is no digit


def _laid(tokens: tuple[Token, ...], value: Decimal) -> str:
    """A number laid over digit places, the literals between them kept."""
    kinds = [token.kind for token in tokens]
    point = kinds.index("point") if "point" in kinds else len(tokens)
    places = kinds[point:].count("digit")
    whole, _, decimals = f"{_round(value, places):f}".partition(".")
    whole = whole.lstrip("0")
    left = kinds[:point].count("digit")
    grouped = "group" in kinds
    # From the right: how many digits stand behind this one decides where a comma goes.
    spread: list[str] = [""] * left
    missing = left - len(whole)
    marks = [token.text for token in tokens[:point] if token.kind == "digit"]
    for index in range(left):
        if missing < 0:
            # More digits than places: the first place takes all that are too many.
            digit = whole[: 1 - missing] if index == 0 else whole[index - missing]
        elif index < missing:
            digit = _PADDING[marks[index]]
        else:
            digit = whole[index - missing]
        spread[index] = _grouped(digit, left - 1 - index) if grouped else digit
    kept = len(decimals.rstrip("0"))
    pieces: list[str] = []
    seen = after = 0
    for index, token in enumerate(tokens):
        if token.kind == "digit" and index < point:
            pieces.append(spread[seen])
            seen += 1
        elif token.kind == "digit":
            pieces.append(decimals[after] if after < kept else _PADDING[token.text])
            after += 1
        elif token.kind == "point":
            pieces.append((whole if left == 0 else "") + ".")
        else:
            pieces.append(" " if token.kind == "pad" else token.text)
    return "".join(pieces)


def _grouped(digits: str, behind: int) -> str:
    """Digits with a comma behind each that has a multiple of three digits to its right."""
    last = len(digits) - 1
    return "".join(
        digit
        + ("," if digit != " " and (right := behind + last - index) and right % 3 == 0 else "")
        for index, digit in enumerate(digits)
    )


def _scientific(tokens: tuple[Token, ...], value: Decimal, at: int) -> str:
    mantissa, power = tokens[:at], tokens[at + 1 :]
    kinds = [token.kind for token in mantissa]
    whole = max(
        1,
        kinds[: kinds.index("point")].count("digit") if "point" in kinds else kinds.count("digit"),
    )
    places = _places(mantissa)
    size = value.adjusted() if value else 0
    # With several digits before the point the exponent is a multiple of their number.
    size = size // whole * whole
    digits = _round(value.scaleb(-size, _ENOUGH), places)
    if digits >= 10**whole:
        size += whole
        digits = _round(value.scaleb(-size, _ENOUGH), places)
    plus = "+" if tokens[at].text[1] == "+" else ""
    sign = "-" if size < 0 else plus
    return f"{_laid(mantissa, digits)}E{sign}{_laid(power, Decimal(abs(size)))}"


def _fraction(tokens: tuple[Token, ...], value: Decimal, slash: int) -> str:
    """A fraction such as `# ?/?` or `0/100`, the nearest one with so many digits."""
    from fractions import Fraction

    first = slash
    while first and tokens[first - 1].kind == "digit":
        first -= 1
    last = slash + 1
    while last < len(tokens) and (tokens[last].kind == "digit" or tokens[last].text.isdigit()):
        last += 1
    below = "".join(token.text for token in tokens[slash + 1 : last])
    has_whole = any(token.kind == "digit" for token in tokens[:first])
    whole = int(value) if has_whole else 0
    rest = Fraction(value) - whole
    if fixed := below.strip("#?"):
        bottom = max(1, int(fixed))
        top = int(_round(Decimal(rest.numerator) * bottom / Decimal(rest.denominator), 0))
    else:
        near = rest.limit_denominator(10 ** min(len(below), 7) - 1)
        top, bottom = near.numerator, near.denominator
    if has_whole and top == bottom:
        whole, top = whole + 1, 0
        bottom = bottom if fixed else 1
    before = _laid(tokens[:first], Decimal(whole)) if has_whole else ""
    if has_whole and not top and not fixed:
        blank = " " * (slash - first + 1 + len(below))
        if not whole and "0" not in before:
            before = before.replace(" ", "0 ", 1)
        return before + blank
    above = _laid(tokens[first:slash], Decimal(top))
    under = str(bottom) if fixed else str(bottom).ljust(len(below) if "?" in below else 0)
    tail = "".join(token.text for token in tokens[last:])
    return f"{before}{above}/{under}{tail}"


_SMALL = {1: "〇一二三四五六七八九", 2: "零壹贰叁肆伍陆柒捌玖", 3: "０１２３４５６７８９"}
_STEPS = {1: ("", "十", "百", "千"), 2: ("", "拾", "佰", "仟"), 3: ("", "十", "百", "千")}


def _chinese_number(text: str, style: int) -> str:
    """The digits of a text in Chinese: whole numbers with 十百千万亿, decimals one by one."""
    whole = re.search(r"\d+", text)
    if whole is None:
        return text
    before, after = text[: whole.start()], text[whole.end() :]
    spoken = _spoken(whole[0], style)
    return before + spoken + "".join(_SMALL[style][int(c)] if c.isdigit() else c for c in after)


def _spoken(digits: str, style: int) -> str:
    small = _SMALL[style]
    zero = "零" if style == 2 else small[0]
    words = ""
    gap = False
    size = len(digits)
    for index, digit in enumerate(digits):
        behind = size - 1 - index
        if digit == "0":
            gap = True
        else:
            words += (zero if gap and words else "") + small[int(digit)] + _STEPS[style][behind % 4]
            gap = False
        if behind % 4 == 0 and behind and digits[max(0, index - 3) : index + 1].strip("0"):
            words += "亿" if behind % 8 == 0 else "万"
    if style != 2 and words.startswith(small[1] + "十"):
        words = words[1:]
    return words or zero


def _moment(number: Decimal, places: int, date1904: bool) -> Moment | None:
    """The day and time that a number stands for, rounded to so many places of a second."""
    if date1904:
        number += 1462
    if not 0 <= number < _LAST_DAY:
        return None
    seconds = _round(number * 86_400, places)
    whole = int(seconds)
    fraction = f"{seconds:f}".partition(".")[2]
    serial, second = divmod(whole, 86_400)
    weekday = (serial + 5) % 7
    if serial == 60:  # Excel's 1900 has a 29 February
        return Moment(1900, 2, 29, weekday, second, fraction, whole)
    if serial == 0:
        return Moment(1900, 1, 0, weekday, second, fraction, whole)
    try:
        day = dt.date(1899, 12, 30) + dt.timedelta(days=serial + (serial < 60))
    except OverflowError:
        return None
    return Moment(day.year, day.month, day.day, weekday, second, fraction, whole)


def _moment_text(section: Section, number: Decimal, date1904: bool) -> str:
    places = max(
        (len(token.text) for token in section.tokens if token.kind == "fraction"), default=0
    )
    at = _moment(number, min(places, 3), date1904)
    if at is None:
        return ""
    noon = any(token.kind == "noon" for token in section.tokens)
    chinese = section.chinese or any("上午" in token.text for token in section.tokens)
    pieces = []
    for token in section.tokens:
        if token.kind in ("moment", "minute", "elapsed"):
            piece = _moment_piece(token, at, noon, chinese)
            if section.chinese_digits:
                piece = _date_digits(piece, section.chinese_digits, token.text)
            pieces.append(piece)
        elif token.kind == "noon":
            pieces.append(_noon(token.text, at.second >= 43_200))
        elif token.kind == "fraction":
            pieces.append("." + at.fraction[: len(token.text)])
        elif token.kind == "general":
            pieces.append(_general(number))
        else:
            pieces.append(" " if token.kind == "pad" else token.text)
    return "".join(pieces)


def _noon(text: str, later: bool) -> str:
    return text.partition("/")[2 if later else 0]


def _date_digits(piece: str, style: int, letters: str) -> str:
    """A year is said digit by digit, a month or a day as a number."""
    if not piece.isdigit():
        return piece
    if letters[0] in "ye":
        return "".join(_SMALL[style][int(digit)] for digit in piece)
    return _spoken(piece.lstrip("0") or "0", style)


def _moment_piece(token: Token, at: Moment, noon: bool, chinese: bool) -> str:
    letter, width = token.text[0], len(token.text)
    hour, minute, second = at.second // 3600, at.second // 60 % 60, at.second % 60
    if token.kind == "elapsed":
        unit = {"h": 3600, "m": 60, "s": 1}[letter]
        return str(at.total // unit).zfill(width)
    if token.kind == "minute":
        return str(minute).zfill(width)
    if letter in "ye":
        return f"{at.year % 100:02d}" if letter == "y" and width <= 2 else f"{at.year:04d}"
    if letter == "h":
        return str((hour + 11) % 12 + 1 if noon else hour).zfill(min(width, 2))
    if letter == "s":
        return str(second).zfill(min(width, 2))
    if letter == "a":
        return ("星期" if width == 4 else "") + "一二三四五六日"[at.weekday]
    if width <= 2:
        return str(at.month if letter == "m" else at.day).zfill(width)
    if letter == "m":
        return _month_name(at.month, width, chinese)
    if chinese:
        return ("周" if width == 3 else "星期") + "一二三四五六日"[at.weekday]
    name = _WEEKDAYS[at.weekday]
    return name[:3] if width == 3 else name


def _month_name(month: int, width: int, chinese: bool) -> str:
    if chinese and width != 5:
        return f"{month}月" if width == 3 else f"{_spoken(str(month), 1)}月"
    name = _MONTHS[month - 1]
    if width == 3:
        return name[:3]
    return name[:1] if width == 5 else name


def _date_read(section: Section, number: Decimal, date1904: bool) -> str:
    """A day or a time of day in Chinese, in one spelling; text before and behind it is kept."""
    letters = {token.text[0] for token in section.tokens if token.kind == "moment"}
    kinds = {token.kind for token in section.tokens}
    if "elapsed" in kinds:
        return _moment_text(section, number, date1904)
    at = _moment(number, 0, date1904)
    if at is None:
        return ""
    hour, minute, second = at.second // 3600, at.second // 60 % 60, at.second % 60
    clock = f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second else "")
    dated = letters & set("yemda")
    if not dated:
        return clock
    year = f"{at.year}年" if letters & set("ye") or letters <= set("ahs") else ""
    month = f"{at.month}月" if letters & set("mda") else ""
    day = f"{at.day}日" if letters & set("da") else ""
    if not year and not (month and "m" in letters):
        year = f"{at.year}年"  # a day of the week or of the month alone says too little
    date_text = year + month + day
    if "h" in letters and at.second:
        date_text += f" {clock}"
    before, after = _around_moment(section)
    return f"{before}{date_text}{after}"


def _around_moment(section: Section) -> tuple[str, str]:
    """Literals before the first and behind the last part of a moment, without 年, 月,
    日 and the like."""
    parts = [
        index
        for index, token in enumerate(section.tokens)
        if token.kind in ("moment", "minute", "noon", "fraction")
    ]
    before = "".join(token.text for token in section.tokens[: parts[0]] if token.kind == "literal")
    after = "".join(
        token.text for token in section.tokens[parts[-1] + 1 :] if token.kind == "literal"
    )
    return before.strip(" -/()"), after.lstrip("年月日号时分秒").strip(" -/()")


def _number_read(section: Section, number: Decimal, value: Decimal, exact: bool) -> str:
    """The digits that are shown between the literals of a section,
    without commas and idle zeros."""
    tokens = section.tokens
    places = [index for index, token in enumerate(tokens) if token.kind in ("digit", "point")]
    before = "".join(
        token.text for token in tokens[: places[0]] if token.kind in ("literal", "other")
    )
    after = "".join(
        token.text for token in tokens[places[-1] + 1 :] if token.kind in ("literal", "other")
    )
    before, after = before.strip(" (-"), after.strip(" )")
    scaled = _scaled(section, value)
    if scaled != value or not exact:
        scaled = _round(scaled, _places(tokens))
    digits = plain(scaled)
    whole = next(
        (index for index, token in enumerate(tokens) if token.kind == "point"), len(tokens)
    )
    # A code such as 00123 kept as a number.
    zeros = sum(token == Token("digit", "0") for token in tokens[:whole])
    if zeros > 1 and all(token.kind != "group" for token in tokens):
        start, point, rest = digits.partition(".")
        digits = start.zfill(zeros) + point + rest
    # A negative section with words of its own (减少5) has said the sign.
    minus = "-" if number < 0 and not re.search(r"[^\W\d_]", before) else ""
    return f"{before}{minus}{digits}{after}"
