"""Deadlines and periods as people write them: 12月31日前, 2023年底, 2023.07-2024.01, 2021年全年.

A `Span` says what was written, with the year left open where none stands there; `within(year)`
makes it a `Period` of real days.
"""

from __future__ import annotations

import calendar
import functools
import re
from datetime import date

from msgspec import Struct

from xltool.indicator.numerals import with_digits


class Period(Struct, frozen=True):
    """From the first to the last day, both included."""

    start: date
    end: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day <= self.end

    @property
    def years(self) -> range:
        """The years that it touches."""
        return range(self.start.year, self.end.year + 1)


class Day(Struct, frozen=True):
    """A day of a year, the year None where none was written.
    29 February stands for its last day."""

    year: int | None
    month: int
    day: int

    def within(self, year: int) -> date:
        """The date, in this year where it names none; a day that the month lacks is its last."""
        real = year if self.year is None else self.year
        return date(real, self.month, min(self.day, calendar.monthrange(real, self.month)[1]))

    def __str__(self) -> str:
        return (
            f"{self.year}年{self.month}月{self.day}日"
            if self.year
            else f"{self.month}月{self.day}日"
        )


class Span(Struct, frozen=True):
    """From `start` to `end`; `start` is None for a deadline (something 前)."""

    start: Day | None
    end: Day

    @property
    def deadline(self) -> bool:
        """Only its end is said."""
        return self.start is None

    @property
    def is_period(self) -> bool:
        """More than one month; one day or month is a date."""
        start, end = self.start, self.end
        return start is not None and (start.year, start.month) != (end.year, end.month)

    @property
    def year(self) -> int | None:
        """The year written at its end."""
        return self.end.year

    @property
    def forward(self) -> bool:
        """It does not end before it begins."""
        start, end = self.start, self.end
        if start is None:
            return True
        last = (end.month, end.day)
        if start.year is None:
            return (start.month, start.day) <= last
        return (start.year, start.month, start.day) <= (end.year or start.year, *last)

    def within(self, year: int) -> Period:
        """Its real days, `year` standing in where no year was written."""
        end = self.end.within(year)
        return Period(date(end.year, 1, 1) if self.start is None else self.start.within(year), end)

    def __str__(self) -> str:
        start, end = self.start, self.end
        if start is None:
            return f"{end}前"
        if start == end:
            return str(end)
        year = f"{end.year}年" if end.year else ""
        if start.year == end.year and start.day == 1 and end.day == _days(end.month, end.year):
            if start.month == end.month:
                return f"{year}{end.month}月"
            if (start.month, end.month) == (1, 12):
                return f"{year}全年"
        return f"{start}-{end}"


_YEAR = r"(?:19|20)[0-9]{2}"
_THIS = "当年|本年度|本年|今年|该年"
_PARTS = {
    "全年": (1, 12), "年内": (1, 12), "内": (1, 12), "年度": (1, 12), "度": (1, 12), "": (1, 12),
    "度内": (1, 12), "上半年": (1, 6), "下半年": (7, 12),
}  # fmt: skip
_ENDS = {"底": 12, "末": 12, "年底": 12, "年末": 12, "中": 6, "年中": 6, "度末": 12, "度底": 12}
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_WORDS = "|".join(sorted({*_PARTS, *_ENDS} - {""}, key=len, reverse=True))
_MOMENT = re.compile(
    rf"(?:(?P<year>{_YEAR})\s*年|(?P<this>{_THIS}))?\s*(?:"
    r"(?P<month>[0-9]{1,2})\s*月份?\s*(?:(?P<day>[0-9]{1,2})\s*[日号](?:\s*24[时点])?"
    r"|(?P<third>上旬|中旬|下旬|初|中|底|末))?"
    r"|第?(?P<quarter>[一二三四1-4])季度(?P<quarter_end>末|底)?"
    rf"|(?P<word>{_WORDS})?)"
)
_NUMERIC = re.compile(
    rf"(?P<year>{_YEAR})\s*(?P<sep>[-./])\s*(?P<month>[0-9]{{1,2}})(?:\s*(?P=sep)\s*(?P<day>[0-9]{{1,2}}))?"
)
_THIRDS = {"上旬": (1, 10), "中旬": (11, 20), "下旬": (21, 31), "初": (1, 10), "中": (11, 20)}
_BEFORE = re.compile(
    r"(?:之前|以前|前|之内|以内)(?:全部|全面|基本)?(?:完成|完工|竣工|办结|到位|结束)?$|(?:完成|完工)$"
)
_LEAD = re.compile(r"^(?:截止到|截至到|截止|截至|于|在|计划)\s*")
_DASHES = "~～∼〜—–―─━−‐‑→"  # as pasted or typed; the hyphen of a keyboard may also be in a date
_JOINTS = re.compile(rf"\s*(?:至|到|[{_DASHES}]+|--+)\s*")
# 24年12月 is of 2024; 24年 alone is how long.
_SHORT_YEAR = re.compile(
    "(?<![0-9])([1-4][0-9])年(?=(?:[0-9]{1,2}月|[底末]|[上下]半年|第?[一二三四1-4]季度))"
)
_SUSPECT = re.compile(rf"[年月季]|{_YEAR}\s*[-./]")


def _days(month: int, year: int | None = None) -> int:
    """The last day of a month; without a year a February has 29."""
    return calendar.monthrange(year or 2000, month)[1]


def read_span(text: str) -> Span | None:
    """The deadline, date or period written there, or None. Text is halfwidth and without edges."""
    span = _span(text)
    return span if span is not None and span.forward else None


def _span(text: str) -> Span | None:
    """The same, also where it runs backwards."""
    if _SUSPECT.search(text) is None or len(text) > 60:
        return None
    body = _SHORT_YEAR.sub(r"20\1年", _LEAD.sub("", text))
    rest = _BEFORE.sub("", body)
    if rest != body:
        inner = _moment(rest)
        return Span(None, inner.end) if inner is not None else None
    return _moment(body) or _joined(body)


def _joined(text: str) -> Span | None:
    """Two moments and something between them."""
    cuts = [(m.start(), m.end()) for m in _JOINTS.finditer(text)]
    cuts += [(number, number + 1) for number, char in enumerate(text) if char == "-"]
    for begin, end in cuts:
        left, right = text[:begin].strip(), text[end:].strip()
        if span := _pair(left, right):
            return span
    return None


def _pair(left: str, right: str) -> Span | None:
    if re.fullmatch(_YEAR, left) and re.fullmatch(rf"{_YEAR}年度?", right):
        left += "年"
    elif left[-1:].isdigit() and right.endswith("月") and "." not in left:
        left += "月"
    first = _moment(left)
    if first is None or first.start is None:
        return None
    numeric = _NUMERIC.fullmatch(left)
    if numeric is not None and re.fullmatch(r"[0-9.]{1,5}", right):
        right = f"{numeric['year']}{numeric['sep']}{right}"
    last = _moment(right)
    if last is None:
        return None
    start, end = first.start, last.end
    if end.year is None and start.year is not None:
        end = Day(start.year, end.month, end.day)
    return Span(start, end)


def _moment(text: str) -> Span | None:
    """One moment: a day, month, quarter, part of a year or a year."""
    numeric = _NUMERIC.fullmatch(text)
    if numeric is not None:
        return _month(int(numeric["year"]), int(numeric["month"]), numeric["day"], None)
    match = _MOMENT.fullmatch(text)
    if match is None or not text:
        return None
    year = int(match["year"]) if match["year"] else None
    if match["month"]:
        return _month(year, int(match["month"]), match["day"], match["third"])
    if match["quarter"]:
        last = 3 * _QUARTERS[match["quarter"]]
        first = last if match["quarter_end"] else last - 2
        return Span(
            Day(year, first, _days(last) if match["quarter_end"] else 1),
            Day(year, last, _days(last)),
        )
    word = match["word"] or ""
    if (
        year is None
        and match["this"] is None
        and word not in ("全年", "年内", "上半年", "下半年", "年底", "年末")
    ):
        return None
    if word in _ENDS:
        end = Day(year, _ENDS[word], _days(_ENDS[word]))
        return Span(end, end)
    first, last = _PARTS[word]
    return Span(Day(year, first, 1), Day(year, last, _days(last)))


def _month(year: int | None, month: int, day: str | None, third: str | None) -> Span | None:
    if not 1 <= month <= 12:
        return None
    last = _days(month, year)
    if day is not None:
        single_day = Day(year, month, int(day))
        return Span(single_day, single_day) if 1 <= single_day.day <= last else None
    if third in ("底", "末"):
        end = Day(year, month, last)
        return Span(end, end)
    begin, end_day = _THIRDS.get(third or "", (1, last))
    return Span(Day(year, month, begin), Day(year, month, min(end_day, last)))


_TIDY = str.maketrans("０１２３４５６７８９．－／（）　，", "0123456789.-/() ,")


@functools.lru_cache(maxsize=256)
def read_period(text: str, year: int | None = None) -> Period | None:
    """A project's 实施期 as real days: `2023年1月1日-2023年12月31日`, `2023.07-2024.01`, `2021年全年`.

    None where it is no period, or names no year and `year` is not given.
    """
    span = read_span(text.translate(_TIDY).strip())
    if span is None and (plain := _plain_period(text)) != text:
        span = read_span(plain)
    if span is None or (span.end.year is None and year is None):
        return None
    return span.within(year or 0)


_COMPACT = re.compile(rf"({_YEAR})(0[1-9]|1[0-2])([0-2][0-9]|3[01])?(?![0-9])")
_NEXT_YEAR = re.compile(rf"({_YEAR})(.*?)(?:次|翌|第二)年")


def _plain_period(text: str) -> str:
    """A period without what people put around it: 自…起至…止, brackets, 20240101, a bare 2024, 次年."""
    body = with_digits(text.translate(_TIDY).strip())
    bare = re.sub(r"(?<=[^(])\([^()]*\)$", "", body).strip("() .。;,")
    bare = re.sub(rf"^[自从]|(?:结束|截止|止)$|起(?=[-至到{_DASHES}])", "", bare).strip()
    bare = _COMPACT.sub(lambda m: ".".join(filter(None, m.groups())), bare)
    bare = _NEXT_YEAR.sub(lambda m: f"{m[1]}{m[2]}{int(m[1]) + 1}年", bare)
    return (
        f"{bare}年" if re.fullmatch(rf"{_YEAR}(?:\s*[-至到{_DASHES}]+\s*{_YEAR})?", bare) else bare
    )


def read_deadline(text: str, year: int) -> date | None:
    """The last day of a deadline or period in the budget year `year`: `12月31日前`, `2023年底`."""
    span = read_span(text.translate(_TIDY).strip())
    return span.within(year).end if span else None


_SOME_DIGIT = re.compile("[0-9０-９一二三四五六七八九十]")
_MONTH_AND_DAY = re.compile(
    rf"(?:({_YEAR})\s*年\s*)?(?<![0-9])([0-9]{{1,2}})\s*月(?:份)?\s*(?:([0-9]{{1,2}})\s*[日号])?"
    rf"|(?<![0-9])({_YEAR})([-./])([0-9]{{1,2}})(?:\5([0-9]{{1,2}}))?(?![0-9])"
)


def impossible(text: str) -> str:
    """What keeps a date or period from being one, in Chinese: 没有13月, 2月没有30日, it runs backwards.

    Empty where nothing is wrong, or where the text is no date at all.
    """
    if _SOME_DIGIT.search(text) is None:
        return ""
    plain = _plain_period(text)
    for match in _MONTH_AND_DAY.finditer(plain):
        year, month, day = match[1] or match[4], int(match[2] or match[6]), match[3] or match[7]
        if not 1 <= month <= 12:
            return f"没有{month}月"
        last = _days(month, int(year) if year else None)
        if day and not 1 <= int(day) <= last:
            return f"{month}月没有{int(day)}日，最后一天是{last}日"
    span = _span(plain)
    if span is not None and not span.forward and span.start is not None and span.start.year:
        return "结束早于开始"
    return ""
