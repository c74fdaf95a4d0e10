"""Where a form that is longer than a page is broken: between categories of indicators, never before
the first row under the heads."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import accumulate
from typing import NamedTuple

from xltool.template.layout import FormLayout, GrownRows

# Programs differ by so much in what they round. A page that a program had to break by itself would
# leave another one with next to nothing on it.
_SURE = 0.97
# A form that runs over its page by no more than this is printed a little smaller instead: what is
# written at 10.5 磅 stays above 7.5 磅 (六号).
_SQUEEZE = 1.35
NO_HEIGHT = 15.0  # points of a row that says none


def is_squeezed(points: float, page: float) -> bool:
    """Whether rows of so many points are printed smaller, on one page."""
    return page * _SURE < points <= page * _SQUEEZE


def is_broken(points: float, page: float) -> bool:
    """Whether rows of so many points go on several pages."""
    return points > page * _SQUEEZE


class KeptTogether(NamedTuple):
    """The rows (first, behind the last) that belong together: answers, heads with a category,
    categories; and the row of the heads, which are repeated on every page."""

    groups: tuple[tuple[int, int], ...]
    heads: int


def kept_on_form(layout: FormLayout, rows: GrownRows, last: int) -> KeptTogether:
    """What belongs together on a form of so many rows."""
    starts_of_blocks = {rows.start(blank.top) for blank in layout.blocks.values()}
    inside = {
        row
        for blank in layout.fields.values()
        for row in range(rows.start(blank.top) + 1, rows.end(blank.bottom) + 1)
    }
    return kept_together(starts_of_blocks, inside, last)


def kept_together(starts_of_blocks: Set[int], inside: Set[int], last: int) -> KeptTogether:
    """What belongs together, of the rows at which the categories begin
    and those in the midst of an answer."""
    first = min(starts_of_blocks)
    above = set(range(1, first)) - inside
    starts = sorted(above | (starts_of_blocks - {first}))
    return KeptTogether(tuple(zip(starts, [*starts[1:], last + 1], strict=True)), first - 1)


def page_breaks(kept: KeptTogether, heights: Sequence[float], page: float) -> list[int]:
    """The rows after which a new page begins.

    `heights` are the points of all rows in order, `page` how many points fit on one.
    """
    breaks: list[int] = []
    page *= _SURE
    points = [high or NO_HEIGHT for high in heights]
    tops = [0.0, *accumulate(points)]
    again = points[kept.heads - 1]
    used = 0.0
    for start, end in kept.groups:
        whole = tops[end - 1] - tops[start - 1]
        if used + whole <= page:
            used += whole
            continue
        if used > again and whole <= page - again:
            breaks.append(start - 1)
            used = again
        for row in range(start, end):
            high = points[row - 1]
            if used + high > page and used > again:
                breaks.append(row - 1)
                used = again
            used += high
    return breaks


def row_breaks(breaks: list[int]) -> bytes:
    """The breaks as the sheet's XML has them; nothing where there are none."""
    if not breaks:
        return b""
    inner = "".join(f'<brk id="{row}" max="16383" man="1"/>' for row in breaks)
    return f'<rowBreaks count="{len(breaks)}" manualBreakCount="{len(breaks)}">{inner}</rowBreaks>'.encode()
