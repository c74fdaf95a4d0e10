"""Where a form that is longer than a page is broken: between categories of indicators, never before
the first row under the heads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from xltool.template.layout import FormLayout, GrownRows

# Programs and fonts differ by so much. A page that a program had to break by itself would leave
# another one with next to nothing on it.
_SURE = 0.9
_NO_HEIGHT = 15.0  # points of a row that says none


class KeptTogether(NamedTuple):
    """The rows (first, behind the last) that belong together: answers, heads with a category,
    categories; and the row of the heads, which are repeated on every page."""

    groups: tuple[tuple[int, int], ...]
    heads: int


def kept_together(layout: FormLayout, rows: GrownRows, last: int) -> KeptTogether:
    """What belongs together on a form of so many rows."""
    starts_of_blocks = {rows.start(blank.top) for blank in layout.blocks.values()}
    first = min(starts_of_blocks)
    inside = {
        row
        for blank in layout.fields.values()
        for row in range(rows.start(blank.top) + 1, rows.end(blank.bottom) + 1)
    }
    above = set(range(1, first)) - inside
    starts = sorted(above | (starts_of_blocks - {first}))
    return KeptTogether(tuple(zip(starts, [*starts[1:], last + 1], strict=True)), first - 1)


def page_breaks(kept: KeptTogether, heights: Sequence[float], page: float) -> list[int]:
    """The rows after which a new page begins.

    `heights` are the points of all rows in order, `page` how many points fit on one.
    """
    breaks: list[int] = []
    page *= _SURE
    points = [high or _NO_HEIGHT for high in heights]
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
